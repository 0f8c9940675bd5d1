#!/usr/bin/env python3
"""Checks that tokens of a real OpenID provider open the service, and only as far as they should.

Usage: check_tokens.py

The provider is the npm package oidc-provider (scripts/tokens), installed into target/tokens: client credentials, access tokens as JSON Web
Tokens. For each of RS256, ES256 and EdDSA the service (REDUNDANCY_BIN) is started with AUTH_MODE=jwt and finds the keys by itself.
Then the provider gets another key while the service runs, and goes away.
"""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import npm

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
PROGRAM = os.environ.get("REDUNDANCY_BIN", str(TARGET / "release/redundancy"))
SOURCES = ROOT / "scripts/tokens"
FOLDER = TARGET / "tokens"
PATIENCE_SECONDS = 30


def install():
    npm.install("check_tokens", SOURCES / "package.json", FOLDER, "oidc-provider", "one is a provider of tokens")
    shutil.copy(SOURCES / "issuer.mjs", FOLDER)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(method, url, headers=None, data=None):
    """Status and body of an answer."""
    request = urllib.request.Request(url, method=method, headers=headers or {}, data=data)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def until(what, is_so, pause_seconds=0.05):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            sys.exit(f"check_tokens: {what} did not come within {PATIENCE_SECONDS} s")
        time.sleep(pause_seconds)


def answers(url):
    try:
        return ask("GET", url)[0] < 500
    except OSError:
        return False


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def provider(port, algorithm, key_id):
    with running(["node", "issuer.mjs", str(port), algorithm, key_id], cwd=FOLDER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        until("the provider", lambda: answers(f"http://127.0.0.1:{port}/.well-known/openid-configuration"))
        yield


@contextlib.contextmanager
def service(issuer):
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "LOG_LEVEL": "warn",
            "AUTH_MODE": "jwt",
            "JWT_ISSUER": issuer,
            "JWT_AUDIENCE": "redundancy",
        }
        with running([PROGRAM, "serve"], cwd=folder, env=environment, stdout=subprocess.DEVNULL):
            address = f"http://127.0.0.1:{port}"
            until("the service", lambda: answers(f"{address}/health"))
            yield address


def token(issuer, client, scope):
    fields = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_secret": f"{client}-secret-of-the-check",
        "scope": scope,
    }
    form = urllib.parse.urlencode(fields).encode()
    status, body = ask("POST", f"{issuer}/token", {"Content-Type": "application/x-www-form-urlencoded"}, form)
    if status != 200:
        sys.exit(f"check_tokens: the provider gives no token: {status} {body.decode()}")
    return json.loads(body)["access_token"]


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f"check_tokens: {what}: {found}, and should be {wanted}")


def main():
    install()
    for algorithm in ("RS256", "ES256", "EdDSA"):
        port = free_port()
        issuer = f"http://127.0.0.1:{port}"
        with provider(port, algorithm, "first"), service(issuer) as address:
            document = json.dumps({"content": "A text that is kept for whoever may see it."}).encode()

            def put(bearer):
                headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
                return ask("PUT", f"{address}/api/v1/documents/a", headers, document)[0]

            def get(bearer, path="/api/v1/documents/a"):
                return ask("GET", address + path, {"Authorization": f"Bearer {bearer}"})[0]

            reader, writer = token(issuer, "reader", "read"), token(issuer, "writer", "read write")
            acme = token(issuer, "acme", "write")
            check(f"{algorithm}: reading by a reader", get(reader), 404)
            check(f"{algorithm}: writing by a reader", put(reader), 403)
            check(f"{algorithm}: writing by a writer", put(writer), 201)
            check(f"{algorithm}: a document of nobody for a tenant", get(acme), 404)
            check(f"{algorithm}: the audit log for a writer", get(writer, "/api/v1/audit"), 403)
            head, claims, signature = reader.split(".")
            check(f"{algorithm}: another signature", get(f"{head}.{claims}.{signature[:-4]}AAAA"), 401)
            check(f"{algorithm}: claims of another token", get(f"{head}.{writer.split('.')[1]}.{signature}"), 401)
    rotation()
    print("tokens of a real OpenID provider open the service as far as they should: RS256, ES256, EdDSA, a new key, a provider that is away")


def rotation():
    """The provider goes away, and comes back with another key, while the service runs."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        with provider(port, "RS256", "first"):
            address = stack.enter_context(service(issuer))
            get = lambda bearer: ask("GET", f"{address}/api/v1/documents", {"Authorization": f"Bearer {bearer}"})[0]
            first = token(issuer, "reader", "read")
            check("a token by the first key", get(first), 200)
        check("a token while the provider is away", get(first), 200)
        with provider(port, "RS256", "second"):
            second = token(issuer, "reader", "read")
            # Keys are not looked for more often than that, whatever callers make up.
            # Slowly, because an address that tries too many credentials is held back.
            until("a token by the second key", lambda: get(second) == 200, pause_seconds=0.5)
            check("a token by the first key, which is withdrawn", get(first), 401)


if __name__ == "__main__":
    main()
