"""Language detection on texts whose language is known: sentences, articles, and paragraphs of novels and laws. Short
texts are the hard ones, so accuracy is also shown by length."""

import collections
import itertools
import random
import typing

from measures import share
from report import percent, table
from texts import paragraphs

TITLE = "Language detection"
SAMPLE = 2000
LEAST_LETTERS = 20
# Upper borders of the classes of length, in words.
LENGTHS = (5, 10, 20, 50)
# Borders of the classes of confidence; the last is above the highest there can be.
CONFIDENCES = (0, 0.5, 0.7, 0.9, 0.99, 1.01)


def measure(service, texts, seed):
    drawn = {name: draw(found, random.Random(seed)) for name, found in known(texts).items()}
    bodies = [{"content": text} for found in drawn.values() for text, _ in found]
    guesses = (answer["language"] for answer in service.ask_all("analyze", bodies))
    answers = {
        name: [Answer(len(text.split()), language, **next(guesses)) for text, language in found]
        for name, found in drawn.items()
    }
    every = [answer for found in answers.values() for answer in found]
    return "\n\n".join([
        f"At most {SAMPLE} different texts of each kind, drawn at random with seed {seed}; paragraphs with at least "
        f"{LEAST_LETTERS} letters and without addresses. No hint is given.",
        by_kind(answers),
        "Right by length of the text, with the number of texts:",
        by_length(every),
        "Right by the confidence that the answer gives, with the number of texts; where confidence means what it says, "
        "the shares agree with it:",
        by_confidence(every),
    ])


class Answer(typing.NamedTuple):
    """What is known of one text, and what the service says of it."""

    words: int
    language: str
    code: str
    confidence: float


def by_kind(answers):
    rows = []
    for name, found in answers.items():
        wrong = collections.Counter(answer.code for answer in found if answer.code != answer.language)
        most = ", ".join(f"{code} {count}" for code, count in wrong.most_common(4)) or "-"
        rows.append([name, len(found), percent(accuracy(found)), most])
    return table(["texts", "number", "right", "taken for"], rows)


def by_length(answers):
    classes = list(zip((1, *(length + 1 for length in LENGTHS)), (*LENGTHS, float("inf")), strict=True))
    rows = []
    for language in ("en", "es"):
        known_to_be = [answer for answer in answers if answer.language == language]
        rows.append([language, *(cell(a for a in known_to_be if low <= a.words <= high) for low, high in classes)])
    labels = [f"{low} to {high} words" if high in LENGTHS else f"from {low} words" for low, high in classes]
    return table(["language", *labels], rows)


def by_confidence(answers):
    classes = list(itertools.pairwise(CONFIDENCES))
    cells = [cell(a for a in answers if low <= a.confidence < high) for low, high in classes]
    labels = [f"{low} to {high}" if high < 1 else f"from {low}" for low, high in classes]
    return table(["confidence", *labels], [["right", *cells]])


def known(texts):
    """Lists of (text, language) by the name of their kind."""
    sets = collections.defaultdict(list)
    for pair in texts.documents("stsb_en_es"):
        sets[f"sentences, {pair['lang']} (STS-b)"] += [(pair["text1"], pair["lang"]), (pair["text2"], pair["lang"])]
    sets["articles, en (OneStopEnglish)"] = [(d["text"], "en") for d in texts.documents("onestop_english")]
    for name, file in (("novels, es (paragraphs)", "conha19_es_novels"), ("laws, es (paragraphs)", "legalize_pe_es_quarter")):
        sets[name] = [(p, "es") for d in texts.documents(file) for p in paragraphs(d["text"], LEAST_LETTERS)]
    return sets


def draw(found, chance):
    different = list(dict.fromkeys(found))
    return chance.sample(different, min(SAMPLE, len(different)))


def cell(answers):
    answers = list(answers)
    return f"{percent(accuracy(answers))} of {len(answers)}" if answers else "-"


def accuracy(answers):
    return share(answer.language == answer.code for answer in answers)
