"""Connections to the port of TLS that do not speak it, or never come to an end of the handshake."""
import contextlib
import random
import socket
import ssl
import time

from .large import at_once
from .stand import HANDSHAKE_TIMEOUT_SECONDS, MARGIN_SECONDS, check, until

CONNECTIONS = 1000
GARBAGE_AT_ONCE = 50


def client_hello():
    """The first message of a real client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def raw(service):
    return socket.create_connection(("127.0.0.1", service.port), timeout=HANDSHAKE_TIMEOUT_SECONDS + MARGIN_SECONDS)


def unfinished_handshakes(service):
    """A third sends nothing, a third half of its first message, a third all of it and nothing more."""
    hello, before = client_hello(), service.descriptors()
    opened = [raw(service) for _ in range(CONNECTIONS)]
    try:
        for number, connection in enumerate(opened):
            connection.sendall((b"", hello[: len(hello) // 2], hello)[number % 3])
        until("all connections are accepted", lambda: service.descriptors() > before + CONNECTIONS - 50, HANDSHAKE_TIMEOUT_SECONDS)
        began = time.monotonic()
        until("handshakes that do not end are given up", lambda: service.descriptors() <= before + 20, HANDSHAKE_TIMEOUT_SECONDS + MARGIN_SECONDS)
        taken = time.monotonic() - began
    finally:
        for connection in opened:
            connection.close()
    return f"{CONNECTIONS} handshakes that do not end are given up after {taken:.0f} s"


def answer_to(service, data):
    with contextlib.closing(raw(service)) as connection:
        received = b""
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
            while part := connection.recv(4096):
                received += part
        return received


def garbage(service):
    """What looks like a handshake and is none, and what looks like nothing; the service has to close, and soon."""
    hello, chance = client_hello(), random.Random(1)
    began = time.monotonic()
    pieces = [
        b"\x16\x03\x01\x40\x00" + chance.randbytes(16_384),
        b"\x16" + chance.randbytes(500),
        chance.randbytes(20_000),
        b"\0" * 500,
        hello[:50] + chance.randbytes(len(hello) - 50),
    ]
    for data in pieces:
        for received in at_once(GARBAGE_AT_ONCE, lambda data=data: answer_to(service, data)):
            # Nothing, or an alert (RFC 8446, section 6).
            check("garbage gets an alert at most", received == b"" or received[0] == 0x15 or received.startswith(b"HTTP/1.1 400"), received[:50])
    taken = time.monotonic() - began
    return f"garbage in place of a handshake, {len(pieces) * GARBAGE_AT_ONCE} times, ends the connections after {taken:.1f} s together"


def plain_http(service):
    for received in at_once(GARBAGE_AT_ONCE, lambda: answer_to(service, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")):
        check("HTTP in clear is told to speak TLS", received.startswith(b"HTTP/1.1 400 ") and b"https://" in received and b"ok" not in received, received)
    return "HTTP in clear is answered 400 and told to speak TLS"


ATTACKS = (unfinished_handshakes, garbage, plain_http)
