"""Utilisation files, from the file to the lake: months apart, samples that say nothing put aside."""

from __future__ import annotations

import gzip
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from costlab.ingest import ingest
from costlab.lake import Action, Lake
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.ingest import IngestReport

HEADER = "provider,resource_id,metric,ts,avg,max,shape,region"
LINES = (
    "aws,i-1,cpu_percent,2026-03-31T23:55:00Z,3.5,9,m5.large,us-east-1",
    "aws,i-1,cpu_percent,2026-04-01 00:00:00,4,10,m5.large,us-east-1",
    "aws,007,memory_percent,2026-04-01T02:00:00+02:00,0,0,,",
)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


def load(workspace: Path, path: Path) -> IngestReport:
    return ingest(workspace, "metrics-file", str(path), source="monitoring")


def samples(workspace: Path) -> list[tuple[Any, ...]]:
    files = [str(workspace / f.path) for r in Lake(workspace).current().revisions for f in r.files]
    con = connect()
    try:
        columns = "resource_id, metric, ts, avg, max, shape, region"
        table = f"read_parquet({files}, hive_partitioning=false, union_by_name=true)"
        return con.execute(f"select {columns} from {table} order by ts, resource_id desc").fetchall()
    finally:
        con.close()


def months(report: IngestReport) -> list[tuple[str, Action, int, int]]:
    return [
        (p.period, p.action, p.revision.rows_loaded, p.revision.rows_quarantined)
        for p in report.periods
        if p.revision is not None
    ]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_samples_are_kept_by_month(workspace: Path, tmp_path: Path, ending: str) -> None:
    text = "\n".join((HEADER, *LINES)).encode()
    (tmp_path / f"m{ending}").write_bytes(gzip.compress(text) if ending == ".csv.gz" else text)
    report = load(workspace, tmp_path / f"m{ending}")
    assert months(report) == [("2026-03", Action.LOADED, 1, 0), ("2026-04", Action.LOADED, 2, 0)]
    assert samples(workspace) == [
        ("i-1", "cpu_percent", datetime(2026, 3, 31, 23, 55), 3.5, 9.0, "m5.large", "us-east-1"),
        ("i-1", "cpu_percent", datetime(2026, 4, 1), 4.0, 10.0, "m5.large", "us-east-1"),
        ("007", "memory_percent", datetime(2026, 4, 1), 0.0, 0.0, None, None),
    ]
    assert {p.action for p in load(workspace, tmp_path / f"m{ending}").periods} == {Action.UNCHANGED}


def test_parquet_needs_neither_maximum_nor_shape(workspace: Path, tmp_path: Path) -> None:
    con = connect()
    con.execute(
        "copy (select 'aws' as provider, 'i-1' as resource_id, 'cpu_percent' as metric, cast(1.5 as float) as avg, "
        "cast('2026-03-01 02:00:00+02' as timestamptz) as ts from range(3)) "
        f"to '{tmp_path}/m.parquet' (format parquet)"
    )
    con.close()
    assert months(load(workspace, tmp_path / "m.parquet")) == [("2026-03", Action.LOADED, 3, 0)]
    assert set(samples(workspace)) == {("i-1", "cpu_percent", datetime(2026, 3, 1), 1.5, None, None, None)}


def test_samples_that_say_nothing_are_put_aside(workspace: Path, tmp_path: Path) -> None:
    values = ("i-1,cpu_percent,yesterday,1", "i-1,cpu_percent,2026-04-01,", ",cpu_percent,2026-04-01,1",
              "i-1,cpu_percent,2026-04-01,nan", "i-1,cpu_percent,2026-04-01,much")  # fmt: skip
    bad = [f"aws,{value},1,," for value in values]
    (tmp_path / "m.csv").write_text("\n".join((HEADER, *LINES, *bad)), encoding="utf-8")
    found = months(load(workspace, tmp_path / "m.csv"))
    assert sum(item[2] for item in found) == len(LINES)
    assert sum(item[3] for item in found) == len(bad)


def test_a_file_without_averages_is_rejected(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        "provider,resource_id,metric,ts\naws,i-1,cpu_percent,2026-04-01\n", encoding="utf-8"
    )
    report = load(workspace, tmp_path / "m.csv")
    assert [p.action for p in report.periods] == [Action.REJECTED]
    assert "avg" in report.periods[0].error
