#!/usr/bin/env python3
"""Asks the service whatever its own /openapi.json allows and much that it does not, and holds every answer to that document.

Usage: check_schema.py [--long] [--seed NUMBER]

schemathesis (scripts/requirements.txt) makes the requests: the examples of the document, the edges of every field, generated data that is right
and that is wrong, and chains of requests in which one takes what another has answered. The service (REDUNDANCY_BIN) runs on a free loopback
port in a temporary folder, once for each AUTH_MODE: none, api_key with a key of an administrator, and jwt with a token of one. Another pass asks every
route that wants a credential without one, and with wrong ones: 401 in the envelope.
"""
import argparse
import base64
import concurrent.futures
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

from monitoring import receiver
from monitoring.processes import Process, program

SCRIPTS = pathlib.Path(__file__).resolve().parent
LINES = "application/x-ndjson"
KEY = "key-of-an-administrator"
SECRET = "a secret of thirty-two characters"
ISSUER = "https://issuer.example"
# The year 2100.
LATER = 4_102_444_800
# Examples of each operation, in each phase and mode.
EXAMPLES = 6
EXAMPLES_LONG = 150
LINES_AT_MOST = 4
PATIENCE_SECONDS = 60
# How much of what schemathesis says is shown.
SHOWN = 12_000

# What holds of every answer, whatever was asked. 5xx is none of it: one process that is asked one thing after another is never too busy, so the
# 503 and 504 that the document declares for such times would be defects too.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    # What was deleted is not there, what was made is.
    "use_after_free",
    "ensure_resource_availability",
    # What the document calls wrong is refused: a client that sends it has made a mistake and has to learn of it.
    "negative_data_rejection",
    # What it calls right is done.
    "positive_data_acceptance",
]
RIGHT_REFUSED = "RejectedPositiveData"
# Told of, and no failure: a document in JSON Schema cannot say all that is refused. So data that is right by the document may be refused by
# these operations, for these reasons.
CURSOR = "a cursor has to come from an answer to the same request"
MOMENTS = "the end of a time must not lie before its beginning, and no month has more days than it has"
ADDRESS = "a URL has to lead to a host that may be called, and to a port that there is; some headers are set by the service"
KEY_LENGTH = "a signing secret is measured in bytes"
REFUSES_MORE = {
    "GET /api/v1/audit": CURSOR,
    "GET /api/v1/batches": CURSOR,
    "GET /api/v1/documents": CURSOR,
    "GET /api/v1/duplicates/clusters": CURSOR,
    "GET /api/v1/keys": CURSOR,
    "GET /api/v1/webhooks/dead-letters": f"{CURSOR}; {MOMENTS}",
    "GET /api/v1/webhooks/deliveries": f"{CURSOR}; {MOMENTS}",
    "GET /api/v1/webhooks/endpoints": CURSOR,
    "PATCH /api/v1/webhooks/endpoints/{id}": ADDRESS,
    "POST /api/v1/batches": "the operation stands in the query with lines, and in the body with JSON",
    "POST /api/v1/webhooks/dead-letters/requeue": MOMENTS,
    "POST /api/v1/webhooks/endpoints": f"{ADDRESS}; {KEY_LENGTH}",
    "POST /api/v1/webhooks/endpoints/{id}/replay": MOMENTS,
    "POST /api/v1/webhooks/endpoints/{id}/rotate-secret": KEY_LENGTH,
    "PUT /api/v1/log-level": "levels have names",
    # What schemathesis calls chains of requests, without saying which of them it was.
    "Stateful tests": "any of these operations can be in one",
}
WRONG_ACCEPTED = "AcceptedNegativeData"
# The same goes for wrong data of operations that take lines: each line is answered by itself, in an answer that is 200 as a whole.
# Not asked: `ignored_auth` tries so many wrong credentials that the address is held back, rightly, and cannot tell this from being let in. The
# pass without credentials does the same, for every operation and from addresses of its own. `object_level_authorization` wants two callers.


def token():
    """A token for an administrator, as an issuer would sign it that shares a secret with the service."""

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    claims = {"iss": ISSUER, "aud": "redundancy", "sub": "ann", "exp": LATER, "scope": "admin"}
    signed = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest())).decode()


MODES = {
    "none": ({}, None),
    "api_key": ({"API_KEYS": KEY}, f"X-Api-Key: {KEY}"),
    "jwt": ({"JWT_SECRET": SECRET, "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": "redundancy"}, f"Authorization: Bearer {token()}"),
}


class Service(Process):
    def __init__(self, folder, mode):
        super().__init__(f"service-{mode}", folder, "/health")
        self.mode = mode

    def __enter__(self):
        return self.start(
            [program(), "serve"],
            PORT=str(self.port),
            DATA_DIR=str(self.folder / f"data-{self.mode}"),
            LOG_LEVEL="error",
            AUTH_MODE=self.mode,
            RATE_LIMIT_REQUESTS="1000000000",
            WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
            **MODES[self.mode][0],
        )

    def ask(self, method, path, headers=None, body=None, source="127.0.0.1"):
        """Status, type and text of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS, source_address=(source, 0))
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers.get_content_type(), answer.read()
        finally:
            connection.close()

    def credential(self):
        header = MODES[self.mode][1]
        return dict([header.split(": ", 1)]) if header else {}

    def defects(self):
        """What the log has of panics, of which a client may not notice anything but an answer that breaks off."""
        log = (self.folder / f"{self.name}.log").read_text(errors="replace")
        return [line for line in log.splitlines() if "a defect of the program" in line]


def document(service):
    """What the service says of itself, with bodies of lines described as the lists that schemathesis makes of them."""
    status, _, text = service.ask("GET", "/openapi.json")
    if status != 200:
        sys.exit(f"check_schema: /openapi.json was answered {status}")
    found = json.loads(text)
    for _, _, operation in operations(found):
        for part in [operation.get("requestBody", {}), *operation["responses"].values()]:
            lines = part.get("content", {}).get(LINES)
            if lines:
                lines["schema"] = {"type": "array", "items": lines["schema"], "minItems": 1, "maxItems": LINES_AT_MOST}
        for answer in operation["responses"].values():
            if LINES in answer.get("content", {}):
                # As many as there are lines in the request, or items in a batch.
                del answer["content"][LINES]["schema"]["minItems"], answer["content"][LINES]["schema"]["maxItems"]
    return found


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and "responses" in operation:
                yield method.upper(), path, operation


def configuration(folder):
    """A file for what the command line of schemathesis has no words for: none, and no other one is picked up from the folder it runs in."""
    path = folder / "schemathesis.toml"
    path.write_text("")
    return path


def prepare(service, receiving):
    """An endpoint that answers everything by 500, and no second attempt: so there are deliveries and dead letters to ask for."""
    body = {"id": "failing", "url": receiving.url("/dead"), "events": ["*"], "retry": {"max_attempts": 1}}
    headers = {"Content-Type": "application/json"} | service.credential()
    status, _, text = service.ask("POST", "/api/v1/webhooks/endpoints", headers, json.dumps(body))
    if status != 201:
        sys.exit(f"check_schema: an endpoint was not registered: {status} {text[:300]!r}")


def run(folder, mode, examples, seed):
    """Has schemathesis ask in one mode. Gives its report, and what it said."""
    folder = folder / mode
    folder.mkdir()
    with Service(folder, mode) as service, receiver.Receiver() as receiving:
        prepare(service, receiving)
        described, asked = folder / "openapi.json", document(service)
        described.write_text(json.dumps(asked))
        report = folder / "report.json"
        header = MODES[mode][1]
        command = [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration(folder)), "run", str(described), "--url", service.base, "--no-color",
            "--seed", str(seed), "--max-examples", str(examples), "--generation-database", "none", "--mode", "all", "--continue-on-failure",
            "--checks", ",".join(CHECKS), "--request-timeout", str(PATIENCE_SECONDS), "--output-sanitize", "false",
            # They speak of how hard data is to make, not of the service.
            "--suppress-health-check", "all", "--warnings", "off", "--report", "json", "--report-json-path", str(report),
            *(["--header", header] if header else []),
        ]
        surroundings = os.environ | {"SCHEMATHESIS_HOOKS": str(SCRIPTS / "schema" / "lines.py"), "PYTHONDONTWRITEBYTECODE": "1"}
        said = subprocess.run(command, cwd=folder, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        alive = service.process.poll() is None
        done, others = reached(service, asked) if alive else (set(), set())
        defects = service.defects()
    if not report.is_file():
        sys.exit(f"check_schema: schemathesis did not run:\n{said.stdout[-SHOWN:]}")
    if not alive:
        defects.append("the service has ended")
    return asked, json.loads(report.read_text()), said.stdout, defects, done, others


def judge(mode, document, report, said, defects):
    """The faults that were found, in words."""
    take_lines = {f"{method} {path}" for method, path, operation in operations(document) if LINES in operation.get("requestBody", {}).get("content", {})}
    faults = [f"{len(defects)} times in the log: {defects[0]}"] if defects else []
    for failure in report["failures"]:
        told = {RIGHT_REFUSED: set(REFUSES_MORE), WRONG_ACCEPTED: take_lines}.get(failure["type"], set())
        for where, tell in ((set(failure["operations"]) & told, print), (set(failure["operations"]) - told, faults.append)):
            if where:
                what = f"{failure['title']} ({failure['type']}), {failure['count']} times in all: {', '.join(sorted(where))}"
                tell(what if tell is not print else f"  AUTH_MODE={mode}, told of and not failed: {what}")
    faults += [f"{error['title']}, {error['count']} times" for error in report["errors"]]
    if not report["complete"]:
        faults.append(f"it did not come to its end: {report['stop_reason']}")
    if report["operations"]["tested"] < report["operations"]["total"]:
        faults.append(f"only {report['operations']['tested']} of {report['operations']['total']} operations were asked")
    if faults:
        print(f"what schemathesis said in AUTH_MODE={mode}:\n{relevant(said)}")
    return faults


def too_little(done, others, links):
    """The faults of a run that proves nothing: what is never done and never followed cannot be wrong. Half of the operations is what any run does."""
    faults = [] if len(done) >= len(others) else [f"only {len(done)} of {len(done) + len(others)} operations were done at least once"]
    return faults if links else [*faults, "no link was followed"]


def relevant(said):
    """Without what is only told of, as far as it can be cut out: a case begins with its number, an operation with a line of its name."""
    begin = max(said.find("=== ERRORS"), 0) or max(said.find("=== FAILURES"), 0)
    parts = re.split(r"(?m)^(?=\d+\. Test Case ID|_{3,} )", said[begin:])
    kept, heading, is_told = parts[:1], "", False
    for part in parts[1:]:
        is_heading = part.startswith("_") and part.count("\n") <= 2
        if is_heading:
            heading, is_told = part, any(f" {operation} " in part for operation in REFUSES_MORE)
        elif not (is_told and "- ST202" in part and part.count("\n- ST") == 1):
            kept += [heading, part]
            heading = ""
    return "".join(kept)[:SHOWN]


def reached(service, document):
    """The operations that were done at least once, and the others, by what the service has counted."""
    _, _, text = service.ask("GET", "/metrics", service.credential())
    counted = re.findall(r'(?m)^http_requests_total\{method="(\w+)",route="([^"]+)",status="2\d\d"\} [1-9]', text.decode())
    every = {f"{method} {path}" for method, path, _ in operations(document)}
    done = every & {f"{method} {path}" for method, path in counted}
    return done, every - done


def without_credentials(folder):
    """Asks every operation without a credential and with wrong ones. Gives how many there are, and the faults."""
    faults, count = [], 0
    for mode in ("api_key", "jwt"):
        place = folder / f"without-{mode}"
        place.mkdir()
        with Service(place, mode) as service:
            for method, path, operation in operations(document(service)):
                protected = operation.get("security") != [] and "401" in operation["responses"]
                count += protected
                faults += refused(service, method, re.sub(r"\{\w+\}", "x", path), count) if protected else open_to_all(service, method, path)
    return count, faults


def refused(service, method, path, number):
    # After sixty wrong ones in a minute an address is held back, so each operation has one of its own.
    source = f"127.0.{1 + number // 200}.{1 + number % 200}"
    # Signed by somebody else.
    wrong = token()[:-6] + "AAAAAA"
    tried = [("none", {}), ("a wrong key", {"X-Api-Key": "wrong"}), ("a wrong token", {"Authorization": f"Bearer {wrong}"}), ("no scheme", {"Authorization": "x"})]
    for what, headers in tried:
        status, kind, text = service.ask(method, path, headers, source=source)
        if status != 401 or kind != "application/json" or not is_refusal(text):
            yield f"AUTH_MODE={service.mode}: {method} {path} with {what} for a credential was answered {status} {kind} {text[:300]!r}"


def is_refusal(text):
    """Whether it is the envelope of an error, of 401, and complete."""
    answer = json.loads(text)
    error = answer.get("error", {})
    return answer.get("success") is False and error.get("code") == 401 and {"message", "type", "request_id"} <= set(error)


def open_to_all(service, method, path):
    status, _, text = service.ask(method, path)
    if status != 200:
        yield f"AUTH_MODE={service.mode}: {method} {path} is open by the document and was answered {status} {text[:300]!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help=f"{EXAMPLES_LONG} examples of everything instead of {EXAMPLES}, from a new seed, which is printed")
    parser.add_argument("--seed", type=int, help="what the examples follow from (1; with --long a new one)")
    arguments = parser.parse_args()
    examples = EXAMPLES_LONG if arguments.long else EXAMPLES
    seed = arguments.seed or (random.randrange(1, 2**31) if arguments.long else 1)
    print(f"the service is held to its own document: {examples} examples for each operation and phase, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(folder)
        # Side by side: schemathesis is busy itself most of the time.
        runs = {mode: pool.submit(run, folder, mode, examples, seed) for mode in MODES}
        count, faults = without_credentials(folder)
        print(f"without a credential, and with three wrong ones: {count} operations, {len(faults)} of which did not answer 401 in the envelope", flush=True)
        for mode, future in runs.items():
            asked, report, said, defects, done, others = future.result()
            links = re.search(r"API Links: +(\d+) covered / \d+ selected / (\d+) total", said) or ("", "0", "0")
            found = judge(mode, asked, report, said, defects) + too_little(done, others, int(links[1]))
            faults += [f"AUTH_MODE={mode}: {fault}" for fault in found]
            print(
                f"AUTH_MODE={mode}: {report['test_cases']['generated']} requests of {report['operations']['total']} operations, {len(found)} kinds of faults\n"
                f"  {len(done)} operations were done at least once, {links[1]} of {links[2]} links were followed; never done: {', '.join(sorted(others)) or 'none'}",
                flush=True,
            )
    if faults:
        sys.exit("check_schema: " + "\n  ".join(["the service does not keep to its document:", *faults]))
    print("the service keeps to its document")


if __name__ == "__main__":
    main()
