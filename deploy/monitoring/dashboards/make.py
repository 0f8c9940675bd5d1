#!/usr/bin/env python3
"""Writes the Grafana dashboards beside it, or says with --check whether they are as it would write them.

The dashboards differ in their queries and in little else: what they have in common stands here once. For Grafana 11 and later.
"""
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
COLUMNS = 24
# What one process tells of itself, and what every replica tells alike of the store they share.
MINE = 'job=~"$job", instance=~"$instance"'
SHARED = 'job=~"$job"'
RATE = "$__rate_interval"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
LIMIT = "limit of each"
OBJECTIVES = ("api_availability", "api_latency", "delivery_success")


def query(expression, legend=""):
    return {"expr": expression, "legend": legend}


def quantiles(metric, by=""):
    """The median and two high quantiles of a histogram; with `by` only the 99th, for each value of a label."""
    of = f"rate({metric}_bucket{{{MINE}}}[{RATE}])"
    if by:
        return [query(f"histogram_quantile(0.99, sum by ({by}, le) ({of}))", f"{{{{{by}}}}}")]
    return [query(f"histogram_quantile({q}, sum by (le) ({of}))", f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)]


def rate(metric, by, labels=MINE):
    return [query(f"sum by ({by}) (rate({metric}{{{labels}}}[{RATE}]))", " ".join(f"{{{{{label}}}}}" for label in by.split(", ")))]


def panel(title, queries, unit="short", width=8, height=8, kind="timeseries", about="", limits=(), **more):
    """`limits` are (value, colour) from which on a value is shown in that colour, or a line is drawn; below them it is `base`. Where nothing
    is limited, no value is good or bad."""
    steps = [{"color": more.pop("base", "green" if limits else "text"), "value": None}] + [{"color": colour, "value": value} for value, colour in limits]
    defaults = {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}, "color": {"mode": "palette-classic"}}
    defaults |= more.pop("defaults", {})
    options = {"tooltip": {"mode": "multi", "sort": "desc"}, "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}}
    if kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": False,
            "stacking": {"mode": "normal" if more.pop("stacked", False) else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if limits else "off"},
        }
    elif kind == "stat":
        defaults["color"] = {"mode": "thresholds"}
        options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value", "graphMode": "area", "textMode": "auto", "justifyMode": "auto", "orientation": "auto"}
    elif kind == "state-timeline":
        defaults["color"] = {"mode": "thresholds"}
        defaults["custom"] = {"fillOpacity": 70, "lineWidth": 0}
        options |= {"mergeValues": True, "showValue": "never", "rowHeight": 0.9}
    elif kind == "table":
        options = {"showHeader": True}
    overrides = []
    if more.pop("beside", False):
        # The limit is far above what is used: drawn, it would press the curve flat, so the legend tells it.
        options["legend"]["calcs"] = ["lastNotNull"]
        overrides = [{"matcher": {"id": "byName", "options": LIMIT}, "properties": [{"id": "custom.hideFrom", "value": {"viz": True, "legend": False, "tooltip": False}}]}]
    return {
        "kind": kind, "title": title, "about": about, "width": width, "height": height, "queries": queries,
        "fieldConfig": {"defaults": defaults, "overrides": overrides}, "options": options, **more,
    }


def stat(title, expression, unit="short", limits=(), about="", width=4, height=4, **more):
    return panel(title, [query(expression)], unit, width, height, "stat", about, limits, **more)


def variable(name, label, expression):
    return {
        "name": name, "label": label, "type": "query", "datasource": SOURCE, "refresh": 2, "sort": 1,
        "query": {"query": expression, "refId": name}, "multi": True, "includeAll": True,
        "allValue": ".+", "current": {"text": ["All"], "value": ["$__all"]}, "hide": 0, "options": [], "regex": "",
    }


def built(panel, number, x, y):
    made = {
        "id": number, "type": panel["kind"], "title": panel["title"], "description": panel["about"], "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel["width"], "h": panel["height"]},
        "fieldConfig": panel["fieldConfig"], "options": panel["options"],
        "targets": [
            {
                "refId": chr(ord("A") + place), "datasource": SOURCE, "editorMode": "code", "expr": one["expr"],
                "legendFormat": one["legend"] or "__auto", "range": panel["kind"] != "table", "instant": panel["kind"] == "table",
                "format": "table" if panel["kind"] == "table" else "time_series",
            }
            for place, one in enumerate(panel["queries"])
        ],
    }
    return made | {name: panel[name] for name in ("transformations",) if name in panel}


def dashboard(name, title, about, rows):
    """Rows of panels, laid out from left to right."""
    panels, y = [], 0
    for heading, members in rows:
        panels.append({"id": len(panels) + 1, "type": "row", "title": heading, "collapsed": False, "panels": [], "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}})
        x, y, tallest = 0, y + 1, 0
        for member in members:
            if x + member["width"] > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            panels.append(built(member, len(panels) + 1, x, y))
            x, tallest = x + member["width"], max(tallest, member["height"])
        y += tallest
    return {
        "uid": f"redundancy-{name}", "title": f"Content Redundancy Detector / {title}", "description": about,
        "tags": ["redundancy"], "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"}, "timezone": "", "weekStart": "", "fiscalYearStartMonth": 0, "annotations": {"list": []},
        "links": [{"type": "dashboards", "title": "Redundancy", "tags": ["redundancy"], "asDropdown": True, "includeVars": True, "keepTime": True, "icon": "external link", "targetBlank": False, "tooltip": "", "url": ""}],
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {"text": "default", "value": "default"}, "hide": 0, "includeAll": False, "multi": False, "options": [], "refresh": 1, "regex": ""},
                variable("job", "Job", "label_values(redundancy_build_info, job)"),
                variable("instance", "Instance", 'label_values(redundancy_build_info{job=~"$job"}, instance)'),
            ]
        },
        "panels": panels,
    }


SERVICE = dashboard("service", "Service", "Traffic, capacity and processes.", [
    ("Now", [
        stat("Instances up", f"sum(up{{{SHARED}}})", limits=[]),
        stat("Requests per second", f"sum(rate(http_requests_total{{{MINE}}}[{RATE}]))", "reqps"),
        stat("Answered 5xx", f'sum(rate(http_requests_total{{{MINE}, status=~"5.."}}[{RATE}])) / sum(rate(http_requests_total{{{MINE}}}[{RATE}]))', "percentunit", [(0.001, "orange"), (0.01, "red")]),
        stat("99 % answered within", f"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{{{MINE}}}[{RATE}])))", "s", [(0.5, "orange"), (2, "red")]),
        stat("Stores that answer", f"min(store_up{{{MINE}}})", about="1 when the store answers every instance.", limits=[]),
        stat("Documents in the index", f"max by (job) (documents_indexed{{{SHARED}}})"),
    ]),
    ("Traffic", [
        panel("Requests by status", rate("http_requests_total", "status"), "reqps", stacked=True),
        panel("Requests by route", rate("http_requests_total", "method, route"), "reqps"),
        panel("Duration", quantiles("http_request_duration_seconds"), "s", about="From the head of a request to the head of its answer."),
        panel("Duration by route, 99th percentile", quantiles("http_request_duration_seconds", "route"), "s", 12),
        panel("Answers 4xx and 5xx by route", rate("http_requests_total", "route, status", f'{MINE}, status=~"[45].."'), "reqps", 12),
    ]),
    ("Capacity", [
        panel("Requests under way", [query(f"sum by (instance) (http_requests_in_flight{{{MINE}}})", "{{instance}}"), query(f"max(http_requests_in_flight_limit{{{MINE}}})", LIMIT)], beside=True),
        panel("Turned away, by what was missing", rate("http_requests_shed_total", "reason"), "reqps", about="Answered 503: too many requests under way, no memory for a body, or no worker."),
        panel("Memory of request bodies", [query(f"sum by (instance) (http_request_bodies_bytes{{{MINE}}})", "{{instance}}"), query(f"max(http_request_bodies_limit_bytes{{{MINE}}})", LIMIT)], "bytes", beside=True),
        panel("Workers", [query(f"sum by (instance) (cpu_pool_running{{{MINE}}})", "running, {{instance}}"), query(f"max(cpu_pool_workers{{{MINE}}})", "workers of each")]),
        panel("Jobs that wait for a worker", [query(f"sum by (instance) (cpu_pool_waiting{{{MINE}}})", "{{instance}}"), query(f"max(cpu_pool_waiting_limit{{{MINE}}})", LIMIT)], beside=True),
        panel("The store's answer", [query(f"max by (instance, kind) (store_latency_seconds{{{MINE}}})", "{{kind}}, {{instance}}")], "s"),
    ]),
    ("Processes", [
        panel("CPU", [query(f"sum by (instance) (rate(process_cpu_seconds_total{{{MINE}}}[{RATE}]))", "{{instance}}")], "none", 6, about="Cores that are busy."),
        panel("Memory", [query(f"sum by (instance) (process_resident_memory_bytes{{{MINE}}})", "{{instance}}")], "bytes", 6),
        panel("Open files", [query(f"sum by (instance) (process_open_fds{{{MINE}}})", "{{instance}}"), query(f"max(process_max_fds{{{MINE}}})", LIMIT)], "short", 6, beside=True),
        panel("Uptime", [query(f"time() - max by (instance) (process_start_time_seconds{{{MINE}}})", "{{instance}}")], "s", 6),
        panel("What runs", [query(f"sum by (job, instance, version, profile, store) (redundancy_build_info{{{MINE}}})")], "short", 18, 6, "table", transformations=[{"id": "organize", "options": {"excludeByName": {"Time": True, "Value": True}}}]),
        stat("The certificate holds for", f"min(tls_certificate_not_after_seconds{{{MINE}}} - time()) / 86400", "d", [(2, "orange"), (14, "green")], width=6, height=6, base="red",
             about="The one that ends first of those that the service itself shows. Empty where something in front speaks TLS for it."),
    ]),
])

WEBHOOKS = dashboard("webhooks", "Webhooks", "What is delivered, what waits, and which receivers fail.", [
    ("Now", [
        stat("Waiting or under way", f"max by (job) (webhook_queue_size{{{SHARED}}})"),
        stat("Longest wait", f"max by (job) (webhook_oldest_pending_seconds{{{SHARED}}})", "s", [(600, "orange"), (3600, "red")]),
        stat("Dead letters", f"max by (job) (webhook_dead_letters{{{SHARED}}})", limits=[(1, "orange")]),
        stat("Circuit breakers not closed", f"count(max by (job, endpoint_id) (webhook_circuit_breaker_state{{{SHARED}}}) > 0) or vector(0)", limits=[(1, "red")]),
        stat("Attempts under way", f"sum(webhook_deliveries_in_flight{{{MINE}}})"),
        stat("Deliveries that arrived", f'1 - sum(rate(slo_missed_events_total{{{MINE}, objective="delivery_success"}}[{RATE}])) / sum(rate(slo_events_total{{{MINE}, objective="delivery_success"}}[{RATE}]))', "percentunit", about="Of those that ended, on whichever attempt."),
    ]),
    ("Attempts", [
        panel("Attempts by what became of the delivery", rate("webhook_deliveries_total", "status"), "ops", stacked=True, about="failed: it is tried again; exhausted: it became a dead letter."),
        panel("Attempts by event type", rate("webhook_deliveries_total", "event_type"), "ops"),
        panel("Duration of attempts", quantiles("webhook_delivery_duration_seconds"), "s"),
        panel("Failed attempts by reason", rate("webhook_attempt_failures_total", "reason"), "ops"),
        panel("Repeated attempts, and answers 429", [query(f"sum(rate(webhook_retries_total{{{MINE}}}[{RATE}]))", "repeated"), query(f"sum(rate(webhook_rate_limited_total{{{MINE}}}[{RATE}]))", "answered 429")], "ops"),
        panel("Duration by event type, 99th percentile", quantiles("webhook_delivery_duration_seconds", "event_type"), "s"),
    ]),
    ("Queue", [
        panel("Waiting or under way", [query(f"max by (job) (webhook_queue_size{{{SHARED}}})", "{{job}}")], about="In the store, for all replicas."),
        panel("Longest wait", [query(f"max by (job) (webhook_oldest_pending_seconds{{{SHARED}}})", "{{job}}")], "s", limits=[(3600, "red")]),
        panel("Dead letters", [query(f"max by (job) (webhook_dead_letters{{{SHARED}}})", "{{job}}")]),
    ]),
    ("Endpoints", [
        panel("Circuit breakers", [query(f"max by (endpoint_id) (webhook_circuit_breaker_state{{{SHARED}}})", "{{endpoint_id}}")], "short", 16, 8, "state-timeline", "Green closed, red open, yellow half-open.", [(1, "red"), (2, "yellow")],
              defaults={"mappings": [{"type": "value", "options": {"0": {"text": "closed", "index": 0}, "1": {"text": "open", "index": 1}, "2": {"text": "half-open", "index": 2}}}]}),
        panel("Endpoints", [query(f"max by (state) (webhook_endpoints{{{SHARED}}})", "{{state}}"), query(f"sum by (reason) (webhook_endpoints_disabled_total{{{MINE}}})", "disabled since the start: {{reason}}")]),
    ]),
])

DETECTION = dashboard("detection", "Detection", "Analyses, the index, and batches.", [
    ("Now", [
        stat("Analyses per second", f"sum(rate(analyses_total{{{MINE}}}[{RATE}]))", "ops"),
        stat("Text per second", f"sum(rate(analysis_bytes_total{{{MINE}}}[{RATE}]))", "Bps"),
        stat("Documents in the index", f"max by (job) (documents_indexed{{{SHARED}}})"),
        stat("99 % of analyses within", f"histogram_quantile(0.99, sum by (le) (rate(analysis_duration_seconds_bucket{{{MINE}}}[{RATE}])))", "s"),
        stat("99 % of searches within", f'histogram_quantile(0.99, sum by (le) (rate(index_duration_seconds_bucket{{{MINE}, operation="search"}}[{RATE}])))', "s"),
        stat("Items of batches per second", f"sum(rate(batch_items_total{{{MINE}}}[{RATE}]))", "ops"),
    ]),
    ("Analyses", [
        panel("Analyses by operation", rate("analyses_total", "operation"), "ops"),
        panel("Duration", quantiles("analysis_duration_seconds"), "s", about="Waiting for a worker included."),
        panel("Duration by operation, 99th percentile", quantiles("analysis_duration_seconds", "operation"), "s"),
        panel("Text by operation", rate("analysis_bytes_total", "operation"), "Bps"),
        panel("Cores busy, by operation", rate("analysis_busy_seconds_total", "operation"), "none"),
        panel("Analyses without a result", rate("analyses_failed_total", "operation"), "ops", about="Refused, given up, or ended by a defect."),
    ]),
    ("Index", [
        panel("Documents", [query(f"max by (job) (documents_indexed{{{SHARED}}})", "{{job}}")]),
        panel("Work on the index", [query(f"sum by (operation) (rate(index_duration_seconds_count{{{MINE}}}[{RATE}]))", "{{operation}}")], "ops", about="put_many: a group of documents of a bulk request."),
        panel("Duration by operation, 99th percentile", quantiles("index_duration_seconds", "operation"), "s"),
        panel("Duplicates found when documents were put", rate("document_matches_total", "kind", f'{MINE}, operation=~"put.*"'), "ops", 12),
        panel("Duplicates found by searches", rate("document_matches_total", "kind", f'{MINE}, operation="search"'), "ops", 12),
    ]),
    ("Batches", [
        panel("Items with a result", rate("batch_items_total", "operation"), "ops", 12),
        panel("Items done and failed", rate("batch_items_total", "result"), "ops", 12),
    ]),
])


def burn(window):
    return f"job_objective:slo_missed:ratio_rate{window}{{{SHARED}}} / (1 - job_objective:slo_objective:max{{{SHARED}}})"


SLO = dashboard("slo", "Objectives", "What is promised, what was kept of it, and how fast the budget is used up. Needs the recording rules.", [
    ("Thirty days", [
        *(
            one
            for objective in OBJECTIVES
            for one in (
                stat(f"{objective}: kept", f'1 - job_objective:slo_missed:ratio_rate30d{{{SHARED}, objective="{objective}"}}', "percentunit", width=4),
                stat(f"{objective}: budget left", f'job_objective:slo_budget_left:ratio30d{{{SHARED}, objective="{objective}"}}', "percentunit", [(0, "orange"), (0.25, "green")], width=4, base="red", about="100 %: nothing was missed; 0 %: as much as may be; below: more than that.")
            )
        ),
    ]),
    ("Burn rate", [
        panel("Over an hour", [query(burn("1h"), "{{objective}}")], "none", 12, limits=[(14.4, "red")], about="1 uses up the budget of 30 days in 30 days. At 14.4 somebody is woken, if the last five minutes are no better."),
        panel("Over six hours", [query(burn("6h"), "{{objective}}")], "none", 12, limits=[(6, "red")]),
        panel("Over a day", [query(burn("1d"), "{{objective}}")], "none", 12, limits=[(3, "orange")]),
        panel("Over three days", [query(burn("3d"), "{{objective}}")], "none", 12, limits=[(1, "orange")]),
    ]),
    ("Events", [
        panel("What counts", [query(f"sum by (objective) (rate(slo_events_total{{{MINE}}}[{RATE}]))", "{{objective}}")], "ops"),
        panel("What was missed", [query(f"sum by (objective) (rate(slo_missed_events_total{{{MINE}}}[{RATE}]))", "{{objective}}")], "ops"),
        panel("Budget left", [query(f"job_objective:slo_budget_left:ratio30d{{{SHARED}}}", "{{objective}}")], "percentunit", limits=[(0, "red")]),
        panel("Alerts", [query(f'sum by (alertname, severity) (ALERTS{{alertstate="firing", {SHARED}}})', "{{severity}}: {{alertname}}")], "short", 24, 8, "state-timeline", "Alerts that fire, each in a row of its own.", [(1, "red")],
              defaults={"mappings": [{"type": "value", "options": {"1": {"text": "fires", "index": 0}}}]}),
    ]),
])


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    stale = []
    for name, content in (("service", SERVICE), ("webhooks", WEBHOOKS), ("detection", DETECTION), ("slo", SLO)):
        path, text = FOLDER / f"{name}.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        if check and (not path.is_file() or path.read_text(encoding="utf-8") != text):
            stale.append(path.name)
        elif not check:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.exit(f"{', '.join(stale)}: not as make.py would write them; run deploy/monitoring/dashboards/make.py")


if __name__ == "__main__":
    main()
