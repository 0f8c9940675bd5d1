"""Clients that take their time: heads and bodies that come byte by byte, and answers that nobody reads."""
import contextlib
import time

from . import http2
from .stand import MARGIN_SECONDS, REQUEST_TIMEOUT_SECONDS, WRITE_TIMEOUT_SECONDS, check, until

CONNECTIONS = 1200
# More of them fill the memory that the system has for what is to be sent, and are then told apart by that.
READERS = 50
# Connections of HTTP/2 whose window stays 0, and the answers that wait on each.
STALLED = 20
STREAMS = 50
# Descriptors that come and go by themselves: the ordinary client has some.
BESIDE = 20
# Between the bytes of a connection.
PAUSE_SECONDS = 0.5
# As many answers as no buffer of the system holds.
PIPELINED = 30


def drip(service, beginning, byte, seconds, connections=CONNECTIONS):
    """Opens connections and sends a byte on each now and then, until the service has given up all of them. How long that took."""
    before = service.descriptors()
    opened = [service.connect() for _ in range(connections)]
    try:
        for connection in opened:
            connection.sendall(beginning)
            connection.setblocking(False)
        until("all connections are accepted", lambda: service.descriptors() >= before + connections - BESIDE, seconds)
        began = time.monotonic()
        while service.descriptors() > before + BESIDE:
            taken = time.monotonic() - began
            check(f"{connections} connections that send a byte now and then are given up within {seconds} s", taken < seconds, service.descriptors())
            for connection in opened:
                with contextlib.suppress(OSError):
                    connection.send(byte)
            time.sleep(PAUSE_SECONDS)
        return time.monotonic() - began
    finally:
        for connection in opened:
            connection.close()


def heads(service):
    taken = drip(service, b"GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ", b"x", REQUEST_TIMEOUT_SECONDS + MARGIN_SECONDS)
    return f"{CONNECTIONS} connections whose heads come byte by byte are given up after {taken:.0f} s"


def bodies(service):
    head = b"POST /api/v1/analyze HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    taken = drip(service, head, b" ", REQUEST_TIMEOUT_SECONDS + MARGIN_SECONDS)
    return f"{CONNECTIONS} connections whose bodies come byte by byte are given up after {taken:.0f} s"


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


def readers(service):
    """Over HTTP/1.1, and over HTTP/2 with a window of nothing, at the same time: both have the same time."""
    before = service.descriptors()
    opened = [service.connect(receive_buffer=4096) for _ in range(READERS)]
    stalled = [http2.Client(service) for _ in range(STALLED)]
    try:
        for connection in opened:
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * PIPELINED)
        for client in stalled:
            client.settings({http2.INITIAL_WINDOW_SIZE: 0})
            for number in range(STREAMS):
                client.headers(2 * number + 1, http2.request(b"GET", b"/openapi.json"), end_stream=True)
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
