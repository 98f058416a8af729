"""Loading AWS bills: against a bare CREATE TABLE AS SELECT of the same columns, and against inflating the same files.

One simulated month is repeated to the size asked for, resources told apart, so line items keep their variety and shape.
``COSTLAB_BENCH_ROWS`` sets the size (default 2 million), ``COSTLAB_BENCH_ROWS_LARGE`` the one that memory is compared
at (default 10 million), ``COSTLAB_BENCH_PAIRS`` the number of pairs.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from costlab.simulate import Simulation, simulate
from costlab.warehouse.connection import connect
from costlab.warehouse.parquet import literal
from tests.bench.measure import Row, Usage, fresh, pairs

TITLE = "Loading AWS bills"
ROWS_PER_FILE = 400_000
GOAL_PARQUET = 1.2
GOAL_CSV = 4.5
GOAL_PEAK_MB = 1500
GOAL_GROWTH = 1.2
GOAL_UNCHANGED = 0.02
GOAL_OTHERS = 1.2

_CTAS = """
import duckdb, sys
from pathlib import Path
from costlab_connectors.aws_cur import COLUMNS
files, target = argv[0], argv[1]
Path(target).unlink(missing_ok=True)
con = duckdb.connect(target, config={"threads": "2", "memory_limit": "1GB", "preserve_insertion_order": "false"})
con.execute("set enable_progress_bar=false")
source = f"read_parquet('{files}', hive_partitioning=false)"
there = {row[0] for row in con.execute(f"describe select * from {source}").fetchall()}
used = [c.name for c in COLUMNS if c.name in there] + ["product"]
con.execute(f"create table bill as select {', '.join(used)} from {source}")
print(con.execute("select count(*) from bill").fetchall()[0][0])
con.close()
"""
_INFLATE = """
import zlib
size = 0
for name in argv:
    inflate = zlib.decompressobj(31)
    with open(name, "rb") as stream:
        while chunk := stream.read(1 << 20):
            size += len(inflate.decompress(chunk))
print(size)
"""
_INGEST = """
import json, resource, shutil
from pathlib import Path
from costlab.ingest import ingest
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
workspace, uri, keep = Path(argv[0]), argv[1], argv[2] == "keep"
if not keep:
    shutil.rmtree(workspace, ignore_errors=True)
before = cpu()
report = ingest(workspace, "aws-cur", uri)
assert report.exit_code == 0, [p.error for p in report.rejected] or report.warnings
print(json.dumps({
    "cpu": cpu() - before,
    "rows": sum(p.item()["rows_received"] for p in report.periods),
    "actions": sorted({str(p.action) for p in report.periods}),
}))
"""


def run() -> list[Row]:
    """Measure and return the rows of the page."""
    rows = int(os.environ.get("COSTLAB_BENCH_ROWS", "2000000"))
    large = int(os.environ.get("COSTLAB_BENCH_ROWS_LARGE", "10000000"))
    count = int(os.environ.get("COSTLAB_BENCH_PAIRS", "7"))
    with tempfile.TemporaryDirectory(prefix="costlab-bench-") as folder:
        root = Path(folder)
        company = simulate(
            root / "company", seed=7, end=date(2026, 4, 1), months=1, discount_percent=6, renderings=("cur2", "legacy")
        )
        export = tiled(company, root / "parquet", rows)
        found = [
            _parquet(root, export, rows, count),
            _unchanged(root, export),
            _csv(root, company, count),
            *_other_periods(root, export),
        ]
        small = _ingested(root, export).peak_mb
        big = _ingested(root, tiled(company, root / "large", large)).peak_mb
        return [*found, *_memory(small, big, rows, large)]


def tiled(company: Simulation, root: Path, rows: int = 0, *, files: int = 0) -> Path:
    """Return a CUR 2.0 export of one month, made of copies of the company's month.

    It has about ``rows`` line items, or ``files`` files of a quarter of a copy each.
    """
    con = connect()
    parts = f"read_parquet('{company.cur2}/cur2/data/*/*.parquet', hive_partitioning=false)"
    ((month_rows,),) = con.execute(f"select count(*) from {parts}").fetchall()
    copies = 1 if files else max(1, ROWS_PER_FILE // month_rows)
    taken = f"(from {parts} limit {month_rows // 4})" if files else parts
    place = "BILLING_PERIOD=2026-03"
    (root / "cur2/data" / place).mkdir(parents=True)
    (root / "cur2/metadata" / place).mkdir(parents=True)
    keys: list[str] = []
    for number in range(files or max(1, round(rows / (copies * month_rows)))):
        key = f"cur2/data/{place}/cur2-{number:05d}.snappy.parquet"
        con.execute(
            f"copy (select b.* replace (md5(b.identity_line_item_id || k) as identity_line_item_id, "
            f"case when b.line_item_resource_id like 'i-%' then b.line_item_resource_id || k || '-{number}' "
            f"else b.line_item_resource_id end as line_item_resource_id) from {taken} as b, range({copies}) as t(k)) "
            f"to {literal(str(root / key))} (format parquet, compression snappy)"
        )
        keys.append(f"s3://bucket/{key}")
    manifest = json.dumps({"dataFiles": keys})
    (root / "cur2/metadata" / place / "cur2-Manifest.json").write_text(manifest)
    con.close()
    return root


def _ingested(root: Path, export: Path, *, keep: bool = False, workspace: str = "workspace") -> Usage:
    return fresh(_INGEST, str(root / workspace), str(export), "keep" if keep else "new")


def _told(usage: Usage) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(usage.output)
    return told


def _parquet(root: Path, export: Path, rows: int, count: int) -> Row:
    files = f"{export}/cur2/data/*/*.parquet"
    seen: list[int] = []

    def limit() -> Usage:
        usage = fresh(_CTAS, files, str(root / "bare.duckdb"))
        seen.append(int(usage.output))
        return usage

    def candidate() -> Usage:
        usage = _ingested(root, export)
        assert _told(usage)["rows"] == seen[-1]
        return usage

    ratios = pairs(limit, candidate, count=count)
    return Row(
        f"CUR 2.0 Parquet ({rows / 1e6:g} M rows) to the lake, against CREATE TABLE AS SELECT of the same columns",
        f"{ratios['cpu_ratio']} x CPU",
        f"<= {GOAL_PARQUET} x",
        ratios["cpu_ratio"] <= GOAL_PARQUET,
        ratios,
    )


def _unchanged(root: Path, export: Path) -> Row:
    first = _told(_ingested(root, export))
    again = _told(_ingested(root, export, keep=True))
    assert again["actions"] == ["unchanged"]
    share = again["cpu"] / first["cpu"]
    return Row(
        "the same delivery again", f"{share:.2%} of the first load's CPU", f"< {GOAL_UNCHANGED:.0%}", share < 0.02
    )


def _csv(root: Path, company: Simulation, count: int) -> Row:
    export, files = _legacy(company, root / "csv")
    ratios = pairs(lambda: fresh(_INFLATE, *files), lambda: _ingested(root, export), count=count)
    return Row(
        "legacy report as CSV.gz to the lake, against inflating the files with zlib",
        f"{ratios['cpu_ratio']} x CPU",
        f"<= {GOAL_CSV} x",
        ratios["cpu_ratio"] <= GOAL_CSV,
        ratios,
    )


def _legacy(company: Simulation, root: Path) -> tuple[Path, list[str]]:
    """Return a legacy report in two files of eight copies of the month in all."""
    live = next(company.legacy.rglob("20260301-20260401/*-Manifest.json"))
    record = json.loads(live.read_text())
    header, body = b"", b""
    for path in sorted(live.parent.rglob("*.csv.gz")):
        header, _, lines = gzip.decompress(path.read_bytes()).partition(b"\n")
        body += lines
    period = root / "report" / "20260301-20260401"
    period.mkdir(parents=True)
    names = [f"report-{number}.csv.gz" for number in (1, 2)]
    for name in names:
        (period / name).write_bytes(gzip.compress(header + b"\n" + body * 4, compresslevel=6))
    keys = [f"report/{period.name}/{name}" for name in names]
    (period / "report-Manifest.json").write_text(json.dumps(record | {"reportKeys": keys}))
    return root, [str(period / name) for name in names]


def _other_periods(root: Path, export: Path) -> list[Row]:
    """Load one changed month beside one other month and beside six."""
    spent: dict[int, float] = {}
    source = export / "cur2/data/BILLING_PERIOD=2026-03/cur2-00000.snappy.parquet"
    for others in (1, 6):
        place = root / f"months-{others}"
        for number in range(others + 1):
            _month(place, source, f"2026-0{number + 1}", run="a")
        workspace = f"workspace-{others}"
        _ingested(root, place, workspace=workspace)
        _month(place, source, "2026-01", run="b")
        told = _told(_ingested(root, place, keep=True, workspace=workspace))
        assert told["actions"] == ["replaced", "unchanged"]
        spent[others] = told["cpu"]
    ratio = spent[6] / spent[1]
    claim = "one changed month beside six others, against beside one"
    return [Row(claim, f"{ratio:.2f} x CPU", f"<= {GOAL_OTHERS} x", ratio <= GOAL_OTHERS, {"cpu_seconds": spent})]


def _month(root: Path, source: Path, month: str, *, run: str) -> None:
    key = f"cur2/data/BILLING_PERIOD={month}/{run}.parquet"
    manifest = root / f"cur2/metadata/BILLING_PERIOD={month}/cur2-Manifest.json"
    for path in (root / key, manifest):
        path.parent.mkdir(parents=True, exist_ok=True)
    year, number = month.split("-")
    con = connect()
    con.execute(
        f"copy (select * replace (timestamp '{month}-01' as bill_billing_period_start_date, "
        f"timestamp '{month}-01' + interval 1 month as bill_billing_period_end_date, "
        f"line_item_resource_id || '{run}' as line_item_resource_id) "
        f"from read_parquet({literal(str(source))}, hive_partitioning=false)) "
        f"to {literal(str(root / key))} (format parquet, compression snappy)"
    )
    con.close()
    start = f"{year}{number}01T000000.000Z"
    manifest.write_text(json.dumps({"assemblyId": run, "dataFiles": [key], "billingPeriod": {"start": start}}))


def _memory(small: float, big: float, rows: int, large: int) -> list[Row]:
    growth = big / small
    return [
        Row(
            f"peak memory at {large / 1e6:g} M rows",
            f"{big:.0f} MB",
            f"<= {GOAL_PEAK_MB} MB",
            big <= GOAL_PEAK_MB,
        ),
        Row(
            f"peak memory at {large / 1e6:g} M rows against {rows / 1e6:g} M",
            f"{growth:.2f} x",
            f"<= {GOAL_GROWTH} x",
            growth <= GOAL_GROWTH,
        ),
    ]
