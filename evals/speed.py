#!/usr/bin/env python3
"""Measures the running program: how fast it starts, what memory it takes, and 500 requests at the same moment.

Prints a report in Markdown. REDUNDANCY_BIN names another program to measure. The speed of the algorithms is measured by `cargo bench`.
"""

import collections
import http.client
import json
import statistics
import threading
import time

import report
from service import REPOSITORY, Service

STARTS = 20
CLIENTS_AT_ONCE = 500
TEXT_BYTES = 2048
SENTENCE = "Each of these texts has about two thousand bytes, the size of a short article or a product page. "
WATCH_SECONDS = 0.005


def resident_mib(process):
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def starts():
    """Milliseconds from exec to the first 200 on /health, of several starts."""
    times = []
    for _ in range(STARTS):
        service = Service(poll_seconds=0.0005)
        began = time.perf_counter()
        with service:
            times.append((time.perf_counter() - began) * 1000)
    return times


class Watch(threading.Thread):
    """Remembers the most memory that a process had while it was watched."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.peak_mib, self.done = process, 0.0, threading.Event()

    def run(self):
        while not self.done.wait(WATCH_SECONDS):
            self.peak_mib = max(self.peak_mib, resident_mib(self.process))


def at_once(service):
    """Posts one text from every client at the same moment: seconds for all, and how often each status came."""
    body = json.dumps({"content": (SENTENCE * TEXT_BYTES)[:TEXT_BYTES]})
    began, statuses = [], collections.Counter()
    # Taken by whoever comes last, before anybody goes on: a thread that takes it afterwards may get its turn when most is done.
    together = threading.Barrier(CLIENTS_AT_ONCE, action=lambda: began.append(time.perf_counter()))

    def client():
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        connection.connect()
        together.wait()
        connection.request("POST", "/api/v1/analyze", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        statuses[response.status] += 1

    clients = [threading.Thread(target=client) for _ in range(CLIENTS_AT_ONCE)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    return time.perf_counter() - began[0], statuses


def main():
    times = starts()
    with Service() as service:
        idle_mib = resident_mib(service.process)
        watch = Watch(service.process)
        watch.start()
        seconds, statuses = at_once(service)
        watch.done.set()
        watch.join()
        size = service.program.stat().st_size
        version = service.version
    print(report.table(["machine", "value"], [("program", version), ("commit", report.commit(REPOSITORY)), *report.machine()]))
    print()
    print(report.table(["measured", "value"], [
        (f"exec to the first 200 on `/health`, median of {STARTS}", f"{statistics.median(times):.1f} ms"),
        (f"the slowest of {STARTS}", f"{max(times):.1f} ms"),
        ("resident memory, idle", f"{idle_mib:.1f} MiB"),
        ("size of the stripped program", f"{size / 2**20:.1f} MiB"),
        (f"{CLIENTS_AT_ONCE} clients post {TEXT_BYTES} bytes at once, all answered", f"{seconds:.2f} s"),
        ("statuses", ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))),
        ("resident memory at most", f"{watch.peak_mib:.1f} MiB"),
    ]))


main()
