"""Turns figures into Markdown that reads well as plain text too, and describes the machine they were taken on."""

import argparse
import datetime
import os
import pathlib
import platform
import subprocess

from service import REPOSITORY
from texts import DEFAULT_FOLDER

BAR_WIDTH = 40


def figure(value, digits=3):
    """A number with its digits, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def percent(share):
    return f"{100 * share:.1f} %"


def table(head, rows):
    """A Markdown table, its columns aligned; the first column is text, the others are figures."""
    cells = [list(map(str, row)) for row in [head, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    def line(row):
        first, *others = zip(row, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        return "| " + " | ".join(padded) + " |"

    rule = "|".join(["", "-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:]), ""])
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def bars(labels, counts):
    """A bar for each count, the longest BAR_WIDTH wide, in a code block. No count above 0 goes without a mark."""
    most = max(max(counts), 1)
    width = max(map(len, labels))
    lines = [
        f"{label.rjust(width)}  {'█' * -(-count * BAR_WIDTH // most)} {count}"
        for label, count in zip(labels, counts, strict=True)
    ]
    return "\n".join(["```text", *lines, "```"])


def tenths():
    """The labels of ten equal bins from 0 to 1."""
    return [f"{n / 10:.1f} to {(n + 1) / 10:.1f}" for n in range(10)]


def machine():
    """(property, value) pairs: what a reader needs to set the figures in relation, and no names."""
    return [
        ("processor", _first("/proc/cpuinfo", "model name") or platform.machine()),
        ("cores", os.cpu_count()),
        ("memory", _memory()),
        ("system", f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}"),
        ("Python", platform.python_version()),
    ]


def commit(repository):
    """The commit that is checked out, with a note if files differ from it."""

    def git(*arguments):
        return subprocess.run(["git", "-C", repository, *arguments], capture_output=True, text=True).stdout.strip()

    head = git("rev-parse", "--short=12", "HEAD")
    return f"{head or 'none yet'}{' with changes' if git('status', '--porcelain') else ''}"


def today():
    return datetime.date.today().isoformat()


def opening(title, script, texts, remarks=(), program=None):
    """How every report begins: what was measured when and on what, and `remarks` that are true of all of it."""
    about = [
        *([("program", program)] if program else []),
        ("commit", commit(REPOSITORY)),
        *machine(),
        *((f"`{name}`", f"sha256 {digest}…") for name, digest in texts.digests()),
    ]
    return "\n\n".join([
        f"# {title}",
        f"Written by `evals/{script}`; what the figures mean stands in [the guide](../README.md).",
        table(["measured", "with"], about),
        *remarks,
    ])


def parser(description):
    """A parser of arguments with those that every report takes."""
    arguments = argparse.ArgumentParser(description=description.splitlines()[0])
    arguments.add_argument("--write", type=pathlib.Path, metavar="FILE", help="write the report there, not to the terminal")
    arguments.add_argument("--texts", type=pathlib.Path, default=DEFAULT_FOLDER, metavar="FOLDER", help="folder of the texts")
    return arguments


def deliver(sections, path):
    """Writes a report to `path`, or to the terminal without one."""
    written = "\n\n".join(sections) + "\n"
    if path:
        path.write_text(written)
    else:
        print(written, end="")


def _first(path, key):
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(key):
            return line.split(":", 1)[1].strip()
    return None


def _memory():
    total = _first("/proc/meminfo", "MemTotal")
    return f"{int(total.split()[0]) / 2**20:.1f} GiB" if total else "unknown"
