"""Runs a command and says what it took: wall time, CPU time of it and all it started, and the most memory they had together.

The kernel begins to count the peak memory of a process with what its parent had, so the command is started by a small process of its
own, which is this file run as a script. What it has itself, about 10 MiB, is the least that can be measured."""

import json
import os
import pathlib
import subprocess
import sys
import threading
import time

WATCH_SECONDS = 0.1
MIB_IN_KIB = 1024


class Usage:
    """Wall and CPU time, the latter of all threads and descendants, and peak memory."""

    def __init__(self, wall_seconds, cpu_seconds, peak_mib):
        self.wall_seconds, self.cpu_seconds, self.peak_mib = wall_seconds, cpu_seconds, peak_mib


def run(command, environment, log, folder):
    """Runs to the end; whatever is printed goes to the file `log`. Raises if the command fails."""
    starter = [sys.executable, "-I", "-S", __file__, *map(str, command)]
    with open(log, "wb") as output:
        process = subprocess.run(starter, env=environment, stdout=subprocess.PIPE, stderr=output, cwd=folder, check=True)
    code, *figures = json.loads(process.stdout)
    if code:
        raise RuntimeError(f"ended with code {code}; see {log}")
    return Usage(*figures)


def start(command):
    """Prints the exit code of the command and what it took; its output goes where errors go."""
    began = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
    watch = Watch(pid)
    watch.start()
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    watch.done.set()
    watch.join()
    peak_mib = max(used.ru_maxrss / MIB_IN_KIB, watch.peak_mib)
    print(json.dumps([os.waitstatus_to_exitcode(status), wall, used.ru_utime + used.ru_stime, peak_mib]))


class Watch(threading.Thread):
    """The most memory that a process and its descendants had together, pages that they share counted once. Of a single process
    the kernel itself knows the peak, so it is looked at only if there are more."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak_mib, self.done = pid, 0.0, threading.Event()

    def run(self):
        while not self.done.wait(WATCH_SECONDS):
            family = descendants(self.pid)
            if len(family) > 1:
                self.peak_mib = max(self.peak_mib, sum(map(proportional_mib, family)))


def descendants(pid):
    """A process and all below it."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    family, found = [pid], []
    while family:
        found.append(family.pop())
        family += children.get(found[-1], [])
    return found


def proportional_mib(pid):
    """A process's memory, of shared pages its part. Nothing once it has ended."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / MIB_IN_KIB


if __name__ == "__main__":
    start(sys.argv[1:])
