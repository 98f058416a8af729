"""How benchmarks measure: fresh processes, CPU time beside wall time, interleaved pairs, medians of ratios.

CPU time is what is judged (it hardly moves when the machine is busy); wall time is printed beside it. Peak memory
is the operating system's own figure for a fresh child process.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process used."""

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float
    output: str


@dataclass(slots=True)
class Row:
    """One line of docs/benchmarks.md: what was measured, the figure, the goal, whether it is met."""

    claim: str
    figure: str
    goal: str
    met: bool | None
    details: dict[str, Any] = field(default_factory=dict[str, Any])


_CHILD = """
import json, resource, sys, time
start = time.perf_counter()
code, argv = sys.argv[1], sys.argv[2:]
exec(compile(code, "<bench>", "exec"), {"__name__": "__bench__", "argv": argv})
wall = time.perf_counter() - start
me, kids = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = me.ru_utime + me.ru_stime + kids.ru_utime + kids.ru_stime
try:  # ru_maxrss would start at what the parent had when it forked
    status = open("/proc/self/status").read()
    peak = int(status.split("VmHWM:")[1].split()[0])
except (OSError, IndexError):
    peak = me.ru_maxrss
print("\\n@@" + json.dumps([cpu, wall, max(peak, kids.ru_maxrss) / 1024]))
"""


def fresh(code: str, *args: str, timeout: float = 3600) -> Usage:
    """Run Python source in a fresh process and return what it used; ``argv`` holds ``args`` inside it."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "connectors")])}
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, code, *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env=environment,
        cwd=ROOT,
    )
    if done.returncode != 0:
        raise RuntimeError(f"benchmark process failed:\n{done.stderr}")
    output, _, tail = done.stdout.rpartition("\n@@")
    cpu, wall, peak = json.loads(tail)
    return Usage(cpu, wall, peak, output)


def pairs(limit: Callable[[], Usage], candidate: Callable[[], Usage], *, count: int) -> dict[str, Any]:
    """Run ``limit`` and ``candidate`` in turn ``count`` times and return the ratios of their CPU and wall times."""
    seen = [(limit(), candidate()) for _ in range(count)]
    cpu = [b.cpu_seconds / a.cpu_seconds for a, b in seen]
    wall = [b.wall_seconds / a.wall_seconds for a, b in seen]
    return {
        "pairs": count,
        "cpu_ratio": round(statistics.median(cpu), 3),
        "cpu_ratio_min": round(min(cpu), 3),
        "cpu_ratio_max": round(max(cpu), 3),
        "wall_ratio": round(statistics.median(wall), 3),
        "limit_cpu_s": round(statistics.median(a.cpu_seconds for a, _ in seen), 2),
        "candidate_cpu_s": round(statistics.median(b.cpu_seconds for _, b in seen), 2),
        "peak_mb": round(max(b.peak_mb for _, b in seen)),
        "load_average": [round(x, 1) for x in os.getloadavg()],
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that at least ``share`` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine() -> str:
    """Return one line on the machine and the versions measured with."""
    import duckdb
    import pandas as pd

    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"duckdb {duckdb.__version__}, pandas {pd.__version__}"
    )
