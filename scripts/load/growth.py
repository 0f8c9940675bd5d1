"""Tells growth from noise."""

import statistics


def quarters(values):
    """The medians of the four quarters."""
    size = len(values) // 4
    return [statistics.median(values[place * size : (place + 1) * size]) for place in range(4)]


def rises(medians):
    return all(before < after for before, after in zip(medians, medians[1:]))


def slope(xs, ys):
    """The median of the slopes between samples that are half of all apart. As robust as the median of all pairs (Theil and Sen's) against a few samples
    that are far off, and done in linear time."""
    half = len(xs) // 2
    pairs = zip(xs, ys, xs[half:], ys[half:])
    return statistics.median((y2 - y1) / (x2 - x1) for x1, y1, x2, y2 in pairs if x2 > x1)
