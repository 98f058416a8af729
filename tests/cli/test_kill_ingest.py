"""``costlab ingest`` may be killed and read from at any moment: one delivery or the other shows, never a mixture."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.lake import Lake
from costlab.money import plain
from costlab.simulate import simulate
from tests.cli.conftest import environment

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
KILLS = 100
PUBLISHES = 20


@dataclass(frozen=True)
class Delivery:
    """One snapshot of January: where it lies, and the cost that the simulator's ledger says it has."""

    snapshot_id: str
    export: Path
    billed: str

    @property
    def argument(self) -> str:
        return f"{self.snapshot_id}={self.export}"


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> list[Delivery]:
    """January after two days and after three."""
    made: list[Delivery] = []
    for day in (3, 4):
        done = simulate(tmp_path_factory.mktemp(f"day{day}"), end=date(2026, 1, day), months=1)
        totals: Any = done.summary["totals"]
        (manifest,) = done.cur2.rglob("*Manifest.json")
        snapshot = json.loads(manifest.read_text())["executionId"]
        made.append(Delivery(snapshot, done.cur2, totals["2026-01"]["BilledCost"]))
    assert made[0].billed != made[1].billed
    return made


def child(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.ingest_child", *map(str, words)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def lines(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    out, errors = process.communicate(timeout=900)
    assert (process.returncode, errors) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def checked(seen: Iterable[dict[str, Any]], deliveries: list[Delivery], rows: dict[str, int]) -> list[str]:
    """Return the cost that each look showed, after checking that all ways to add it up agree."""
    shown: list[str] = []
    for look in seen:
        assert look["damaged"] == []
        assert [d.snapshot_id for d in deliveries].count(*look["snapshots"]) == 1
        amounts = {plain_text(look[name]) for name in ("billed", "billed_of_rows", "billed_of_cost")}
        assert len(amounts) == 1, look
        (amount,) = amounts
        assert rows.setdefault(amount, look["rows"]) == look["rows"]
        shown.append(amount)
    assert set(shown) <= {plain_text(d.billed) for d in deliveries}
    return shown


def plain_text(amount: str) -> str:
    return plain(Decimal(amount))


def test_kill_9_at_a_hundred_random_moments_of_an_ingest(tmp_path: Path, deliveries: list[Delivery]) -> None:
    arguments = [d.argument for d in deliveries]
    killers = [child("kill", tmp_path / str(seed), *arguments, KILLS // 2, seed) for seed in (1, 2)]
    rows: dict[str, int] = {}
    for seed, killer in zip((1, 2), killers, strict=True):
        looks = lines(killer)
        shown = checked(looks, deliveries, rows)
        killed = [look["exit_code"] for look in looks[2:-2]]
        assert set(killed) <= {-signal.SIGKILL, 0}
        assert killed.count(-signal.SIGKILL) == KILLS // 2
        # some were killed before the new delivery was live, some after
        assert len({snapshot for look in looks[2:-2] for snapshot in look["snapshots"]}) == 2
        # the next ingest heals whatever a kill left
        assert [look["exit_code"] for look in looks[-2:]] == [0, 0]
        assert shown[-2:] == [plain_text(d.billed) for d in deliveries]
        assert leftovers(tmp_path / str(seed)) == []
    assert len(rows) == 2


def leftovers(workspace: Path) -> list[str]:
    """Return files that nothing names."""
    lake = Lake(workspace)
    named = {lake.folder_of(r) for m in lake.history() for r in lake.revisions(m)}
    folders = set((workspace / "lake").glob("focus/source=*/billing_period=*/*"))
    scratch = [*(workspace / "lake").glob("scratch/*"), *workspace.rglob("*.tmp")]
    generations = [p for p in (workspace / "serve").glob("costlab-*") if not p.with_suffix(".files").is_file()]
    return sorted(map(str, [*(folders - named), *scratch, *generations]))


def test_ten_readers_never_see_a_mixture_during_twenty_publishes(tmp_path: Path, deliveries: list[Delivery]) -> None:
    workspace, stop = tmp_path / "workspace", tmp_path / "stop"
    arguments = [d.argument for d in deliveries]
    lines(child("alternate", workspace, *arguments, 1))
    readers = [child("read", workspace, stop) for _ in range(10)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    # the first of these is the live one already
    published = lines(child("alternate", workspace, *arguments, PUBLISHES + 1))
    stop.touch()
    rows: dict[str, int] = {}
    assert [look["exit_code"] for look in published] == [0] * (PUBLISHES + 1)
    expected = [plain_text(deliveries[turn % 2].billed) for turn in range(PUBLISHES + 1)]
    assert checked(published, deliveries, rows) == expected
    looks = [checked(lines(reader), deliveries, rows) for reader in readers]
    assert all(len(set(shown)) == 2 for shown in looks)
