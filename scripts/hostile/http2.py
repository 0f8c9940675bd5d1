"""Frames of HTTP/2 as no library would send them (RFC 9113), and what they are sent for."""
import contextlib
import struct
import time

from .stand import MIB, check

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
INITIAL_WINDOW_SIZE = 4
CANCEL = 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CONNECTIONS = 8
STREAMS = 50
BURST = 100
# The service ends a connection when some hundred more were given up than were answered; the rest is on the way by then.
MOST_TAKEN_BACK = 5_000
FLOOD_BYTES = 64 * MIB
# How long a flood goes on against a service that neither answers it nor ends it.
FLOOD_SECONDS = 4
# A service that takes nothing for so long does not read.
STALL_SECONDS = 0.5
GLANCE_SECONDS = 0.001


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name, value):
    """A header that does not enter the table (RFC 7541, section 6.2.2), for names and values of up to 126 bytes."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def request(method, path):
    return field(b":method", method) + field(b":scheme", b"http") + field(b":path", path) + field(b":authority", b"localhost")


class Client:
    """One connection, on which the preface was sent."""

    def __init__(self, service, source=None):
        self.connection = service.connect(protocols=("h2",), source=source)
        # What came and was not looked at yet.
        self.received = b""
        self.is_over, self.is_stalled, self.sent = False, False, 0
        self.send(PREFACE + frame(SETTINGS, 0, 0))

    def send(self, data):
        try:
            self.connection.sendall(data)
            self.sent += len(data)
        except TimeoutError:
            self.is_stalled = True
        except OSError:
            self.is_over = True

    def is_going_on(self):
        """Whether the service still takes what comes, as far as is known."""
        return not self.is_over and not self.is_stalled and self.sent < FLOOD_BYTES

    def settings(self, values):
        self.send(frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", key, value) for key, value in values.items())))

    def headers(self, stream, block, end_stream=False):
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end_stream else 0), stream, block))

    def close(self):
        self.connection.close()

    def frames(self, seconds):
        """Frames that come, until nothing came for so long or the service closes: kind, flags, stream, payload."""
        self.connection.settimeout(seconds)
        with contextlib.suppress(OSError):
            while True:
                yield from self.whole()
                part = self.connection.recv(65536)
                if not part:
                    break
                self.received += part
            self.is_over = True

    def whole(self):
        """Frames that have come whole."""
        begin = 0
        while begin + 9 <= len(self.received):
            length, kind, flags = int.from_bytes(self.received[begin : begin + 3], "big"), self.received[begin + 3], self.received[begin + 4]
            end = begin + 9 + length
            if end > len(self.received):
                break
            yield kind, flags, int.from_bytes(self.received[begin + 5 : begin + 9], "big"), self.received[begin + 9 : end]
            begin = end
        self.received = self.received[begin:]

    def ended(self, seconds):
        """Whether the service says that it ends the connection, or closes it."""
        self.is_over = any(kind == GOAWAY for kind, *_ in self.frames(seconds)) or self.is_over
        return self.is_over


def flood(service, make, listens=False, seconds=FLOOD_SECONDS):
    """Sends what `make` gives for each number from 0 on, on some connections in turn, until the service ends them. How many of them it ended,
    how many bytes all of them sent, and up to which number. One that `listens` looks after each piece whether it was told to stop."""
    clients = [Client(service) for _ in range(CONNECTIONS)]
    for client in clients:
        client.connection.settimeout(STALL_SECONDS)
    end, number = time.monotonic() + seconds, 0
    try:
        while time.monotonic() < end and any(client.is_going_on() for client in clients):
            for client in filter(Client.is_going_on, clients):
                client.send(make(number))
                if listens and client.is_going_on():
                    client.ended(GLANCE_SECONDS)
                    client.connection.settimeout(STALL_SECONDS)
            number += 1
        ended = sum(client.ended(STALL_SECONDS) if listens else client.is_over for client in clients)
        return ended, sum(client.sent for client in clients), number
    finally:
        for client in clients:
            client.close()


def rapid_reset(service):
    """CVE-2023-44487: requests that are taken back at once. Ending such a connection is the only thing that stops them."""
    block = request(b"GET", b"/openapi.json")

    def make(number):
        streams = range(2 * BURST * number + 1, 2 * BURST * (number + 1), 2)
        return b"".join(
            frame(HEADERS, END_HEADERS | END_STREAM, stream, block) + frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL)) for stream in streams
        )

    ended, _, bursts = flood(service, make, listens=True)
    check("connections whose requests are taken back at once are ended", ended == CONNECTIONS, f"{ended} of {CONNECTIONS}")
    check("they are ended soon", bursts * BURST < MOST_TAKEN_BACK, f"after {bursts * BURST} requests")
    return f"{CONNECTIONS} connections whose requests are taken back at once are ended within {bursts * BURST} requests each"


def continuation(service):
    """CVE-2024-27316: a head that never ends."""
    begun = request(b"GET", b"/health")
    part = field(b"x-flood", b"x" * 100) * 140

    def make(number):
        if number == 0:
            return frame(HEADERS, END_STREAM, 1, begun)
        return frame(CONTINUATION, 0, 1, part)

    ended, sent, _ = flood(service, make, listens=True)
    check("connections with a head that never ends are ended", ended == CONNECTIONS, f"{ended} of {CONNECTIONS}")
    return f"heads of HTTP/2 that never end: {CONNECTIONS} connections are ended after {sent / CONNECTIONS / 1024:.0f} KiB each"


def control(service):
    """CVE-2019-9512, -9515 and kin: frames that have to be answered or looked at, by somebody who reads nothing."""
    seen = []
    for name, piece in (
        ("SETTINGS", frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, 65535)) * 500),
        ("PING", frame(PING, 0, 0, b"12345678") * 500),
        ("WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * 500),
    ):
        ended, sent, _ = flood(service, lambda _, piece=piece: piece, seconds=FLOOD_SECONDS / 2)
        seen.append(f"{name} {sent / MIB:.0f} MiB, {ended} of {CONNECTIONS} ended")
    return f"floods of frames about nothing ({'; '.join(seen)})"


def empty_data(service):
    """CVE-2019-9518: a body of frames with nothing in them."""
    block = request(b"POST", b"/api/v1/analyze") + field(b"content-type", b"application/json")
    empty = frame(DATA, 0, 1) * 1000
    ended, sent, _ = flood(service, lambda number: empty if number else frame(HEADERS, END_HEADERS, 1, block))
    return f"bodies of empty frames: {sent / MIB:.0f} MiB of them, {ended} of {CONNECTIONS} connections ended"


def hpack(service):
    """One header of almost 4 KiB in the table, which a single byte repeats (RFC 7541, section 7.3)."""
    value = b"x" * 3900
    # Enters the table; the length of the value is a number of three bytes (section 5.1).
    entered = b"\x40\x03x-b" + b"\x7f" + bytes([(len(value) - 127) & 127 | 128, (len(value) - 127) >> 7]) + value
    first = request(b"GET", b"/health") + entered
    # 62 is the youngest entry of the table.
    repeated = request(b"GET", b"/health") + b"\xbe" * 16_000
    clients = [Client(service) for _ in range(CONNECTIONS)]
    served, refused = [], 0
    try:
        for client in clients:
            client.headers(1, first, end_stream=True)
            for number in range(1, STREAMS):
                client.headers(2 * number + 1, repeated, end_stream=True)
        for client in clients:
            for kind, _, stream, payload in client.frames(1):
                # The first byte of a head that begins with status 200 (RFC 7541, appendix A).
                if kind == HEADERS and payload[0] == 0x88:
                    served.append(stream)
                elif kind in (HEADERS, GOAWAY, RST_STREAM):
                    refused += 1
    finally:
        for client in clients:
            client.close()
    check("a head that unpacks to 60 MiB is refused", refused and set(served) <= {1}, f"{refused} refused, streams {sorted(set(served))} served")
    return f"{CONNECTIONS * (STREAMS - 1)} heads of 16 KB that would unpack to 60 MiB each: {refused} refusals"


ATTACKS = (rapid_reset, continuation, control, empty_data, hpack)
