"""What a process has used, from /proc: CPU-seconds, memory, descriptors, threads."""

from __future__ import annotations

import os
import time
from pathlib import Path

_SCHEDULED = 2
"""What the scheduler has counted, in nanoseconds (`CPUCLOCK_SCHED` of Linux): the figures of
/proc/PID/stat come in steps of 10 ms, which is as much as a few joins take."""


def cpu_s(pid: int) -> float:
    """User and system seconds of all threads so far (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | _SCHEDULED)


def rss_kib(pid: int) -> int:
    """Resident memory in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


def anonymous_kib(pid: int) -> int:
    """Resident memory in KiB that is the process's own: without the code and data of files, which
    the kernel may drop, and shares.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


def pss_kib(pid: int) -> int:
    """Resident memory in KiB, a page that several processes share counted in parts."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


def descriptors(pid: int) -> int:
    """Open file descriptors."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid: int) -> int:
    """Threads."""
    return len(os.listdir(f"/proc/{pid}/task"))
