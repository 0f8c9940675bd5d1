#!/usr/bin/env python3
"""Are copied passages found, and where exactly? Searches an index for planted passages and scores what is found to the character.

    cargo build --release
    evals/passages.py --write evals/results/2026-01-31-passages.md
"""

import time

import report
from index import fill, search
from plagdet import Passage, Score
from planted import KINDS, LANGUAGES, LEAST_WORDS, MOST_WORDS, Planted
from service import Service
from texts import Texts

# A passage may be a small part of a query, and of its source: any share will do.
THRESHOLD = 0.0
LIMIT = 50
NAMES = {"en": "English", "es": "Spanish"}
HEAD = ["passages", "planted", "detected", "found", "precision", "recall", "granularity", "plagdet"]
EXAMPLES = 10


def main():
    arguments = parse()
    texts = Texts(arguments.texts)
    sections = []
    with Service() as service:
        for language in LANGUAGES:
            sections.append(measure(service, Planted(texts, language, arguments.seed), language, arguments.threshold))
        sections.insert(0, head(service, texts, arguments))
    report.deliver(sections, arguments.write)


def parse():
    parser = report.parser(__doc__)
    parser.add_argument("--threshold", type=float, default=THRESHOLD, help=f"least containment to ask for (default: {THRESHOLD})")
    parser.add_argument("--seed", type=int, default=1, help="seed of what is planted (default: 1)")
    return parser.parse_args()


def measure(service, planted, language, threshold):
    """The section of one language."""
    seconds = fill(service, planted.sources.items(), language)
    start = time.perf_counter()
    detections = [each for query in planted.queries for each in detected(service, query, language, threshold)]
    per_query_ms = (time.perf_counter() - start) * 1000 / len(planted.queries)
    cases = [case for query in planted.queries for case in query.cases]
    untouched = {query.id for query in planted.queries if not query.cases}
    alarms = sum(detection.query in untouched for detection in detections)
    return "\n\n".join([
        f"## {NAMES[language]}",
        f"{len(planted.sources)} sources, indexed in {seconds:.1f} s; {len(planted.queries)} queries, {per_query_ms:.1f} ms each, one at a "
        f"time; {len(untouched)} of them without any copied passage, in which {alarms} passages were found.",
        report.table(HEAD, rows(cases, detections)),
        "Missed, the first ones:\n\n" + (missed(cases, detections) or "none"),
    ])


def detected(service, query, collection, threshold):
    """What the service finds in one query."""
    for match in search(service, query.text, collection, "contained", threshold, LIMIT):
        for passage in match["passages"]:
            spans = [(passage[side]["start"], passage[side]["end"]) for side in ("query", "document")]
            yield Passage(query.id, spans[0], match["document_id"], spans[1])


def rows(cases, detections):
    """All together, macro- and micro-averaged, and by kind of change. What detects no case counts against all kinds together alone."""
    everything = [case.passage for case in cases]
    result = [
        row("all, macro-averaged", everything, detections, Score(everything, detections)),
        row("all, micro-averaged", everything, detections, Score(everything, detections, macro=False)),
    ]
    for kind in KINDS:
        own = [case.passage for case in cases if case.kind == kind]
        others = [case.passage for case in cases if case.kind != kind]
        relevant = [each for each in detections if not detects_any(each, others)]
        touched = [each for each in relevant if detects_any(each, own)]
        result.append(row(kind, own, touched, Score(own, touched)))
    return result


def detects_any(detection, cases):
    return bool(Score([case for case in cases if case.query == detection.query], [detection]).detected)


def row(name, cases, detections, score):
    figures = (score.precision, score.recall, score.granularity, score.plagdet)
    return [name, len(cases), score.detected, len(detections), *map(report.figure, figures)]


def missed(cases, detections):
    """A line for each of the first cases that nothing detects."""
    lines = [
        f"- {case.kind}, {case.words} words: `{case.passage.query}` {case.passage.query_span} of `{case.passage.source}` "
        f"{case.passage.source_span}"
        for case in cases
        if not Score([case.passage], [each for each in detections if each.query == case.passage.query]).detected
    ]
    return "\n".join(lines[:EXAMPLES])


def head(service, texts, arguments):
    remark = (
        f"Passages of {LEAST_WORDS} to {MOST_WORDS} words, planted with seed {arguments.seed}; searched with a threshold of "
        f"{arguments.threshold}."
    )
    return report.opening(f"Planted passages, {report.today()}", "passages.py", texts, [remark], program=service.version)


if __name__ == "__main__":
    main()
