"""Runs a command and says what it took: wall time, CPU time of it and all it started, and the most memory they had together."""

import os
import pathlib
import subprocess
import threading
import time

WATCH_SECONDS = 0.1
PAGE_KIB = 1024


class Usage:
    def __init__(self, wall_seconds, cpu_seconds, peak_mib):
        self.wall_seconds, self.cpu_seconds, self.peak_mib = wall_seconds, cpu_seconds, peak_mib


def run(command, environment, log, folder):
    """Runs to the end; whatever is printed goes to the file `log`. Raises if the command fails."""
    with open(log, "wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), env=environment, stdout=output, stderr=output, cwd=folder)
        watch = Watch(process.pid)
        watch.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        watch.done.set()
        watch.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"ended with code {process.returncode}; see {log}")
    return Usage(wall, used.ru_utime + used.ru_stime, max(used.ru_maxrss / PAGE_KIB, watch.peak_mib))


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
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / PAGE_KIB
