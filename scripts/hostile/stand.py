"""The service under attack, and a client beside it that wants nothing but to be served.

An attack is a function that takes the service and gives one line about what was seen, or raises Failed. While it runs, an ordinary client
in a process of its own asks for health and small analyses at a steady pace, each on a connection of its own, and takes the time; behind it stands what the
attack left: memory and descriptors.
"""
import contextlib
import http.client
import json
import multiprocessing
import os
import pathlib
import socket
import ssl
import time

from monitoring.processes import Process, free_port, program

# So short that a check of it takes seconds; what a connection may take for its head follows it.
REQUEST_TIMEOUT_SECONDS = 5
# What no setting changes: docs/operations.md tells of it.
WRITE_TIMEOUT_SECONDS = 30
HANDSHAKE_TIMEOUT_SECONDS = 10
# Two cores do the attack, the service and the client at the same time.
MARGIN_SECONDS = 10
PATIENCE_SECONDS = 60

P99_SECONDS = 1.0
# On a machine that is busy with other things everybody waits: so many times what an ordinary client waits without an attack.
P99_OF_QUIET = 20
# Of fewer answers the slowest one would not be a percentile.
LEAST_ANSWERS = 100
# Between the requests of the ordinary client.
PACE_SECONDS = 0.02
# The store and the pool of workers open and close some by themselves.
DESCRIPTORS_BESIDE = 12
MIB = 1024 * 1024
# Attacks are closures, which no other way to begin a process takes along.
FORK = multiprocessing.get_context("fork")

ANALYSIS = json.dumps({"content": "The cat sat on the mat. The dog ran to the red barn. " * 4}).encode()


class Failed(Exception):
    """The service did what it should not."""


def check(what, is_so, seen=""):
    if not is_so:
        raise Failed(f"{what}: {seen}" if seen != "" else what)


def until(what, is_so, seconds):
    """Waits until it is so, and tells how long it took."""
    began = time.monotonic()
    while not is_so():
        check(f"{what} within {seconds:.0f} s", time.monotonic() - began < seconds, "it is not so")
        time.sleep(0.05)
    return time.monotonic() - began


class Service(Process):
    """`redundancy serve` with an embedded store; with a certificate it speaks TLS and nothing else."""

    def __init__(self, folder, name="service", certificate=None):
        super().__init__(name, folder, "/health")
        self.certificate = certificate
        self.watch = free_port()
        # Where it can be asked for health whatever it speaks to others.
        self.base = f"http://127.0.0.1:{self.watch}"

    def __enter__(self):
        settings = {"TLS_CERT": str(self.certificate / "cert.pem"), "TLS_KEY": str(self.certificate / "key.pem")} if self.certificate else {}
        return self.start(
            [program(), "serve"],
            PORT=str(self.port),
            METRICS_LISTEN=f"127.0.0.1:{self.watch}",
            DATA_DIR=str(self.folder / f"{self.name}-data"),
            LOG_LEVEL="warn",
            RATE_LIMIT_REQUESTS="1000000000",
            REQUEST_TIMEOUT_SECONDS=str(REQUEST_TIMEOUT_SECONDS),
            **settings,
        )

    def context(self, protocols=("http/1.1",)):
        """How a client checks the certificate; None in clear."""
        if not self.certificate:
            return None
        context = ssl.create_default_context(cafile=self.certificate / "cert.pem")
        context.set_alpn_protocols(list(protocols))
        return context

    def connect(self, protocols=("http/1.1",), receive_buffer=None, source=None):
        """A connection on which nothing was sent yet, of a client at the address `source`."""
        connection = socket.socket()
        if source:
            connection.bind((source, 0))
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(("127.0.0.1", self.port))
        context = self.context(protocols)
        return context.wrap_socket(connection, server_hostname="localhost") if context else connection

    def ask(self, method, path, body=None, headers=None):
        """Status and bytes of an answer."""
        return ask(self.port, self.context(), method, path, body, headers)

    def figures(self):
        """What it counts, for Prometheus."""
        return ask(self.watch, None, "GET", "/metrics")[1].decode()

    def resident(self, field="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{field}:")[1].split()[0]) * 1024

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def processor_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(port, context, method, path, body=None, headers=None):
    make = http.client.HTTPSConnection if context else http.client.HTTPConnection
    extra = {"context": context} if context else {}
    connection = make("localhost" if context else "127.0.0.1", port, timeout=PATIENCE_SECONDS, **extra)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or ({"Content-Type": "application/json"} if body else {}))
        answer = connection.getresponse()
        return answer.status, answer.read()


class Bystander:
    """Asks in turn for health and for a small analysis, until it is told to stop."""

    def __init__(self, service):
        self.mine, theirs = FORK.Pipe()
        self.process = FORK.Process(target=self._ask, args=(theirs, service), daemon=True)

    @staticmethod
    def _ask(pipe, service):
        seconds, faults = [], []
        context, due = service.context(), time.monotonic()
        while len(seconds) < LEAST_ANSWERS or not pipe.poll():
            method, path, body = (("GET", "/health", None), ("POST", "/api/v1/analyze", ANALYSIS))[len(seconds) % 2]
            try:
                status, _ = ask(service.port, context, method, path, body)
                if status != 200:
                    faults.append(f"{method} {path}: {status}")
            except (OSError, http.client.HTTPException) as error:
                faults.append(f"{method} {path}: {error!r}")
            if len(faults) > LEAST_ANSWERS:
                break
            # From when it was due, not from when it was sent: who comes while the service stands still waits as well.
            seconds.append(time.monotonic() - due)
            due += PACE_SECONDS
            time.sleep(max(0, due - time.monotonic()))
        pipe.send((seconds, faults))

    def __enter__(self):
        self.process.start()
        return self

    def end(self):
        """Seconds of all answers, in order of their length, and what went wrong."""
        # It may have had enough by itself.
        with contextlib.suppress(BrokenPipeError):
            self.mine.send("enough")
        seconds, faults = self.mine.recv()
        self.process.join()
        return sorted(seconds), faults

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()


def apart(attack, service):
    """Runs an attack in a process of its own, which gives way to others: an attacker has a machine of its own, and what it computes must
    not be what is measured."""
    mine, theirs = FORK.Pipe()

    def work():
        os.nice(19)
        try:
            theirs.send((True, attack(service)))
        except Failed as failed:
            theirs.send((False, str(failed)))
        except Exception as error:
            theirs.send((False, f"the attack broke off: {error!r}"))

    process = FORK.Process(target=work)
    process.start()
    is_fine, seen = mine.recv()
    process.join()
    check(seen, is_fine)
    return seen


def percentile_99(seconds):
    return seconds[min(len(seconds) - 1, len(seconds) * 99 // 100)]


def quiet(service):
    """What an ordinary client waits while nobody attacks, as p99 in seconds."""
    with Bystander(service) as bystander:
        seconds, faults = bystander.end()
    check("an ordinary client is served while nobody attacks", not faults, faults[:3])
    return percentile_99(seconds)


def under(service, attack, most_memory, most_seconds):
    """Runs an attack, and gives a line about it and about what it did to others."""
    before, descriptors, worked = service.resident(), service.descriptors(), service.processor_seconds()
    service.forget_peak()
    with Bystander(service) as bystander:
        seen = apart(attack, service)
        seconds, faults = bystander.end()
    p99, grown = percentile_99(seconds), service.resident("VmHWM") - before
    others = (
        f"others: {len(seconds)} requests, p99 {p99 * 1000:.0f} ms, slowest {seconds[-1] * 1000:.0f} ms; "
        f"memory +{max(grown, 0) / MIB:.0f} MiB at most, {service.processor_seconds() - worked:.1f} s of processor"
    )
    check(f"{seen}; an ordinary client is not served", not faults, f"{len(faults)} of {len(seconds)} requests: {faults[:3]}")
    check(f"{seen}; an ordinary client waits too long", p99 <= most_seconds, others)
    check(f"{seen}; memory grows beyond {most_memory // MIB} MiB", grown <= most_memory, others)
    until("the descriptors are given back", lambda: service.descriptors() <= descriptors + DESCRIPTORS_BESIDE, PATIENCE_SECONDS)
    check("the service has ended", service.process.poll() is None)
    return f"{seen}; {others}"
