"""Many clients in one thread: HTTP/1.1 over kept connections, so cheap that it is the service which is measured.

Two ways to ask: in a closed loop, where a client asks again when it has its answer, and in an open one, where requests come when they come, as
they do from clients that do not know of one another. In the latter, latency counts from when a request was due, so that a service which is late
with one answer is not let off those that wait behind it.
"""

import dataclasses
import heapq
import itertools
import select
import socket
import time

LONGEST_WAIT_SECONDS = 0.05
READ_AT_ONCE = 256 * 1024
# A client address has some 28,000 ports, and those of closed connections stay taken for a minute.
CONNECTIONS_OF_AN_ADDRESS = 2_000


def request(method, path, body=b"", host="127.0.0.1"):
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def address(number):
    """Where the connection of that number comes from."""
    return f"127.0.0.{2 + number // CONNECTIONS_OF_AN_ADDRESS % 200}"


@dataclasses.dataclass(slots=True)
class Answer:
    """What became of a request. Times are those of time.monotonic()."""

    kind: str
    due: float
    sent: float
    ended: float = 0.0
    # 0 when the connection broke before there was an answer.
    status: int = 0
    retry_after: bool = False
    why: str = ""

    @property
    def seconds(self):
        return self.ended - self.due

    @property
    def late(self):
        """How long the client itself took to send it."""
        return self.sent - self.due


class Connection:
    __slots__ = ("socket", "unsent", "received", "answer", "done", "interest")

    def __init__(self, port, number):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.bind((address(number), 0))
        self.socket.connect_ex(("127.0.0.1", port))
        self.unsent, self.received, self.answer, self.done, self.interest = b"", bytearray(), None, None, 0


class Clients:
    """Connections to one port, and what was asked on them."""

    def __init__(self, port):
        self.port = port
        self.poll = select.epoll()
        self.connections, self.idle = {}, []
        self.answers = []
        self.under_way = 0
        self.numbers = itertools.count()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.connections.values():
            connection.socket.close()
        self.poll.close()

    def closed_loop(self, kind, requests, clients, seconds):
        """So many clients ask for so long, each again as soon as it has its answer."""
        end = time.monotonic() + seconds
        turns = itertools.cycle(requests)

        def again(_=None):
            now = time.monotonic()
            if now < end:
                self._ask(kind, next(turns), now, again)

        for _ in range(clients):
            again()
        self._until_answered()
        return self._taken()

    def open_loop(self, *streams, patience_seconds=40):
        """Each stream is a kind, requests in turn, and when they are due, in seconds from now. Comes back when all are answered."""
        begin = time.monotonic()
        for at, kind, body in heapq.merge(*(_coming(begin, *stream) for stream in streams), key=lambda one: one[0]):
            while (now := time.monotonic()) < at:
                self._step(at - now)
            self._ask(kind, body, at, None)
            # Answers that are there already are not kept waiting by a burst of requests.
            self._step(0)
        self._until_answered(patience_seconds)
        return self._taken()

    def _taken(self):
        answers, self.answers = self.answers, []
        return answers

    def _ask(self, kind, body, due, done):
        connection = self.idle.pop() if self.idle else self._open()
        connection.answer, connection.done = Answer(kind, due, time.monotonic()), done
        connection.unsent = memoryview(body)
        connection.received.clear()
        self.under_way += 1
        self._send(connection)

    def _open(self):
        connection = Connection(self.port, next(self.numbers))
        self.connections[connection.socket.fileno()] = connection
        connection.interest = select.EPOLLIN
        self.poll.register(connection.socket, connection.interest)
        return connection

    def _until_answered(self, patience_seconds=40):
        deadline = time.monotonic() + patience_seconds
        while self.under_way:
            self._step(LONGEST_WAIT_SECONDS)
            if time.monotonic() > deadline:
                for connection in [one for one in self.connections.values() if one.answer]:
                    self._ended(connection, f"no answer within {patience_seconds} s")

    def _step(self, seconds):
        for number, event in self.poll.poll(min(seconds, LONGEST_WAIT_SECONDS)):
            connection = self.connections.get(number)
            if connection and event & select.EPOLLOUT:
                self._send(connection)
            if connection and event & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR) and number in self.connections:
                self._receive(connection)

    def _send(self, connection):
        try:
            while connection.unsent:
                connection.unsent = connection.unsent[connection.socket.send(connection.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            # What the service said before it closed the connection can still be read.
            connection.unsent = b""
        self._listen(connection, select.EPOLLIN | (select.EPOLLOUT if connection.unsent else 0))

    def _listen(self, connection, interest):
        if connection.interest != interest:
            connection.interest = interest
            self.poll.modify(connection.socket, interest)

    def _receive(self, connection):
        try:
            received = connection.socket.recv(READ_AT_ONCE)
        except BlockingIOError:
            return
        except OSError as error:
            self._ended(connection, str(error))
            return
        if not received:
            self._ended(connection, "the service closed the connection")
            return
        connection.received += received
        if connection.answer:
            self._read(connection)

    def _read(self, connection):
        end = connection.received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(connection.received[:end]).lower()
        length = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        if len(connection.received) < end + 4 + length:
            return
        answer, done = connection.answer, connection.done
        answer.status, answer.retry_after, answer.ended = int(head[9:12]), b"\r\nretry-after: " in head, time.monotonic()
        connection.answer = connection.done = None
        self.under_way -= 1
        self.answers.append(answer)
        if connection.unsent or b"\r\nconnection: close" in head:
            self._close(connection)
        else:
            self.idle.append(connection)
        if done:
            done()

    def _ended(self, connection, why):
        answer, done = connection.answer, connection.done
        if answer:
            answer.ended, answer.why = time.monotonic(), why
            connection.answer = connection.done = None
            self.under_way -= 1
            self.answers.append(answer)
        else:
            self.idle.remove(connection)
        self._close(connection)
        if done:
            done()

    def _close(self, connection):
        del self.connections[connection.socket.fileno()]
        self.poll.unregister(connection.socket)
        connection.socket.close()


def _coming(begin, kind, requests, times):
    for at, body in zip(times, itertools.cycle(requests)):
        yield begin + at, kind, body


def percentile(values, share):
    """The smallest value that so many of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
