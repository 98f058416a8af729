"""Calibration of the demo's bills: CPU and memory per cloud and month, and what share of a bill comes out exactly.

The demo's company (small) of two months is loaded once; each cloud's closed month is then computed again in a fresh
process, twice: the first time with the imports of what it needs. A larger company of one cloud shows how it grows.
"""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.simulate import simulate
from costlab.simulate.azure import simulate_azure
from costlab.simulate.gcp import simulate_gcp
from costlab.warehouse.builder import build
from tests.bench.measure import Row, fresh

TITLE = "Calibration"
END = date(2026, 10, 20)
GOAL = 2.0
_CHILD = """
import json, time
from pathlib import Path
from costlab.lab.calibration.answers import calibrated
from costlab.period import Month
from costlab.warehouse.relations import Database

seen = []
with Database.open(Path(argv[0]), Path(argv[1])) as db:
    for _ in range(2):
        start = time.process_time()
        (found,) = calibrated(db, argv[2], Month.parse(argv[3]))
        seen.append(time.process_time() - start)
    rows = db.result("select count(*) from focus.costs where x_source = $1 and BillingPeriodStart = $2",
                     [argv[2], Month.parse(argv[3]).start]).rows[0][0]
total = found.total
exact = sum(item["effective_cost"] - item["taken_over"] for item in found.items if item["status"] == "equal")
print(json.dumps({
    "cpu": seen, "rows": rows, "equal": float(exact / total["effective_cost"]),
    "taken_over": float(total["taken_over"] / total["effective_cost"]),
    "difference": float(total["difference"]), "share": float(total["difference_share"]),
    "unexplained": float(total["unexplained"]), "explained": {k: float(v) for k, v in total["explained"].items()},
}))
"""


def _loaded(folder: Path) -> Path:
    """Load a company on three clouds and a larger one on AWS, and return the catalogue."""
    wanted: dict[str, Any] = {"seed": 7, "end": END, "months": 2}
    sources = {
        "aws": ("aws-cur", simulate(folder / "aws", **wanted).cur2),
        "azure": ("azure-export", simulate_azure(folder / "azure", **wanted, currency="EUR").export),
        "gcp": ("gcp-billing-export", simulate_gcp(folder / "gcp", **wanted).detailed),
        "aws-large": ("aws-cur", simulate(folder / "large", **wanted, scale="large").cur2),
    }
    for source, (connector, uri) in sources.items():
        ingest(folder / "ws", connector, str(uri), source=source)
    build(folder / "ws", Lake(folder / "ws").live(), folder / "catalogue.duckdb")
    return folder / "catalogue.duckdb"


def run() -> list[Row]:
    """Return two rows per cloud: cost, and how much of the bill comes out."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="costlab-bench-") as name:
        folder = Path(name)
        catalogue = _loaded(folder)
        for source in ("aws", "azure", "gcp", "aws-large"):
            usage = fresh(_CHILD, str(catalogue), str(folder / "ws"), source, "2026-09")
            found = json.loads(usage.output.strip().splitlines()[-1])
            rows += _rows(source, found, usage.peak_mb)
    return rows


def _rows(source: str, found: dict[str, Any], peak: float) -> list[Row]:
    first, again = found["cpu"]
    goal = GOAL if source != "aws-large" else None
    return [
        Row(f"{source}, a month of {found['rows']:,} rows: CPU with imports / again / peak memory",
            f"{first:.2f} s / {again:.2f} s / {peak:.0f} MB", f"< {GOAL:g} s" if goal else "-",
            first < goal if goal else None, found),
        Row(f"{source}: in services equal but for rounding / taken over as billed / difference / unexplained",
            f"{100 * found['equal']:.1f} % / {100 * found['taken_over']:.1f} % / {100 * found['share']:.4f} % / "
            f"{found['unexplained']:.2f}", "-", None),
    ]  # fmt: skip
