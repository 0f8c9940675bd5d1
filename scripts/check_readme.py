#!/usr/bin/env python3
"""Runs every command that README.md shows with its output, and compares what it prints with what stands there.

Usage: check_readme.py [--write]

A ```console block holds commands, each behind "$ ", and their output. They run one after the other in one shell, in a folder
with the two texts that the README makes and the repository's examples, with the program of REDUNDANCY_BIN and the Python of this
script on the PATH. The service and the receiver get free ports in place of 8000 and 9000. What differs on every run (ids, secrets,
times) is not compared. With --write the README is brought up to date instead. Needs the commands jq, curl and zstd, the Python
package standardwebhooks, and the data sets at ../shared/data.
"""
import difflib
import os
import pathlib
import random
import re
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
SETUP = re.compile(r"^```sh\n(version\(\).*?)^```$", re.MULTILINE | re.DOTALL)
NETWORKS = re.compile(r"^(WEBHOOK_ALLOWED_NETWORKS)=(\S+) redundancy serve$", re.MULTILINE)
STARTED_WITHIN_SECONDS = 20
ENDED_WITHIN_SECONDS = 60
# The first retry comes within 6 seconds. Nothing is slow by itself, but the machine may be busy.
ARRIVED_WITHIN_SECONDS = 30
# Commands that look at what happens in the background: they are repeated until it has happened, or to their success.
LOOKS = ("cat received.txt", "redundancy deliveries list")
TRIES = ("redundancy endpoints test",)
# What differs on every run, and what stands for it when outputs are compared.
VARYING = [
    (re.compile(r"\b(evt|dlv)_[0-9a-z]{26}\b"), r"\1_(id)"),
    (re.compile(r"\bwhsec_[0-9A-Za-z+/=]+"), "whsec_(secret)"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ( \([^)]*\))?"), "(time)"),
    (re.compile(r"\bafter \d+(\.\d+)? m?s\b"), "after (duration)"),
    (re.compile(r"\bin \d+\.\d s, [\d,]+ documents a second\b"), "in (duration), (number) documents a second"),
]


def free_port():
    """One of four digits, like those on the page, so that tables keep their columns."""
    while True:
        port = random.randint(2000, 9999)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def start_service(program, folder, allowed):
    port = free_port()
    # Settings of the person who runs this must not change what the page shows.
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PORT": str(port), "LOG_LEVEL": "error"}
    service = subprocess.Popen([program, "serve"], cwd=folder, env=environment | allowed, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + STARTED_WITHIN_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            return service, port
        except OSError:
            if service.poll() is not None or time.monotonic() > deadline:
                service.kill()
                sys.exit("check_readme: the service did not start")
            time.sleep(0.01)


def without_what_varies(text):
    for pattern, stand_in in VARYING:
        text = pattern.sub(stand_in, text)
    return text


class Shell:
    """A bash that runs one command after the other, so that variables and jobs last."""

    END = "check_readme: the command has ended with"

    def __init__(self, folder, environment):
        # A session of its own, so that what it leaves in the background can be ended with it.
        self.bash = subprocess.Popen(
            ["bash"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def run(self, command):
        """The exit code, and what was printed."""
        self.bash.stdin.write(f"{command}\nprintf '\\n%s %d\\n' '{self.END}' $?\n".encode())
        self.bash.stdin.flush()
        printed, end = b"", re.compile(rb"\n" + self.END.encode() + rb" (\d+)\n\Z")
        deadline = time.monotonic() + ENDED_WITHIN_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self.bash.stdout, selectors.EVENT_READ)
            while not (ended := end.search(printed)):
                if not selector.select(deadline - time.monotonic()):
                    sys.exit(f"check_readme: does not end: {command}")
                piece = os.read(self.bash.stdout.fileno(), 65536)
                if not piece:
                    sys.exit(f"check_readme: ends the shell: {command}")
                printed += piece
        return int(ended.group(1)), printed[: ended.start()].decode().strip("\n")

    def close(self):
        os.killpg(self.bash.pid, signal.SIGKILL)
        self.bash.wait()


def run(block, shell, ports):
    """The block as it should stand: each command with what it prints now, or with what stands there if that is as good."""
    lines = []
    for command, stands in COMMAND.findall(block):
        there = command
        for shown, port in ports.items():
            there = re.sub(rf"(127\.0\.0\.1:|receiver\.py ){shown}\b", rf"\g<1>{port}", there)
        deadline = time.monotonic() + ARRIVED_WITHIN_SECONDS
        while True:
            code, printed = shell.run(there)
            for shown, port in ports.items():
                printed = printed.replace(f"127.0.0.1:{port}", f"127.0.0.1:{shown}")
            is_same = without_what_varies(printed) == without_what_varies(stands.strip("\n"))
            # A test that succeeded has told the receiver something, so it is not repeated.
            is_done = is_same or (command.startswith(TRIES) and not code)
            if is_done or not command.startswith(LOOKS + TRIES) or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        if code:
            sys.exit(f"check_readme: exit code {code} of: {command}\n{printed}")
        shown = stands.strip("\n") if is_same else printed
        lines += [f"$ {command}"] + ([shown] if shown else [])
    return "\n".join(lines) + "\n"


def main():
    program = pathlib.Path(os.environ.get("REDUNDANCY_BIN", ROOT / "target/release/redundancy"))
    stands = README.read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        setup = SETUP.search(stands).group(1).replace("../shared", str(ROOT.parent / "shared"))
        subprocess.run(["bash", "-euc", "set -o pipefail\n" + setup], cwd=folder, check=True)
        (folder / "examples").symlink_to(ROOT / "examples")
        service, port = start_service(program, folder, dict([NETWORKS.search(stands).groups()]))
        ports = {"8000": port, "9000": free_port()}
        path = f"{program.parent}:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        shell = Shell(folder, dict(os.environ, PATH=path, PORT=str(port), COLUMNS="100", NO_COLOR="1"))
        try:
            is_now = BLOCK.sub(lambda match: f"```console\n{run(match.group(1), shell, ports)}```", stands)
        finally:
            shell.close()
            service.terminate()
            service.wait()
    if "--write" in sys.argv[1:]:
        README.write_text(is_now)
    elif is_now != stands:
        sys.stdout.writelines(difflib.unified_diff(stands.splitlines(True), is_now.splitlines(True), "README.md", "today"))
        sys.exit("check_readme: README.md shows another output; if today's is right, run scripts/check_readme.py --write")
    else:
        commands = sum(len(COMMAND.findall(block)) for block in BLOCK.findall(stands))
        print(f"README.md shows what its {commands} commands print today")


main()
