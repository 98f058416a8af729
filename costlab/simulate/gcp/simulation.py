"""The one entry point: simulate a company on Google Cloud into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from costlab.errors import UnknownValue, UsageError
from costlab.period import Month, midnight
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.gcp.bill import Biller
from costlab.simulate.gcp.calendar import utc
from costlab.simulate.gcp.ledger import Ledger
from costlab.simulate.gcp.portfolio import build
from costlab.simulate.gcp.render_export import Export
from costlab.simulate.gcp.render_focus import FocusTable
from costlab.simulate.gcp.store import open_store
from costlab.simulate.gcp.truth import planted
from costlab.simulate.ledger import write_json
from costlab.simulate.metrics import Sampled, write_metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from costlab.warehouse.connection import Connection

SCALES: Final = {"tiny": 0, "small": 1, "medium": 8, "large": 40}
RENDERINGS: Final = ("detailed", "detailed-json", "standard", "focus")
ROWS_OF_REST, ROWS_OF_MACHINES = 17_000, 31_000
"""Lines of a month, about: those of everything else, and of the machines at size 1."""


class Rendering(Protocol):
    """Writes lines in one of Google's formats."""

    def write(self, con: Connection, month: Month) -> None:
        """Write the lines in the relation ``facts``, all of one invoice month."""
        ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """An invoice month as it stood in the table at some time, with the totals a reader must find in it."""

    name: str
    period: str
    delivered_at: datetime
    detailed: Path
    detailed_json: Path
    standard: Path
    focus: Path
    totals: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GcpSimulation:
    """Where everything was written. Paths of renderings that were not asked for do not exist."""

    folder: Path
    detailed: Path
    """Folder of Parquet files of the detailed export."""
    detailed_json: Path
    standard: Path
    focus: Path
    """Folder of Parquet files of Google's own FOCUS table."""
    metrics: Path
    ledger: Path
    deliveries: tuple[Delivered, ...]
    """The last closed month as it came in, oldest first; empty unless asked for."""
    summary: Mapping[str, object]


def simulate_gcp(
    folder: Path,
    *,
    seed: int = 7,
    end: date,
    months: int = 6,
    scale: str = "small",
    rows: int | None = None,
    renderings: Sequence[str] = ("detailed",),
    currency: str = "USD",
    with_deliveries: bool = False,
    progress: Callable[[str], None] | None = None,
) -> GcpSimulation:
    """Simulate a company on Google Cloud up to ``end`` (exclusive) and return where its bill and the truth lie.

    ``months`` invoice months are billed, the last one to date when ``end`` is not a first of month. ``rows`` asks for
    about that many lines instead of a ``scale``. ``currency`` is what the amounts are said to be in.
    ``with_deliveries`` also writes the last closed month as it stood on its 20th, when it was over and five days
    later: rows are only ever added.

    Raises
    ------
    UsageError
        If a scale or rendering is unknown, or there is nothing to simulate.
    """
    _check(scale, months, renderings)
    last = Month.of(end) if end.day > 1 else Month.of(end).plus(-1)
    start = last.plus(1 - months).first_day
    size = SCALES[scale] if rows is None else max(1, round((rows / months - ROWS_OF_REST) / ROWS_OF_MACHINES))
    run = Run(Biller(build(seed, start, end, size=size)), currency)
    out = _renderings(folder, renderings, currency)
    ledger = Ledger(run.con, currency)
    for month in run.biller.calendar.months:
        run.deliver(month, list(out.values()), ledger)
        if progress:
            progress(f"{month} billed")
    ledger.write(folder / "ledger")
    company = run.biller.company
    lost = ledger.unused_lately(30 * HOURS_PER_DAY)
    write_json(folder / "ledger" / "planted.json", planted(run.biller, ledger.watched(), lost))
    metrics = folder / "metrics" / "utilization.parquet"
    measured = Sampled("Google Cloud", company.estate, run.biller.machines.running, company.waste)
    summary: dict[str, object] = {
        "seed": seed,
        "start": str(start),
        "end": str(end),
        "size": size,
        "currency": currency,
        "resources": len(company.estate.resources),
        "metric_samples": write_metrics(measured, metrics, size),
        "totals": ledger.totals(),
    }
    write_json(folder / "ledger" / "summary.json", summary)
    closed = [m for m in run.biller.calendar.months if run.biller.calendar.is_closed(m)]
    deliveries = _deliveries(run, folder / "deliveries", closed[-1], renderings) if with_deliveries and closed else ()
    return GcpSimulation(folder, **_roots(folder), metrics=metrics, ledger=folder / "ledger", deliveries=deliveries,
                         summary=summary)  # fmt: skip


class Run:
    """Bills a company: the session, and any month as it stood at any time."""

    def __init__(self, biller: Biller, currency: str) -> None:
        self.biller, self.currency = biller, currency
        self.con = open_store(biller)

    def deliver(
        self, month: Month, renderings: Sequence[Rendering], ledger: Ledger, until: datetime | None = None
    ) -> None:
        """Make the lines of a month, those exported ``until`` then; renderings and ledger take them as they come."""
        known = "" if until is None else f"where at_minute(exported) <= timestamp '{until}'"
        for rows, spent in self.biller.month(month):
            self.con.register("made", rows.table())
            self.con.execute(f"create or replace temp view facts as select * from made {known}")
            ledger.add(month)
            for rendering in renderings:
                rendering.write(self.con, month)
            self.con.execute("drop view facts")
            self.con.unregister("made")
            if spent is not None:
                ledger.add_hours(self.biller, spent)


def _check(scale: str, months: int, renderings: Sequence[str]) -> None:
    for rendering in renderings:
        if rendering not in RENDERINGS:
            raise UnknownValue("rendering", rendering, RENDERINGS)
    if scale not in SCALES:
        raise UnknownValue("scale", scale, SCALES)
    if months < 1:
        raise UsageError(f"months is {months}", hint="Simulate at least one month")


def _roots(folder: Path) -> dict[str, Path]:
    return {name.replace("-", "_"): folder / name for name in RENDERINGS}


def _renderings(folder: Path, wanted: Sequence[str], currency: str) -> dict[str, Rendering]:
    every: dict[str, Rendering] = {
        "detailed": Export(folder / "detailed", currency, detailed=True),
        "detailed-json": Export(folder / "detailed-json", currency, detailed=True, text=True),
        "standard": Export(folder / "standard", currency, detailed=False),
        "focus": FocusTable(folder / "focus", currency),
    }
    return {name: every[name] for name in wanted}


def history(month: Month) -> list[tuple[str, datetime]]:
    """Return when a closed month is looked at: on its 20th, when it is over, and five days later."""
    over = utc(month.end)
    twentieth = utc(midnight(month.first_day + timedelta(days=19)))
    return [("to-date", twentieth), ("closed", over + timedelta(days=3)), ("restated", over + timedelta(days=8))]


def _deliveries(run: Run, folder: Path, month: Month, wanted: Sequence[str]) -> tuple[Delivered, ...]:
    """Write a month as it came in; a ledger of its own knows each delivery's totals."""
    done: list[Delivered] = []
    for number, (name, until) in enumerate(history(month), 1):
        root = folder / f"{number}-{name}"
        ledger = Ledger(run.con, run.currency)
        run.deliver(month, list(_renderings(root, wanted, run.currency).values()), ledger, until)
        done.append(Delivered(name, str(month), until, **_roots(root), totals=ledger.totals()[str(month)]))
    write_json(
        folder / "deliveries.json",
        [
            {"name": d.name, "period": d.period, "delivered_at": str(d.delivered_at), "totals": dict(d.totals)}
            for d in done
        ],
    )
    return tuple(done)
