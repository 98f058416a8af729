"""The one entry point: simulate a company into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from costlab.errors import UnknownValue, UsageError
from costlab.period import Month
from costlab.simulate.bill import run
from costlab.simulate.company import build
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.ledger import write_json
from costlab.simulate.metrics import write_metrics
from costlab.simulate.render_cur2 import Cur2
from costlab.simulate.truth import planted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

SCALES = {"small": 1, "medium": 10, "large": 50}
RENDERINGS = ("cur2", "legacy", "focus")


@dataclass(frozen=True, slots=True)
class Simulation:
    """Where everything was written. Paths of renderings that were not asked for do not exist."""

    folder: Path
    cur2: Path
    legacy: Path
    focus: Path
    metrics: Path
    ledger: Path
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
    progress: Callable[[str], None] | None = None,
) -> Simulation:
    """Simulate an AWS company up to ``end`` (exclusive) and return where its bill and the truth lie.

    ``months`` calendar months are billed, the last one to date when ``end`` is not a first of month. ``rows`` asks
    for about that many line items instead of a ``scale``. ``discount_percent`` is the enterprise discount; 0 means
    there is none, and then the exports have no net columns.

    Raises
    ------
    UsageError
        If a scale or rendering is unknown, or there is nothing to simulate.
    """
    for rendering in renderings:
        if rendering not in RENDERINGS:
            raise UnknownValue("rendering", rendering, RENDERINGS)
    if scale not in SCALES:
        raise UnknownValue("scale", scale, SCALES)
    if months < 1:
        raise UsageError(f"months is {months}", hint="Simulate at least one month")
    last = Month.of(end) if end.day > 1 else Month.of(end).plus(-1)
    start = last.plus(1 - months).first_day
    size = SCALES[scale] if rows is None else max(1, rows // (months * 27_000))
    company = build(seed, start, end, size=size, discount_percent=discount_percent)
    out = {"cur2": Cur2(folder / "cur2", with_net=discount_percent > 0)}
    biller, ledger = run(company, [out[r] for r in renderings], progress=progress)
    ledger.write(folder / "ledger")
    write_json(folder / "ledger" / "planted.json", planted(biller, ledger.unused_lately(30 * HOURS_PER_DAY)))
    metrics = folder / "metrics" / "utilization.parquet"
    samples = write_metrics(biller, metrics, size)
    summary: dict[str, object] = {
        "seed": seed,
        "start": str(start),
        "end": str(end),
        "scale": size,
        "resources": len(biller.company.estate.resources),
        "metric_samples": samples,
        "totals": ledger.totals(),
    }
    write_json(folder / "ledger" / "summary.json", summary)
    return Simulation(
        folder, folder / "cur2", folder / "legacy", folder / "focus", metrics,
        folder / "ledger", summary,
    )  # fmt: skip
