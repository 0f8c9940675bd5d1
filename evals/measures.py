"""The statistics of the evaluation, each small enough to check by hand in test_measures.py."""

import bisect
import itertools
import re
import statistics


def ranks(values):
    """The rank of each value, from 1; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    result = [0.0] * len(values)
    first = 1
    for _, group in itertools.groupby(order, key=values.__getitem__):
        group = list(group)
        for position in group:
            result[position] = first + (len(group) - 1) / 2
        first += len(group)
    return result


def pearson(xs, ys):
    """Pearson's correlation, or None where one side is constant and there is none."""
    try:
        return statistics.correlation(xs, ys)
    except statistics.StatisticsError:
        return None


def spearman(xs, ys):
    """Spearman's rank correlation: Pearson's over the ranks."""
    return pearson(ranks(xs), ranks(ys))


def auc(positives, negatives):
    """The probability that a positive scores above a negative, a tie counting one half (Mann-Whitney)."""
    ordered = sorted(negatives)
    below = sum(bisect.bisect_left(ordered, value) + bisect.bisect_right(ordered, value) for value in positives)
    return below / 2 / (len(positives) * len(negatives))


def deciles(values):
    """Minimum, the nine deciles, and maximum."""
    return [min(values), *statistics.quantiles(values, n=10, method="inclusive"), max(values)]


def share(flags):
    """The share of true values."""
    flags = list(flags)
    return sum(map(bool, flags)) / len(flags)


def histogram(values, bins=10):
    """How many values from 0 to 1 lie in each of equally wide bins; the last bin holds 1 too."""
    counts = [0] * bins
    for value in values:
        counts[min(int(value * bins), bins - 1)] += 1
    return counts


def shingles(text, words):
    """The set of runs of so many words, by the plainest rule: lower case, letters and digits in a row."""
    split = re.findall(r"\w+", text.lower())
    return {tuple(split[start : start + words]) for start in range(max(1, len(split) - words + 1))}


def jaccard(a, b):
    """What two sets share, over what they have together; 1 for two empty sets."""
    return len(a & b) / len(a | b) if a or b else 1.0


def character_grams(text, length=4):
    """The set of runs of so many characters."""
    text = text.lower()
    return {text[start : start + length] for start in range(max(1, len(text) - length + 1))}
