"""The first minute: ``costlab demo`` in a clean virtual environment, and what ``--help`` costs."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
import time
import venv
from pathlib import Path

from tests.bench.measure import ROOT, Row

TITLE = "The first minute"
_LAUNCH = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


def _clean(folder: Path) -> Path:
    """Return the programs' folder of a new environment with costlab installed from the checkout."""
    venv.create(folder, with_pip=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "-q", str(ROOT)], check=True)
    return folder / "bin"


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COSTLAB"))}


def _demo(programs: Path, folder: Path) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and peak memory in MB of the demo as a process of its own."""
    import json

    done = subprocess.run(
        [str(programs / "python"), "-c", _LAUNCH, str(programs / "costlab"), "demo", "--dir", str(folder / "demo")],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(),
        cwd=folder,
    )
    code, wall, cpu, peak = json.loads(done.stdout)
    if code != 0:
        raise RuntimeError(f"costlab demo ended with {code}")
    return wall, cpu, peak


def _cpu(*command: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=_environment(), cwd="/")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _help(programs: Path) -> float:
    """Return the median CPU seconds of ``costlab --help`` over a bare ``python -c pass``, in interleaved pairs."""
    python, costlab = str(programs / "python"), str(programs / "costlab")
    _cpu(costlab, "--help")
    return statistics.median(_cpu(costlab, "--help") - _cpu(python, "-c", "pass") for _ in range(9))


def run() -> list[Row]:
    """Measure in a clean virtual environment outside the checkout."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        programs = _clean(folder / "venv")
        install = time.perf_counter() - began
        wall, cpu, peak = _demo(programs, folder)
        over = _help(programs)
    details = {"install_s": round(install, 1), "cpu_s": round(cpu, 1), "load_average": round(os.getloadavg()[0], 1)}
    return [
        Row("`costlab demo` at small", f"{wall:.1f} s", "< 60 s", wall < 60, details),
        Row("peak memory of `costlab demo`", f"{peak:.0f} MB", "< 1.5 GB", peak < 1500),
        Row("CPU of `costlab --help` over `python -c pass`", f"{over:.3f} s", "< 0.3 s", over < 0.3),
    ]
