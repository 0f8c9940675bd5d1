"""Ours: `redundancy dedup`, which checks every pair exactly. This file is no script: run.py runs the command that it names."""

import json
import pathlib

import shingling


def command(program, source, folder, threads):
    """The command that works on `source` and leaves what it finds in `folder`."""
    return [
        program, "dedup", source, "--output", f"{folder}/found", "--pairs", "--threads", str(threads),
        "--shingle", f"words:{shingling.WORDS}", "--threshold", str(shingling.THRESHOLD),
    ]  # fmt: skip


def read(folder):
    """What it found."""
    with open(pathlib.Path(folder, "found", "pairs.jsonl"), encoding="utf-8", newline="\n") as file:
        pairs = map(json.loads, file)
        return {"pairs": [(pair["id1"], pair["id2"]) for pair in pairs]}
