#!/usr/bin/env python3
"""Three replicas on one Redis behind nginx: one budget for each caller, one circuit breaker for each endpoint, and nothing is lost when one
of them is killed under load.

Usage: check_replicas.py

Starts redis-server, nginx and three times the service (REDUNDANCY_BIN) on free loopback ports in a temporary folder. nginx hands requests out in
turn, and does not try another replica when one fails: what a client sees is what the replicas do.
"""
import collections
import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from monitoring import receiver
from monitoring.processes import Process, free_port, program

REPLICAS = 3
BUDGET = 300
THRESHOLD = 3
# Longer than any of it takes, so that nothing comes back meanwhile.
WINDOW_SECONDS = 3600
LOAD_SECONDS = 4
CLIENTS = 8
PATIENCE_SECONDS = 60
# By how much the sum of what the replicas let through may differ from the budget.
TOLERANCE = 0.05

NGINX = """
worker_processes 1;
daemon off;
pid nginx.pid;
error_log nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  upstream replicas {{ {servers} keepalive 32; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://replicas;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_next_upstream off;
    }}
  }}
}}
"""


class Counting(receiver.Receiver):
    """Takes what comes to /taken and keeps the ids of it; answers 500 at any other path."""

    def __init__(self):
        taken = self.taken = collections.Counter()
        lock = threading.Lock()

        class Handler(receiver.Handler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                takes = self.path == "/taken"
                if takes:
                    with lock:
                        taken[self.headers["webhook-id"]] += 1
                self.send_response(204 if takes else 500)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.handler = Handler


class Replica(Process):
    def __init__(self, folder, number, redis, requests):
        super().__init__(f"replica-{number}", folder, "/health")
        self.redis, self.requests = redis, requests

    def __enter__(self):
        return self.start(
            [program(), "serve"],
            PORT=str(self.port),
            REDIS_URL=f"redis://127.0.0.1:{self.redis}",
            LOG_LEVEL="warn",
            AUTH_MODE="api_key",
            API_KEYS="key-of-the-caller,key-of-the-check",
            RATE_LIMIT_REQUESTS=str(self.requests),
            RATE_LIMIT_WINDOW_SECONDS=str(WINDOW_SECONDS),
            TRUSTED_PROXIES="127.0.0.1",
            WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
            CIRCUIT_BREAKER_FAILURE_THRESHOLD=str(THRESHOLD),
        )

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        if self.process.poll() is None:
            super().end()
        self.log.close()


class Redis:
    def __init__(self, folder):
        self.folder, self.port = folder / "redis", free_port()

    def __enter__(self):
        self.folder.mkdir()
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--appendonly", "yes", "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until("Redis", self._answers)
        return self

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"
        return False

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Nginx(Process):
    def __init__(self, folder, replicas):
        super().__init__("nginx", folder, "/health")
        self.replicas = replicas

    def __enter__(self):
        servers = " ".join(f"server 127.0.0.1:{replica.port} max_fails=0;" for replica in self.replicas)
        (self.folder / "nginx.conf").write_text(NGINX.format(servers=servers, port=self.port))
        return self.start(["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "nginx-error.log")])


def ask(port, method, path, key, body=None):
    """Status and JSON of an answer; status 0 if the connection broke."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    headers = {"X-Api-Key": key}
    if body is not None:
        body, headers["Content-Type"] = json.dumps(body), "application/json"
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text and b"<html" not in text else None
    except OSError:
        return 0, None
    finally:
        connection.close()


def check(what, is_so, seen):
    if not is_so:
        sys.exit(f"check_replicas: {what}: {seen}")


def until(what, is_so):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        check(f"{what} did not come within {PATIENCE_SECONDS} s", time.monotonic() < deadline, "")
        time.sleep(0.05)


def budget(nginx):
    """Twice as many requests as a caller may make, over all replicas at once."""
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        asked = [clients.submit(ask, nginx.port, "GET", "/api/v1/documents", "key-of-the-caller") for _ in range(2 * BUDGET)]
        statuses = collections.Counter(one.result()[0] for one in asked)
    allowed = statuses[200]
    check("the replicas together let through", abs(allowed - BUDGET) <= TOLERANCE * BUDGET, statuses)
    check("there were other answers than 200 and 429", set(statuses) == {200, 429}, statuses)
    return allowed


def register(nginx, name, url):
    body = {"id": name, "url": url, "events": [f"{name}.*"], "retry": {"initial_delay_ms": 100, "max_attempts": 20}}
    status, answer = ask(nginx.port, "POST", "/api/v1/webhooks/endpoints", "key-of-the-check", body)
    check(f"registering {name}", status == 201, answer)


def breaker(nginx, replicas, receiving):
    """What the failures of one replica's attempts open is open for all."""
    register(nginx, "failing", receiving.url("/failing"))
    for _ in range(2 * THRESHOLD):
        ask(nginx.port, "POST", "/api/v1/webhooks/events", "key-of-the-check", {"type": "failing.x", "data": {}})

    def states():
        path = "/api/v1/webhooks/endpoints/failing"
        return [ask(replica.port, "GET", path, "key-of-the-check")[1]["data"]["circuit"]["state"] for replica in replicas]

    until("an open breaker at every replica", lambda: states() == ["open"] * REPLICAS)


def kill(nginx, replicas, receiving):
    """Everything that was accepted arrives, whoever accepted it and whoever had it in hand."""
    register(nginx, "taking", receiving.url("/taken"))
    accepted, statuses = [], collections.Counter()
    lock, ended = threading.Lock(), threading.Event()

    def publish():
        while not ended.is_set():
            body = {"type": "taking.x", "data": {}}
            status, answer = ask(nginx.port, "POST", "/api/v1/webhooks/events", "key-of-the-check", body)
            with lock:
                statuses[status] += 1
                if status == 202:
                    accepted.append(answer["data"]["event_id"])

    clients = [threading.Thread(target=publish) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(LOAD_SECONDS / 2)
    replicas[0].kill()
    time.sleep(LOAD_SECONDS / 2)
    ended.set()
    for client in clients:
        client.join()
    # 502 is how nginx tells of a connection that the dead one refuses or breaks.
    check("clients were answered otherwise than by 202, and by 502 for the dead one", set(statuses) <= {202, 502}, statuses)
    until("every accepted event at the receiver", lambda: all(receiving.taken[event] for event in accepted))
    return len(accepted), statuses[502]


def main():
    for needed in ("nginx", "redis-server"):
        if not shutil.which(needed):
            sys.exit(f"check_replicas: {needed} is needed; scripts/test installs it")
    with tempfile.TemporaryDirectory() as folder, Counting() as receiving:
        folder = pathlib.Path(folder)
        with Redis(folder) as redis:
            first = started(folder / "budget", redis, BUDGET, lambda nginx, _: budget(nginx))
            second = started(folder / "rest", redis, 1_000_000_000, lambda nginx, replicas: rest(nginx, replicas, receiving))
    accepted, refused = second
    print(
        f"three replicas on one Redis behind nginx: {first} of {2 * BUDGET} requests were let through with a budget of {BUDGET}; a breaker opened "
        f"for all; one was killed under load: {accepted} events were accepted and all arrived, {refused} requests to the dead one failed"
    )


def rest(nginx, replicas, receiving):
    breaker(nginx, replicas, receiving)
    return kill(nginx, replicas, receiving)


def started(folder, redis, requests, work):
    """Does `work` with replicas behind nginx that allow each caller so many requests."""
    folder.mkdir()
    replicas = [Replica(folder, number, redis.port, requests) for number in range(REPLICAS)]
    with replicas[0], replicas[1], replicas[2], Nginx(folder, replicas) as nginx:
        for replica in replicas:
            # It answers before it knows its store; until then it is alone.
            until("a replica that is ready", lambda: ask(replica.port, "GET", "/health/ready", "")[1] == {"status": "ok"})
        return work(nginx, replicas)


if __name__ == "__main__":
    main()
