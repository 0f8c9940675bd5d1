#!/usr/bin/env python3
"""Draws the dashboards of deploy/monitoring from a real Prometheus that scrapes the real service, into docs/images.

Usage: draw_dashboards.py [SECONDS]

The service gets traffic of every kind for so many seconds, 120 without it, and every query of every panel is drawn as Grafana lays it
out, by matplotlib and not by Grafana. Needs matplotlib (pip install matplotlib==3.11.2), the Debian package prometheus and the
program of REDUNDANCY_BIN.
"""
import datetime
import math
import pathlib
import re
import sys
import tempfile
import time

import matplotlib

matplotlib.use("Agg")
from matplotlib import dates, pyplot
from matplotlib.ticker import FuncFormatter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from monitoring.dashboards import dashboards, filled
from monitoring.processes import REPOSITORY, Prometheus, Service, check_prometheus
from monitoring.receiver import Receiver
from monitoring.traffic import Traffic

IMAGES = REPOSITORY / "docs" / "images"
COLUMN_INCHES, ROW_INCHES = 0.62, 0.3
# Lines that a legend names at most: more hide what is drawn.
MAX_NAMED = 8
# What a letter of a legend takes, about.
NAME_INCHES = 0.048
# Grafana's colours by their names; as text of a light theme they are darker.
COLOURS = {"green": "#73bf69", "red": "#e02f44", "yellow": "#fade2a", "orange": "#ff9830", "text": "#464c54"}
TEXT_COLOURS = COLOURS | {"green": "#37872d", "orange": "#e0752d"}


def shown(value, unit):
    """A number as Grafana writes it, about."""
    if math.isnan(value):
        return "no data"
    if unit == "s":
        return f"{value * 1000:.3g} ms" if 0 < abs(value) < 1 else f"{value:,.4g} s"
    if unit == "percentunit":
        return f"{value * 100:,.2f} %"
    if unit == "d":
        return f"{value:.3g} days"
    suffix = {"bytes": "B", "Bps": "B/s", "reqps": " req/s", "ops": "/s"}.get(unit, "")
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}{suffix}"
    return f"{value:.3g}{suffix}"


def legend(pattern, labels):
    if pattern == "__auto":
        return ", ".join(f"{name}={value}" for name, value in labels.items() if name != "__name__")
    # Ports and folders differ from run to run and say nothing.
    return re.sub(r"\{\{(\w+)\}\}", lambda label: re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", labels.get(label.group(1), "")), pattern)


def colour(panel, value):
    """The name of the colour that the thresholds give to a value."""
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]


def told_in_legend(panel):
    """Names of the lines that are not drawn."""
    overrides = panel["fieldConfig"]["overrides"]
    return {one["matcher"]["options"] for one in overrides if any(of["id"] == "custom.hideFrom" and of["value"]["viz"] for of in one["properties"])}


class Drawing:
    def __init__(self, prometheus, start, end):
        self.prometheus, self.start, self.end = prometheus, start, end

    def lines(self, panel):
        """Name, times and values of every line."""
        for target in panel["targets"]:
            for series in self.prometheus.query_range(filled(target["expr"]), self.start, self.end, 1):
                times = [datetime.datetime.fromtimestamp(moment, datetime.UTC) for moment, _ in series["values"]]
                yield legend(target["legendFormat"], series["metric"]), times, [float(value) for _, value in series["values"]]

    def dashboard(self, name, dashboard):
        members = dashboard["panels"]
        height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in members)
        figure = pyplot.figure(figsize=(24 * COLUMN_INCHES, (height + 2) * ROW_INCHES), facecolor="#f4f5f5")
        figure.text(0.01, 1 - 0.7 / (height + 2), dashboard["title"], fontsize=14, weight="bold", va="center")
        for panel in members:
            place = panel["gridPos"]
            left, top = place["x"] / 24, 1 - (place["y"] + 1.5) / (height + 2)
            if panel["type"] == "row":
                figure.text(left + 0.01, top - 0.5 / (height + 2), panel["title"], fontsize=11, color="#464c54", va="center")
                continue
            # Room for the title above, the numbers beside, and the times and the legend below.
            below = 2.8 if panel["type"] == "timeseries" else 1.4
            box = [left + 1 / 24, top - (place["h"] - below) / (height + 2), (place["w"] - 1.2) / 24, (place["h"] - below - 1.4) / (height + 2)]
            self.panel(figure.add_axes(box), panel)
        figure.savefig(IMAGES / f"dashboard-{name}.png", dpi=80, pil_kwargs={"optimize": True})
        pyplot.close(figure)

    def panel(self, axes, panel):
        unit = panel["fieldConfig"]["defaults"]["unit"]
        axes.set_title(panel["title"], fontsize=8, loc="left", weight="bold")
        drawn = list(self.lines(panel))
        if panel["type"] == "stat":
            value = drawn[0][2][-1] if drawn else math.nan
            axes.axis("off")
            axes.text(0.5, 0.35, shown(value, unit), fontsize=17, ha="center", va="center", color=TEXT_COLOURS[colour(panel, value)])
        elif panel["type"] == "table":
            axes.axis("off")
            text = "\n".join(name for name, _, _ in drawn)
            axes.text(0, 0.6, re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", text), fontsize=9, family="monospace")
        elif panel["type"] == "state-timeline":
            for row, (name, times, values) in enumerate(sorted(drawn, reverse=True)):
                second = datetime.timedelta(seconds=1)
                bars = [(dates.date2num(moment), second / datetime.timedelta(days=1)) for moment in times]
                axes.broken_barh(bars, (row - 0.3, 0.35), facecolors=[COLOURS[colour(panel, value)] for value in values], linewidth=0)
                axes.text(times[0], row + 0.14, name, fontsize=6)
            axes.set_yticks([])
            axes.set_ylim(-0.5, len(drawn))
            self.times(axes)
        else:
            self.curves(axes, panel, drawn, unit)

    def curves(self, axes, panel, drawn, unit):
        highest = lambda values: max((value for value in values if not math.isnan(value)), default=0)
        for name, times, values in sorted(drawn, key=lambda line: -highest(line[2])):
            if name in told_in_legend(panel):
                axes.plot([], [], " ", label=f"{name}: {shown(values[-1], unit)}")
            else:
                axes.plot(times, values, linewidth=1, label=name)
        # A limit that is far away would press the lines flat, and Grafana does not draw it either.
        most = max((highest(values) for name, _, values in drawn if name not in told_in_legend(panel)), default=0)
        for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
            if step["value"] is not None and step["value"] <= 2 * most:
                axes.axhline(step["value"], color=COLOURS[step["color"]], linewidth=0.8, linestyle="--")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, unit)))
        axes.tick_params(labelsize=6)
        axes.grid(color="#e0e0e0", linewidth=0.5)
        if min((min(values) for _, _, values in drawn if values), default=0) >= 0:
            axes.set_ylim(bottom=0)
        handles, names = axes.get_legend_handles_labels()
        if any(names):
            # As many beside each other as the longest name lets.
            longest = max(map(len, names[:MAX_NAMED]))
            columns = max(1, min(MAX_NAMED, int(panel["gridPos"]["w"] * COLUMN_INCHES / (longest * NAME_INCHES + 0.25))))
            axes.legend(
                handles[:MAX_NAMED], names[:MAX_NAMED], fontsize=6, loc="upper left", bbox_to_anchor=(-0.03, -0.17), ncol=columns, frameon=False,
                columnspacing=1, handlelength=1.2, labelspacing=0.3, borderaxespad=0,
            )
        self.times(axes)

    def times(self, axes):
        start, end = (datetime.datetime.fromtimestamp(moment, datetime.UTC) for moment in (self.start, self.end))
        axes.set_xlim(start, end)
        axes.xaxis.set_major_locator(dates.AutoDateLocator(minticks=3, maxticks=7))
        axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M:%S"))
        axes.tick_params(axis="x", labelsize=6)


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    check_prometheus()
    with tempfile.TemporaryDirectory(prefix="redundancy-monitoring-") as folder:
        folder = pathlib.Path(folder)
        with Receiver() as receiver, Service(folder) as service, Prometheus(folder, service.port) as prometheus:
            start = time.time()
            with Traffic(service, receiver) as traffic:
                traffic.stopped.wait(seconds)
            drawing = Drawing(prometheus, start, time.time())
            for name, dashboard in dashboards().items():
                drawing.dashboard(name, dashboard)


if __name__ == "__main__":
    main()
