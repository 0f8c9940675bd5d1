"""What Linux says of a process: memory, files, threads."""

import os
import pathlib
import re
import resource
import time

MIB = 1024 * 1024


def memory(pid):
    """Bytes of memory that are in use now, and that were in use at most."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return tuple(int(re.search(rf"(?m)^{name}:\s+(\d+) kB", status)[1]) * 1024 for name in ("VmRSS", "VmHWM"))


def own_memory(pid):
    """Bytes that the process has allocated and uses: without the pages of files that it maps, which belong to the system."""
    return int(re.search(r"(?m)^RssAnon:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) * 1024


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def raise_limit_of_files(needed):
    """As far as the system lets us; processes started from here on inherit it. Gives what it is now."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(needed, hard) if hard != resource.RLIM_INFINITY else needed
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    except (ValueError, OSError):
        # Only root may raise the hard limit.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


TICKS = os.sysconf("SC_CLK_TCK")


class Bystanders:
    """How many cores of the machine are busy with what is neither this process nor that one."""

    def __init__(self, pid):
        self.pid = pid
        self.before = self._used()

    def cores(self):
        """Since it was made."""
        before, now = self.before, self._used()
        return max(0.0, (now[1] - before[1]) / (now[0] - before[0]))

    def _used(self):
        everything = [int(ticks) for ticks in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        # User, nice, system, and what the host of a virtual machine took. Interrupts are our own network.
        busy = sum(everything[:3]) + everything[7]
        # The name may have blanks in it; what stands behind it has not.
        own = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return time.monotonic(), (busy - int(own[11]) - int(own[12])) / TICKS - time.process_time()
