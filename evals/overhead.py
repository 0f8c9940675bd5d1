#!/usr/bin/env python3
"""How much of the speed of a bare axum service is left when everything is around it: identity, limits, logs, metrics, headers.

Usage:
  evals/overhead.py
  evals/overhead.py --write evals/results/2026-01-31-overhead.md

`GET /health` of the service against that of the example `bare` of redundancy-server, and `POST /api/v1/analyze` of 1 KB, which is also analysed,
against an echo of the same JSON. In turn, several times, by `wrk` (Debian has it) on the same machine; the medians count. It is a measurement: what
it writes says which goals were missed, and it ends with 0 all the same.
"""
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import report

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
SECONDS = 4
ROUNDS = 5
CONNECTIONS = 32
GOALS = {"GET /health": 0.6, "POST /api/v1/analyze": 0.5}
SENTENCE = "The lighthouse keeper counted every passing ship until the morning fog lifted over the bay number {}. "


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def started(command, port, environment):
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            return process
        except OSError:
            time.sleep(0.01)
    sys.exit(f"{command[0]} ended as it started")


def requests_per_second(port, path, script):
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{SECONDS}s"]
    command += ["--script", str(script)] if script else []
    printed = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in printed:
        sys.exit(f"{path}: {printed}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", printed).group(1))


def measure(folder):
    text = ""
    while len(text) < 1000:
        text += SENTENCE.format(len(text))
    script = folder / "post.lua"
    body = json.dumps({"content": text[:1000]})
    script.write_text(f'wrk.method = "POST"\nwrk.body = [[{body}]]\nwrk.headers["Content-Type"] = "application/json"\n')
    program = os.environ.get("REDUNDANCY_BIN", str(TARGET / "release" / "redundancy"))
    ports = {"bare": free_port(), "service": free_port()}
    environment = {
        "PORT": str(ports["service"]),
        "DATA_DIR": str(folder / "data"),
        "LOG_LEVEL": "info",
        "RATE_LIMIT_REQUESTS": "1000000000",
    }
    processes = [
        started([str(TARGET / "release" / "examples" / "bare"), str(ports["bare"])], ports["bare"], {}),
        started([program, "serve"], ports["service"], environment),
    ]
    try:
        seen = {}
        for _ in range(ROUNDS):
            for what, path, lua in (("GET /health", "/health", None), ("POST /api/v1/analyze", "/api/v1/analyze", script)):
                for who, port in ports.items():
                    seen.setdefault((what, who), []).append(requests_per_second(port, path, lua))
        return {key: statistics.median(values) for key, values in seen.items()}
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def missed(seen):
    """The goals that were not reached, each as a sentence."""
    shares = {what: seen[what, "service"] / seen[what, "bare"] for what in GOALS}
    return [f"`{what}` has {shares[what]:.3f} of the bare service, and is to have at least {goal}" for what, goal in GOALS.items() if shares[what] < goal]


def verdict(goals):
    return f"**MISSED: {'; '.join(goals)}.**" if goals else "Every goal was reached."


def main():
    arguments = report.parser(__doc__).parse_args()
    if not shutil.which("wrk"):
        sys.exit("evals/overhead.py: wrk is needed; install the Debian package wrk")
    with tempfile.TemporaryDirectory(prefix="redundancy-overhead-") as folder:
        seen = measure(pathlib.Path(folder))
    rows = []
    for what, goal in GOALS.items():
        bare, service = seen[what, "bare"], seen[what, "service"]
        rows.append((what, f"{bare:,.0f}/s", f"{service:,.0f}/s", f"{service / bare:.2f}", f"at least {goal}"))
    about = [("commit", report.commit(REPOSITORY)), *report.machine()]
    sections = [
        f"# The service beside a bare axum, {time.strftime('%Y-%m-%d')}",
        "Written by `evals/overhead.py`, whose first lines say what is compared.",
        report.table(["measured", "with"], about),
        f"Medians of {ROUNDS} rounds of {SECONDS} s each, {CONNECTIONS} connections; `wrk` shares the machine with what it measures.",
        report.table(["request", "bare axum", "service", "share", "goal"], rows),
    ]
    sections.insert(-1, verdict(missed(seen)))
    report.deliver(sections, arguments.write)


if __name__ == "__main__":
    main()
