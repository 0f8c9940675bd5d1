"""text-dedup: its command `python -m text_dedup.minhash`, from file to groups. It checks no candidate, and joins those of one band.

It cuts the text at every single character that is no letter or digit, so a comma makes an empty word: its shingles are not quite the
others'. The command's threads are processes (--num_proc). This file is no script: run.py runs the command that it names."""

import collections
import pathlib
import pickle

import shingling


def command(python, source, folder, threads, num_perm, bands):
    """The command that works on `source` and leaves what it finds in `folder`."""
    more = ["--b", str(bands), "--r", str(num_perm // bands)] if bands else []
    return [
        python, "-m", "text_dedup.minhash", "--path", "json", "--data_files", source, "--split", "train",
        "--cache_dir", f"{folder}/cache", "--output", f"{folder}/output", "--column", "text", "--idx_column", "id",
        "--ngram", str(shingling.WORDS), "--num_perm", str(num_perm), "--threshold", str(shingling.THRESHOLD),
        "--hash_func", "xxh3", "--num_proc", str(threads), "--min_length", "1", "--debug", *more,
    ]  # fmt: skip


def read(folder):
    """What it found."""
    with open(pathlib.Path(folder, "output", "uf.pkl"), "rb") as file:
        parents = Reader(file).load().parent
    clusters = collections.defaultdict(list)
    for name in parents:
        clusters[root(parents, name)].append(name)
    return {"clusters": [cluster for cluster in clusters.values() if len(cluster) > 1]}


def root(parents, name):
    while parents[name] != name:
        name = parents[name]
    return name


class Groups:
    """Stands in for text-dedup's union-find, which is not installed where this is read."""


class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if name == "UnionFind":
            return Groups
        if (module, name) == ("collections", "Counter"):
            return collections.Counter
        raise pickle.UnpicklingError(f"{module}.{name} is not expected here")
