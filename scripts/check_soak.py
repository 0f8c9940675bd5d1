#!/usr/bin/env python3
"""The service under traffic of every kind for a long time: what it takes of the machine does not grow.

Usage: check_soak.py [--minutes NUMBER]

The service (REDUNDANCY_BIN) runs with an embedded store and a small index. Clients analyse, compare, put, search and delete documents of a bounded set of ids,
run batches, publish events and turn the pages of lists. Receivers take what comes, fail, are slow, hang, say that they are gone, or are not there; their
endpoints are registered, disabled and deleted again and again. Nothing may fail meanwhile.

Memory, open files and threads are looked at four times a second. The first third of the time is left out: caches fill, threads start, the allocator
takes what it will need. Over the rest memory may not grow.

A run of a minute or two ends before the caches are full, so all that can be said after it is that there is no more in memory than caches and the first
sample. That shows a leak of two kilobytes for each request; a run of half an hour shows one of some ten bytes, by what follows.

What is growth, and what is noise? An allocator takes memory by and by and in steps, and gives back late, so no two samples agree and a line through
them is never flat. Two things are asked, and it is growth only if both say so. First, that the medians of the four quarters of the rest rise from each to the
next: noise goes down again, a leak does not. Second, that the line through the samples, by the median of the slopes between pairs of them (Theil-Sen, which
a few high samples do not bend), comes to more than a bound for each request: what is lost with every request is a leak, however slow.

What is on the disk grows, and should: events and finished deliveries are kept for WEBHOOK_RETENTION_DAYS, which is a day at least.
"""
import argparse
import collections
import contextlib
import dataclasses
import http.client
import http.server
import itertools
import json
import pathlib
import random
import re
import sys
import tempfile
import threading
import time

from load import proc
from load.growth import quarters, rises, slope
from monitoring import receiver
from monitoring.processes import Process, free_port, program

CLIENTS = 4
# Of each client; so many that everything is done thousands of times, so few that the machine has room for it.
REQUESTS_EACH_SECOND = 30
DOCUMENTS = 200
SAMPLES_EACH_SECOND = 4
WARM_SHARE = 1 / 3
# Memory that may be lost with each request. A leak of one string for each is more.
BYTES_FOR_EACH_REQUEST = 32
# The allocator takes memory by the megabyte.
NOISE_BYTES = 4 * proc.MIB
# So many requests fill all caches: pages of the database for one thread that writes and some that read, events that were just written, and what waits to be
# written into the index. Together they take so much.
CACHES_FULL_AFTER_REQUESTS = 25_000
CACHES_BYTES = 40 * proc.MIB
# Open files at the end, when the clients are gone, more than at the beginning: those of the store.
FILES_LEFT = 16
# Open files and threads come and go: connections to receivers, readers, workers.
STEADY_WITHIN = 6
# Between the moments at which bad endpoints are replaced. It bounds what waits for them.
RENEW_SECONDS = 5
PATIENCE_SECONDS = 60
HANG_SECONDS = 3
SLOW_SECONDS = 0.4
BAD = ("failing", "slow", "hanging", "gone", "refused")
# So many distinct words that texts are not all alike, so few that near duplicates are found.
WORDS = ["".join(random.Random(5).sample("abcdefghijklmnoprstuvw", 3)) + str(number % 37) for number in range(900)]


class Receivers(receiver.Receiver):
    """One for each kind of trouble, told by the path."""

    def __init__(self):
        counts = self.counts = collections.Counter()

        class Handler(receiver.Handler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                kind = self.path.strip("/")
                counts[kind] += 1
                if kind == "hanging":
                    time.sleep(HANG_SECONDS)
                    self.close_connection = True
                    return
                if kind == "slow":
                    time.sleep(SLOW_SECONDS)
                self.send_response({"failing": 500, "gone": 410}.get(kind, 204))
                self.send_header("Content-Length", "0")
                # It may have been given up meanwhile.
                with contextlib.suppress(OSError):
                    self.end_headers()

        self.handler = Handler

    def address(self, kind):
        return f"http://127.0.0.1:{free_port()}/" if kind == "refused" else self.url(f"/{kind}")


class Service(Process):
    def __init__(self, folder):
        super().__init__("service", folder, "/health")

    def __enter__(self):
        return self.start(
            [program(), "serve"],
            PORT=str(self.port),
            LOG_LEVEL="error",
            RATE_LIMIT_REQUESTS="1000000000",
            WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
            WEBHOOK_RETENTION_DAYS="1",
            # So little that what waits in memory to be written into the index is full soon, and the index is written and merged all the time.
            INDEX_MEMORY_BYTES="16 MiB",
            CIRCUIT_BREAKER_TIMEOUT_SECONDS="2",
        )

    @property
    def pid(self):
        return self.process.pid


@dataclasses.dataclass
class Sample:
    seconds: float
    memory: int
    files: int
    threads: int
    requests: int


class Client(threading.Thread):
    """Asks one thing after another, on one connection."""

    def __init__(self, service, number, ended, receivers):
        super().__init__(daemon=True)
        self.service, self.ended, self.receivers = service, ended, receivers
        self.random = random.Random(number)
        self.connection = None
        self.counts, self.failure = collections.Counter(), None
        self.known = collections.defaultdict(lambda: collections.deque(maxlen=50))

    def run(self):
        try:
            for turn in itertools.count():
                if self.ended.is_set():
                    break
                begin = time.monotonic()
                self.random.choices(*zip(*KINDS))[0](self)
                # Now and then on a new connection: those have to go away too.
                if turn % 50 == 49:
                    self.connection.close()
                self.ended.wait(max(0, 1 / REQUESTS_EACH_SECOND - (time.monotonic() - begin)))
        except Exception as failure:  # It is told of where the traffic ends.
            self.failure = failure
        if self.connection:
            self.connection.close()

    def ask(self, expected, method, path, body=None, content_type="application/json"):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=PATIENCE_SECONDS)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        self.connection.request(method, path, data, {} if data is None else {"Content-Type": content_type})
        answer = self.connection.getresponse()
        text = answer.read()
        route = re.sub(r"/(documents|analyses|batches|events|deliveries|endpoints|jobs)/(?!bulk)[^/?]+", r"/\1/{id}", path.split("?")[0])
        self.counts[f"{method} {route}"] += 1
        if answer.status not in (expected if isinstance(expected, tuple) else (expected,)):
            raise AssertionError(f"{method} {path} was answered {answer.status}, not {expected}: {text[:500]!r}")
        is_json = answer.headers.get_content_type() == "application/json" and text
        return json.loads(text).get("data") if is_json else None

    def text(self):
        return " ".join(self.random.choices(WORDS, k=self.random.randint(40, 200)))

    def document(self):
        return f"doc-{self.random.randrange(DOCUMENTS)}"

    def analyze(self):
        self.ask(200, "POST", "/api/v1/analyze", {"content": self.text()})

    def analyze_later(self):
        self.known["analyses"].append(self.ask(202, "POST", "/api/v1/analyze?async=true", {"content": self.text()})["analysis_id"])

    def result(self):
        if self.known["analyses"]:
            self.ask(200, "GET", f"/api/v1/analyses/{self.random.choice(self.known['analyses'])}")

    def similarity(self):
        text = self.text()
        self.ask(200, "POST", "/api/v1/similarity", {"text1": text, "text2": f"{text} {self.text()}"})

    def quality(self):
        self.ask(200, "POST", "/api/v1/quality", {"content": self.text()})

    def put(self):
        self.ask((200, 201), "PUT", f"/api/v1/documents/{self.document()}", {"content": self.text(), "store_text": self.random.random() < 0.5})

    def bulk(self):
        lines = b"".join(json.dumps({"id": self.document(), "content": self.text()}).encode() + b"\n" for _ in range(10))
        self.ask(200, "POST", "/api/v1/documents/bulk", lines, "application/x-ndjson")

    def show(self):
        self.ask((200, 404), "GET", f"/api/v1/documents/{self.document()}")

    def delete(self):
        self.ask((204, 404), "DELETE", f"/api/v1/documents/{self.document()}")

    def search(self):
        self.ask(200, "POST", "/api/v1/duplicates/search", {"content": self.text()})

    def batch(self):
        body = {"operation": self.random.choice(["analyze", "quality"]), "items": [{"content": self.text()} for _ in range(5)]}
        self.known["batches"].append(self.ask(202, "POST", "/api/v1/batches", body)["batch_id"])

    def batch_results(self):
        if self.known["batches"]:
            path = f"/api/v1/batches/{self.random.choice(self.known['batches'])}"
            self.ask(200, "GET", path)
            self.ask(200, "GET", f"{path}/results")

    def event(self):
        answer = self.ask(202, "POST", "/api/v1/webhooks/events", {"type": "soak.fine", "data": {"text": self.text()}})
        self.known["events"].append(answer["event_id"])

    def event_for_bad(self):
        self.ask(202, "POST", "/api/v1/webhooks/events", {"type": f"soak.{self.random.choice(BAD)}", "data": {}})

    def lists(self):
        path = self.random.choice([
            "/api/v1/documents", "/api/v1/batches", "/api/v1/webhooks/endpoints", "/api/v1/webhooks/deliveries", "/api/v1/webhooks/dead-letters",
            "/api/v1/duplicates/clusters",
        ])
        cursor = (self.ask(200, "GET", f"{path}?limit=20") or {}).get("next_cursor")
        if cursor:
            self.ask(200, "GET", f"{path}?limit=20&cursor={cursor}")

    def look(self):
        for path in ("/api/v1/stats", "/api/v1/health/status", "/api/v1/slo", "/api/v1/webhooks/stats", "/metrics"):
            self.ask(200, "GET", path)

    def mistake(self):
        self.ask(422, "POST", "/api/v1/analyze", {"content": ""})
        self.ask(404, "GET", "/made-up")

    def renew(self):
        """Registers the bad endpoints anew: what waits for them is cancelled, and what is known of them is dropped."""
        for kind in ("fine", *BAD):
            path = f"/api/v1/webhooks/endpoints/{kind}"
            if kind != "fine":
                self.ask((204, 404), "DELETE", path)
            body = {
                "id": kind, "url": self.receivers.address(kind), "events": [f"soak.{kind}", *(["analysis.completed", "batch.*"] if kind == "fine" else [])],
                "timeout_ms": 1000, "retry": {"initial_delay_ms": 100, "max_attempts": 3},
            }
            self.ask((201, 409) if kind == "fine" else 201, "POST", "/api/v1/webhooks/endpoints", body)


# What is done, and how often in proportion.
KINDS = [
    (Client.analyze, 16), (Client.analyze_later, 6), (Client.result, 6), (Client.similarity, 8), (Client.quality, 6), (Client.put, 12), (Client.bulk, 2),
    (Client.show, 6), (Client.delete, 6), (Client.search, 8), (Client.batch, 2), (Client.batch_results, 2), (Client.event, 10), (Client.event_for_bad, 6),
    (Client.lists, 4), (Client.look, 1), (Client.mistake, 2),
]


def check(what, is_so, seen=""):
    if not is_so:
        sys.exit(f"check_soak: {what}: {seen}")


def sample(service, begin, clients):
    done = sum(sum(client.counts.values()) for client in clients)
    return Sample(time.monotonic() - begin, proc.own_memory(service.pid), proc.descriptors(service.pid), proc.threads(service.pid), done)


def soak(service, receivers, minutes):
    """The samples, and how often each route was asked."""
    ended, begin = threading.Event(), time.monotonic()
    owner = Client(service, 0, ended, receivers)
    owner.renew()
    clients = [Client(service, number + 1, ended, receivers) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    samples, renewed = [], begin
    try:
        while (now := time.monotonic()) - begin < 60 * minutes and not any(client.failure for client in clients):
            samples.append(sample(service, begin, clients))
            if now - renewed > RENEW_SECONDS:
                owner.renew()
                renewed = now
            time.sleep(1 / SAMPLES_EACH_SECOND)
    finally:
        ended.set()
        for client in clients:
            client.join()
        owner.connection.close()
    for client in clients:
        check("a request failed", not client.failure, client.failure)
    return samples, sum((client.counts for client in clients), collections.Counter())


def judge(samples):
    """The faults, in words."""
    faults = []
    rest = samples[int(WARM_SHARE * len(samples)) :]
    medians = quarters([one.memory for one in rest])
    requests = rest[-1].requests - rest[0].requests
    each = slope([one.requests for one in rest], [one.memory for one in rest])
    growth = each * requests
    tell(
        f"memory: {mib(samples[0].memory)} MiB at first, {mib(max(one.memory for one in samples))} at most; after the warm-up the medians of quarters are "
        f"{', '.join(map(mib, medians))} MiB; the line through {len(rest)} samples and {requests} requests comes to "
        f"{each:+.1f} bytes for each, {growth / proc.MIB:+.1f} MiB in all"
    )
    if rest[0].requests < CACHES_FULL_AFTER_REQUESTS:
        most = samples[0].memory + CACHES_BYTES
        tell(f"that is too short for the caches to fill, which take up to {mib(CACHES_BYTES)} MiB")
        if medians[-1] > most:
            faults.append(f"memory came to {mib(medians[-1])} MiB, and caches and the first sample account for no more than {mib(most)}")
    elif rises(medians) and growth > max(NOISE_BYTES, BYTES_FOR_EACH_REQUEST * requests):
        faults.append(f"memory grows by {each:.0f} bytes for each request, more than {BYTES_FOR_EACH_REQUEST}: medians {', '.join(map(mib, medians))} MiB")
    for what, values in {"open files": [one.files for one in rest], "threads": [one.threads for one in rest]}.items():
        medians = quarters(values)
        tell(f"{what}: {min(values)} to {max(values)}, medians {', '.join(f'{median:.0f}' for median in medians)}")
        if rises(medians) and medians[-1] - medians[0] > STEADY_WITHIN:
            faults.append(f"{what} grow: medians {', '.join(f'{median:.0f}' for median in medians)}")
    return faults


def afterwards(service, before):
    """Whether all that was taken for requests and deliveries is given back when there are none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := under_way(service)) and time.monotonic() < deadline:
        time.sleep(0.2)
    files = proc.descriptors(service.pid)
    tell(f"afterwards: {files} open files ({before} at first), {proc.threads(service.pid)} threads, {mib(proc.own_memory(service.pid))} MiB of memory")
    faults = [f"afterwards there are still {left}"] if left else []
    if files > before + FILES_LEFT:
        faults.append(f"afterwards {files} files are open, {before} were at first")
    return faults


def under_way(service):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    names = ("http_requests_in_flight", "http_request_bodies_bytes", "cpu_pool_running", "cpu_pool_waiting", "webhook_deliveries_in_flight")
    found = {name: float(re.search(rf"(?m)^{name} (\S+)$", text)[1]) for name in names}
    # Looking at it is a request.
    found["http_requests_in_flight"] -= min(1, found["http_requests_in_flight"])
    return {name: value for name, value in found.items() if value}


def mib(count):
    return f"{count / proc.MIB:.1f}"


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def tell(what):
    print(what, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.5, help="how long the traffic goes on (1.5)")
    parser.add_argument("--samples", type=pathlib.Path, help="a file to write what was seen to, as lines of JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Receivers() as receivers, Service(pathlib.Path(folder)) as service:
        before = proc.descriptors(service.pid)
        samples, counts = soak(service, receivers, arguments.minutes)
        attempts = ", ".join(f"{count} {kind}" for kind, count in sorted(receivers.counts.items()))
        tell(f"{sum(counts.values())} requests of {len(counts)} kinds in {arguments.minutes} min; attempts of deliveries: {attempts}")
        faults = judge(samples) + afterwards(service, before)
        tell(f"on the disk: {size(pathlib.Path(folder) / 'data') / proc.MIB:.0f} MiB, which is kept")
    if arguments.samples:
        arguments.samples.write_text("".join(json.dumps(dataclasses.asdict(one)) + "\n" for one in samples))
    if faults:
        sys.exit("check_soak: " + "\n  ".join(["the service does not stand it:", *faults]))
    print("what the service takes does not grow")


if __name__ == "__main__":
    main()
