"""Asks the service everything that its metrics count, again and again, and lets deliveries succeed, fail and be given up."""

import concurrent.futures
import contextlib
import json
import random
import threading
import time
import urllib.error

DONE_WITHIN_SECONDS = 60
# Requests at once, of which the service is told to take a quarter.
BURST = 16
WORDS = "the service keeps your data for thirty days and then deletes it unless the law asks for more or you ask for less".split()


class Traffic:
    """Goes on in the background from when it is entered until it is left."""

    def __init__(self, service, receiver):
        self.service, self.receiver = service, receiver
        # The same traffic on every run.
        self.random = random.Random(7)
        self.stopped = threading.Event()
        self.failure = None

    def __enter__(self):
        self.register()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        if self.failure:
            raise self.failure

    def register(self):
        quick = {"initial_delay_ms": 50, "jitter": 0, "max_attempts": 2}
        for name, events, retry in [
            ("ok", ["*"], quick),
            ("flaky", ["own.flaky"], quick),
            ("busy", ["own.flaky"], quick),
            ("dead", ["own.dead"], quick),
            # It fails until its circuit breaker opens, and what waits for it goes on waiting.
            ("open", ["own.open"], quick | {"max_attempts": 8}),
            ("gone", ["own.gone"], quick),
        ]:
            body = {"id": name, "url": self.receiver.url(f"/{name}"), "events": events, "retry": retry}
            self.expect(201, "POST", "/api/v1/webhooks/endpoints", body)

    def expect(self, status, method, path, body=None, content_type="application/json"):
        found, answer = self.service.ask(method, path, body, content_type)
        if found != status:
            raise AssertionError(f"{method} {path} was answered {found}, not {status}: {answer[:500]!r}")
        is_json = content_type == "application/json" and found < 300
        return json.loads(answer).get("data") if is_json else None

    def text(self, words=120):
        return " ".join(self.random.choice(WORDS) for _ in range(words))

    def run(self):
        try:
            number = 0
            while not self.stopped.is_set():
                self.round(number)
                number += 1
                self.stopped.wait(0.2)
        except Exception as failure:  # It is raised again where the traffic ends.
            self.failure = failure

    def round(self, number):
        self.analyses()
        self.documents(number)
        for kind in ("own.flaky", "own.dead", "own.open", "own.gone"):
            self.expect(202, "POST", "/api/v1/webhooks/events", {"type": kind, "data": {"number": number}})
        self.mistakes()
        if number % 5 == 0:
            self.batch()
        # Late enough for Prometheus to have seen the counters before.
        if number % 20 == 5:
            self.burst()
        for path in ("/api/v1/stats", "/api/v1/slo", "/api/v1/health/status", "/health/ready", "/api/v1/webhooks/stats"):
            self.expect(200, "GET", path)

    def analyses(self):
        text = self.text()
        self.expect(200, "POST", "/api/v1/analyze", {"content": text})
        self.expect(200, "POST", "/api/v1/similarity", {"text1": text, "text2": self.text()})
        self.expect(200, "POST", "/api/v1/quality", {"content": text})
        self.expect(202, "POST", "/api/v1/analyze?async=true", {"content": text})

    def documents(self, number):
        text = self.text()
        self.put(f"own-{number}", text)
        self.put(f"copy-{number}", text)
        lines = "".join(json.dumps({"id": f"line-{number}-{place}", "content": f"{text} {place}"}) + "\n" for place in range(5))
        self.expect(200, "POST", "/api/v1/documents/bulk", lines.encode(), "application/x-ndjson")
        self.expect(200, "POST", "/api/v1/duplicates/search", {"content": text})
        self.expect(200, "POST", "/api/v1/duplicates/search", {"content": f"{text} {self.text()}", "mode": "contained"})
        self.expect(200, "GET", "/api/v1/duplicates/clusters")

    def put(self, name, text):
        self.expect(201, "PUT", f"/api/v1/documents/{name}", {"content": text})

    def mistakes(self):
        self.expect(422, "POST", "/api/v1/analyze", {"content": ""})
        self.expect(404, "GET", "/api/v1/documents/not-there")
        self.expect(404, "GET", "/made-up")

    def batch(self):
        for operation, good in [("analyze", {"content": self.text()}), ("index", {"content": self.text()})]:
            body = {"operation": operation, "items": [good, {"content": ""}]}
            batch = self.expect(202, "POST", "/api/v1/batches", body)
            deadline = time.monotonic() + DONE_WITHIN_SECONDS
            while self.expect(200, "GET", f"/api/v1/batches/{batch['batch_id']}")["state"] not in ("completed", "failed"):
                if time.monotonic() > deadline:
                    raise AssertionError("a batch was not done in time")
                time.sleep(0.02)

    def burst(self):
        """More at once than the service takes: what is too much is answered 503."""
        body = json.dumps({"content": self.text(60_000)}).encode()

        def ask(_):
            # A client that is turned away while it still sends may see a broken connection.
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                return self.service.ask("POST", "/api/v1/analyze", body)[0]
            return None

        with concurrent.futures.ThreadPoolExecutor(BURST) as clients:
            found = set(clients.map(ask, range(BURST)))
        if not found <= {200, 503, None}:
            raise AssertionError(f"a burst of analyses was answered {found}")
