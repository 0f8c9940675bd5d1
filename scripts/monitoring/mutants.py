"""Rules with one number changed, which their unit tests have to notice."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile

# A number by itself: not a part of a name, of a window or of a text.
NUMBER = re.compile(r"(?<![\w.\[\"])\d+(?:\.\d+)?(?![\w.\]])")
WINDOW = re.compile(r"(?<=\[)(\d+)(?=[smhd]\])")
WAIT = re.compile(r"(?<=for: )(\d+)(?=[smhd]$)")
# Lines without numbers that decide anything.
SILENT = re.compile(r"\s*(#|summary:|description:|severity:|- alert:|interval:|- name:)")
# What a number has to be told from, as a share of it; whole numbers at least from the next one.
CLOSE = 0.05


def close(number):
    """The number a little less and a little more."""
    step = float(number) * CLOSE
    if "." not in number:
        step = max(1, step)
    return [f"{float(number) + sign * step:.10g}" for sign in (-1, 1)]


def changes(line):
    """Start, end and replacement of every change that the line allows."""
    if SILENT.match(line):
        return
    for found in WAIT.finditer(line):
        yield from ((*found.span(), str(int(found[0]) + step)) for step in (-1, 1))
    for found in WINDOW.finditer(line):
        # Half of it and twice it, in a unit that has both.
        unit = line[found.end()]
        seconds = int(found[0]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
        yield from ((found.start(), found.end() + 1, f"{other}s") for other in (seconds // 2, seconds * 2))
    for found in NUMBER.finditer(line):
        yield from ((*found.span(), other) for other in close(found[0]))


def mutants(rules):
    """Pairs of what is different, for people, and the rules that differ by it."""
    lines = rules.splitlines()
    for place, line in enumerate(lines):
        for start, end, replacement in changes(line):
            changed = line[:start] + replacement + line[end:]
            yield f"line {place + 1}: {changed.strip()}", "\n".join([*lines[:place], changed, *lines[place + 1:], ""])


def unnoticed(rules, test):
    """What can be changed in the file of rules without a failure of the file of tests."""

    def passes(mutant):
        with tempfile.TemporaryDirectory(prefix="redundancy-mutant-") as folder:
            folder = pathlib.Path(folder)
            for name in ("rules", "tests"):
                (folder / name).mkdir()
            (folder / "rules" / rules.name).write_text(mutant[1], encoding="utf-8")
            (folder / "tests" / test.name).write_bytes(test.read_bytes())
            tried = subprocess.run(["promtool", "test", "rules", test.name], cwd=folder / "tests", capture_output=True, text=True)
            # A rule that cannot be read fails too, and says nothing about the tests.
            if "could not parse" in tried.stdout + tried.stderr:
                raise ValueError(f"{rules.name}, {mutant[0]}: {tried.stdout}{tried.stderr}")
            return tried.returncode == 0

    found = list(mutants(rules.read_text(encoding="utf-8")))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        return len(found), [mutant[0] for mutant, passed in zip(found, workers.map(passes, found)) if passed]
