"""Similarity of long texts under real edits: successive versions of one policy, as Open Terms Archive recorded them,
against policies that are not versions of each other. The first should score high, the last low. Two different policies
of one service lie between: they share paragraphs, but neither replaces the other."""

import collections
import itertools
import random

from measures import auc, deciles, histogram, jaccard, share, shingles
from report import bars, figure, percent, table, tenths

TITLE = "Similarity of versions of one policy"
SAMPLE = 300
THRESHOLD = 0.8
MEASURES = ("similarity_score", "jaccard", "cosine")
REFERENCE = "reference: Jaccard of word 3-grams"
NEIGHBOURS, SIBLINGS, STRANGERS = "next version", "same service", "other service"


def measure(service, texts, seed):
    lineages = collections.defaultdict(dict)
    for document in texts.documents("openterms_versions"):
        lineages[document["lineage"]][document["n"]] = document["text"]
    groups = sample_pairs(lineages, random.Random(seed))

    scores = {name: score(service, pairs) for name, pairs in groups.items()}
    parts = [
        f"{SAMPLE} pairs of each kind, drawn at random with seed {seed}: a version and the next one of the same policy; "
        "two policies of one service; policies of two services.",
        separation(scores),
        "Deciles of `similarity_score`, from the minimum to the maximum:",
        table(
            ["pairs", "min", *(f"{n}0 %" for n in range(1, 10)), "max"],
            [[name, *map(figure, deciles(group["similarity_score"]))] for name, group in scores.items()],
        ),
    ]
    for name, group in scores.items():
        parts += [f"`similarity_score`, {name}:", bars(tenths(), histogram(group["similarity_score"]))]
    return "\n\n".join(parts)


def sample_pairs(lineages, chance):
    """Pairs of texts of the three kinds, SAMPLE of each."""
    neighbours = [
        (versions[n], versions[n + 1]) for versions in lineages.values() for n in sorted(versions) if n + 1 in versions
    ]
    pairs = list(itertools.combinations(sorted(lineages), 2))
    service_of = {lineage: lineage.split("/")[0] for lineage in lineages}
    siblings = [pair for pair in pairs if service_of[pair[0]] == service_of[pair[1]]]
    strangers = [pair for pair in pairs if service_of[pair[0]] != service_of[pair[1]]]

    def texts_of(pair):
        return tuple(chance.choice(list(lineages[lineage].values())) for lineage in pair)

    return {
        NEIGHBOURS: chance.sample(neighbours, SAMPLE),
        SIBLINGS: [texts_of(chance.choice(siblings)) for _ in range(SAMPLE)],
        STRANGERS: [texts_of(chance.choice(strangers)) for _ in range(SAMPLE)],
    }


def score(service, pairs):
    """The scores of the pairs by measure, with a reference that is computed here, apart from the program."""
    answers = service.ask_all("similarity", [{"text1": text1, "text2": text2} for text1, text2 in pairs])
    scores = {name: [answer[name] for answer in answers] for name in MEASURES}
    scores[REFERENCE] = [jaccard(shingles(text1, 3), shingles(text2, 3)) for text1, text2 in pairs]
    return scores


def separation(scores):
    rows = []
    for name in (*MEASURES, REFERENCE):
        by_kind = [scores[kind][name] for kind in (NEIGHBOURS, SIBLINGS, STRANGERS)]
        neighbours, siblings, strangers = by_kind
        shares = [percent(share(value >= THRESHOLD for value in kind)) for kind in by_kind]
        label = name if name == REFERENCE else f"`{name}`"
        rows.append([label, *shares, figure(auc(neighbours, siblings)), figure(auc(neighbours, strangers))])
    above = [f"{kind} >= {THRESHOLD}" for kind in (NEIGHBOURS, SIBLINGS, STRANGERS)]
    return table(["measure", *above, f"AUC to {SIBLINGS}", f"AUC to {STRANGERS}"], rows)
