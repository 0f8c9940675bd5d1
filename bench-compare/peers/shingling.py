"""What every peer in Python is given: the texts of a file, and the same shingles of them."""

import argparse
import json
import re

WORDS = 5
THRESHOLD = 0.8


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("input", help="JSON lines with id and text")
    parser.add_argument("output", help="where to write what was found")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--num-perm", type=int, default=128)
    parser.add_argument("--bands", type=int, help="this many bands instead of the peer's own choice")
    parser.add_argument("--verify", action="store_true", help="check candidates against the exact Jaccard index, in Python")
    return parser.parse_args()


def documents(path):
    """Every (id, text)."""
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            document = json.loads(line)
            yield document["id"], document["text"]


def shingles(text):
    """The set of runs of five words in lower case, each as one string."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[start : start + WORDS]) for start in range(max(1, len(words) - WORDS + 1))} if words else set()


def similar(one, other):
    """Whether the exact Jaccard index of two sets is at the threshold."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) >= THRESHOLD


def write_pairs(path, pairs):
    """What was found: pairs of ids."""
    with open(path, "w") as file:
        json.dump({"pairs": [list(pair) for pair in pairs]}, file)


def write_flagged(path, flagged):
    """What was found by a peer that names documents, not pairs: those that have a near-duplicate, whichever it is."""
    with open(path, "w") as file:
        json.dump({"flagged": list(flagged)}, file)
