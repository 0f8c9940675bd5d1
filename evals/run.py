#!/usr/bin/env python3
"""Measures how good the program's results are on public texts, and prints or writes a report.

Needs Python 3.11, the zstd command, a release build, and the texts (see README.md). For example:

    cargo build --release
    evals/run.py --write evals/results/2026-01-31.md
    evals/run.py --only languages
"""

import argparse
import datetime
import pathlib
import sys
import time

import languages
import policies
import readability
import report
import sentences
from service import REPOSITORY, Service
from texts import DEFAULT_FOLDER, Texts

PARTS = {"readability": readability, "sentences": sentences, "policies": policies, "languages": languages}


def main():
    arguments = parse()
    texts = Texts(arguments.texts)
    if not texts.folder.is_dir():
        sys.exit(f"{texts.folder} is not a folder; name the folder of the texts with --texts")
    sections = []
    with Service() as service:
        for name in arguments.only:
            part = PARTS[name]
            print(f"{name} …", end=" ", file=sys.stderr, flush=True)
            start = time.monotonic()
            sections.append(f"## {part.TITLE}\n\n{part.measure(service, texts, arguments.seed)}")
            print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
        written = "\n\n".join([head(service, texts), *sections]) + "\n"
    if arguments.write:
        arguments.write.write_text(written)
    else:
        print(written, end="")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE", help="write the report there, not to the terminal")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="measure these parts (default: all)")
    parser.add_argument("--texts", type=pathlib.Path, default=DEFAULT_FOLDER, metavar="FOLDER", help="folder of the texts")
    parser.add_argument("--seed", type=int, default=1, help="seed of the samples (default: 1)")
    return parser.parse_args()


def head(service, texts):
    """What was measured, when, and on what."""
    about = [
        ("program", service.version),
        ("commit", report.commit(REPOSITORY)),
        *report.machine(),
        *((f"`{name}`", f"sha256 {digest}…") for name, digest in texts.digests()),
    ]
    return "\n\n".join([
        f"# Evaluation of {datetime.date.today().isoformat()}",
        "Written by `evals/run.py`; what the figures mean stands in [the guide](../README.md).",
        report.table(["measured", "with"], about),
    ])


if __name__ == "__main__":
    main()
