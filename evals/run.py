#!/usr/bin/env python3
"""Measures how good the program's results are on public texts, and prints or writes a report.

Needs Python 3.11, the zstd command, a release build, and the texts (see README.md). For example:

    cargo build --release
    evals/run.py --write evals/results/2026-01-31.md
    evals/run.py --only languages
"""

import sys
import time

import languages
import policies
import readability
import report
import sentences
from service import Service
from texts import Texts

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
        sections.insert(0, head(service, texts))
    report.deliver(sections, arguments.write)


def parse():
    parser = report.parser(__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="measure these parts (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the samples (default: 1)")
    return parser.parse_args()


def head(service, texts):
    """What was measured, when, and on what."""
    return report.opening(f"Evaluation of {report.today()}", "run.py", texts, program=service.version)


if __name__ == "__main__":
    main()
