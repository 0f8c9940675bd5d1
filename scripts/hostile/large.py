"""What is too much: bodies, compressed bodies that unpack to gigabytes, lines without an end, and heads."""
import contextlib
import functools
import gzip
import http.client
import json
import re
import struct
import subprocess
import threading
import time
import zlib

from .stand import MARGIN_SECONDS, MIB, PATIENCE_SECONDS, check

GIB = 1024 * MIB
BLANK_LINES = 64 * MIB
ANALYZE, BULK, BATCHES = "/api/v1/analyze", "/api/v1/documents/bulk", "/api/v1/batches?operation=analyze"
JSON, LINES = "application/json", "application/x-ndjson"
# More than the service has threads to unpack with.
BOMBS_AT_ONCE = 4
HEADS_AT_ONCE = 40
# The cap of a body follows from MAX_CONTENT_BYTES of 1 MiB; what comes behind it is read and thrown away for two seconds.
CUT_BY_BYTES = 16 * MIB


def head(method, path, *headers):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def answer(connection):
    """Status and bytes of what comes, and whether the service closes then."""
    response = http.client.HTTPResponse(connection)
    with contextlib.closing(response):
        response.begin()
        body = response.read()
        return response.status, body, response.will_close


def failure(body):
    """The type of the error in an answer that has the envelope of every answer."""
    found = json.loads(body)
    check("an error has the envelope of every answer", found["success"] is False and found["error"]["code"] and found["error"]["message"], found)
    return found["error"]["type"]


def declared(service):
    """A length that is too much is refused before anything of the body was sent."""
    for path, kind in ((ANALYZE, JSON), ("/api/v1/similarity", JSON), ("/api/v1/batches", JSON), ("/api/v1/documents", JSON)):
        with contextlib.closing(service.connect()) as connection:
            connection.sendall(head("POST", path, f"Content-Type: {kind}", f"Content-Length: {GIB}"))
            status, body, closes = answer(connection)
            check(f"POST {path} of 1 GiB is refused", (status, closes) == (413, True), (status, closes))
            check(f"POST {path} of 1 GiB is refused in the envelope", failure(body) == "PayloadTooLarge", body)
    return "bodies that say that they have 1 GiB are refused (413) before they come"


def chunks(connection, most_bytes, piece):
    """Sends chunks until the other side closes; how many bytes it took."""
    chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    sent = 0
    with contextlib.suppress(OSError):
        while sent < most_bytes:
            connection.sendall(chunk)
            sent += len(piece)
        connection.sendall(b"0\r\n\r\n")
    return sent


def chunked(service):
    """A body without a length is cut at the same cap."""
    with contextlib.closing(service.connect()) as connection:
        connection.sendall(head("POST", ANALYZE, f"Content-Type: {JSON}", "Transfer-Encoding: chunked"))
        # No end: the answer must not wait for it.
        piece = b" " * MIB
        connection.sendall((f"{MIB:x}\r\n".encode() + piece + b"\r\n") * (CUT_BY_BYTES // MIB))
        status, body, closes = answer(connection)
        check("a chunked body is cut at the cap", (status, closes, failure(body)) == (413, True, "PayloadTooLarge"), (status, closes))
        end = time.monotonic() + MARGIN_SECONDS
        with contextlib.suppress(ConnectionError):
            while True:
                check("a connection whose body was refused is closed", time.monotonic() < end, f"not within {MARGIN_SECONDS} s")
                connection.sendall(piece)
    return f"a chunked body without an end is refused (413) by {CUT_BY_BYTES // MIB} MiB"


def endless_lines(service):
    """On the routes that read streams a line that is too long is thrown away while it comes."""
    seen = []
    for path in (BULK, BATCHES):
        with contextlib.closing(service.connect()) as connection:
            connection.sendall(head("POST", path, f"Content-Type: {LINES}", "Transfer-Encoding: chunked"))
            sent = chunks(connection, GIB, b"x" * MIB)
            status, body, _ = answer(connection)
        seen.append(f"{path.split('?')[0]} {sent / MIB:.0f} MiB: {status}")
        check(f"a line without an end in {path}", status in (200, 202, 413, 504), status)
        if path == BULK:
            check("the line without an end is an error", failure(body.splitlines()[0]) == "PayloadTooLarge", body[:300])
    return f"lines without an end are thrown away ({'; '.join(seen)})"


def deflated(pieces):
    """The same packed bytes in the two wrappings that HTTP knows for them (RFC 1950, RFC 1952)."""
    packer, check_sum, adler, length = zlib.compressobj(6, wbits=-15), 0, 1, 0
    packed = bytearray()
    for piece in pieces:
        packed += packer.compress(piece)
        check_sum, adler, length = zlib.crc32(piece, check_sum), zlib.adler32(piece, adler), length + len(piece)
    packed += packer.flush()
    gzipped = b"\x1f\x8b\x08" + bytes(6) + b"\xff" + packed + struct.pack("<II", check_sum, length % 2**32)
    return {"gzip": gzipped, "deflate": b"\x78\x9c" + packed + struct.pack(">I", adler)}


BROTLI = (
    "const z = require('zlib'); const c = z.constants; process.stdin.pipe(z.createBrotliCompress({params: {"
    "[c.BROTLI_PARAM_QUALITY]: 5, [c.BROTLI_PARAM_LGWIN]: 22}})).pipe(process.stdout)"
)


def brotli(content, length):
    """So many bytes, each of them `content`."""
    with subprocess.Popen(["sh", "-c", f"head -c {length} /dev/zero | tr '\\0' '{content}'"], stdout=subprocess.PIPE) as source:
        return subprocess.run(["node", "-e", BROTLI], stdin=source.stdout, capture_output=True, check=True).stdout


@functools.cache
def bombs():
    """One GiB of zeros in each encoding; zstd once with the window that HTTP allows, and once with a larger one."""
    packed = deflated([bytes(MIB)] * (GIB // MIB))
    for name, command in (("br", ["node", "-e", BROTLI]), ("zstd", ["zstd", "-qc", "--zstd=wlog=23"]), ("zstd-long", ["zstd", "-qc", "--long=27"])):
        with subprocess.Popen(["head", "-c", str(GIB), "/dev/zero"], stdout=subprocess.PIPE) as source:
            packed[name] = subprocess.run(command, stdin=source.stdout, capture_output=True, check=True).stdout
    return packed


def bomb(service, path, kind, encoding, packed):
    with contextlib.closing(service.connect()) as connection:
        headers = [f"Content-Type: {kind}", f"Content-Encoding: {encoding}", f"Content-Length: {len(packed)}"]
        with contextlib.suppress(OSError):
            connection.sendall(head("POST", path, *headers) + packed)
        return answer(connection)[:2]


def at_once(count, work):
    """Does something so many times at the same time, and gives what came of it."""
    results, faults = [], []

    def one():
        try:
            results.append(work())
        except (OSError, http.client.HTTPException) as error:
            faults.append(error)

    threads = [threading.Thread(target=one, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    check("all are answered", len(results) == count, f"{len(results)} of {count}: {faults[:2]}")
    return results


def bodies_of_bombs(service):
    """Unpacking ends at the cap of the body; a window of more than 8 MiB is refused at once (RFC 9659)."""
    seen = []
    for name, packed in bombs().items():
        encoding, wanted = ("zstd", 400) if name == "zstd-long" else (name, 413)
        answers = at_once(BOMBS_AT_ONCE, lambda e=encoding, p=packed: bomb(service, ANALYZE, JSON, e, p))
        check(f"{name} of {len(packed)} bytes", {status for status, _ in answers} == {wanted}, {status for status, _ in answers})
        failure(answers[0][1])
        seen.append(f"{name} {len(packed) / 1024:.0f} KiB: {wanted}")
    status, body = bomb(service, ANALYZE, JSON, "gzip, gzip", gzip.compress(gzip.compress(b"{}")))
    check("a body that is compressed twice is refused", (status, failure(body)) == (415, "UnsupportedMediaType"), status)
    return f"{BOMBS_AT_ONCE} bodies at a time that unpack to 1 GiB ({', '.join(seen)}; compressed twice: 415)"


def streams_of_bombs(service):
    """Where lines are read one by one there is no cap on all of them; but while one is unpacked, others must have their turn."""
    seen = []
    # Blank lines cost most: each is looked at.
    packed_lines = {name: packed for name, packed in bombs().items() if name != "zstd-long"} | {"br of blank lines": brotli("\\n", BLANK_LINES)}
    for path in (BULK, BATCHES):
        for name, packed in packed_lines.items():
            began = time.monotonic()
            answers = at_once(BOMBS_AT_ONCE, lambda p=path, e=name.split()[0], b=packed: bomb(service, p, LINES, e, b))
            statuses = {status for status, _ in answers}
            check(f"{name} in {path}", statuses <= {200, 202, 400, 413, 422, 504}, statuses)
            seen.append(f"{name} {time.monotonic() - began:.1f} s")
    return f"{BOMBS_AT_ONCE} streams at a time that unpack to a line of 1 GiB or to blank lines, documents and batches ({', '.join(seen)})"


def heads(service):
    """Heads that are too long, too many at the same time."""
    floods = {
        "10,000 headers": head("GET", "/health", *(f"X-Flood-{number}: 1" for number in range(10_000))),
        "a header of 1 MiB": head("GET", "/health", "X-Flood: " + "x" * MIB),
        "a URL of 1 MiB": head("GET", "/health?" + "x" * MIB),
        "10,000 cookies": head("GET", "/health", *["Cookie: a=b"] * 10_000),
        "a cookie of 1 MiB": head("GET", "/health", "Cookie: " + "a=b; " * (MIB // 5)),
        "a name of 1 MiB": head("GET", "/health", "x" * MIB + ": 1"),
        "a method of 1 MiB": head("G" * MIB, "/health"),
    }
    seen = []
    for name, flood in floods.items():
        statuses = {status for status, closes in at_once(HEADS_AT_ONCE, lambda flood=flood: refusal(service, flood)) if closes}
        check(f"{name} are refused and the connection is closed", statuses and statuses <= {400, 414, 431}, statuses)
        seen.append(f"{name}: {'/'.join(map(str, sorted(statuses)))}")
    return f"{HEADS_AT_ONCE} heads at a time ({'; '.join(seen)})"


def refusal(service, data):
    """Status of the first answer to what is no request, and whether the connection is over then."""
    with contextlib.closing(service.connect()) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        received = b""
        with contextlib.suppress(OSError):
            while part := connection.recv(65536):
                received += part
        found = re.match(rb"HTTP/1\.1 (\d{3})", received)
        check("something is answered", found, received[:200])
        return int(found[1]), received.count(b"HTTP/1.1 ") == 1
