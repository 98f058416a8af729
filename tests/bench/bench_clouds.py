"""Loading Azure and Google Cloud bills: the same bars as for AWS.

Azure's FOCUS export and Google's detailed export (Parquet) against a bare CREATE TABLE AS SELECT of the same columns;
Azure's actual and amortized pair (CSV.gz) against inflating the same files. One simulated month is repeated to the size
asked for, resources told apart. ``COSTLAB_BENCH_ROWS`` (default 2 million), ``COSTLAB_BENCH_ROWS_LARGE`` (default 10
million) and ``COSTLAB_BENCH_PAIRS`` (default 5) set the sizes.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from costlab.simulate.azure import simulate_azure
from costlab.simulate.gcp import simulate_gcp
from costlab.warehouse.connection import connect
from costlab.warehouse.parquet import literal
from tests.bench.measure import Row, Usage, fresh, pairs

TITLE = "Loading Azure and Google Cloud bills"
ROWS_PER_FILE = 400_000
END = date(2026, 4, 1)
GOAL_PARQUET = 1.2
GOAL_CSV = 4.5
GOAL_PEAK_MB = 1500
GOAL_GROWTH = 1.2

_CTAS = """
import duckdb, importlib
from pathlib import Path
files, target, connector = argv
columns = importlib.import_module("costlab_connectors." + connector).COLUMNS
Path(target).unlink(missing_ok=True)
con = duckdb.connect(target, config={"threads": "2", "memory_limit": "1GB", "preserve_insertion_order": "false"})
con.execute("set enable_progress_bar=false")
source = f"read_parquet('{files}', hive_partitioning=false)"
there = {row[0].lower() for row in con.execute(f"describe select * from {source}").fetchall()}
spelled = (name.partition("[")[0] for c in columns for name in (c.name, *c.aliases))
used = sorted({name.lower() for name in spelled} & there)
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
_TEXT_COPY = """
import duckdb
from costlab_connectors.azure_export import COLUMNS
target, *files = argv
con = duckdb.connect(config={"threads": "2", "memory_limit": "1GB", "preserve_insertion_order": "false"})
con.execute("set enable_progress_bar=false")
known = {name.lower() for c in COLUMNS for name in (c.name, *c.aliases)}
header = con.execute(f"describe select * from read_csv({files[:1]}, all_varchar=true)").fetchall()
wanted = ", ".join(f'"{name}"' for name, *_ in header if name.rpartition("(")[2].rstrip(")").lower() in known)
con.execute(
    f"copy (select {wanted} from read_csv({files}, all_varchar=true)) to '{target}' (format parquet, compression zstd)"
)
"""
_COPY_AGAIN = """
from pathlib import Path
from costlab.warehouse.connection import connect
workspace, target = argv
(path,) = Path(workspace).rglob("part-0.parquet")
connect().execute(f"copy (select * from read_parquet('{path}')) to '{target}' (format parquet, compression zstd)")
"""
_INGEST = """
import shutil
from pathlib import Path
from costlab.ingest import ingest
workspace, connector, uri = Path(argv[0]), argv[1], argv[2]
shutil.rmtree(workspace, ignore_errors=True)
report = ingest(workspace, connector, uri)
assert report.exit_code == 0, [p.error for p in report.rejected] or report.warnings
print(sum(p.item()["rows_received"] for p in report.periods))
"""


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill of about a number of rows: where its export is, and its data files as a glob."""

    root: Path
    files: str


def run() -> list[Row]:
    """Measure and return the rows of the page."""
    rows = int(os.environ.get("COSTLAB_BENCH_ROWS", "2000000"))
    large = int(os.environ.get("COSTLAB_BENCH_ROWS_LARGE", "10000000"))
    count = int(os.environ.get("COSTLAB_BENCH_PAIRS", "5"))
    with tempfile.TemporaryDirectory(prefix="costlab-bench-") as folder:
        root = Path(folder)
        azure = simulate_azure(
            root / "azure", seed=7, end=END, months=1, scale="small", renderings=("actual", "amortized", "focus")
        )
        google = simulate_gcp(root / "gcp", seed=7, end=END, months=1, scale="small", renderings=("detailed",))
        found: list[Row] = []
        for name, connector, module, tiled in (
            ("Azure FOCUS export", "azure-export", "focus", _tiled_azure),
            ("Google's detailed export", "gcp-billing-export", "gcp_billing_export", _tiled_google),
        ):
            source = azure.focus if module == "focus" else google.detailed
            small = tiled(source, root / f"{module}-small", rows)
            found.append(_parquet(root, name, connector, module, small, rows, count))
            found.append(_copied_again(root, name, connector, module, small, rows, count))
            big = tiled(source, root / f"{module}-large", large)
            found += _memory(root, name, connector, small, big, rows, large)
        return [*found, *_csv(root, azure.export, count)]


def _ingested(root: Path, connector: str, uri: Path) -> Usage:
    return fresh(_INGEST, str(root / "workspace"), connector, str(uri))


def _parquet(root: Path, name: str, connector: str, module: str, bill: Bill, rows: int, count: int) -> Row:
    seen: list[str] = []

    def limit() -> Usage:
        usage = fresh(_CTAS, bill.files, str(root / "bare.duckdb"), module)
        seen.append(usage.output.strip())
        return usage

    def candidate() -> Usage:
        usage = _ingested(root, connector, bill.root)
        assert usage.output.strip() == seen[-1]
        return usage

    ratios = pairs(limit, candidate, count=count)
    return Row(
        f"{name} ({rows / 1e6:g} M rows, Parquet) to the lake, against CREATE TABLE AS SELECT of the same columns",
        f"{ratios['cpu_ratio']} x CPU",
        f"<= {GOAL_PARQUET} x",
        ratios["cpu_ratio"] <= GOAL_PARQUET,
        ratios,
    )


def _copied_again(root: Path, name: str, connector: str, module: str, bill: Bill, rows: int, count: int) -> Row:
    """Return what it costs to write the loaded rows alone: below that, and reading, no load can get."""
    _ingested(root, connector, bill.root)
    ratios = pairs(
        lambda: fresh(_CTAS, bill.files, str(root / "bare.duckdb"), module),
        lambda: fresh(_COPY_AGAIN, str(root / "workspace"), str(root / "again.parquet")),
        count=count,
    )
    claim = f"{name} ({rows / 1e6:g} M rows): copying the loaded file with DuckDB, against the same"
    return Row(claim, f"{ratios['cpu_ratio']} x CPU", "-", None, ratios)


def _memory(root: Path, name: str, connector: str, small: Bill, big: Bill, rows: int, large: int) -> list[Row]:
    low, high = (_ingested(root, connector, bill.root).peak_mb for bill in (small, big))
    return [
        Row(f"{name}: peak memory at {large / 1e6:g} M rows", f"{high:.0f} MB", f"<= {GOAL_PEAK_MB} MB",
            high <= GOAL_PEAK_MB),
        Row(f"{name}: peak memory at {large / 1e6:g} M rows against {rows / 1e6:g} M", f"{high / low:.2f} x",
            f"<= {GOAL_GROWTH} x", high / low <= GOAL_GROWTH),
    ]  # fmt: skip


def _csv(root: Path, export: Path, count: int) -> list[Row]:
    pair = _repeated(export, root / "pair", 8)
    files = [str(path) for path in sorted(pair.rglob("*.csv.gz"))]
    ratios = pairs(lambda: fresh(_INFLATE, *files), lambda: _ingested(root, "azure-export", pair), count=count)
    copy = (_TEXT_COPY, str(root / "text.parquet"), *files)
    plain = pairs(lambda: fresh(_INFLATE, *files), lambda: fresh(*copy), count=count)
    return [
        Row(
            "Azure's actual and amortized pair as CSV.gz to the lake, against inflating the files with zlib",
            f"{ratios['cpu_ratio']} x CPU",
            f"<= {GOAL_CSV} x",
            ratios["cpu_ratio"] <= GOAL_CSV,
            ratios,
        ),
        Row(
            "the pair's needed columns copied to Parquet as texts with DuckDB, nothing computed, against the same",
            f"{plain['cpu_ratio']} x CPU",
            "-",
            None,
            plain,
        ),
    ]


def _copies(con: Any, parts: str, rows: int) -> tuple[int, int]:
    """Return how many files of how many copies of the month make about ``rows``."""
    ((month_rows,),) = con.execute(f"select count(*) from {parts}").fetchall()
    copies = max(1, ROWS_PER_FILE // month_rows)
    return max(1, round(rows / (copies * month_rows))), copies


def _tiled_azure(export: Path, root: Path, rows: int) -> Bill:
    """Return a run of the FOCUS export with about ``rows`` charges."""
    live = next(export.rglob("manifest.json"))
    manifest = json.loads(live.read_text())
    parts = f"read_parquet('{live.parent}/*.parquet', hive_partitioning=false)"
    con = connect()
    files, copies = _copies(con, parts, rows)
    place = root / live.parent.relative_to(export)
    place.mkdir(parents=True)
    blobs: list[dict[str, Any]] = []
    for number in range(files):
        path = place / f"part_{number}_0001.parquet"
        ((written,),) = con.execute(
            f"copy (select b.* replace (b.ResourceId || k || '-{number}' as ResourceId) "
            f"from {parts} as b, range({copies}) as t(k)) to {literal(str(path))} (format parquet, compression snappy)"
        ).fetchall()
        blobs.append({
            "blobName": str(path.relative_to(root)), "byteCount": path.stat().st_size, "dataRowCount": written,
        })  # fmt: skip
    con.close()
    total = sum(blob["dataRowCount"] for blob in blobs)
    counted = {"blobs": blobs, "blobCount": len(blobs), "dataRowCount": total}
    (place / "manifest.json").write_text(json.dumps(manifest | counted))
    return Bill(root, f"{place}/*.parquet")


def _tiled_google(export: Path, root: Path, rows: int) -> Bill:
    """Return files of the detailed export with about ``rows`` lines."""
    parts = f"read_parquet('{export}/**/*.parquet', hive_partitioning=false)"
    con = connect()
    files, copies = _copies(con, parts, rows)
    root.mkdir()
    for number in range(files):
        con.execute(
            f"copy (select b.* replace (struct_pack(name := b.resource.name || k || '-{number}', "
            f"global_name := b.resource.global_name || k || '-{number}') as resource) "
            f"from {parts} as b, range({copies}) as t(k)) to "
            f"{literal(str(root / f'{number:05d}.parquet'))} (format parquet, compression snappy)"
        )
    con.close()
    return Bill(root, f"{root}/*.parquet")


def _repeated(export: Path, root: Path, times: int) -> Path:
    """Return the pair with the rows of every CSV repeated, manifests counting them."""
    for live in sorted(export.rglob("manifest.json")):
        manifest = json.loads(live.read_text())
        place = root / live.parent.relative_to(export)
        place.mkdir(parents=True)
        for blob in manifest["blobs"]:
            path = live.parent / Path(blob["blobName"]).name
            header, _, body = gzip.decompress(path.read_bytes()).partition(b"\n")
            (place / path.name).write_bytes(gzip.compress(header + b"\n" + body * times, compresslevel=6))
            blob["byteCount"] = (place / path.name).stat().st_size
            blob["dataRowCount"] *= times
        manifest["dataRowCount"] *= times
        (place / "manifest.json").write_text(json.dumps(manifest))
    return root
