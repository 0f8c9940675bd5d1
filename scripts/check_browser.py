#!/usr/bin/env python3
"""Checks in a real Chromium what the service is to a browser: its pages under their policy and with a key, other origins, frames, TLS.

Usage: check_browser.py [--pictures FOLDER]

  --pictures FOLDER  also take pictures of both pages, wide and narrow, light and dark, for people to look at

Chromium is Debian's; the npm package playwright-core, which leads it, is installed into target/browser. The service (REDUNDANCY_BIN) is started
in clear, encrypted, and asking for keys, on free loopback ports in a temporary folder, beside it a server with an empty page for other origins.
"""
import argparse
import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import serialization

import npm
from monitoring.processes import REPOSITORY, Process, certificate, free_port, program

SOURCES = REPOSITORY / "scripts/browser"
FOLDER = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve() / "browser"
# Chromium is told where it is; strict transport security is for names alone, and not for localhost.
NAME = "redundancy.test"
KEY = "key-of-somebody"
PATIENCE_SECONDS = 240


class Service(Process):
    def __init__(self, name, folder, **settings):
        super().__init__(name, folder, "/health")
        self.watch = free_port()
        self.base = f"http://127.0.0.1:{self.watch}"
        self.settings = settings

    def __enter__(self):
        return self.start(
            [program(), "serve"],
            PORT=str(self.port),
            METRICS_LISTEN=f"127.0.0.1:{self.watch}",
            DATA_DIR=str(self.folder / f"{self.name}-data"),
            LOG_LEVEL="warn",
            **self.settings,
        )


class Page(http.server.BaseHTTPRequestHandler):
    """An empty page at any path."""

    def do_GET(self):
        page = b"<!doctype html><title>Another origin</title><link rel=icon href=data:,><p>Another origin</p>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def other_origin():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def install():
    for needed in ("openssl", "chromium"):
        if not shutil.which(needed):
            sys.exit(f"check_browser: {needed} is needed; scripts/test installs it")
    npm.install("check_browser", SOURCES / "package.json", FOLDER, "playwright-core", "one leads a browser")
    shutil.copy(SOURCES / "visit.mjs", FOLDER)


def key_hash(certificate):
    """The hash of the key in a certificate, by which Chromium is told to believe it."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    shape = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(shape).digest()).decode()


def visit(settings, folder):
    """Runs the browser with a home of its own, so that nothing of the user's is used or changed."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(["node", "visit.mjs", json.dumps(settings)], cwd=FOLDER, env=environment, timeout=PATIENCE_SECONDS).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", metavar="FOLDER", type=pathlib.Path)
    pictures = parser.parse_args().pictures
    install()
    with tempfile.TemporaryDirectory() as folder, other_origin() as port:
        folder = pathlib.Path(folder)
        files = certificate(folder / "certificate", NAME)
        tls = {"TLS_CERT": str(files / "cert.pem"), "TLS_KEY": str(files / "key.pem")}
        allowed = f"http://localhost:{port}"
        keys = {"AUTH_MODE": "api_key", "API_KEYS": KEY}
        with (
            Service("clear", folder, CORS_ORIGINS=allowed) as clear,
            Service("encrypted", folder, **tls) as encrypted,
            Service("locked", folder, **keys) as locked,
        ):
            settings = {
                "executable": shutil.which("chromium"),
                "spki": key_hash(files / "cert.pem"),
                "clear": f"http://localhost:{clear.port}",
                "locked": f"http://localhost:{locked.port}",
                "key": KEY,
                "encrypted": f"https://{NAME}:{encrypted.port}",
                "allowed": allowed,
                # The same server by its other name is another origin.
                "stranger": f"http://127.0.0.1:{port}",
                "pictures": str(pictures.resolve()) if pictures else None,
            }
            if visit(settings, folder):
                sys.exit("check_browser: a browser does not see what it should")
    print("a real browser: pages, policy, keys, other origins, frames and TLS are as the headers say")


if __name__ == "__main__":
    main()
