"""Finds the metrics and labels that a PromQL expression names. Not a parser: whether it is PromQL is said by Prometheus."""

import re

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|\[[^\]]*\]|[A-Za-z_:][A-Za-z0-9_:]*|\d[\w.]*|[^\s\w]')
AGGREGATIONS = {"sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk", "quantile"}
GROUPINGS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}


def named(expression):
    """What the expression names: a list of metrics, each with the labels that it is selected by, and the labels it groups by."""
    tokens = TOKEN.findall(expression)
    metrics, groups, place = [], set(), 0
    while place < len(tokens):
        token, following = tokens[place], tokens[place + 1] if place + 1 < len(tokens) else ""
        place += 1
        if not re.match(r"[A-Za-z_:]", token) or token.lower() in WORDS | AGGREGATIONS:
            continue
        if token in GROUPINGS:
            end = tokens.index(")", place)
            groups |= {label for label in tokens[place + 1 : end] if label != ","}
            place = end + 1
        elif following == "{":
            end = tokens.index("}", place)
            inside = tokens[place + 1 : end]
            labels = {label for label, sign in zip(inside, inside[1:]) if re.match(r"[A-Za-z_]", label) and sign in ("=", "!")}
            metrics.append((token, labels))
            place = end + 1
        elif following != "(":
            metrics.append((token, set()))
    return metrics, groups
