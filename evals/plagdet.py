"""How well passages are found, to the character: precision, recall, granularity and plagdet, as defined by Potthast, Stein, Barrón-Cedeño
and Rosso, "An Evaluation Framework for Plagiarism Detection" (COLING 2010).

A case, and a detection, is a passage of a query and a passage of a source. It stands for the characters of both. A detection detects a
case if it overlaps with it in the query and in the same source. Macro-averaged figures count every passage alike, micro-averaged ones
every character."""

import collections
import math

# Where it stands: query (a name), its span [start, end) there; source (a name), its span there. Offsets count characters.
Passage = collections.namedtuple("Passage", "query query_span source source_span")


def sides(passage):
    """The two pieces of text that a passage is: (text, start, end)."""
    return (("query", passage.query), *passage.query_span), (("source", passage.source), *passage.source_span)


def common(one, other):
    """What two passages have in common, as pieces; nothing unless they overlap on both sides."""
    pieces = []
    for (text1, start1, end1), (text2, start2, end2) in zip(sides(one), sides(other), strict=True):
        start, end = max(start1, start2), min(end1, end2)
        if text1 != text2 or start >= end:
            return []
        pieces.append((text1, start, end))
    return pieces


def size(pieces):
    """How many characters lie in at least one of the pieces."""
    total, last_text, last_end = 0, None, 0
    for text, start, end in sorted(pieces):
        start = max(start, last_end) if text == last_text else start
        total += max(0, end - start)
        last_end = max(last_end, end) if text == last_text else end
        last_text = text
    return total


class Score:
    """The figures of detections against the cases, macro-averaged unless told otherwise."""

    def __init__(self, cases, detections, macro=True):
        pairs = detected(cases, detections)
        average = _macro if macro else _micro
        self.recall = average(cases, _gathered(pairs, 0))
        self.precision = average(detections, _gathered(pairs, 1))
        detectors = collections.Counter(case for case, _, _ in pairs)
        self.detected = len(detectors)
        self.granularity = len(pairs) / len(detectors) if detectors else 1.0
        self.f1 = harmonic_mean(self.precision, self.recall)
        self.plagdet = None if self.f1 is None else self.f1 / math.log2(1 + self.granularity)


def detected(cases, detections):
    """(number of the case, number of the detection, what they have in common) where one detects the other."""
    in_query = collections.defaultdict(list)
    for number, detection in enumerate(detections):
        in_query[detection.query].append(number)
    pairs = ((c, d, common(case, detections[d])) for c, case in enumerate(cases) for d in in_query[case.query])
    return [pair for pair in pairs if pair[2]]


def _gathered(pairs, side):
    """{number: pieces} of what each case (side 0) or detection (side 1) has in common with all its partners."""
    pieces = collections.defaultdict(list)
    for pair in pairs:
        pieces[pair[side]] += pair[2]
    return pieces


def _macro(passages, gathered):
    """The mean of each passage's share that is covered."""
    if not passages:
        return None
    return sum(size(gathered[number]) / size(sides(passage)) for number, passage in enumerate(passages)) / len(passages)


def _micro(passages, gathered):
    """The share of all passages' characters that is covered."""
    if not passages:
        return None
    covered = [piece for pieces in gathered.values() for piece in pieces]
    return size(covered) / size([piece for passage in passages for piece in sides(passage)])


def harmonic_mean(precision, recall):
    """F1; None where one of them is not defined."""
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
