"""Runs `redundancy dedup` on a collection and compares its pairs with the truth."""

import json
import pathlib
import subprocess
import tempfile

from service import program
from truth import pair_of


class Found:
    """What one run found: the score of each pair, and its own summary."""

    def __init__(self, pairs, summary):
        self.pairs, self.summary = pairs, summary


def deduplicate(documents, shingling, threshold, more=()):
    """The pairs that the program finds among documents with `id` and `text`."""
    with tempfile.TemporaryDirectory(prefix="redundancy-dedup-") as folder:
        source, output = pathlib.Path(folder, "texts.jsonl"), pathlib.Path(folder, "found")
        write_lines(source, ({"id": document["id"], "text": document["text"]} for document in documents))
        command = [program(), "dedup", source, "--output", output, "--pairs", "--shingle", shingling, "--threshold", str(threshold), *more]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        pairs = {pair_of(pair["id1"], pair["id2"]): pair["similarity"] for pair in read_lines(output / "pairs.jsonl")}
        return Found(pairs, json.loads((output / "summary.json").read_text()))


def write_lines(path, objects):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in objects)


def read_lines(path):
    """Every object of a file of JSON lines. Only \\n ends a line: texts may hold other line breaks."""
    with open(path, encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


class Comparison:
    """Found pairs {pair: score} against true ones {pair: (shared, all)}."""

    def __init__(self, found, truth):
        self.missed = sorted(truth.keys() - found.keys())
        self.wrong = sorted(found.keys() - truth.keys())
        both = found.keys() & truth.keys()
        self.recall = ratio(len(both), len(truth))
        self.precision = ratio(len(both), len(found))
        # Division of two whole numbers is rounded once and correctly, so equal scores are equal to the last bit.
        self.other_scores = sorted(pair for pair in both if found[pair] != truth[pair][0] / truth[pair][1])


def ratio(part, whole):
    """The share, or None of nothing."""
    return part / whole if whole else None
