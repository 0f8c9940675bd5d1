"""Requests that two programs could read in two ways, so that what one takes for a body is a request for the other (RFC 9112, section 11.2).

Each probe hides `DELETE` of a document. Whatever the service makes of the rest, the document has to be there afterwards, and no probe may
be answered more often than it has requests. The same probes go through nginx, which lets nobody get to documents.
"""
import concurrent.futures
import contextlib
import json
import re
import socket

from monitoring.processes import Process

from .stand import PATIENCE_SECONDS, Failed, check

VICTIM = "/api/v1/documents/victim"
HIDDEN = f"DELETE {VICTIM} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
POST = b"POST /api/v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = b"GET /health HTTP/1.1\r\n"
# For an answer to a request that a probe leaves open.
SILENCE_SECONDS = 1

NGINX = """
worker_processes 1;
daemon off;
pid nginx.pid;
error_log nginx-error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  upstream service {{ server 127.0.0.1:{service}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 0;
    location /api/v1/documents {{ return 403; }}
    location / {{
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_request_buffering off;
      proxy_buffering off;
    }}
  }}
}}
"""


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def length(data):
    return f"Content-Length: {len(data)}\r\n".encode()


def chunked(*headers):
    return POST + b"".join(header + b"\r\n" for header in (b"Transfer-Encoding: chunked", *headers)) + b"\r\n"


# What must be refused, with a 4xx or without a word, and be the last of its connection.
REFUSED = {
    "Content-Length before Transfer-Encoding": POST + length(b"0\r\n\r\n" + HIDDEN) + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "Transfer-Encoding before Content-Length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two different Content-Length": POST + b"Content-Length: 0\r\n" + length(HIDDEN) + b"\r\n" + HIDDEN,
    "two different Content-Length, the longer first": POST + length(HIDDEN) + b"Content-Length: 0\r\n\r\n" + HIDDEN,
    "Content-Length as a list": POST + f"Content-Length: 0, {len(HIDDEN)}\r\n\r\n".encode() + HIDDEN,
    "Content-Length with a plus": POST + f"Content-Length: +{len(HIDDEN)}\r\n\r\n".encode() + HIDDEN,
    "Content-Length with a minus": POST + b"Content-Length: -1\r\n\r\n" + HIDDEN,
    "Content-Length in hexadecimal digits": POST + f"Content-Length: {len(HIDDEN):#x}\r\n\r\n".encode() + HIDDEN,
    "Content-Length of more than 64 bits": POST + b"Content-Length: 18446744073709551616\r\n\r\n" + HIDDEN,
    "Content-Length without a value": POST + b"Content-Length: \r\n\r\n" + HIDDEN,
    "Content-Length with a blank in it": POST + b"Content-Length: 0 0\r\n\r\n" + HIDDEN,
    "a folded Transfer-Encoding": POST + b"Transfer-Encoding:\r\n chunked\r\n" + length(HIDDEN) + b"\r\n" + HIDDEN,
    "a folded header": GET + b"Host: localhost\r\nX-Folded: a\r\n b\r\n\r\n" + HIDDEN,
    "Transfer-Encoding: xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "Transfer-Encoding: xchunked and Content-Length": POST + b"Transfer-Encoding: xchunked\r\n" + length(b"0\r\n\r\n") + b"\r\n0\r\n\r\n" + HIDDEN,
    "Transfer-Encoding: chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "Transfer-Encoding: identity": POST + b"Transfer-Encoding: identity\r\n" + length(HIDDEN) + b"\r\n" + HIDDEN,
    "Transfer-Encoding twice": chunked(b"Transfer-Encoding: identity") + b"0\r\n\r\n" + HIDDEN,
    "Transfer-Encoding in quotes": POST + b'Transfer-Encoding: "chunked"\r\n' + length(b"") + b"\r\n" + HIDDEN,
    "Transfer-Encoding with a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n" + length(b"") + b"\r\n" + HIDDEN,
    "Transfer-Encoding in HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n" + length(b"") + b"\r\n0\r\n\r\n" + HIDDEN,
    "a blank before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a blank before the colon of Content-Length": POST + f"Content-Length : {len(HIDDEN)}\r\n\r\n".encode() + HIDDEN,
    "a blank before the first header": b"GET /health HTTP/1.1\r\n X: y\r\nHost: localhost\r\n\r\n" + HIDDEN,
    "a carriage return alone in a header": GET + b"Host: localhost\r\nX: a\rContent-Length: 5\r\n\r\n" + HIDDEN,
    "a carriage return alone for the end of a line": GET + b"Host: localhost\rX: a\r\r" + HIDDEN,
    "NUL in a header": GET + b"Host: localhost\r\nX: a\0b\r\n\r\n" + HIDDEN,
    "NUL in a name": GET + b"Host: localhost\r\nX\0Y: a\r\n\r\n" + HIDDEN,
    "NUL in a path": b"GET /health\0 HTTP/1.1\r\nHost: localhost\r\n\r\n" + HIDDEN,
    "a header without a name": GET + b"Host: localhost\r\n: a\r\n\r\n" + HIDDEN,
    "a header without a colon": GET + b"Host: localhost\r\nTransfer-Encoding\r\n\r\n" + HIDDEN,
    "no Host": GET + b"\r\n" + HIDDEN,
    "two Host": GET + b"Host: localhost\r\nHost: elsewhere\r\n\r\n" + HIDDEN,
    "two blanks in the first line": b"GET  /health HTTP/1.1\r\nHost: localhost\r\n\r\n" + HIDDEN,
    "a version that is not there": b"GET /health HTTP/1.2\r\nHost: localhost\r\n\r\n" + HIDDEN,
    "a version in small letters": b"GET /health http/1.1\r\nHost: localhost\r\n\r\n" + HIDDEN,
    "HTTP/0.9": b"GET /health\r\n" + HIDDEN,
    "a chunk of more than 64 bits": chunked() + b"10000000000000000\r\n" + HIDDEN,
    "a chunk whose length wraps around to 0": chunked() + b"10000000000000000000000000000000\r\n\r\n" + HIDDEN,
    "a chunk with a minus": chunked() + b"-1\r\n" + HIDDEN,
    "a chunk with a plus": chunked() + b"+0\r\n\r\n" + HIDDEN,
    "a chunk with 0x": chunked() + b"0x0\r\n\r\n" + HIDDEN,
    "a chunk without a length": chunked() + b"\r\n" + HIDDEN,
    "a chunk that ends in a line feed alone": chunked() + b"0\n\n" + HIDDEN,
    "a chunk that is longer than it says": chunked() + b"1\r\nab\r\n0\r\n\r\n" + HIDDEN,
    "a line feed alone in an extension of a chunk": chunked() + b"0;a\nb\r\n\r\n" + HIDDEN,
    "a flood of extensions of a chunk": chunked() + b"1;" + b"a=b;" * 100_000 + b"\r\n \r\n0\r\n\r\n" + HIDDEN,
    "a flood of extensions of small chunks": chunked() + (b"1;" + b"a" * 200 + b"\r\n \r\n") * 20_000 + b"0\r\n\r\n" + HIDDEN,
    "a flood of trailers": chunked() + b"0\r\n" + b"X-Trailer: a\r\n" * 50_000 + b"\r\n" + HIDDEN,
    "requests behind a body that is refused": POST + b"Content-Length: 1073741824\r\n\r\n" + HIDDEN * 100,
    "requests behind a chunked body that is cut": chunked() + chunk(b" " * 8_000_000) + chunk(b" " * 8_000_000) + HIDDEN * 100,
}
# What has one meaning, which may be taken; but it is one request, and what follows is part of its body or never comes to anything.
ONE = {
    "Content-Length twice the same": POST + length(HIDDEN) * 2 + b"\r\n" + HIDDEN,
    "Content-Length with zeros before it": POST + f"Content-Length: 000{len(HIDDEN)}\r\n\r\n".encode() + HIDDEN,
    "a request for a body": POST + length(HIDDEN) + b"\r\n" + HIDDEN,
    "a request in a chunk": chunked() + chunk(HIDDEN) + b"0\r\n\r\n",
    "a request in a trailer": chunked() + b"0\r\nX-Trailer: " + HIDDEN.replace(b"\r\n", b" ") + b"\r\n\r\n",
    "a request in an extension of a chunk": chunked() + b"1;" + HIDDEN.replace(b"\r\n", b" ") + b"\r\n \r\n0\r\n\r\n",
    "line feeds alone": POST.replace(b"\r\n", b"\n") + f"Content-Length: {len(HIDDEN)}\n\n".encode() + HIDDEN,
    "a line feed alone before Content-Length": POST + b"X: a\n" + length(HIDDEN) + b"\r\n" + HIDDEN,
    "another host than that of the address": POST.replace(b" /api", b" http://elsewhere/api") + length(HIDDEN) + b"\r\n" + HIDDEN,
    "Expect": POST + b"Expect: 100-continue\r\n" + length(HIDDEN) + b"\r\n" + HIDDEN,
    "an upgrade": GET + b"Host: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" + length(HIDDEN) + b"\r\n" + HIDDEN,
    "headers that Connection takes away": POST + b"Connection: Content-Length, close\r\n" + length(HIDDEN) + b"\r\n" + HIDDEN,
    "the path of the document as a host": f"GET {VICTIM[1:]} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
}


def answers(port, data, silence_seconds=SILENCE_SECONDS):
    """The statuses of all that comes, and whether the other side closes."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        connection.settimeout(silence_seconds)
        received, closed = b"", True
        try:
            while part := connection.recv(65536):
                received += part
        except TimeoutError:
            closed = False
        except ConnectionError:
            pass
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received) if status != b"100"], closed


def put_victim(service):
    status, body = service.ask("PUT", VICTIM, json.dumps({"content": "Here I am, and here I stay."}))
    check("the document that probes are after", status in (200, 201), body)


def check_victim(service, name):
    status, _ = service.ask("GET", VICTIM)
    check(f"{name}: the request that was hidden behind it was carried out", status == 200, f"the document is answered {status}")


def asked(service):
    """How often documents were asked for by DELETE."""
    figures = service.figures()
    found = re.findall(r'http_requests_total\{[^}]*method="DELETE"[^}]*\} (\d+)', figures)
    return sum(map(int, found))


def direct(service):
    put_victim(service)
    faults = []
    for name, probe in REFUSED.items():
        statuses, closed = answers(service.port, probe)
        if not (closed and len(statuses) <= 1 and all(400 <= status < 500 or status in (501, 505) for status in statuses)):
            faults.append(f"{name}: {statuses}, {'closed' if closed else 'open'}")
        check_victim(service, name)
    # They leave their connections open, so that it takes a while to see that no more is answered.
    with concurrent.futures.ThreadPoolExecutor(len(ONE)) as clients:
        for name, (statuses, _) in zip(ONE, clients.map(lambda probe: answers(service.port, probe), ONE.values())):
            if len(statuses) > 1:
                faults.append(f"{name}: {statuses}")
    check_victim(service, "one of the odd requests")
    check("no hidden request was seen", asked(service) == 0, asked(service))
    if faults:
        raise Failed("; ".join(faults))
    return f"{len(REFUSED)} requests with two meanings are refused and end the connection, {len(ONE)} odd ones are one request each"


class Nginx(Process):
    """In front of the service, with some connections that it uses again for other clients."""

    def __init__(self, folder, service):
        super().__init__("nginx", folder, "/health")
        self.service = service

    def __enter__(self):
        (self.folder / "nginx.conf").write_text(NGINX.format(service=self.service.port, port=self.port))
        return self.start(["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "nginx-error.log")])

    def probes(self, service):
        """A probe gets through to the document only if nginx and the service read it in two ways."""
        put_victim(service)
        for name, probe in (REFUSED | ONE).items():
            # Short, because the next request tells as well what was left.
            statuses, _ = answers(self.port, probe, SILENCE_SECONDS / 5)
            # What nginx leaves on a connection to the service comes to light with the next request on it.
            for _ in range(2):
                following, _ = answers(self.port, b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                check(f"{name}: the request of another client", following == [200], following)
            check(f"{name}: nobody but nginx answers the hidden request", 204 not in statuses and 404 not in statuses[1:], statuses)
            check_victim(service, name)
        check("no hidden request got through nginx", asked(service) == 0, asked(service))
        return f"{len(REFUSED) + len(ONE)} probes through nginx reach no route that it keeps to itself, and spoil no connection"
