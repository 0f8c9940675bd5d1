"""Reads the dashboards as Grafana would."""

import json
import re

from .processes import MONITORING

# What stands in for Grafana's variables. So short a window needs a scrape every second.
VARIABLES = {"$__rate_interval": "20s", "$job": ".+", "$instance": ".+"}


def dashboards():
    """All of them, by name."""
    folder = MONITORING / "dashboards"
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def filled(expression):
    """The expression as Grafana would send it."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    if "$" in expression:
        raise ValueError(f"an unknown variable in {expression}")
    return expression


def choices(dashboard):
    """The series and the label that the dashboard's variables are filled from."""
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            yield filled(series), label
