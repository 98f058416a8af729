"""How long a simulated bill takes to make, and how much memory, whatever its size."""

from __future__ import annotations

import json

from tests.bench.measure import Row, fresh

TITLE = "Making a simulated bill"
_CODE = """
import json, sys, tempfile
from datetime import date
from pathlib import Path
from costlab.simulate import simulate

months, rows = (int(a) for a in argv)
with tempfile.TemporaryDirectory() as folder:
    made = simulate(Path(folder), end=date(2026, 7, 1), months=months, rows=rows or None)
    print(json.dumps(sum(int(m["line_items"]) for m in made.summary["totals"].values())))
"""
CASES = (  # (what, months, rows asked for, CPU seconds, MB)
    ("six months of the small company", 6, 0, 12, 600),
    ("a month of one million line items", 1, 1_000_000, 30, 1200),
    ("a month of four million line items", 1, 4_000_000, 100, 1200),
)


def run() -> list[Row]:
    """Return one row per size: CPU seconds and peak memory of a fresh process, metrics and ledger included."""
    rows = []
    for what, months, asked, seconds, megabytes in CASES:
        used = fresh(_CODE, str(months), str(asked))
        made = json.loads(used.output)
        rows.append(
            Row(
                claim=f"{what} as CUR 2.0, metrics and ledger",
                figure=f"{made:,} line items in {used.cpu_seconds:.1f} s of CPU, {used.peak_mb:.0f} MB",
                goal=f"<= {seconds} s, <= {megabytes} MB",
                met=used.cpu_seconds <= seconds and used.peak_mb <= megabytes,
                details={
                    "wall_s": round(used.wall_seconds, 1),
                    "microseconds_per_row": round(used.cpu_seconds / made * 1e6, 1),
                },
            )
        )
    return rows
