#!/usr/bin/env python3
"""Which known texts does a file hold? Indexes the licence rules of ScanCode and searches files of which the licences are known.

Two expressions agree if they name the same licences and exceptions, in whatever order and joined however: a search for texts cannot tell
AND from OR.

    cargo build --release
    evals/scancode.py --write evals/results/2026-01-31-scancode.md --misses target/scancode-misses.jsonl
"""

import collections
import json
import pathlib
import re
import statistics
import time

import report
from dedup import write_lines
from index import fill, search
from service import REPOSITORY, Service
from texts import Texts

COLLECTION = "rules"
MODE, THRESHOLD, LIMIT = "contained", 0.5, 50
# Marks around what ScanCode requires of a match; they are no part of the text.
MARKS = re.compile(r"\{\{|\}\}")
HEAD = ["files", "number", "reachable", "top-1", "top-1 shares a licence", "any hit", "every expected hit", "no match"]

# A searched file: expected sets of licences, the matches with the set of each, and how long the answer took.
Answer = collections.namedtuple("Answer", "id expected matches found milliseconds problem")


def main():
    arguments = parse()
    texts = Texts(arguments.texts)
    rules = {rule["id"]: rule for rule in texts.documents("scancode_rules")}
    licences_of = {name: licences(rule["license_expression"]) for name, rule in rules.items()}
    with Service() as service:
        seconds = fill(service, ((name, MARKS.sub("", rule["text"])) for name, rule in rules.items()), COLLECTION)
        answers = [ask(service, query, licences_of, arguments) for query in texts.documents("scancode_queries_dev")]
        parts = [head(service, texts, arguments, len(rules), seconds), accuracy(answers, set(licences_of.values())), times(answers)]
    arguments.misses.parent.mkdir(parents=True, exist_ok=True)
    write_lines(arguments.misses, misses(answers, set(licences_of.values())))
    report.deliver(parts, arguments.write)


def parse():
    parser = report.parser(__doc__)
    default = REPOSITORY / "target" / "scancode-misses.jsonl"
    parser.add_argument("--misses", type=pathlib.Path, default=default, metavar="FILE", help="list the misses there (default: in target)")
    parser.add_argument("--mode", default=MODE, help=f"mode of the search (default: {MODE})")
    parser.add_argument("--threshold", type=float, default=THRESHOLD, help=f"threshold of the search (default: {THRESHOLD})")
    return parser.parse_args()


def licences(expression):
    """The licences and exceptions that an expression names."""
    return frozenset(re.findall(r"[^\s()]+", expression)) - {"AND", "OR", "WITH"}


def ask(service, query, licences_of, arguments):
    """Searches one file. What the service refuses is a miss with its reason."""
    expected = [licences(expression) for expression in query["expected"]]
    start = time.perf_counter()
    try:
        matches, problem = search(service, query["text"], COLLECTION, arguments.mode, arguments.threshold, LIMIT), None
    except RuntimeError as refusal:
        matches, problem = [], str(refusal)
    milliseconds = (time.perf_counter() - start) * 1000
    return Answer(query["id"], expected, matches, [licences_of[match["document_id"]] for match in matches], milliseconds, problem)


def top_1(answer):
    return bool(answer.found) and answer.found[0] in answer.expected


def top_1_shares(answer):
    return bool(answer.found) and any(answer.found[0] & expected for expected in answer.expected)


def any_hit(answer):
    return any(found in answer.expected for found in answer.found)


def every_hit(answer):
    return set(answer.expected) <= set(answer.found)


def accuracy(answers, known):
    """Shares of the files, by how many different expressions are expected."""

    def row(name, group):
        def portion(test):
            return report.percent(sum(map(test, group)) / len(group)) if group else "-"

        reachable = portion(lambda answer: any(expected in known for expected in answer.expected))
        shares = (portion(test) for test in (top_1, top_1_shares, any_hit, every_hit, lambda answer: not answer.found))
        return [name, len(group), reachable, *shares]

    single = [answer for answer in answers if len(set(answer.expected)) == 1]
    multiple = [answer for answer in answers if len(set(answer.expected)) > 1]
    return report.table(HEAD, [row("one licence", single), row("several", multiple), row("all", answers)])


def times(answers):
    """Milliseconds of a search, one at a time, over HTTP."""
    taken = sorted(answer.milliseconds for answer in answers)
    rows = [("median", statistics.median(taken)), ("99 %", taken[int(0.99 * (len(taken) - 1))]), ("slowest", taken[-1])]
    return report.table(["time of a search", "ms"], [(name, f"{value:.1f}") for name, value in rows])


def misses(answers, known):
    """What stands in the list of misses: each file whose first match is not what is expected."""
    for answer in answers:
        if not top_1(answer):
            yield {
                "id": answer.id,
                "expected": [sorted(each) for each in answer.expected],
                "reachable": any(each in known for each in answer.expected),
                "any_hit": any_hit(answer),
                "problem": answer.problem,
                "matches": [summary(match, found) for match, found in zip(answer.matches[:5], answer.found, strict=False)],
            }


def summary(match, found):
    shown = ("document_id", "kind", "similarity", "containment")
    return {"licences": sorted(found), **{name: match.get(name) for name in shown}}


def head(service, texts, arguments, rules, seconds):
    asked = json.dumps({"mode": arguments.mode, "threshold": arguments.threshold, "limit": LIMIT})
    remark = f"{rules} rules, indexed in {seconds:.1f} s ({rules / seconds:.0f}/s). Asked with `{asked}`, one search at a time."
    return report.opening(f"Licences in files, {report.today()}", "scancode.py", texts, [remark], program=service.version)


if __name__ == "__main__":
    main()
