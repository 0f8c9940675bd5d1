#!/usr/bin/env python3
"""The service under load: ten thousand idle connections cost little, and too much work is turned away and not queued.

Usage: check_load.py [--long]

The service (REDUNDANCY_BIN) runs with its defaults, but for the number of requests that one caller may make, and is asked over loopback addresses.

1. 10,000 connections are open, on each of which one request was made, while 500 clients analyse texts of 1 to 4 KB as fast as they get
   answers. Nothing fails, the service takes less than 150 MiB, and the idle connections are good afterwards.
2. Five times as many analyses come as it can do, whether it answers or not. What is accepted takes less than twice as long as normally, what is
   not is told so at once, health answers all the time, and soon afterwards everything is as before. The service has half of the cores then,
   the clients the other half: so it is the service that is measured.

"Normally" is the 99th percentile while analyses come at random at four fifths of what the service can do: the most that a service is planned for. At
random, and not evenly, because clients do not agree with each other: evenly there is no queue at all until there is one without end.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import socket
import sys
import tempfile
import time

from load import proc
from load.clients import Clients, percentile, request
from monitoring.processes import Process, program

IDLE = 10_000
BUSY = 500
MEMORY_BYTES = 150 * proc.MIB
# From the end of an answer to the end of the next request's head (docs/operations.md).
IDLE_SECONDS = 30
IDLE_PHASE_SECONDS = 8
# Connections of both phases, and what else a process has open.
FILES = IDLE + BUSY + 1_000

# Long enough that the service has far more to do with it than the client.
HEAVY_BYTES = 200_000
NORMAL_SHARE = 0.8
OVERLOAD = 5
SLOWER_AT_MOST = 2
SHED_WITHIN_SECONDS = 0.05
# A burst by chance may be too much also then: what waits is bounded to 0.1 s, and what comes at random is not. For requests that come at random and take
# equally long (M/D/1), 0.4 % wait longer than that at 80 % of what can be done, and 4 % at 88 %; and what can be done is known to a tenth at best.
SHED_NORMALLY = 0.05
BACK_WITHIN_SECONDS = 2
HEALTH_EACH_SECONDS = 0.05
# A client that is later than that is busy itself, and what it measures is not the service. The same goes for a machine that has other things to do, in cores.
CLIENT_LATE_AT_MOST_SECONDS = 0.02
OTHERS_AT_MOST = 0.2
TRIES = 3
HEALTH = request("GET", "/health")


class Service(Process):
    def __init__(self, folder, cores=None):
        super().__init__("service", folder, "/health")
        self.cores = cores

    def __enter__(self):
        everything = os.sched_getaffinity(0)
        if self.cores:
            os.sched_setaffinity(0, self.cores)
        try:
            return self.start([program(), "serve"], PORT=str(self.port), LOG_LEVEL="warn", RATE_LIMIT_REQUESTS="1000000000")
        finally:
            os.sched_setaffinity(0, everything)

    @property
    def pid(self):
        return self.process.pid


def check(what, is_so, seen=""):
    if not is_so:
        sys.exit(f"check_load: {what}: {seen}")


def milliseconds(seconds):
    return f"{1000 * seconds:.1f} ms"


def texts(rng, count, least, most):
    """Analyses of texts that are made of a few thousand words, with some sentences more than once."""
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9))) for _ in range(3_000)]
    requests = []
    for _ in range(count):
        wanted, sentences, length = rng.randint(least, most), [], 0
        while length < wanted:
            again = sentences and rng.random() < 0.1
            sentences.append(rng.choice(sentences) if again else " ".join(rng.choices(words, k=12)).capitalize() + ".")
            length += len(sentences[-1]) + 1
        requests.append(request("POST", "/api/v1/analyze", json.dumps({"content": " ".join(sentences)}).encode()))
    return requests


def ask_once(connection):
    """Whether /health is answered on this connection."""
    connection.sendall(HEALTH)
    received = b""
    while not received.endswith(b"}"):
        part = connection.recv(4096)
        if not part:
            return False
        received += part
    return received.startswith(b"HTTP/1.1 200 ")


def idle(folder, rng):
    """Ten thousand idle connections while others work."""
    files = proc.raise_limit_of_files(FILES)
    check(f"{FILES} files have to be open at once, and the system allows", files >= FILES, f"{files} (ulimit -n)")
    with Service(folder) as service, Clients(service.port) as clients:
        begin = proc.memory(service.pid)[0]
        connections, answered = [], []
        try:
            for number in range(IDLE):
                connection = socket.create_connection(("127.0.0.1", service.port), timeout=30, source_address=(f"127.0.1.{1 + number // 1_000}", 0))
                connections.append(connection)
                check("the first request of an idle connection", ask_once(connection), number)
                answered.append(time.monotonic())
            opened = proc.memory(service.pid)[0]
            answers = clients.closed_loop("analysis", texts(rng, 64, 1_000, 4_000), BUSY, IDLE_PHASE_SECONDS)
            now, most = proc.memory(service.pid)
            tell(f"{IDLE} idle connections took {(opened - begin) / IDLE / 1024:.1f} KiB each; {BUSY} clients beside them had {len(answers)} analyses done, "
                 f"{len(answers) / IDLE_PHASE_SECONDS:.0f}/s, p99 {milliseconds(percentile([one.seconds for one in answers], 0.99))}")
            faults = [f"beside idle connections analyses were answered {failed(answers)}"] if failed(answers) else []
            tell(f"memory of the service: {begin / proc.MIB:.1f} MiB at first, {now / proc.MIB:.1f} MiB under load, {most / proc.MIB:.1f} MiB at most")
            if most >= MEMORY_BYTES:
                faults.append(f"with {IDLE} idle connections the service took {most / proc.MIB:.1f} MiB, more than {MEMORY_BYTES / proc.MIB:.0f}")
            good, closed = usable(connections, answered)
            tell(f"of the idle connections {good} were good afterwards, {closed} were closed because they had been idle for {IDLE_SECONDS} s")
            return faults
        finally:
            for connection in connections:
                connection.close()


def failed(answers):
    """How often each answer came that is no result."""
    return dict(collections.Counter(f"{one.status} {one.why}".strip() for one in answers if one.status != 200))


def usable(connections, answered):
    """Asks once more on each. Only one that was idle for as long as a connection may be is allowed to be closed."""
    good = closed = 0
    for connection, since in zip(connections, answered):
        try:
            is_good = ask_once(connection)
        except OSError:
            is_good = False
        good += is_good
        closed += not is_good
        check("an idle connection was closed too early", is_good or time.monotonic() - since >= IDLE_SECONDS, f"after {time.monotonic() - since:.1f} s")
    return good, closed


def at_random(rng, rate, seconds):
    """When requests come that do not know of each other."""
    now = 0.0
    while (now := now + rng.expovariate(rate)) < seconds:
        yield now


def evenly(seconds):
    return (number * HEALTH_EACH_SECONDS for number in range(int(seconds / HEALTH_EACH_SECONDS)))


def overload(folder, rng, factor):
    """Five times as much as can be done. Measured again when the machine was busy with something else."""
    cores = sorted(os.sched_getaffinity(0))
    check("half of the cores are the service's, half the clients': two are needed", len(cores) >= 2, cores)
    half = len(cores) // 2
    analyses = texts(rng, 8, HEAVY_BYTES, HEAVY_BYTES)
    for number in range(TRIES):
        place = folder / str(number)
        place.mkdir()
        with Service(place, set(cores[:half])) as service:
            os.sched_setaffinity(0, set(cores[half:]))
            try:
                others = proc.Bystanders(service.pid)
                phases = measure(service.port, rng, analyses, half, factor)
                others = others.cores()
            finally:
                os.sched_setaffinity(0, set(cores))
        faults = judge(*phases)
        late = max(percentile([one.late for one in answers], 0.99) for _, answers in phases[1:3])
        tell(f"the clients were late by {milliseconds(late)} (p99), and {others:.2f} cores were busy with something else")
        if late < CLIENT_LATE_AT_MOST_SECONDS and others < OTHERS_AT_MOST:
            return faults
        tell("so this says little about the service")
    return [f"{TRIES} times the machine was busy with something else: nothing can be said of overload"] + [f"perhaps: {fault}" for fault in faults]


def measure(port, rng, analyses, workers, factor):
    """What can be done in a second, and what came of normal load, of too much, and of normal load after that."""
    with Clients(port) as clients:
        clients.closed_loop("warm", analyses, 2 * workers, 1)
        begin = time.monotonic()
        done = clients.closed_loop("analysis", analyses, 2 * workers, 3 * factor)
        capacity = len(done) / (time.monotonic() - begin)
        normal = offered(clients, rng, analyses, NORMAL_SHARE * capacity, 8 * factor)
        much = offered(clients, rng, analyses, OVERLOAD * capacity, 6 * factor)
        after = offered(clients, rng, analyses, NORMAL_SHARE * capacity, 6 * factor)
    return capacity, normal, much, after


def offered(clients, rng, analyses, rate, seconds):
    """Answers to analyses at that rate and to health, with when it began."""
    begin = time.monotonic()
    times = list(at_random(rng, rate, seconds))
    answers = clients.open_loop(("analysis", analyses, times), ("health", [HEALTH], evenly(seconds)))
    return begin, answers


def of(kind, answers):
    return [one for one in answers if one.kind == kind]


def p50(answers):
    return percentile([one.seconds for one in answers], 0.5)


def p99(answers):
    return percentile([one.seconds for one in answers], 0.99)


def judge(capacity, normal, much, after):
    faults = []

    def hold(what, is_so):
        if not is_so:
            faults.append(what)

    normal_p99 = p99(of("analysis", normal[1]))
    tell(f"{HEAVY_BYTES // 1000} KB texts: {capacity:.0f} analyses/s can be done; at {NORMAL_SHARE:.0%} of it p50 "
         f"{milliseconds(p50(of('analysis', normal[1])))}, p99 {milliseconds(normal_p99)}, which is what is normal; "
         f"health p99 {milliseconds(p99(of('health', normal[1])))}")
    asked = of("analysis", much[1])
    accepted = [one for one in asked if one.status == 200]
    shed = [one for one in asked if one.status in (429, 503)]
    tell(f"at {OVERLOAD} times what can be done: {len(asked)} analyses came, {len(accepted)} were accepted, p50 {milliseconds(p50(accepted))}, p99 "
         f"{milliseconds(p99(accepted))}, {p99(accepted) / normal_p99:.1f} times the normal one; {len(shed)} were turned away, p50 {milliseconds(p50(shed))}, "
         f"p99 {milliseconds(p99(shed))}")
    others = failed([one for one in asked if one.status not in (429, 503)])
    hold(f"analyses were answered {others}, which is neither a result nor a refusal", not others)
    slower = p99(accepted) / normal_p99
    hold(f"what is accepted takes {slower:.1f} times as long as normally, more than {SLOWER_AT_MOST}", slower < SLOWER_AT_MOST)
    hold("nothing was turned away, so there was no overload", shed)
    hold(f"the refusal took {milliseconds(p99(shed))}, longer than {milliseconds(SHED_WITHIN_SECONDS)}", p99(shed) < SHED_WITHIN_SECONDS)
    bare = sum(not one.retry_after for one in shed)
    hold(f"{bare} refusals do not say when to try again (Retry-After)", not bare)

    health = of("health", much[1])
    tell(f"health meanwhile: {len(health)} requests, p99 {milliseconds(p99(health))}, {milliseconds(max(one.seconds for one in health))} at most")
    for name, (_, answers) in {"normally": normal, "under overload": much, "afterwards": after}.items():
        wrong = [one for one in of("health", answers) if one.status != 200]
        hold(f"health was not answered {len(wrong)} times {name}", not wrong)
    for when, answers in {"normally": normal[1], "afterwards": after[1]}.items():
        analyses = of("analysis", answers)
        hold(f"{when} analyses were answered {failed(analyses)}", sum(one.status != 200 for one in analyses) <= SHED_NORMALLY * len(analyses))

    # The load had ended when the last answer was there at the latest.
    end = max(one.due for one in asked)
    late = [one for one in of("analysis", after[1]) if one.due >= end + BACK_WITHIN_SECONDS]
    late_p99 = p99([one for one in late if one.status == 200])
    began = after[0] - end
    tell(f"{BACK_WITHIN_SECONDS} s after the end: p99 {milliseconds(late_p99)}; the last answer to the overload came {began:.2f} s after the end")
    hold(f"the overload was worked off for {began:.1f} s after its end, longer than {BACK_WITHIN_SECONDS} s", began < BACK_WITHIN_SECONDS)
    hold(f"afterwards it takes {late_p99 / normal_p99:.1f} times as long as normally", late_p99 < SLOWER_AT_MOST * normal_p99)
    return faults


def tell(what):
    print(what, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="overload for half a minute instead of six seconds, and everything around it in proportion")
    parser.add_argument("--only", choices=["idle", "overload"], help="one of the two parts")
    arguments = parser.parse_args()
    factor = 5 if arguments.long else 1
    # The same requests at the same times on every run.
    parts = {"idle": lambda place: idle(place, random.Random(7)), "overload": lambda place: overload(place, random.Random(7), factor)}
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for name in [arguments.only] if arguments.only else parts:
            place = pathlib.Path(folder) / name
            place.mkdir()
            faults += parts[name](place)
    if faults:
        sys.exit("check_load: " + "\n  ".join(["the service does not stand the load as it should:", *faults]))
    print("the service stands the load")


if __name__ == "__main__":
    main()
