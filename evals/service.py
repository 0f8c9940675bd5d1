"""Runs the real program as a service for the length of an evaluation and asks it over HTTP, as any client would."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
START_SECONDS = 20
ANSWER_SECONDS = 60
# As many clients as keep both the service and this program busy.
CLIENTS = max(2, os.cpu_count() or 2)


def program():
    """The path of the release binary: REDUNDANCY_BIN, or the one that `cargo build --release` makes."""
    target = os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")
    path = pathlib.Path(os.environ.get("REDUNDANCY_BIN", pathlib.Path(target) / "release" / "redundancy"))
    if not path.is_file():
        raise SystemExit(f"{path} is not there; run cargo build --release, or set REDUNDANCY_BIN")
    return path.resolve()


class Service:
    """`redundancy serve` on a free loopback port over an empty data folder; use it in a `with` statement."""

    def __init__(self, poll_seconds=0.01):
        self.poll_seconds = poll_seconds
        self.program = program()
        self.version = subprocess.run(
            [self.program, "--version"], check=True, capture_output=True, text=True
        ).stdout.strip()
        self.clients = threading.local()

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="redundancy-evals-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        # Nothing of this environment may change what is measured, nor may settings files: hence the folder.
        environment = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DATA_DIR": self.folder.name,
            "LOG_LEVEL": "error",
            "RATE_LIMIT_REQUESTS": "1000000000",
        }
        self.process = subprocess.Popen(
            [self.program, "serve"], cwd=self.folder.name, env=environment, stdout=subprocess.DEVNULL
        )
        try:
            self._wait_until_healthy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()

    def _wait_until_healthy(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"the service ended with code {self.process.returncode} as it started")
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
            try:
                connection.request("GET", "/health")
                response = connection.getresponse()
                response.read()
                if response.status == 200:
                    return
            except OSError:
                time.sleep(self.poll_seconds)
            finally:
                connection.close()
        raise SystemExit(f"the service did not answer on /health within {START_SECONDS} s")

    def ask(self, operation, body):
        """The `data` of the answer to one request, for example `ask("quality", {"content": "…"})`."""
        if not hasattr(self.clients, "connection"):
            self.clients.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        connection = self.clients.connection
        headers = {"Content-Type": "application/json"}
        connection.request("POST", f"/api/v1/{operation}", body=json.dumps(body).encode(), headers=headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise RuntimeError(f"{operation} answered {response.status}: {answer}")
        return answer["data"]

    def ask_all(self, operation, bodies):
        """The `data` of the answers to many requests, in the order of the requests."""
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            return list(clients.map(lambda body: self.ask(operation, body), bodies))
