#!/usr/bin/env python3
"""Holds deploy/monitoring against the real service under a real Prometheus.

First promtool checks configuration and rules and runs their unit tests, of which every alert must have one that fires and one that
does not. The dashboards are held to the types of Grafana, and their expressions to a grammar of PromQL (npm packages of scripts/monitoring,
installed into target/monitoring). Then every number of the rules is changed a little, every window halved and doubled, and each time a unit test has to fail. Then the service is started with a Prometheus that scrapes it by the repository's configuration, traffic of every kind
comes, and every expression of every panel, variable and rule is run: none may fail, none may be empty, and every metric
and label that one names must exist. Needs the Debian package prometheus and the program of REDUNDANCY_BIN.
"""
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import npm
from monitoring.dashboards import choices, dashboards, filled, panels
from monitoring.expressions import named
from monitoring.mutants import unnoticed
from monitoring.processes import MONITORING, Prometheus, Service, check_prometheus
from monitoring.receiver import Receiver
from monitoring.traffic import Traffic

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ROOT / "scripts/monitoring"
FOLDER = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "monitoring"
COMPLETE_WITHIN_SECONDS = 120
# The metrics that the product promises, with their labels.
PROMISED = {
    "webhook_deliveries_total": {"status", "event_type"},
    "webhook_delivery_duration_seconds_bucket": {"event_type", "le"},
    "webhook_queue_size": set(),
    "webhook_circuit_breaker_state": {"endpoint_id"},
    "webhook_retries_total": set(),
    "webhook_dead_letters": set(),
    "webhook_oldest_pending_seconds": set(),
    "webhook_rate_limited_total": set(),
    "http_requests_total": {"method", "route", "status"},
    "http_request_duration_seconds_bucket": {"method", "route", "le"},
    "analyses_total": {"operation"},
    "analysis_duration_seconds_bucket": {"operation", "le"},
    "documents_indexed": set(),
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
}
# Labels that Prometheus adds.
ADDED = {"__name__", "job", "instance"}
# The unit tests that hold every number of a file of rules.
PINNED = {"alerts.yml": "thresholds_test.yml", "recording.yml": "recording_test.yml"}


def run(*command):
    printed = subprocess.run(command, cwd=MONITORING, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if printed.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{printed.stdout}")


def check_files():
    run("promtool", "check", "config", "prometheus.yml")
    tests = sorted((MONITORING / "tests").glob("*.yml"))
    run("promtool", "test", "rules", *map(str, tests))
    written = "\n".join(test.read_text(encoding="utf-8") for test in tests)
    for alert in re.findall(r"alert: (\w+)", (MONITORING / "rules" / "alerts.yml").read_text(encoding="utf-8")):
        fires = re.search(rf"alertname: {alert}\n", written)
        rests = re.search(rf"alertname: {alert}, .*exp_alerts: \[\]", written)
        if not (fires and rests):
            sys.exit(f"the alert {alert} lacks a test in which it fires, or one in which it does not")
    run(sys.executable, "dashboards/make.py", "--check")


def expressions():
    """Every expression of the dashboards, with the place where it stands."""
    for name, dashboard in dashboards().items():
        for series, _ in choices(dashboard):
            yield f"{name}.json, a variable", series
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield f"{name}.json, panel {panel['title']}", filled(target["expr"])


def check_types():
    """Grafana passes over an option that it does not know; its types do not."""
    npm.install("check_monitoring", SOURCES / "package.json", FOLDER, "typescript", "they know what Grafana and Prometheus accept")
    shutil.copy(SOURCES / "dashboards.mjs", FOLDER)
    content = {"dashboards": {f"{name}.json": dashboard for name, dashboard in dashboards().items()}, "expressions": list(expressions())}
    done = subprocess.run(["node", FOLDER / "dashboards.mjs"], input=json.dumps(content), stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"dashboards that Grafana or Prometheus would not understand:\n{done.stdout}")
    print(f"{len(content['dashboards'])} dashboards fit the types of Grafana, {len(content['expressions'])} expressions are PromQL")


def check_numbers():
    """Every number of the rules counts: with another one a unit test fails."""
    count = 0
    for rules, test in PINNED.items():
        tried, found = unnoticed(MONITORING / "rules" / rules, MONITORING / "tests" / test)
        if found:
            sys.exit(f"{test} passes although {rules} was changed:\n" + "\n".join(found))
        count += tried
    print(f"the unit tests notice each of {count} changes of a number in the rules")


def faults_of_names(prometheus, expression):
    """Metrics and labels that the expression names and that nobody knows."""
    metrics, groups = named(expression)
    known_labels = {"le"} | ADDED
    for metric, labels in metrics:
        known = set(prometheus.get("labels", **{"match[]": metric}))
        known_labels |= known
        if not known:
            yield f"there is no metric {metric}"
        elif unknown := labels - known:
            yield f"{metric} has no label {', '.join(sorted(unknown))}"
    if unknown := groups - known_labels:
        yield f"nothing has the label {', '.join(sorted(unknown))}"


def faults_of_query(prometheus, expression):
    yield from faults_of_names(prometheus, expression)
    now = time.time()
    series = prometheus.query_range(expression, now - 15, now, 1)
    if not any(not math.isnan(float(value)) for one in series for _, value in one["values"]):
        yield "the result is empty"


def faults(prometheus):
    """Everything that is wrong now."""
    for metric, labels in PROMISED.items():
        found = set(prometheus.get("labels", **{"match[]": metric}))
        if found - ADDED != labels:
            yield f"{metric} has the labels {sorted(found - ADDED)}, not {sorted(labels)}"
    for name, dashboard in dashboards().items():
        for series, label in choices(dashboard):
            if not prometheus.get(f"label/{label}/values", **{"match[]": series}):
                yield f"{name}, a variable: {series} has no {label}"
        for panel in panels(dashboard):
            for target in panel["targets"]:
                expression = filled(target["expr"])
                for fault in faults_of_query(prometheus, expression):
                    yield f"{name}, panel {panel['title']}: {fault}: {expression}"
    for group in prometheus.get("rules")["groups"]:
        for rule in group["rules"]:
            where = f"rule {rule['name']}"
            if rule["health"] != "ok":
                yield f"{where}: {rule['health']} {rule.get('lastError', '')}"
            for fault in faults_of_names(prometheus, rule["query"]):
                yield f"{where}: {fault}"
            if rule["type"] == "recording" and not prometheus.query(rule["name"]):
                yield f"{where}: the result is empty"


def check_live():
    with tempfile.TemporaryDirectory(prefix="redundancy-monitoring-") as folder:
        folder = pathlib.Path(folder)
        with Receiver() as receiver, Service(folder) as service, Prometheus(folder, service.port) as prometheus:
            with Traffic(service, receiver) as traffic:
                deadline = time.monotonic() + COMPLETE_WITHIN_SECONDS
                # What rests on rates is there after a few scrapes, the others at once.
                while (found := list(faults(prometheus))) and time.monotonic() < deadline and not traffic.failure:
                    time.sleep(1)
            if found:
                sys.exit("\n".join(found))
    count = sum(len(panel["targets"]) for dashboard in dashboards().values() for panel in panels(dashboard))
    print(f"{count} queries of {len(dashboards())} dashboards and all rules give what they should")


def main():
    check_prometheus()
    check_files()
    check_types()
    check_numbers()
    check_live()


if __name__ == "__main__":
    main()
