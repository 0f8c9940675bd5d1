"""Fills an index of the running service and searches it, over HTTP: the routes that need more than `Service.ask`."""

import http.client
import json
import re
import time

from service import ANSWER_SECONDS

# This client sends a whole request before it reads, so the answers must fit into the buffers of the connection.
BATCH_BYTES = 2 * 2**20
BATCH_DOCUMENTS = 500


class Refused(Exception):
    """A document was not taken."""


def fill(service, documents, collection):
    """Puts (id, text) pairs into a collection by the bulk route, some hundred at a time. Returns seconds; raises if one is refused."""
    start = time.perf_counter()
    for batch in batches(documents, collection):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("POST", "/api/v1/documents/bulk", b"".join(batch), {"Content-Type": "application/x-ndjson"})
            response = connection.getresponse()
            lines = response.read().splitlines()
        finally:
            connection.close()
        if response.status != 200:
            raise Refused(f"bulk answered {response.status}: {lines[:1]}")
        refused = [line for line in lines if is_error(json.loads(line))]
        if refused or len(lines) != len(batch):
            raise Refused(f"{len(lines)} answers to {len(batch)} documents, {len(refused)} of them errors, such as {refused[:1]}")
    return time.perf_counter() - start


def batches(documents, collection):
    """Lines of a request, until they are BATCH_BYTES."""
    batch, size = [], 0
    for name, text in documents:
        line = json.dumps({"id": id_of(name), "content": text, "collection": collection}).encode() + b"\n"
        if batch and (size + len(line) > BATCH_BYTES or len(batch) == BATCH_DOCUMENTS):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line)
    if batch:
        yield batch


def id_of(name):
    """An id for any name: what an id may not hold stands as its number between colons."""
    return re.sub(r"[^A-Za-z0-9._-]", lambda found: f":{ord(found[0]):x}:", name)


def name_of(id):
    """The name that an id was made of."""
    return re.sub(r":([0-9a-f]+):", lambda found: chr(int(found[1], 16)), id)


def is_error(answer):
    """Whether a line of the answer says that its document was not taken."""
    return answer.get("success") is False or "error" in answer


def search(service, text, collection, mode, threshold, limit):
    """The matches of one text, best first."""
    body = {"content": text, "collection": collection, "mode": mode, "threshold": threshold, "limit": limit}
    matches = service.ask("duplicates/search", body)["matches"]
    return [match | {"document_id": name_of(match["document_id"])} for match in matches]
