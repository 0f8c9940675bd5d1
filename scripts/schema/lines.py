"""Teaches schemathesis application/x-ndjson: to write a list as lines, and to read lines as a list."""

import json

import schemathesis

MEDIA_TYPE = "application/x-ndjson"


@schemathesis.serializer(MEDIA_TYPE)
def write(_, value):
    # Data that is wrong on purpose need not be a list.
    lines = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@schemathesis.deserializer(MEDIA_TYPE)
def read(_, answer):
    return [json.loads(line) for line in answer.content.splitlines()]
