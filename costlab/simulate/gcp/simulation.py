"""The one entry point: simulate a company on Google Cloud into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from costlab.errors import UnknownValue, UsageError
from costlab.period import Month
from costlab.simulate.gcp.bill import Biller
from costlab.simulate.gcp.ledger import Ledger
from costlab.simulate.gcp.portfolio import build
from costlab.simulate.gcp.render_export import Export
from costlab.simulate.gcp.store import open_store
from costlab.simulate.ledger import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

SCALES = {"tiny": 0, "small": 1, "medium": 8, "large": 40}
RENDERINGS = ("detailed", "detailed-json", "standard")


@dataclass(frozen=True, slots=True)
class GcpSimulation:
    """Where everything was written. Paths of renderings that were not asked for do not exist."""

    folder: Path
    detailed: Path
    """Folder of Parquet files of the detailed export."""
    detailed_json: Path
    standard: Path
    ledger: Path
    summary: Mapping[str, object]


def simulate_gcp(
    folder: Path,
    *,
    seed: int = 7,
    end: date,
    months: int = 6,
    scale: str = "small",
    renderings: Sequence[str] = ("detailed",),
    currency: str = "USD",
    progress: Callable[[str], None] | None = None,
) -> GcpSimulation:
    """Simulate a company on Google Cloud up to ``end`` (exclusive) and return where its bill and the truth lie.

    ``months`` invoice months are billed, the last one to date when ``end`` is not a first of month. ``currency`` is
    what the amounts are said to be in.

    Raises
    ------
    UsageError
        If a scale or rendering is unknown, or there is nothing to simulate.
    """
    _check(scale, months, renderings)
    last = Month.of(end) if end.day > 1 else Month.of(end).plus(-1)
    start = last.plus(1 - months).first_day
    size = SCALES[scale]
    biller = Biller(build(seed, start, end, size=size))
    con = open_store(biller)
    roots = {name: folder / name for name in RENDERINGS}
    out = _renderings(roots, renderings, currency)
    ledger = Ledger(con)
    for month in biller.calendar.months:
        for rows, spent in biller.month(month):
            con.register("facts", rows.table())
            ledger.add(month)
            for rendering in out:
                rendering.write(con, month)
            con.unregister("facts")
            if spent is not None:
                ledger.add_hours(biller, spent)
        if progress:
            progress(f"{month} billed")
    ledger.write(folder / "ledger")
    summary: dict[str, object] = {
        "seed": seed,
        "start": str(start),
        "end": str(end),
        "size": size,
        "currency": currency,
        "resources": len(biller.company.estate.resources),
        "totals": ledger.totals(),
    }
    write_json(folder / "ledger" / "summary.json", summary)
    return GcpSimulation(
        folder, roots["detailed"], roots["detailed-json"], roots["standard"], folder / "ledger", summary
    )


def _check(scale: str, months: int, renderings: Sequence[str]) -> None:
    for rendering in renderings:
        if rendering not in RENDERINGS:
            raise UnknownValue("rendering", rendering, RENDERINGS)
    if scale not in SCALES:
        raise UnknownValue("scale", scale, SCALES)
    if months < 1:
        raise UsageError(f"months is {months}", hint="Simulate at least one month")


def _renderings(roots: Mapping[str, Path], wanted: Sequence[str], currency: str) -> list[Export]:
    every = {
        "detailed": Export(roots["detailed"], currency, detailed=True),
        "detailed-json": Export(roots["detailed-json"], currency, detailed=True, text=True),
        "standard": Export(roots["standard"], currency, detailed=False),
    }
    return [every[name] for name in wanted]
