"""Starts the service and Prometheus on free loopback ports in a temporary folder, and ends them."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from .issuer import AUDIENCE, Issuer

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MONITORING = REPOSITORY / "deploy" / "monitoring"
STARTED_WITHIN_SECONDS = 30
ANSWERED_WITHIN_SECONDS = 30
# Debian's 2.42 is the oldest that the rules are tried with.
OLDEST_PROMETHEUS = (2, 42)


def program():
    """The path of the service: REDUNDANCY_BIN, or the one that `cargo build --release` makes."""
    target = os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")
    path = pathlib.Path(os.environ.get("REDUNDANCY_BIN", pathlib.Path(target) / "release" / "redundancy"))
    if not path.is_file():
        sys.exit(f"{path} is not there; run cargo build --release, or set REDUNDANCY_BIN")
    return path.resolve()


def check_prometheus():
    """Ends the script unless a Prometheus is there that is new enough."""
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        sys.exit("prometheus and promtool are not there; install the Debian package prometheus")
    printed = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"version (\d+)\.(\d+)", printed.stdout + printed.stderr)
    if not found or tuple(map(int, found.groups())) < OLDEST_PROMETHEUS:
        sys.exit(f"Prometheus {'.'.join(map(str, OLDEST_PROMETHEUS))} or later is needed")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A program that answers HTTP on a free port; use it in a `with` statement."""

    def __init__(self, name, folder, ready):
        self.name, self.folder, self.ready = name, folder, ready
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"

    def start(self, command, **environment):
        self.log = open(self.folder / f"{self.name}.log", "wb")
        surroundings = {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | environment
        self.process = subprocess.Popen(command, cwd=self.folder, env=surroundings, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(self.base + self.ready, timeout=1).close()
                return self
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.end()
                log = (self.folder / f"{self.name}.log").read_text(errors="replace")
                sys.exit(f"{self.name} did not start:\n{log[-2000:]}")
            time.sleep(0.02)

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(STARTED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def __exit__(self, *_):
        self.end()


def certificate(folder, name="localhost"):
    """A new folder with a certificate for `name` that signs itself, and its key."""
    folder.mkdir()
    command = (
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN={name} -addext subjectAltName=DNS:{name} "
        "-addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem"
    )
    subprocess.run(command.split(), cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return folder


class Service(Process):
    """`redundancy serve` with an embedded store, allowed to call this machine. It speaks TLS and asks for tokens, so that there are a certificate and
    an issuer to watch; health and metrics have an address of their own."""

    def __init__(self, folder):
        super().__init__("service", folder, "/health")
        self.encrypted_port = free_port()
        self.issuer = Issuer()
        self.token = self.issuer.token()

    def __enter__(self):
        self.issuer.__enter__()
        files = certificate(self.folder / "certificate")
        self.context = ssl.create_default_context(cafile=files / "cert.pem")
        return self.start(
            [program(), "serve"],
            PORT=str(self.encrypted_port),
            TLS_CERT=str(files / "cert.pem"),
            TLS_KEY=str(files / "key.pem"),
            METRICS_LISTEN=f"127.0.0.1:{self.port}",
            AUTH_MODE="jwt",
            JWKS_URL=self.issuer.url("/keys"),
            JWT_AUDIENCE=AUDIENCE,
            DATA_DIR=str(self.folder / "data"),
            LOG_LEVEL="warn",
            WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
            RATE_LIMIT_REQUESTS="1000000000",
            # So few that a burst is too much for it.
            MAX_CONCURRENT_REQUESTS="4",
        )

    def end(self):
        super().end()
        self.issuer.__exit__()

    def ask(self, method, path, body=None, content_type="application/json"):
        """The status of the answer, and the answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = f"https://localhost:{self.encrypted_port}{path}"
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": content_type, "Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=ANSWERED_WITHIN_SECONDS, context=self.context) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


class Prometheus(Process):
    """With the configuration and the rules of the repository, but for the target and the pace."""

    def __init__(self, folder, target):
        super().__init__("prometheus", folder, "/-/ready")
        self.target = target

    def __enter__(self):
        rules = self.folder / "rules"
        rules.mkdir()
        for path in (MONITORING / "rules").glob("*.yml"):
            (rules / path.name).write_text(paced(path.read_text(encoding="utf-8")), encoding="utf-8")
        configuration = paced((MONITORING / "prometheus.yml").read_text(encoding="utf-8"))
        configuration = configuration.replace("127.0.0.1:8000", f"127.0.0.1:{self.target}")
        (self.folder / "prometheus.yml").write_text(configuration, encoding="utf-8")
        return self.start([
            "prometheus", f"--config.file={self.folder / 'prometheus.yml'}", f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ])

    def get(self, path, **parameters):
        """`data` of the answer; fails with what Prometheus says is wrong."""
        url = f"{self.base}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
        try:
            with urllib.request.urlopen(url, timeout=ANSWERED_WITHIN_SECONDS) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("error", str(error))) from None

    def query(self, expression):
        return self.get("query", query=expression)["result"]

    def query_range(self, expression, start, end, step):
        return self.get("query_range", query=expression, start=start, end=end, step=step)["result"]


def paced(configuration):
    """A test has no minutes to wait for: everything that is done every so often is done every second."""
    return re.sub(r"(interval): \d+[smh]\b", r"\1: 1s", configuration)
