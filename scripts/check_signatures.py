#!/usr/bin/env python3
"""Checks signatures of webhooks against code that nobody here wrote, both ways: it verifies what we sign, and we verify what it signs.

Usage: check_signatures.py [SEED]

By standardwebhooks for Python and for npm (v1), by cryptography and by Node's crypto (v1a). We sign by the example `sign` of
redundancy-webhook and verify by `redundancy verify-webhook` (REDUNDANCY_BIN). The receivers of examples/ are started and sent one
genuine and one forged request. The npm package goes into target/npm.
"""
import base64
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
import npm
from standardwebhooks import Webhook, WebhookVerificationError

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
PROGRAM = os.environ.get("REDUNDANCY_BIN", str(TARGET / "release/redundancy"))
RECEIVERS = ROOT / "examples/receivers"
NPM = TARGET / "npm"
CASES = 200
# Cases are made and checked a few at a time: a signature is believed for five minutes, less than a slow machine needs for all.
CASES_AT_ONCE = 20
PATIENCE_SECONDS = 20
ED25519_LABEL = b"redundancy-webhook/ed25519/1"

sys.path.insert(0, str(RECEIVERS))
import verify_v1a  # noqa: E402


def install_from_npm():
    npm.install("check_signatures", RECEIVERS / "package.json", NPM, "standardwebhooks", "one verifies our signatures")


def random_case(chance):
    letters = "abcXYZ019 .,:{}\"\\\n\t\u0000ñß漢😀\u2028"
    text = "".join(chance.choices(letters, k=chance.randrange(200)))
    body = json.dumps({"type": "analysis.completed", "data": text}, ensure_ascii=chance.random() < 0.5)
    return {
        "secret": "whsec_" + base64.b64encode(chance.randbytes(chance.randrange(16, 100))).decode(),
        "previous": ["whsec_" + base64.b64encode(chance.randbytes(24)).decode() for _ in range(chance.randrange(2))],
        "id": "evt_" + "".join(chance.choices("abcXYZ019-_", k=chance.randrange(1, 40))),
        "timestamp": int(time.time()) + chance.randrange(-120, 120),
        "body": body,
        "tampered": body.replace("completed", "completes"),
    }


def by_lines(command, cases, **options):
    """What `command` answers to the cases, one JSON document a line."""
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=120, **options)
    if done.returncode:
        sys.exit(f"check_signatures: {command[0]} failed: {done.stderr}")
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def build_our_signer():
    build = ["cargo", "build", "--quiet", "--locked", "--package", "redundancy-webhook", "--example", "sign"]
    subprocess.run(build, cwd=ROOT, check=True)


def signed_by_us(cases):
    answers = by_lines([str(TARGET / "debug/examples/sign")], cases)
    for case, answer in zip(cases, answers, strict=True):
        case["public_key"], case["hex"] = answer.pop("public_key"), answer.pop("x-webhook-signature")
        case["headers"] = answer


def require(holds, what, case):
    if not holds:
        sys.exit(f"check_signatures: {what} does not hold for {json.dumps(case)}")


def content(case):
    return f"{case['id']}.{case['timestamp']}.{case['body']}".encode()


def python_believes(case, body):
    try:
        Webhook(case["secret"]).verify(body, case["headers"])
        return True
    except WebhookVerificationError:
        return False


def check_ours(case, node):
    """Others verify what we signed, and refuse another body."""
    key = base64.b64decode(case["secret"].removeprefix("whsec_"))
    require(case["hex"] == "sha256=" + hmac.new(key, content(case), hashlib.sha256).hexdigest(), "X-Webhook-Signature", case)
    require(python_believes(case, case["body"]) and not python_believes(case, case["tampered"]), "v1 in Python", case)
    pair = Ed25519PrivateKey.from_private_bytes(hmac.new(key, ED25519_LABEL, hashlib.sha256).digest())
    derived = "whpk_" + base64.b64encode(pair.public_key().public_bytes_raw()).decode()
    require(derived == case["public_key"], "the derived public key", case)
    headers = case["headers"]
    arguments = [case["public_key"], *(headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))]
    require(verify_v1a.verify(*arguments, case["body"].encode()), "v1a by cryptography", case)
    require(not verify_v1a.verify(*arguments, case["tampered"].encode()), "refusing v1a by cryptography", case)
    require(node["v1"], "v1 in Node", case)
    require(node["v1a"], "v1a by Node's crypto", case)


def we_say(case, key, signature, body):
    """The exit code of `redundancy verify-webhook`."""
    command = [PROGRAM, "verify-webhook", *key, "--id", case["id"], "--timestamp", str(case["timestamp"]), "--signature", signature]
    return subprocess.run(command, input=body.encode(), capture_output=True, timeout=60).returncode


def check_theirs(case, node, chance):
    """We verify what others signed, and refuse another body."""
    moment = datetime.datetime.fromtimestamp(case["timestamp"], tz=datetime.timezone.utc)
    own = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
    own_key = "whpk_" + base64.b64encode(own.public_key().public_bytes_raw()).decode()
    by_secret = ["--secret", case["secret"]]
    for who, key, signature in [
        ("Python's v1", by_secret, Webhook(case["secret"]).sign(case["id"], moment, case["body"])),
        ("Node's v1", by_secret, node["signed_v1"]),
        ("cryptography's v1a", ["--public-key", own_key], "v1a," + base64.b64encode(own.sign(content(case))).decode()),
        ("Node's v1a", ["--public-key", node["public_key"]], node["signed_v1a"]),
    ]:
        require(we_say(case, key, signature, case["body"]) == 0, f"{who}, verified by us,", case)
        require(we_say(case, key, signature, case["tampered"]) == 1, f"{who} over another body, refused by us,", case)


def answered(port, case, body):
    """The status that the receiver answers with; it is waited for until it listens."""
    headers = {**case["headers"], "X-Webhook-Attempt": "1", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=body.encode(), headers=headers)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return urllib.request.urlopen(request, timeout=PATIENCE_SECONDS).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            if time.monotonic() > deadline:
                sys.exit("check_signatures: a receiver does not listen")
            time.sleep(0.01)


def check_receiver(command, case, event):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = dict(os.environ, WEBHOOK_SECRET=case["secret"], NODE_PATH=str(NPM / "node_modules"))
    receiver = subprocess.Popen([*command, str(port)], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        require(answered(port, case, case["tampered"]) == 401, f"401 by {command[-1]}", case)
        require(answered(port, case, case["body"]) == 204, f"204 by {command[-1]}", case)
        require(receiver.stdout.readline() == f"{event['type']} {event['id']} attempt 1\n", f"the line of {command[-1]}", case)
    finally:
        receiver.kill()
        receiver.wait()


def check_both_ways(cases, chance):
    signed_by_us(cases)
    node_command = ["node", str(ROOT / "scripts/check_signatures.js")]
    by_node = by_lines(node_command, cases, env=dict(os.environ, NODE_PATH=str(NPM / "node_modules")))
    for case, node in zip(cases, by_node, strict=True):
        check_ours(case, node)
        check_theirs(case, node, chance)


def check_receivers(chance):
    event = {"id": "evt_1", "type": "analysis.completed"}
    posted = random_case(chance) | {"body": json.dumps(event), "tampered": "{}"}
    signed_by_us([posted])
    check_receiver([sys.executable, str(RECEIVERS / "receiver.py")], posted, event)
    check_receiver(["node", str(RECEIVERS / "receiver.js")], posted, event)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    chance = random.Random(seed)
    install_from_npm()
    build_our_signer()
    for _ in range(0, CASES, CASES_AT_ONCE):
        check_both_ways([random_case(chance) for _ in range(CASES_AT_ONCE)], chance)
    check_receivers(chance)
    print(
        f"{CASES} cases from seed {seed} hold both ways: v1 with standardwebhooks of Python and npm, v1a with cryptography and "
        "Node's crypto; other bodies are refused; receiver.py and receiver.js believe ours and refuse a forged one"
    )


main()
