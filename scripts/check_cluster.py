#!/usr/bin/env python3
"""Two tenants on a Redis Cluster that loses a master: each sees its own things and nothing else, and what was accepted is done.

Usage: check_cluster.py

Starts six redis-server as a Cluster of three masters with a replica each, and two replicas of the service (REDUNDANCY_BIN) on it, on free loopback
ports in a temporary folder. The master with most keys is killed (SIGKILL) when its replica has what it has, because Redis acknowledges
before it replicates; requests begin again at once, and go on until the replica has taken over.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from monitoring import receiver
from monitoring.processes import Process, free_port, program

TENANTS = ("acme", "globex")
NODES = 6
DOCUMENTS = 12
EVENTS = 30
ITEMS = 200
# How long requests go on when the Cluster is well again.
AFTERWARDS_SECONDS = 2
PATIENCE_SECONDS = 60
OPTIONS = (
    "--bind 127.0.0.1 --save '' --appendonly no --loglevel warning --cluster-enabled yes --cluster-node-timeout 2000 "
    # Else a replica of a master that is killed early was never one, and nothing takes over.
    "--repl-diskless-sync-delay 0 --repl-ping-replica-period 1"
)


def text(tenant, number):
    """No two of them have a passage in common."""
    return " ".join(f"{tenant}{number}x{word}" for word in range(60))


class Gate(receiver.Receiver):
    """Takes events of each tenant at a path of its own, while it is open; 503 else."""

    def __init__(self):
        self.is_open = threading.Event()
        taken = self.taken = {tenant: collections.Counter() for tenant in TENANTS}
        lock, is_open = threading.Lock(), self.is_open

        class Handler(receiver.Handler):
            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
                if is_open.is_set():
                    with lock:
                        taken[self.path.strip("/")][event["id"]] += 1
                self.send_response(204 if is_open.is_set() else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.handler = Handler


class Cluster:
    def __init__(self, folder):
        self.folder, self.ports, self.processes = folder, [], {}

    def __enter__(self):
        try:
            for _ in range(NODES):
                self.start(free_port())
            for port in self.ports:
                until(f"Redis at {port}", lambda port=port: self.ask(port, "ping") == "PONG")
            addresses = [f"127.0.0.1:{port}" for port in self.ports]
            command = ["redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"]
            made = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
            check("the Cluster is made", made.returncode == 0, made.stdout[-1000:] + made.stderr)
            self.until_well()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, port):
        folder = self.folder / f"redis-{port}"
        folder.mkdir()
        options = [option.strip("'") for option in OPTIONS.split()]
        # The nodes talk to each other on a port of their own.
        command = ["redis-server", "--port", str(port), "--cluster-port", str(free_port()), "--dir", str(folder), *options]
        self.processes[port] = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.ports.append(port)

    def ask(self, port, *command):
        answer = subprocess.run(["redis-cli", "-p", str(port), *command], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        return answer.stdout.strip()

    def replication(self, port):
        return dict(line.split(":", 1) for line in self.ask(port, "info", "replication").splitlines() if ":" in line)

    def masters(self):
        return [port for port in self.ports if self.replication(port).get("role") == "master"]

    def until_well(self):
        until("a Cluster that is well", lambda: all("cluster_state:ok" in self.ask(port, "cluster", "info") for port in self.ports))
        until("three masters", lambda: len(self.masters()) == 3)

    def until_replicated(self):
        """Every master has a replica, which has everything that the master has now: deliveries go on, so there is always more."""
        wanted = {port: int(self.replication(port)["master_repl_offset"]) for port in self.masters()}

        def has_all(port):
            replica = dict(part.split("=") for part in self.replication(port).get("slave0", "").split(",") if "=" in part)
            return replica.get("state") == "online" and int(replica["offset"]) >= wanted[port]

        until("replicas that have everything", lambda: all(map(has_all, wanted)))

    def kill_fullest(self):
        """How many keys the killed one had."""
        keys = {port: int(self.ask(port, "dbsize")) for port in self.masters()}
        port = max(keys, key=keys.get)
        self.processes[port].send_signal(signal.SIGKILL)
        self.processes[port].wait()
        self.ports.remove(port)
        return keys[port]

    def __exit__(self, *_):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait()


class Service(Process):
    def __init__(self, folder, number, cluster):
        super().__init__(f"service-{number}", folder, "/health")
        self.cluster = cluster

    def __enter__(self):
        # One that is a master and one that is a replica at first.
        nodes = ",".join(f"127.0.0.1:{port}" for port in (self.cluster.ports[0], self.cluster.ports[4]))
        return self.start(
            [program(), "serve"],
            PORT=str(self.port),
            REDIS_URL=f"redis+cluster://{nodes}",
            LOG_LEVEL="warn",
            AUTH_MODE="api_key",
            API_KEYS="key-of-the-operator," + ",".join(f"key-of-{tenant}:write:{tenant}" for tenant in TENANTS),
            RATE_LIMIT_REQUESTS="1000000000",
            WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
            # Receivers are away for a while, and then what waits should not wait longer.
            CIRCUIT_BREAKER_TIMEOUT_SECONDS="1",
        )


class Caller:
    """Asks as one tenant, both services in turn."""

    def __init__(self, name, services):
        self.name, self.services, self.asked = name, services, 0

    def ask(self, method, path, body=None):
        """Status and data of an answer; status 0 if there was none."""
        self.asked += 1
        service = self.services[self.asked % len(self.services)]
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE_SECONDS)
        headers = {"X-Api-Key": f"key-of-{self.name}"}
        if body is not None:
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        with contextlib.closing(connection):
            try:
                connection.request(method, f"/api/v1{path}", body, headers)
                answer = connection.getresponse()
                found = answer.read()
            except OSError:
                return 0, None
            if answer.headers.get("Content-Type") == "application/x-ndjson":
                return answer.status, [json.loads(line) for line in found.splitlines()]
            return answer.status, json.loads(found).get("data") if found else None

    def must(self, wanted, method, path, body=None):
        status, data = self.ask(method, path, body)
        check(f"{self.name}: {method} {path}", status == wanted, f"{status} {data}")
        return data

    def put(self, number):
        return self.ask("PUT", f"/documents/doc-{number}", {"content": text(self.name, number)})

    def publish(self):
        """The id of the event, or None if it was not accepted."""
        status, event = self.ask("POST", "/webhooks/events", {"type": "own.tried", "data": {"of": self.name}})
        check(f"{self.name}: an event is accepted or refused for the time being", status in (202, 503), status)
        return event["event_id"] if status == 202 else None

    def batch(self):
        items = [{"content": text(self.name, number)} for number in range(ITEMS)]
        return self.must(202, "POST", "/batches", {"operation": "quality", "items": items})["batch_id"]

    def until_done(self, batch):
        until(f"{self.name}: the end of its batch", lambda: (self.ask("GET", f"/batches/{batch}")[1] or {}).get("state") == "completed")
        results = self.must(200, "GET", f"/batches/{batch}/results")
        check(f"{self.name}: results of its batch", len(results) == ITEMS, len(results))

    def listed(self, path, key):
        ids, cursor = [], ""
        while cursor is not None:
            page = self.must(200, "GET", f"{path}?limit=200" + (f"&cursor={cursor}" if cursor else ""))
            ids += [item[key] for item in page["items"]]
            cursor = page["next_cursor"]
        return sorted(ids)


def check(what, is_so, seen=""):
    if not is_so:
        sys.exit(f"check_cluster: {what}: {seen}")


def until(what, is_so):
    began = time.monotonic()
    while not is_so():
        check(f"{what} did not come within {PATIENCE_SECONDS} s", time.monotonic() - began < PATIENCE_SECONDS)
        time.sleep(0.05)
    return time.monotonic() - began


def settle(caller, gate):
    """A tenant moves in: an endpoint, documents, a batch, events. The same ids for each of them."""
    endpoint = {"id": "main", "url": gate.url(f"/{caller.name}"), "events": ["own.*"], "retry": {"schedule_ms": [200] * 50, "max_attempts": 51}}
    caller.must(201, "POST", "/webhooks/endpoints", endpoint)
    for number in range(DOCUMENTS):
        check(f"{caller.name}: a document is put", caller.put(number)[0] == 201)
    batch = caller.batch()
    caller.until_done(batch)
    return batch, [caller.must(202, "POST", "/webhooks/events", {"type": "own.tried", "data": {}})["event_id"] for _ in range(EVENTS)]


def walls(callers, batches, events):
    """What each sees is its own; what is another's is not there, whoever asks."""
    numbers = range(DOCUMENTS)
    for caller, other in zip(callers, reversed(callers)):
        check(f"{caller.name}: its documents", caller.listed("/documents", "id") == sorted(f"doc-{number}" for number in numbers), caller.listed("/documents", "id"))
        check(f"{caller.name}: its endpoints", caller.listed("/webhooks/endpoints", "id") == ["main"])
        seen = set(caller.listed("/webhooks/deliveries", "event_id"))
        # One whose answer got lost with a master may be there as well.
        check(f"{caller.name}: deliveries of its events", seen >= set(events[caller.name]), len(seen))
        check(f"{caller.name}: deliveries of events of {other.name}", not seen & set(events[other.name]))
        for number in numbers:
            mine = caller.must(200, "POST", "/duplicates/search", {"content": text(caller.name, number)})["matches"]
            check(f"{caller.name}: finds its document", [match["document_id"] for match in mine] == [f"doc-{number}"], mine)
            foreign = caller.must(200, "POST", "/duplicates/search", {"content": text(other.name, number)})["matches"]
            check(f"{caller.name}: finds nothing of {other.name}", foreign == [], foreign)
            check(f"{caller.name}: its own text", caller.must(200, "GET", f"/documents/doc-{number}")["content"] == text(caller.name, number))
        delivery = other.must(200, "GET", "/webhooks/deliveries?limit=1")["items"][0]["id"]
        for path in (f"/batches/{batches[other.name]}", f"/batches/{batches[other.name]}/results", f"/webhooks/events/{events[other.name][0]}", f"/webhooks/deliveries/{delivery}"):
            caller.must(404, "GET", path)
            Caller("the-operator", caller.services).must(404, "GET", path)
        caller.must(404, "DELETE", f"/batches/{batches[other.name]}")


def through_failover(cluster, callers, gate, events):
    """Publishes and puts while a master is lost, until the replica has taken over. Seconds until then, keys, what was refused."""
    # What is noted of them while they go on may be lost, and is done again then; that they were accepted must not be.
    waiting = {caller.name: caller.batch() for caller in callers}
    cluster.until_replicated()
    keys = cluster.kill_fullest()
    gate.is_open.set()
    refused, ended, began = collections.Counter(), threading.Event(), time.monotonic()

    def go_on(caller):
        number = 0
        while not ended.is_set():
            event = caller.publish()
            if event:
                events[caller.name].append(event)
            else:
                refused[caller.name] += 1
            caller.put(number % DOCUMENTS)
            number += 1

    with concurrent.futures.ThreadPoolExecutor(len(callers)) as threads:
        going = [threads.submit(go_on, caller) for caller in callers]
        try:
            cluster.until_well()
            seconds = time.monotonic() - began
            # Both tenants are served again, before requests may end.
            counts = {name: len(published) for name, published in events.items()}
            until("events that are accepted again", lambda: all(len(events[name]) > count + 10 for name, count in counts.items()))
            time.sleep(AFTERWARDS_SECONDS)
        finally:
            ended.set()
        for one in going:
            one.result()
    for caller in callers:
        caller.until_done(waiting[caller.name])
    return seconds, keys, sum(refused.values())


def arrived(gate, events):
    for name, published in events.items():
        until(f"{name}: all {len(published)} accepted events", lambda n=name, p=published: all(gate.taken[n][event] for event in p))
    for name, other in zip(events, reversed(events)):
        strange = set(gate.taken[name]) & set(events[other])
        check(f"{name} gets events of {other}", not strange, strange)


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for needed in ("redis-server", "redis-cli"):
        if not shutil.which(needed):
            sys.exit(f"check_cluster: {needed} is needed; scripts/test installs it")
    with tempfile.TemporaryDirectory() as folder, Gate() as gate:
        folder = pathlib.Path(folder)
        with Cluster(folder) as cluster, Service(folder, 0, cluster) as first, Service(folder, 1, cluster) as second:
            callers = [Caller(tenant, (first, second)) for tenant in TENANTS]
            for caller in callers * 2:
                until(f"{caller.name}: a service that knows its store", lambda caller=caller: caller.ask("GET", "/documents")[0] == 200)
            settled = {caller.name: settle(caller, gate) for caller in callers}
            batches = {name: batch for name, (batch, _) in settled.items()}
            events = {name: published for name, (_, published) in settled.items()}
            walls(callers, batches, events)
            print("two tenants on a Redis Cluster: documents, search, batches, endpoints and events of each are there for it, and for nobody else")
            seconds, keys, refused = through_failover(cluster, callers, gate, events)
            arrived(gate, events)
            walls(callers, batches, events)
            print(
                f"a master with {keys} keys was killed: after {seconds:.1f} s a replica had taken over; {refused} events were refused meanwhile, "
                f"{sum(map(len, events.values()))} were accepted and all arrived, each at its own tenant's receiver"
            )


if __name__ == "__main__":
    main()
