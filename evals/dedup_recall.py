#!/usr/bin/env python3
"""Recall and precision of `redundancy dedup` against brute force, and whether its scores are right to the last bit.

Three collections, each with several kinds of shingles; the pairs near the threshold, where sketches are weakest, are counted apart.

    cargo build --release
    evals/dedup_recall.py --write evals/results/2026-01-31-dedup.md
    evals/dedup_recall.py --only mixed --shingle words:5
"""

import collections
import random
import sys
import time

import dedup
import edits
import report
import truth
from texts import Texts

THRESHOLD = 0.8
SHINGLES = ("words:3", "words:5", "chars:8")
# A pair is near the threshold below this.
NEAR = 0.85
VERSIONS = 4
MIXED, SHORT = 250, 200
MIXED_WORDS = (60, 2_000)
# Shares of words to replace or cut that put a copy near Jaccard 0.8 for one kind of shingles or another, on both sides of it.
REPLACED, CUT = (0.005, 0.07), (0.1, 0.3)
WORDLESS = ["!!!", "—", " !!! ", "…\n", "!!!", "***", "—"]
HEAD = [
    "collection", "shingles", "texts", "true pairs", f"below {NEAR}", "recall", f"recall below {NEAR}", "precision", "other scores",
    "least score found", "documents/s", "brute force s",
]  # fmt: skip
EXAMPLES = 5


def main():
    arguments = parse()
    texts = Texts(arguments.texts)
    rows, remarks = [], []
    for name in arguments.only:
        documents = COLLECTIONS[name](texts, random.Random(arguments.seed))
        for shingling in arguments.shingle:
            row, examples = measure(name, documents, shingling)
            print(*row, sep="\t", file=sys.stderr)
            rows.append(row)
            remarks += examples
    sections = [head(texts, arguments.seed), report.table(HEAD, rows)]
    if remarks:
        sections += ["What differs, the first of each kind:", "\n".join(remarks)]
    report.deliver(sections, arguments.write)


def parse():
    parser = report.parser(__doc__)
    parser.add_argument("--only", nargs="+", choices=COLLECTIONS, default=list(COLLECTIONS), help="these collections (default: all)")
    parser.add_argument("--shingle", nargs="+", default=SHINGLES, help=f"these shingles (default: {' '.join(SHINGLES)})")
    parser.add_argument("--seed", type=int, default=1, help="seed of the samples and the edits (default: 1)")
    return parser.parse_args()


def measure(name, documents, shingling):
    """A row of the report, and a line for each of the first pairs that differ."""
    start = time.monotonic()
    true = truth.similar_pairs(truth.words_of(documents), shingling, THRESHOLD)
    seconds = time.monotonic() - start
    found = dedup.deduplicate(documents, shingling, THRESHOLD)
    compared = dedup.Comparison(found.pairs, true)
    near = {pair for pair, (shared, union) in true.items() if shared / union < NEAR}
    near_recall = dedup.ratio(len(near & found.pairs.keys()), len(near))
    row = [
        name, shingling, len(documents), len(true), len(near), report.figure(compared.recall, 4), report.figure(near_recall, 4),
        report.figure(compared.precision, 4), len(compared.other_scores), report.figure(min(found.pairs.values(), default=None), 4),
        report.figure(found.summary.get("documents_per_second"), 0), report.figure(seconds, 0),
    ]  # fmt: skip
    return row, [f"- {name}, {shingling}: {line}" for line in differences(compared, found.pairs, true)]


def differences(compared, found, true):
    def score(pair):
        shared, union = true[pair]
        return f"{shared}/{union} = {shared / union!r}"

    for pair in compared.missed[:EXAMPLES]:
        yield f"missed `{pair[0]}`, `{pair[1]}`: {score(pair)}"
    for pair in compared.wrong[:EXAMPLES]:
        yield f"below the threshold in truth: `{pair[0]}`, `{pair[1]}`, said to be {found[pair]!r}"
    for pair in compared.other_scores[:EXAMPLES]:
        yield f"another score `{pair[0]}`, `{pair[1]}`: {found[pair]!r}, in truth {score(pair)}"


def peps(texts, _):
    return list(texts.documents("peps_en"))


def versions(texts, chance):
    """A few versions of each policy, drawn at random."""
    lineages = collections.defaultdict(list)
    for document in texts.documents("openterms_versions"):
        lineages[document["lineage"]].append({"id": document["id"], "text": document["text"]})
    return [document for lineage in lineages.values() for document in chance.sample(lineage, min(VERSIONS, len(lineage)))]


def mixed(texts, chance):
    """English proposals, Spanish laws and policies, four edited copies of each, and texts of a few words or of none."""
    originals = []
    for name in ("peps_en", "legalize_pe_es_quarter"):
        fitting = [each for each in texts.documents(name) if MIXED_WORDS[0] <= len(each["text"].split()) <= MIXED_WORDS[1]]
        originals += chance.sample(fitting, min(MIXED, len(fitting)))
    originals += [first_words(document, MIXED_WORDS[1]) for document in versions(texts, chance)[::3]]
    pool = edits.pool_of(document["text"] for document in originals)
    documents = [{"id": each["id"], "text": each["text"]} for each in originals]
    for document in originals:
        documents += [{"id": f"{document['id']}#{kind}", "text": text} for kind, text in copies(document["text"], pool, chance)]
    documents += short_texts(texts, chance)
    chance.shuffle(documents)
    return documents


def first_words(document, count):
    """As much of a document as makes it no longer than so many words."""
    spans = edits.spans(document["text"])[:count]
    return {"id": document["id"], "text": document["text"][: spans[-1][1]]}


def copies(text, pool, chance):
    """Copies that lie near the threshold, some above it and some below."""
    yield "replaced 1", edits.replace_words(text, pool, chance, chance.uniform(*REPLACED))
    yield "replaced 2", edits.replace_words(text, pool, chance, chance.uniform(*REPLACED))
    yield "cut", edits.cut_words(text, chance, chance.uniform(*CUT))
    yield "moved", edits.move_words(text, chance, chance.uniform(*CUT))


def short_texts(texts, chance):
    """Runs of 1 to 14 words, each also with one word more, in other letters or as it was; and texts without words, some of them equal."""
    sentences = [pair["text1"] for pair in first(texts.documents("stsb_en_es"), SHORT)]
    for number, sentence in enumerate(sentences):
        words = sentence.split()[: chance.randint(1, 14)]
        copy = chance.choice([words, [*words, "more"], [word.upper() for word in words], words[1:] or words])
        yield {"id": f"short/{number}", "text": " ".join(words)}
        yield {"id": f"short/{number}#copy", "text": " ".join(copy)}
    for number, text in enumerate(WORDLESS):
        yield {"id": f"wordless/{number}", "text": text}


def first(documents, count):
    return [document for document, _ in zip(documents, range(count), strict=False)]


def head(texts, seed):
    remark = f"Pairs with a Jaccard index of at least {THRESHOLD}. Samples and edits are drawn with seed {seed}."
    return report.opening(f"De-duplication against brute force, {report.today()}", "dedup_recall.py", texts, [remark])


COLLECTIONS = {"PEPs": peps, "policies": versions, "mixed": mixed}

if __name__ == "__main__":
    main()
