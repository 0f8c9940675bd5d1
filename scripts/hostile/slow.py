"""Clients that take their time: heads and bodies that come byte by byte, and answers that nobody reads."""
import contextlib
import gzip
import itertools
import json
import re
import time

from . import http2
from .stand import MARGIN_SECONDS, MIB, REQUEST_TIMEOUT_SECONDS, WRITE_TIMEOUT_SECONDS, check, until

CONNECTIONS = 1200
# More of them fill the memory that the system has for what is to be sent, and are then told apart by that.
READERS = 50
# Connections of HTTP/2 whose window stays 0, and the answers that wait on each.
STALLED = 20
STREAMS = 50
# More than enough to hold all the memory that there is for bodies, if each holds as much as it may.
HOLDERS = 60
SHORT_LINES = (5_000, 500, 50)
# Of each long answer; those of all streams together would take a gigabyte.
LONG_ANSWER_BYTES = 1_000_000
# What clients take of them: nothing, or hardly anything.
WINDOWS = (0, 1, 20_000)
LONG_STREAMS = 20
# Three quarters of what all bodies and long answers may take.
MOST_OF_ONE_CALLER = 192 * MIB
# Descriptors that come and go by themselves: the ordinary client has some.
BESIDE = 20
# Not that of the ordinary client.
OTHER_ADDRESS = "127.0.0.2"
# Between the bytes of a connection.
PAUSE_SECONDS = 0.5
SETTLED_SECONDS = 0.1
# As many answers as no buffer of the system holds.
PIPELINED = 30


def drip(service, groups, byte, seconds, source=None):
    """Opens connections from the address `source` and sends a byte on each now and then, until the service has given up all of them. `groups` are how many there are and what
    each begins with; one group begins when the one before it has got what it gets. How long it took."""
    before, opened = service.descriptors(), []
    count = sum(number for number, _ in groups)
    try:
        for number, beginning in groups:
            added = [service.connect(source=source) for _ in range(number)]
            opened += added
            for connection in added:
                connection.sendall(beginning)
                connection.setblocking(False)
            if len(groups) > 1:
                until("bodies that are all held, or refused", lambda: has_settled(service), seconds)
            else:
                until("all connections are accepted", lambda: service.descriptors() >= before + count - BESIDE, seconds)
        began = time.monotonic()
        while service.descriptors() > before + BESIDE:
            taken = time.monotonic() - began
            check(f"{count} connections that send a byte now and then are given up within {seconds} s", taken < seconds, service.descriptors())
            for connection in opened:
                with contextlib.suppress(OSError):
                    connection.send(byte)
            time.sleep(PAUSE_SECONDS)
        return time.monotonic() - began
    finally:
        for connection in opened:
            connection.close()


def held(service):
    """What bodies take of the memory that there is for them, in bytes."""
    return float(re.search(r"^http_request_bodies_bytes (\S+)", service.figures(), re.MULTILINE)[1])


def has_settled(service):
    before = held(service)
    time.sleep(SETTLED_SECONDS)
    return held(service) == before


def heads(service):
    taken = drip(service, [(CONNECTIONS, b"GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ")], b"x", REQUEST_TIMEOUT_SECONDS + MARGIN_SECONDS)
    return f"{CONNECTIONS} connections whose heads come byte by byte are given up after {taken:.0f} s"


def bodies(service):
    head = b"POST /api/v1/analyze HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    taken = drip(service, [(CONNECTIONS, head)], b" ", REQUEST_TIMEOUT_SECONDS + MARGIN_SECONDS)
    return f"{CONNECTIONS} connections whose bodies come byte by byte are given up after {taken:.0f} s"


def held_bodies(service):
    """Bodies that unpack to almost the cap and do not end: little is sent, and much is held. They come from an address of their own: what one
    caller holds must leave room for others."""
    packed = gzip.compress(b'{"content": "' + b"a " * 3_000_000)
    head = b"POST /api/v1/analyze HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
    # All but the checksum at its end, which never comes.
    beginning = head + f"Content-Length: {len(packed)}\r\n\r\n".encode() + packed[:-8]
    # What the large ones leave is too little for one more of them; small ones take that.
    small = b"POST /api/v1/analyze HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    taken = drip(service, [(HOLDERS, beginning), (HOLDERS, small)], b"", REQUEST_TIMEOUT_SECONDS + MARGIN_SECONDS, OTHER_ADDRESS)
    return f"{HOLDERS} bodies of {len(packed) / 1024:.0f} KiB that unpack to 6 MiB and do not end are given up after {taken:.0f} s"


def short_lines(service):
    """The shortest items of a batch, of which many fit into little."""
    head = b"POST /api/v1/batches?operation=analyze HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: 10000000\r\n\r\n"
    groups = [(HOLDERS, head + b"{}\n" * number) for number in SHORT_LINES]
    taken = drip(service, groups, b" ", REQUEST_TIMEOUT_SECONDS + MARGIN_SECONDS)
    return f"{len(SHORT_LINES) * HOLDERS} batches of up to {SHORT_LINES[0]} short lines that do not end are given up after {taken:.0f} s"


def lines(service):
    """A stream may last as long as something comes, so these hold their connections; but nothing beside them."""
    head = b"POST /api/v1/documents/bulk HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    opened = [service.connect() for _ in range(CONNECTIONS)]
    try:
        for connection in opened:
            connection.sendall(head)
            connection.setblocking(False)
        end = time.monotonic() + REQUEST_TIMEOUT_SECONDS
        while time.monotonic() < end:
            for connection in opened:
                with contextlib.suppress(OSError):
                    connection.send(b"1\r\n{\r\n")
            time.sleep(PAUSE_SECONDS)
    finally:
        for connection in opened:
            connection.close()
    return f"{CONNECTIONS} streams of documents come byte by byte"


def ask_and_stall(clients, windows, streams, asked):
    """Each client asks on so many streams, and takes no more of each answer than its window, one of `windows`."""
    for window, client in zip(itertools.cycle(windows), clients):
        client.settings({http2.INITIAL_WINDOW_SIZE: window})
        for number in range(streams):
            client.headers(2 * number + 1, asked, end_stream=True)


def readers(service):
    """Over HTTP/1.1, and over HTTP/2 with a window of nothing, at the same time: both have the same time."""
    # The coding whose compressor takes most, which must not be kept for each of them.
    asked = http2.request(b"GET", b"/openapi.json") + http2.field(b"accept-encoding", b"zstd")
    before = service.descriptors()
    opened = [service.connect(receive_buffer=4096) for _ in range(READERS)]
    stalled = [http2.Client(service) for _ in range(STALLED)]
    try:
        for connection in opened:
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * PIPELINED)
        ask_and_stall(stalled, [0], STREAMS, asked)
        taken = until(
            "connections that read no answer are given up",
            lambda: service.descriptors() <= before + BESIDE,
            WRITE_TIMEOUT_SECONDS + REQUEST_TIMEOUT_SECONDS + 2 * MARGIN_SECONDS,
        )
    finally:
        for connection in opened:
            connection.close()
        for client in stalled:
            client.close()
    return f"{READERS} connections that read no answer, and {len(stalled)} of HTTP/2 whose window stays 0, are given up after {taken:.0f} s"


def holders_of_answers(service):
    """Long answers over HTTP/2 with a window of nothing or little: what does not fit is refused, and answers that were given up leave nothing."""
    word = "A document of many words. "
    content = word * (LONG_ANSWER_BYTES // len(word))
    status, answer = service.ask("PUT", "/api/v1/documents/long", json.dumps({"content": content}))
    check("a long document is put into the index", status in (200, 201), answer)
    before, stalled = service.descriptors(), [http2.Client(service, OTHER_ADDRESS) for _ in range(HOLDERS)]
    try:
        ask_and_stall(stalled, WINDOWS, LONG_STREAMS, http2.request(b"GET", b"/api/v1/documents/long"))
        until("answers fill the room that one caller has", lambda: held(service) > MOST_OF_ONE_CALLER - 2 * LONG_ANSWER_BYTES, MARGIN_SECONDS)
        status, answer = service.ask("GET", "/api/v1/documents/long")
        check("another caller gets a long answer", status == 200, answer)
        taken = until(
            "streams whose answers nobody takes are given up",
            lambda: service.descriptors() <= before + BESIDE,
            WRITE_TIMEOUT_SECONDS + REQUEST_TIMEOUT_SECONDS + 2 * MARGIN_SECONDS,
        )
    finally:
        for client in stalled:
            client.close()
    return f"{HOLDERS * LONG_STREAMS} answers of 1 MB that nobody takes: as many are held as one caller may have, others get theirs, and all are given up after {taken:.0f} s"
