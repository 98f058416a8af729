"""The one entry point: simulate a company into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from costlab.errors import UnknownValue, UsageError
from costlab.period import Month
from costlab.simulate.bill import Run, final_delivery, history, months_between
from costlab.simulate.company import build
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.ledger import Ledger, write_json
from costlab.simulate.metrics import Sampled, write_metrics
from costlab.simulate.render_cur2 import Cur2, Mode
from costlab.simulate.render_focus import Focus
from costlab.simulate.render_legacy import Legacy
from costlab.simulate.truth import planted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from costlab.simulate.rendering import Rendering

SCALES = {"tiny": 0, "small": 1, "medium": 8, "large": 40}
RENDERINGS = ("cur2", "legacy", "focus", "focus-csv")
ROWS_OF_REST = 26_000
ROWS_OF_MACHINES = 18_500
"""Line items of a month, about: those of everything but ordinary machines, and those of the machines at size 1."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery of a period in a series of restatements, with the totals a reader must find in it."""

    name: str
    period: str
    execution: str
    delivered_at: datetime
    cur2: Path
    """Root of a CUR 2.0 export in overwrite mode that holds this delivery only."""
    legacy: Path
    focus: Path
    totals: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Simulation:
    """Where everything was written. Paths of renderings that were not asked for do not exist."""

    folder: Path
    cur2: Path
    legacy: Path
    focus: Path
    focus_csv: Path
    metrics: Path
    ledger: Path
    deliveries: tuple[Delivered, ...]
    """The last closed month as it came in, oldest first; empty unless asked for."""
    create_new: Path
    """Root of a CUR 2.0 export in create-new mode with all of ``deliveries``."""
    summary: Mapping[str, object]


def simulate(
    folder: Path,
    *,
    seed: int = 7,
    end: date,
    months: int = 6,
    scale: str = "small",
    rows: int | None = None,
    renderings: Sequence[str] = ("cur2",),
    discount_percent: int = 6,
    with_deliveries: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Simulation:
    """Simulate an AWS company up to ``end`` (exclusive) and return where its bill and the truth lie.

    ``months`` calendar months are billed, the last one to date when ``end`` is not a first of month. ``rows`` asks
    for about that many line items instead of a ``scale``. ``discount_percent`` is the enterprise discount; 0 means
    there is none, and then the exports have no net columns. ``with_deliveries`` also writes the last closed month
    as three successive deliveries, in every rendering asked for.

    Raises
    ------
    UsageError
        If a scale or rendering is unknown, or there is nothing to simulate.
    """
    _check(scale, months, renderings)
    last = Month.of(end) if end.day > 1 else Month.of(end).plus(-1)
    start = last.plus(1 - months).first_day
    size = SCALES[scale] if rows is None else max(1, round((rows / months - ROWS_OF_REST) / ROWS_OF_MACHINES))
    run = Run(build(seed, start, end, size=size, discount_percent=discount_percent))
    roots = {name: folder / name for name in RENDERINGS}
    out = _renderings(roots, renderings, first_month=str(Month.of(start)), with_net=discount_percent > 0)
    for month in months_between(start, end):
        run.deliver(final_delivery(month, end), list(out.values()), run.ledger)
        if progress:
            progress(f"{month} billed")
    run.ledger.write(folder / "ledger", run.biller)
    write_json(folder / "ledger" / "planted.json", planted(run.biller, run.ledger.unused_lately(30 * HOURS_PER_DAY)))
    metrics = folder / "metrics" / "utilization.parquet"
    sampled = Sampled("AWS", run.company.estate, run.biller.machines, run.company.waste)
    samples = write_metrics(sampled, metrics, size)
    summary: dict[str, object] = {
        "seed": seed,
        "start": str(start),
        "end": str(end),
        "size": size,
        "discount_percent": discount_percent,
        "resources": len(run.company.estate.resources),
        "metric_samples": samples,
        "totals": run.ledger.totals(),
    }
    write_json(folder / "ledger" / "summary.json", summary)
    closed = [m for m in months_between(start, end) if m.plus(1).first_day <= end]
    deliveries: tuple[Delivered, ...] = ()
    if with_deliveries and closed:
        deliveries = _deliveries(run, folder / "deliveries", closed[-1], renderings, with_net=discount_percent > 0)
    return Simulation(
        folder=folder,
        cur2=roots["cur2"],
        legacy=roots["legacy"],
        focus=roots["focus"],
        focus_csv=roots["focus-csv"],
        metrics=metrics,
        ledger=folder / "ledger",
        deliveries=deliveries,
        create_new=folder / "deliveries" / "create-new",
        summary=summary,
    )


def _check(scale: str, months: int, renderings: Sequence[str]) -> None:
    for rendering in renderings:
        if rendering not in RENDERINGS:
            raise UnknownValue("rendering", rendering, RENDERINGS)
    if scale not in SCALES:
        raise UnknownValue("scale", scale, SCALES)
    if months < 1:
        raise UsageError(f"months is {months}", hint="Simulate at least one month")


def _renderings(
    roots: Mapping[str, Path], wanted: Sequence[str], *, first_month: str, with_net: bool
) -> dict[str, Rendering]:
    every: dict[str, Callable[[Path], Rendering]] = {
        "cur2": lambda root: Cur2(root, with_net=with_net),
        "legacy": lambda root: Legacy(root, with_net, first_month),
        "focus": lambda root: Focus(root),
        "focus-csv": lambda root: Focus(root, csv=True),
    }
    return {name: every[name](roots[name]) for name in wanted}


def _deliveries(
    run: Run, folder: Path, month: Month, renderings: Sequence[str], *, with_net: bool
) -> tuple[Delivered, ...]:
    """Write a month as it came in; a ledger of its own knows each delivery's totals."""
    done: list[Delivered] = []
    for number, delivery in enumerate(history(month), 1):
        roots = {name: folder / f"{number}-{delivery.name}" / name for name in RENDERINGS}
        out = _renderings(roots, renderings, first_month="", with_net=with_net)
        if "cur2" in out:
            out["create-new"] = Cur2(folder / "create-new", with_net=with_net, mode=Mode.CREATE_NEW)
        ledger = Ledger(run.con)
        run.deliver(delivery, list(out.values()), ledger)
        done.append(
            Delivered(delivery.name, str(month), delivery.execution, delivery.delivered_at, roots["cur2"],
                      roots["legacy"], roots["focus"], ledger.totals()[str(month)])
        )  # fmt: skip
    write_json(
        folder / "deliveries.json",
        [{"name": d.name, "period": d.period, "execution": d.execution, "totals": dict(d.totals)} for d in done],
    )
    return tuple(done)
