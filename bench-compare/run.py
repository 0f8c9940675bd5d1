#!/usr/bin/env python3
"""Compares `redundancy dedup` with other programs on the same files: speed, memory, and what they find of what there is.

Makes its own virtual environment and its collections, both under target/bench-compare. For example:

    cargo build --release
    bench-compare/run.py --documents 10000
    bench-compare/run.py --documents 100000 --only redundancy rensa --write bench-compare/results/2026-01-31.md
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import venv

FOLDER = pathlib.Path(__file__).resolve().parent
REPOSITORY = FOLDER.parent
sys.path[:0] = [str(REPOSITORY / "evals"), str(FOLDER / "peers")]

import corpus  # noqa: E402
import redundancy_dedup  # noqa: E402
import report  # noqa: E402
import shingling  # noqa: E402
import text_dedup_minhash  # noqa: E402
import truth  # noqa: E402
import usage  # noqa: E402
from texts import DEFAULT_FOLDER, Texts  # noqa: E402

MAKE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "bench-compare"
# Bands of six rows find a pair at the threshold with probability 0.9999; the libraries' own choices find it about half the time or so.
RECALL = ["--num-perm", "192", "--bands", "32", "--verify"]
# Name: what it runs, and whether it can use more than one thread.
SCRIPTS = {
    "shingles alone": ("shingles_only.py", [], False),
    "datasketch 128": ("datasketch_lsh.py", [], False),
    "datasketch 256": ("datasketch_lsh.py", ["--num-perm", "256"], False),
    "datasketch 32x6 + exact": ("datasketch_lsh.py", RECALL, False),
    "rensa 128": ("rensa_lsh.py", [], True),
    "rensa 256": ("rensa_lsh.py", ["--num-perm", "256", "--bands", "32"], True),
    "rensa 32x6 + exact": ("rensa_lsh.py", RECALL, True),
    "rensa rho": ("rensa_rho.py", [], True),
    "gaoya 128": ("gaoya_index.py", [], True),
    "gaoya 256": ("gaoya_index.py", ["--num-perm", "256"], True),
    "gaoya 32x6 + exact": ("gaoya_index.py", RECALL, True),
}
TEXT_DEDUP = {"text-dedup 256": (256, None), "text-dedup 32x6": (192, 32)}
OURS = "redundancy"
NAMES = [OURS, *SCRIPTS, *TEXT_DEDUP]
HEAD = [
    "program", "threads", "documents/s", "MB/s", "documents/CPU s", "wall s", "CPU s", "peak MiB", "pairs recall", "precision",
    "documents recall", "precision",
]  # fmt: skip


def main():
    arguments = parse()
    python = environment()
    source = collection(arguments)
    true = true_pairs(source)
    rows = []
    for name in arguments.only or NAMES:
        for threads in (1, *([os.cpu_count()] if os.cpu_count() > 1 and has_threads(name) else [])):
            row = measure(name, threads, python, source, true)
            print(*row, sep="\t", file=sys.stderr)
            rows.append(row)
    written = "\n\n".join([head(arguments, source, true), report.table(HEAD, rows)]) + "\n"
    if arguments.write:
        arguments.write.write_text(written)
    else:
        print(written, end="")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=10_000, help="how many of 2 KB each (default: 10000)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"these programs, or all that begin so: {', '.join(NAMES)}")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE", help="write the report there, not to the terminal")
    parser.add_argument("--texts", type=pathlib.Path, default=DEFAULT_FOLDER, metavar="FOLDER", help="folder of the texts")
    parser.add_argument("--seed", type=int, default=1, help="seed of the collection (default: 1)")
    arguments = parser.parse_args()
    if arguments.only:
        arguments.only = [name for name in NAMES if any(name.startswith(begin) for begin in arguments.only)]
    return arguments


def environment():
    """The interpreter of the virtual environment, which is made if it is not there or other packages are asked for."""
    home, wanted = MAKE / "venv", "".join((FOLDER / name).read_text() for name in ("requirements.txt", "requirements-no-deps.txt"))
    python, made = home / "bin" / "python", home / "made-from.txt"
    if not made.is_file() or made.read_text() != wanted:
        print("making the virtual environment …", file=sys.stderr)
        venv.create(home, clear=True, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--requirement", FOLDER / "requirements.txt"], check=True)
        subprocess.run([*install, "--no-deps", "--requirement", FOLDER / "requirements-no-deps.txt"], check=True)
        made.write_text(wanted)
    return python


def collection(arguments):
    """The file of texts, made once for each size and seed. Delete it, and the pairs beside it, after a change of corpus.py."""
    path = MAKE / f"texts-{arguments.documents}-{arguments.seed}.jsonl"
    if not path.is_file():
        print("making the texts …", file=sys.stderr)
        documents = corpus.make(Texts(arguments.texts), arguments.documents, arguments.seed)
        part = path.with_suffix(".part")
        with open(part, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)
        part.rename(path)
    return path


def true_pairs(source):
    """The pairs that there are, by brute force over the same shingles; worked out once for each file."""
    path = source.with_suffix(".pairs.json")
    if not path.is_file():
        print("working out the truth …", file=sys.stderr)
        texts = ((name, text, re.findall(r"\w+", text.lower())) for name, text in shingling.documents(source))
        pairs = sorted(truth.similar_pairs(texts, f"words:{shingling.WORDS}", shingling.THRESHOLD))
        path.write_text(json.dumps(pairs))
    return {tuple(pair) for pair in json.loads(path.read_text())}


def has_threads(name):
    return name not in SCRIPTS or SCRIPTS[name][2]


def measure(name, threads, python, source, true):
    """A row of the report: one program in a process of its own, from file to what it found."""
    log = MAKE / "logs" / f"{name.replace(' ', '-')}-{threads}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="compare-", dir=MAKE) as folder:
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "HF_HUB_OFFLINE": "1",
            **dict.fromkeys(("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads)),
        }
        try:
            command, read = way(name, threads, python, source, folder)
            used = usage.run(command, variables, log, folder)
            found = read()
        except (OSError, RuntimeError, KeyError, subprocess.CalledProcessError) as problem:
            print(f"{name}: {problem}", file=sys.stderr)
            return [name, threads, *["failed"] * (len(HEAD) - 2)]
    documents, size = count_lines(source), source.stat().st_size
    return [
        name, threads, f"{documents / used.wall_seconds:.0f}", f"{size / 1e6 / used.wall_seconds:.1f}",
        f"{documents / used.cpu_seconds:.0f}", f"{used.wall_seconds:.2f}", f"{used.cpu_seconds:.2f}", f"{used.peak_mib:.0f}",
        *quality(found, true),
    ]  # fmt: skip


def count_lines(path):
    with open(path, "rb") as file:
        return sum(1 for _ in file)


def way(name, threads, python, source, folder):
    """(command, function that reads what it found)."""
    if name == OURS:
        program = os.environ.get("REDUNDANCY_BIN", MAKE.parent / "release" / "redundancy")
        if not shutil.which(program):
            raise RuntimeError(f"{program} is not there; run cargo build --release")
        return redundancy_dedup.command(program, source, folder, threads), lambda: redundancy_dedup.read(folder)
    if name in TEXT_DEDUP:
        return text_dedup_minhash.command(python, source, folder, threads, *TEXT_DEDUP[name]), lambda: text_dedup_minhash.read(folder)
    script, more, _ = SCRIPTS[name]
    output = pathlib.Path(folder, "found.json")
    return [python, FOLDER / "peers" / script, source, output, *more], lambda: json.loads(output.read_text())


def quality(found, true):
    """Recall and precision by pairs, where a program names pairs, and by documents that have a near-duplicate."""
    by_pair = ["-", "-"]
    if "pairs" in found:
        by_pair = shares({truth.pair_of(*pair) for pair in found["pairs"]}, true)
    groups = found.get("pairs") or found.get("clusters") or [found.get("flagged", [])]
    return [*by_pair, *shares({name for group in groups for name in group}, {name for pair in true for name in pair})]


def shares(found, true):
    both = len(found & true)
    return [f"{both / len(whole):.4f}" if whole else "-" for whole in (true, found)]


def head(arguments, source, true):
    about = [("commit", report.commit(REPOSITORY)), *report.machine()]
    involved = len({name for pair in true for name in pair})
    return "\n\n".join([
        f"# Comparison of {datetime.date.today().isoformat()}",
        "Written by `bench-compare/run.py`; what the figures mean stands in [the guide](../README.md).",
        report.table(["measured", "with"], about),
        f"{arguments.documents} documents, {source.stat().st_size / 1e6:.1f} MB, seed {arguments.seed}; {len(true)} pairs with Jaccard >= "
        f"{shingling.THRESHOLD} over runs of {shingling.WORDS} words, {involved} documents in them.",
    ])


if __name__ == "__main__":
    main()
