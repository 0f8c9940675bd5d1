#!/usr/bin/env python3
"""All pairs of near-duplicates of a collection, worked out the slow and obvious way: the truth that fast programs are held to.

A text is the set of its shingles, and two texts are as similar as their sets' Jaccard index, shared over all. `words:N` are the runs of
N words in a row (a text with fewer words is one shingle of all of them), `chars:N` the runs of N characters of the words joined by one
space. A text without words resembles only a text that is equal to it but for white space at its ends. Nothing is hashed to a sketch
and nothing is sampled: shared shingles are counted. The words, in their normal form, come from the example `words_jsonl` of
redundancy-detect, because what a word is is not in question here.

    evals/truth.py texts.jsonl --shingle words:5 --threshold 0.8 > pairs.jsonl
"""

import argparse
import collections
import itertools
import json
import os
import pathlib
import subprocess
import sys
import threading

from service import REPOSITORY

EXAMPLE = ["cargo", "run", "--quiet", "--locked", "-p", "redundancy-detect", "--example", "words_jsonl"]
# What a text without words shares with its equal: one thing of one.
EQUAL = (1, 1)


def words_of(documents):
    """(id, text, normalised words) of each document, in order. WORDS_BIN names the program to ask; cargo makes it otherwise."""
    command = [os.environ["WORDS_BIN"]] if "WORDS_BIN" in os.environ else EXAMPLE
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        writer = threading.Thread(target=_write, args=(documents, program.stdin))
        writer.start()
        for document, line in zip(documents, program.stdout, strict=True):
            yield document["id"], document["text"], json.loads(line)["words"]
        writer.join()
    if program.returncode:
        raise RuntimeError(f"words_jsonl ended with code {program.returncode}")


def _write(documents, stream):
    with stream:
        for document in documents:
            stream.write(json.dumps({"id": document["id"], "text": document["text"]}).encode() + b"\n")


def shingle_set(words, shingling):
    """The set of shingles of a text: tuples of words, or strings."""
    unit, _, length = shingling.partition(":")
    runs = {"words": lambda: tuple(words), "chars": lambda: " ".join(words)}[unit]()
    length = int(length)
    return {runs[start : start + length] for start in range(max(1, len(runs) - length + 1))} if words else set()


def similar_pairs(texts, shingling, threshold):
    """{(id1, id2): (shared, all)} of every pair with shared / all >= threshold; texts are (id, text, words), id1 < id2.

    Goes through the texts once and keeps, for each shingle, in which texts it stood so far: a text shares with an earlier one as
    many shingles as name it."""
    ids, sizes, texts_with, wordless = [], [], collections.defaultdict(list), collections.defaultdict(list)
    pairs = {}
    for name, text, words in texts:
        shingles = shingle_set(words, shingling)
        counts = collections.Counter(itertools.chain.from_iterable(texts_with[shingle] for shingle in shingles))
        for shingle in shingles:
            texts_with[shingle].append(len(ids))
        for other, shared in counts.items():
            union = len(shingles) + sizes[other] - shared
            if shared / union >= threshold:
                pairs[pair_of(ids[other], name)] = (shared, union)
        if not shingles:
            pairs.update((pair_of(equal, name), EQUAL) for equal in wordless[text.strip()])
            wordless[text.strip()].append(name)
        ids.append(name)
        sizes.append(len(shingles))
    return pairs


def pair_of(one, other):
    """Two ids as one key, whichever was named first."""
    return (one, other) if one <= other else (other, one)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path, help="JSON lines with id and text")
    parser.add_argument("--shingle", default="words:5", help="words:N or chars:N (default: words:5)")
    parser.add_argument("--threshold", type=float, default=0.8, help="least Jaccard index (default: 0.8)")
    arguments = parser.parse_args()
    documents = [json.loads(line) for line in arguments.file.read_bytes().split(b"\n") if line]
    for (one, other), (shared, union) in sorted(similar_pairs(words_of(documents), arguments.shingle, arguments.threshold).items()):
        json.dump({"id1": one, "id2": other, "similarity": shared / union, "shared": shared, "all": union}, sys.stdout)
        print()


if __name__ == "__main__":
    main()
