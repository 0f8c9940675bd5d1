"""Readability must order the three editions of one article that OneStopEnglish has: the elementary one reads easier
than the intermediate one, and that easier than the advanced one."""

import collections
import statistics

from measures import share
from report import figure, percent, table

TITLE = "Readability orders the editions of one article"
LEVELS = ("Adv", "Int", "Ele")
# Measures that rise as a text becomes easier; all others rise as it becomes harder.
EASE = {"readability_score", "flesch_reading_ease"}


def measure(service, texts, _seed):
    articles = collections.defaultdict(dict)
    for document in texts.documents("onestop_english"):
        # "Amazon-adv.txt", "Amazon-int.txt" and "Amazon-ele.txt" are one article.
        article = document["id"].rsplit("-", 1)[0].lower()
        articles[article][document["level"]] = document["text"]
    complete = [editions for editions in articles.values() if set(editions) == set(LEVELS)]
    bodies = [{"content": editions[level], "language": "en"} for editions in complete for level in LEVELS]
    values = [numbers(answer) for answer in service.ask_all("quality", bodies)]
    triples = [values[start : start + 3] for start in range(0, len(values), 3)]

    rows = []
    for name in values[0]:
        sign = 1 if name in EASE else -1
        ease = [[sign * edition[name] for edition in triple] for triple in triples]
        medians = [figure(abs(statistics.median(column)), 2) for column in zip(*ease, strict=True)]
        rows.append([
            f"`{name}`",
            percent(share(adv < ele for adv, _, ele in ease)),
            percent(share(adv < middle < ele for adv, middle, ele in ease)),
            percent(share(adv == ele for adv, _, ele in ease)),
            *medians,
        ])
    return "\n\n".join([
        f"{len(complete)} articles with all three editions. A tie counts as not ordered.",
        table(["measure", "Ele easier than Adv", "Adv < Int < Ele", "ties", *(f"median {level}" for level in LEVELS)], rows),
    ])


def numbers(answer):
    """The score, and every measure that is a number."""
    measures = {name: value for name, value in answer["metrics"].items() if isinstance(value, (int, float))}
    return {"readability_score": answer["readability_score"], **measures}
