#!/usr/bin/env python3
"""Runs every command that README.md shows with its output, and compares what it prints with what stands there.

Usage: check_readme.py [--write]

A ```console block holds commands, each behind "$ ", and their output. They run in an empty folder with the two texts that the
README makes, the program of REDUNDANCY_BIN on the PATH, and the service on a free port in place of 8000. With --write the
README is brought up to date instead. Needs the commands jq, curl and zstd, and the data sets at ../shared/data.
"""
import difflib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)$", re.MULTILINE)
SETUP = re.compile(r"^```sh\n(version\(\).*?)^```$", re.MULTILINE | re.DOTALL)
STARTED_WITHIN_SECONDS = 20


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start_service(program, folder):
    port = free_port()
    # Settings of the person who runs this must not change what the page shows.
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PORT": str(port), "LOG_LEVEL": "error"}
    service = subprocess.Popen([program, "serve"], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
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


def run(block, folder, environment, port):
    """The block as it should stand: each command with what it prints now."""
    lines = []
    for command in COMMAND.findall(block):
        there = command.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        done = subprocess.run(["bash", "-c", there], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
        if done.returncode:
            sys.exit(f"check_readme: exit code {done.returncode} of: {command}\n{done.stderr}")
        lines += [f"$ {command}"] + ([done.stdout.strip("\n")] if done.stdout else [])
    return "\n".join(lines) + "\n"


def main():
    program = pathlib.Path(os.environ.get("REDUNDANCY_BIN", ROOT / "target/release/redundancy"))
    stands = README.read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        setup = SETUP.search(stands).group(1).replace("../shared", str(ROOT.parent / "shared"))
        subprocess.run(["bash", "-euc", "set -o pipefail\n" + setup], cwd=folder, check=True)
        environment = dict(os.environ, PATH=f"{program.parent}:{os.environ['PATH']}", COLUMNS="100", NO_COLOR="1")
        service, port = start_service(program, folder)
        try:
            is_now = BLOCK.sub(lambda match: f"```console\n{run(match.group(1), folder, environment, port)}```", stands)
        finally:
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
