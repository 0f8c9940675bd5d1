#!/usr/bin/env python3
"""Are small edits found? Laws beside edited copies of them, each kind of edit in a collection of its own.

Counts, of the pairs (law, edited law) whose exact Jaccard index is at the threshold or above, how many `redundancy dedup` finds.

    cargo build --release
    evals/seeded_edits.py --write evals/results/2026-01-31-edits.md
"""

import random

import dedup
import edits
import report
import truth
from texts import Texts

LAWS = 400
LEAST_WORDS, MOST_WORDS = 50, 3_000
THRESHOLD = 0.8
KINDS = {
    "one word appended": edits.append_word,
    "one word prepended": edits.prepend_word,
    "one word inserted in the middle": edits.insert_word,
    "20 words prepended": lambda text, pool, chance: edits.prepend_words(text, pool, chance, 20),
    "1 % of words replaced": lambda text, pool, chance: edits.replace_words(text, pool, chance, 0.01),
}
HEAD = ["edit", "pairs", "Jaccard >= 0.8", "found", "recall", "other scores"]


def main():
    arguments = parse()
    texts = Texts(arguments.texts)
    chance = random.Random(arguments.seed)
    laws = sample(texts, chance)
    pool = edits.pool_of(law["text"] for law in laws)
    sections = [head(texts, arguments.seed)]
    for shingling in arguments.shingle:
        rows = [row(kind, laws, edit, pool, chance, shingling) for kind, edit in KINDS.items()]
        sections += [f"## Shingles {shingling}", report.table(HEAD, rows)]
    report.deliver(sections, arguments.write)


def parse():
    parser = report.parser(__doc__)
    parser.add_argument("--shingle", nargs="+", default=["words:5", "words:3", "chars:8"], help="shingles (default: all three)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample and the edits (default: 1)")
    return parser.parse_args()


def sample(texts, chance):
    """Laws of a middling length, drawn at random."""
    fitting = [law for law in texts.documents("legalize_pe_es_quarter") if LEAST_WORDS <= len(law["text"].split()) <= MOST_WORDS]
    return chance.sample(fitting, LAWS)


def row(kind, laws, edit, pool, chance, shingling):
    """One kind of edit: the pairs of a law and its edited copy that are to be found, and those that are."""
    edited = [{"id": edited_id(law["id"]), "text": edit(law["text"], pool, chance)} for law in laws]
    documents = [*laws, *edited]
    true = truth.similar_pairs(truth.words_of(documents), shingling, THRESHOLD)
    found = dedup.deduplicate(documents, shingling, THRESHOLD).pairs
    own = {truth.pair_of(law["id"], edited_id(law["id"])) for law in laws}
    wanted = {pair: score for pair, score in true.items() if pair in own}
    compared = dedup.Comparison({pair: score for pair, score in found.items() if pair in wanted}, wanted)
    here = len(wanted) - len(compared.missed)
    return [kind, len(own), len(wanted), here, report.figure(compared.recall, 4), len(compared.other_scores)]


def edited_id(name):
    return f"{name}#edited"


def head(texts, seed):
    remark = f"{LAWS} Spanish laws of {LEAST_WORDS} to {MOST_WORDS} words, drawn with seed {seed}, and an edited copy of each."
    return report.opening(f"Seeded edits, {report.today()}", "seeded_edits.py", texts, [remark])


if __name__ == "__main__":
    main()
