"""How many processes may run at once: the pod's CPU limit, not the host's cores."""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def cpu_limit(cgroup: Path = CGROUP) -> int:
    """Whole CPUs that this process may use: the least of its affinity and its control group's quota, at least 1.

    Args:
        cgroup: where control groups are mounted; versions 1 and 2 are read alike.
    """
    quota = _quota_v2(cgroup) or _quota_v1(cgroup) or math.inf
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(available, quota)))


def _quota_v2(cgroup: Path) -> float | None:
    content = _read(cgroup / "cpu.max").split()
    return int(content[0]) / int(content[1]) if len(content) == 2 and content[0] != "max" else None


def _quota_v1(cgroup: Path) -> float | None:
    quota = _read(cgroup / "cpu" / "cpu.cfs_quota_us")
    period = _read(cgroup / "cpu" / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
