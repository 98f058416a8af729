"""Publishing never disturbs readers, and a failed build changes nothing."""

from __future__ import annotations

import itertools
import multiprocessing
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from costlab.errors import DataError, ModelError
from costlab.lake import KnownRevision, Lake
from costlab.warehouse.catalogue import KEEP, current, generations, open_current, publish, publish_lake, remove
from costlab.warehouse.findings import Findings
from costlab.warehouse.relations import Database
from tests.support import focus_rows, load_rows, write_revision


def bill(workspace: Path, amount: int, revision: str) -> list[KnownRevision]:
    return [write_revision(workspace, focus_rows([{"BilledCost": amount, "ResourceId": "i-1"}]), revision=revision)]


def billed(db: Database) -> Decimal:
    amount = db.rows("select sum(BilledCost) as b from marts.daily_costs")[0]["b"]
    assert isinstance(amount, Decimal)
    return amount


def test_nothing_published_is_said_with_what_to_do(tmp_path: Path) -> None:
    assert current(tmp_path) is None
    with pytest.raises(DataError, match="nothing is loaded") as caught:
        open_current(tmp_path)
    assert "costlab ingest" in caught.value.hint


def test_an_open_reader_keeps_its_numbers_while_newer_ones_are_published(tmp_path: Path) -> None:
    publish(tmp_path, 1, bill(tmp_path, 1, "r1"))
    seq, before = open_current(tmp_path)
    publish(tmp_path, 2, bill(tmp_path, 2, "r2"))
    newer, after = open_current(tmp_path)
    with before, after:
        assert (seq, billed(before)) == (1, Decimal(1))
        assert (newer, billed(after)) == (2, Decimal(2))


def test_a_rebuild_of_the_same_data_is_seen_in_the_process_that_has_the_old_one_open(tmp_path: Path) -> None:
    known = bill(tmp_path, 1, "r1")
    publish(tmp_path, 1, known)
    _, before = open_current(tmp_path)
    publish(tmp_path, 1, known, findings_of=lambda _: Findings(runs=[{"name": "waste"}]))
    _, after = open_current(tmp_path)
    with before, after:
        assert before.rows("select count(*) as n from findings.runs") == [{"n": 0}]
        assert after.rows("select count(*) as n from findings.runs") == [{"n": 1}]


def test_findings_are_computed_on_the_new_tables_and_written_with_them(tmp_path: Path) -> None:
    def findings_of(db: Database) -> Findings:
        saving = billed(db) / 4
        item = {"id": "a", "monthly_saving": saving, "evidence": [{"value": Decimal("1.50")}], "purchase": {"units": 2}}
        return Findings(recommendations=[item])

    publish(tmp_path, 1, bill(tmp_path, 1, "r1"), findings_of=findings_of)
    _, db = open_current(tmp_path)
    with db:
        row = db.rows("select id, monthly_saving, evidence, details from findings.recommendations")
        assert row == [
            {
                "id": "a",
                "monthly_saving": Decimal("0.25"),
                "evidence": '[{"value": "1.5"}]',
                "details": '{"purchase": {"units": 2}}',
            }
        ]


def test_findings_that_fail_leave_the_current_generation(tmp_path: Path) -> None:
    publish(tmp_path, 1, bill(tmp_path, 1, "r1"))

    def broken(_: Database) -> Findings:
        raise ModelError("broken")

    with pytest.raises(ModelError):
        publish(tmp_path, 2, bill(tmp_path, 2, "r2"), findings_of=broken)
    generation = current(tmp_path)
    assert generation is not None
    assert generation.seq == 1
    assert generations(tmp_path) == [generation]


def test_old_generations_and_the_marts_only_they_read_are_removed(tmp_path: Path) -> None:
    for seq in range(1, KEEP + 3):
        publish(tmp_path, seq, bill(tmp_path, seq, f"r{seq}"))
    assert [g.seq for g in generations(tmp_path)] == [3, 4, 5]
    cached = {path.name.split("-")[0] for path in (tmp_path / "lake/marts/marts.resource_days").rglob("*.parquet")}
    assert cached == {"r3", "r4", "r5"}
    for generation in generations(tmp_path):
        with Database.open(generation.path, tmp_path) as db:
            assert db.rows("select sum(BilledCost) as b from marts.resource_days") == [{"b": Decimal(generation.seq)}]


def test_a_removal_that_a_kill_cuts_short_is_finished_by_the_next_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink
    for deleted in (1, 2):
        workspace = tmp_path / str(deleted)
        generation, _ = publish(workspace, 1, bill(workspace, 1, "r1"))
        generation.path.with_suffix(".duckdb.wal").touch()
        calls = itertools.count()

        def cut_short(path: Path, missing_ok: bool = False, last: int = deleted, calls: Iterator[int] = calls) -> None:
            if next(calls) == last:
                raise KeyboardInterrupt
            unlink(path, missing_ok=missing_ok)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", cut_short)
            with pytest.raises(KeyboardInterrupt):
                remove(generation)
        publish(workspace, 2, bill(workspace, 2, "r2"))
        assert list((workspace / "serve").glob("costlab-00000001-*")) == []


def test_an_older_manifest_published_late_does_not_become_current(tmp_path: Path) -> None:
    publish(tmp_path, 2, bill(tmp_path, 2, "r2"))
    publish(tmp_path, 1, bill(tmp_path, 1, "r1"))
    generation = current(tmp_path)
    assert generation is not None
    assert generation.seq == 2


def test_the_link_for_other_programs_opens_the_newest_catalogue(tmp_path: Path) -> None:
    publish(tmp_path, 1, bill(tmp_path, 1, "r1"))
    publish(tmp_path, 2, bill(tmp_path, 2, "r2"))
    with Database.open((tmp_path / "costlab.duckdb").resolve(), tmp_path) as db:
        assert billed(db) == Decimal(2)


def test_a_workspace_can_be_moved(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new place that's here"
    old.mkdir()
    publish(old, 1, bill(old, 7, "r1"))
    old.rename(new)
    _, db = open_current(new)
    with db:
        assert db.rows("select sum(BilledCost) as b from focus.costs") == [{"b": Decimal(7)}]
        assert db.rows("select sum(BilledCost) as b from marts.resource_days") == [{"b": Decimal(7)}]


def _die_before_renaming(workspace: Path, target: str) -> None:
    """Publish in a process that ends like a killed one before something called ``target`` gets its name."""
    rename = Path.replace

    def replace(self: Path, name: str | Path) -> Path:
        if target in Path(name).name:
            os._exit(9)
        return rename(self, name)

    Path.replace = replace  # type: ignore[assignment,method-assign]
    publish(workspace, 2, bill(workspace, 2, "r2"))


@pytest.mark.parametrize(
    ("target", "shown"), [("r2-", Decimal(1)), ("CURRENT", Decimal(1)), ("costlab.duckdb", Decimal(2))]
)
def test_a_publisher_killed_at_any_step_leaves_whole_numbers_and_is_tidied_up_after(
    tmp_path: Path, target: str, shown: Decimal
) -> None:
    publish(tmp_path, 1, bill(tmp_path, 1, "r1"))
    process = multiprocessing.get_context("spawn").Process(target=_die_before_renaming, args=(tmp_path, target))
    process.start()
    process.join()
    assert process.exitcode == 9
    _, db = open_current(tmp_path)
    with db:
        assert billed(db) == shown
    publish(tmp_path, 3, bill(tmp_path, 3, "r3"))
    assert generations(tmp_path)[-1] == current(tmp_path)
    left = {path.name for path in tmp_path.rglob("*") if path.is_file() and "tmp" in path.name}
    assert left == set()
    for generation in generations(tmp_path):
        with Database.open(generation.path, tmp_path) as old:
            assert billed(old) == Decimal(generation.seq)


def test_two_publishers_take_turns(tmp_path: Path) -> None:
    load_rows(tmp_path, focus_rows([{"BilledCost": 5}]))
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=publish_lake, args=(Lake(tmp_path),)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert [(g.seq, g.build) for g in generations(tmp_path)] == [(1, 1), (1, 2)]
    _, db = open_current(tmp_path)
    with db:
        assert billed(db) == Decimal(5)


def test_a_restated_month_replaces_itself_only_and_costs_only_itself(tmp_path: Path) -> None:
    load_rows(tmp_path, focus_rows([{"ChargePeriodStart": "2026-02-01", "BilledCost": 1}, {"BilledCost": 10}]))
    publish_lake(Lake(tmp_path))
    load_rows(tmp_path, focus_rows([{"BilledCost": 20}]))
    generation, report = publish_lake(Lake(tmp_path))
    assert generation.seq == 2
    daily = next(run for run in report.models if run.name == "marts.daily_costs")
    assert (daily.computed, daily.reused) == (1, 1)
    _, db = open_current(tmp_path)
    with db:
        assert billed(db) == Decimal(21)
        assert db.rows("select count(*) as n from focus.costs") == [{"n": 2}]
        assert db.rows("select source, billing_period, rows_loaded from lake.revisions order by billing_period") == [
            {"source": "aws", "billing_period": "2026-02", "rows_loaded": 1},
            {"source": "aws", "billing_period": "2026-03", "rows_loaded": 1},
        ]
