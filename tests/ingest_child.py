"""A process that runs ``costlab ingest`` in forks of itself and kills them; another that reads meanwhile.

Forks, so that a kill costs no second import of everything; the process itself never opens a database.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import costlab
from costlab.cli import main
from costlab.lake import Lake
from costlab.lake.verify import changed_files

# what the command imports on demand is imported here, before the forks
EARLY = ("costlab.lab.loading", "costlab.cli.ingest", "costlab_connectors.aws_cur", "pandas")

TOTALS = "select count(*) as n, cast(sum(BilledCost) as varchar) as billed from {table}"


@dataclass(frozen=True)
class Seen:
    """What a workspace shows: snapshot and damaged files of the lake, rows and cost of the catalogue."""

    exit_code: int | None
    snapshots: list[str]
    damaged: list[str]
    rows: int
    billed: str
    billed_of_rows: str
    billed_of_cost: str


def ingest(workspace: Path, export: Path) -> int:
    """Run the command as the shell would; return its exit code."""
    sys.argv = ["costlab", "-q", "--workspace", str(workspace), "ingest", "aws-cur", "--from", str(export)]
    try:
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def look(workspace: Path, exit_code: int | None = None) -> Seen:
    """Open the workspace and add it up along three ways: facts, rollup, and the question people ask."""
    lake = Lake(workspace)
    manifest = lake.current()
    with costlab.open(workspace) as lab:
        facts = lab.db.rows(TOTALS.format(table="focus.costs"))[0]
        rollup = lab.db.rows(TOTALS.format(table="marts.daily_costs"))[0]
        asked = lab.cost(by=["BillingPeriodStart"], metric="BilledCost", start="2026-01-01", end="2026-02-01")
    return Seen(
        exit_code,
        [r.snapshot_id for r in manifest.revisions],
        changed_files(lake, manifest),
        facts["n"],
        rollup["billed"],
        facts["billed"],
        str(asked["BilledCost"].sum()),
    )


def forked(work: Callable[[], int]) -> int:
    """Start ``work`` in a fork and return its process id."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = work()
        finally:
            sys.stdout.flush()
            os._exit(code)
    return pid


def report(workspace: Path, exit_code: int | None) -> int:
    """Print what a fresh process sees, as one line of JSON."""

    def work() -> int:
        print(json.dumps(asdict(look(workspace, exit_code))), flush=True)
        return 0

    return os.waitstatus_to_exitcode(os.waitpid(forked(work), 0)[1])


def whole(workspace: Path, export: Path) -> float:
    """Ingest without a kill, report, and return the seconds it took."""
    began = time.monotonic()
    _, status = os.waitpid(forked(lambda: ingest(workspace, export)), 0)
    seconds = time.monotonic() - began
    report(workspace, os.waitstatus_to_exitcode(status))
    return seconds


def kill(workspace: Path, exports: dict[str, Path], times: int, seed: int) -> None:
    """Ingest the snapshot that is not live, kill that at a random moment, look; until so many were killed."""
    chance = random.Random(seed)
    longest = seconds = max(whole(workspace, export) for export in exports.values())
    while times:
        (live,) = Lake(workspace).current().revisions
        (other,) = (export for snapshot, export in exports.items() if snapshot != live.snapshot_id)
        began = time.monotonic()
        pid = forked(lambda export=other: ingest(workspace, export))  # type: ignore[misc]
        code = killed_after(pid, chance.uniform(0, seconds))
        report(workspace, code)
        if code == -signal.SIGKILL:
            times -= 1
            seconds = min(seconds * 1.05, longest)
        else:  # a busy machine has become a calm one
            seconds = time.monotonic() - began
    for export in exports.values():
        whole(workspace, export)


def killed_after(pid: int, seconds: float) -> int:
    """Kill a process once it has run so long; return its exit code, or that it ended with before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def alternate(workspace: Path, exports: dict[str, Path], times: int) -> None:
    """Ingest the snapshots in turn."""
    for turn in range(times):
        whole(workspace, list(exports.values())[turn % len(exports)])


def read_until(workspace: Path, stop: Path) -> None:
    """Look again and again until the file ``stop`` is there; hold the first view open and ask it again at the end."""
    with costlab.open(workspace) as held:
        first = held.db.rows(TOTALS.format(table="focus.costs"))
        print("ready", flush=True)
        while not stop.exists():
            print(json.dumps(asdict(look(workspace))), flush=True)
            time.sleep(1)  # ten readers would leave the writer no processor
        assert held.db.rows(TOTALS.format(table="focus.costs")) == first


if __name__ == "__main__":
    for module in EARLY:
        importlib.import_module(module)
    mode, folder, *rest = sys.argv[1:]
    if mode == "read":
        read_until(Path(folder), Path(rest[0]))
    else:
        given = {word.partition("=")[0]: Path(word.partition("=")[2]) for word in rest[:2]}
        numbers = [int(word) for word in rest[2:]]
        if mode == "kill":
            kill(Path(folder), given, *numbers)
        else:
            alternate(Path(folder), given, *numbers)
