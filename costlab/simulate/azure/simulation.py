"""The one entry point: simulate a company on Azure into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from costlab.errors import UnknownValue, UsageError
from costlab.period import Month
from costlab.simulate.azure import prices
from costlab.simulate.azure.bill import ACCOUNTS, Run, final_delivery, history
from costlab.simulate.azure.company import build
from costlab.simulate.azure.ledger import Ledger
from costlab.simulate.azure.metrics import write_metrics
from costlab.simulate.azure.render_cost import Cost
from costlab.simulate.azure.render_focus import Focus
from costlab.simulate.azure.truth import planted
from costlab.simulate.bill import months_between
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.ledger import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from costlab.simulate.azure.bill import Rendering

SCALES: Final = {"tiny": 0, "small": 1, "medium": 8, "large": 40}
RENDERINGS: Final = ("actual", "amortized", "focus", "focus-r2")
AGREEMENTS: Final = ("mca", "ea")
ROWS_OF_REST, ROWS_OF_MACHINES = 4000, 40_000
"""Rows of an amortized export of a month, about: those of everything else, and of the ordinary machines at size 1."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery of a period in a series of restatements, with the totals a reader must find in it."""

    name: str
    period: str
    delivered_at: datetime
    export: Path
    """The container with the pair of this delivery only; so too those of FOCUS."""
    focus: Path
    focus_r2: Path
    totals: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AzureSimulation:
    """Where everything was written. Paths of renderings that were not asked for do not exist."""

    folder: Path
    export: Path
    """The container with the actual and the amortized export."""
    focus: Path
    """The container with the FOCUS 1.2 export."""
    focus_r2: Path
    """The container with the FOCUS 1.0r2 export."""
    metrics: Path
    ledger: Path
    deliveries: tuple[Delivered, ...]
    """The last closed month as it came in, oldest first; empty unless asked for."""
    every_run: Path
    """The container of the pair with all of ``deliveries`` side by side, as Azure keeps them."""
    summary: Mapping[str, object]


def simulate_azure(
    folder: Path,
    *,
    seed: int = 7,
    end: date,
    months: int = 6,
    scale: str = "small",
    rows: int | None = None,
    renderings: Sequence[str] = ("actual", "amortized"),
    currency: str = "EUR",
    agreement: str = "mca",
    with_deliveries: bool = False,
    progress: Callable[[str], None] | None = None,
) -> AzureSimulation:
    """Simulate a company on Azure up to ``end`` (exclusive) and return where its bill and the truth lie.

    ``months`` calendar months are billed, the last one to date when ``end`` is not a first of month. ``rows`` asks
    for about that many rows of the amortized export instead of a ``scale``. ``currency`` is what is billed; under a
    Microsoft Customer Agreement (``mca``) prices are USD and every month has its exchange rate, under an Enterprise
    Agreement (``ea``) prices are in the billing currency. ``with_deliveries`` also writes the last closed month as
    three successive runs.

    Raises
    ------
    UsageError
        If a scale, rendering, agreement or currency is unknown, or there is nothing to simulate.
    """
    _check(scale, months, renderings, agreement, currency)
    last = Month.of(end) if end.day > 1 else Month.of(end).plus(-1)
    start = last.plus(1 - months).first_day
    size = SCALES[scale] if rows is None else max(1, round((rows / months - ROWS_OF_REST) / ROWS_OF_MACHINES))
    run = Run(build(seed, start, end, size=size, agreement=agreement, currency=currency))
    out = _renderings(folder, run, renderings)
    for month in months_between(start, end):
        run.deliver(final_delivery(month, end), out, run.ledger)
        if progress:
            progress(f"{month} billed")
    run.ledger.write(folder / "ledger")
    unused = run.ledger.unused_lately(30 * HOURS_PER_DAY)
    write_json(folder / "ledger" / "planted.json", planted(run.biller, unused))
    samples = write_metrics(run.biller, folder / "metrics" / "utilization.parquet", size)
    summary: dict[str, object] = {
        "seed": seed,
        "start": str(start),
        "end": str(end),
        "size": size,
        "agreement": agreement,
        "billing_currency": currency,
        "pricing_currency": "USD" if agreement == "mca" else currency,
        "resources": len(run.company.estate.resources),
        "metric_samples": samples,
        "totals": run.ledger.totals(),
    }
    write_json(folder / "ledger" / "summary.json", summary)
    closed = [m for m in months_between(start, end) if m.plus(1).first_day <= end]
    deliveries = _deliveries(run, folder / "deliveries", closed[-1], renderings) if with_deliveries and closed else ()
    return AzureSimulation(
        folder=folder,
        export=folder / "export",
        focus=folder / "focus",
        focus_r2=folder / "focus-r2",
        metrics=folder / "metrics" / "utilization.parquet",
        ledger=folder / "ledger",
        deliveries=deliveries,
        every_run=folder / "deliveries" / "every-run" / "export",
        summary=summary,
    )


def _check(scale: str, months: int, renderings: Sequence[str], agreement: str, currency: str) -> None:
    for what, value, known in [
        *(("rendering", rendering, RENDERINGS) for rendering in renderings),
        ("scale", scale, tuple(SCALES)),
        ("agreement", agreement, AGREEMENTS),
        ("billing currency", currency, tuple(prices.RATES)),
    ]:
        if value not in known:
            raise UnknownValue(what, value, known)
    if months < 1:
        raise UsageError(f"months is {months}", hint="Simulate at least one month")


def _renderings(folder: Path, run: Run, wanted: Sequence[str]) -> list[Rendering]:
    company = run.company
    account, profile = ACCOUNTS[company.agreement]
    scope = f"/providers/Microsoft.Billing/billingAccounts/{account}"
    if company.agreement == "mca":
        scope += f"/billingProfiles/{profile}"

    def cost(kind: str) -> Rendering:
        return Cost(folder / "export", kind, scope, agreement=company.agreement, currency=company.currency)

    def focus(name: str, version: str) -> Rendering:
        return Focus(folder / name, version, scope, agreement=company.agreement, currency=company.currency)

    every: dict[str, Callable[[], Rendering]] = {
        "actual": lambda: cost("ActualCost"),
        "amortized": lambda: cost("AmortizedCost"),
        "focus": lambda: focus("focus", "1.2"),
        "focus-r2": lambda: focus("focus-r2", "1.0r2"),
    }
    return [every[name]() for name in wanted]


def _deliveries(run: Run, folder: Path, month: Month, renderings: Sequence[str]) -> tuple[Delivered, ...]:
    """Write a month as it came in; a ledger of its own knows each delivery's totals."""
    done: list[Delivered] = []
    for number, delivery in enumerate(history(month), 1):
        root = folder / f"{number}-{delivery.name}"
        out = [*_renderings(root, run, renderings), *_renderings(folder / "every-run", run, renderings)]
        ledger = Ledger(run.con, run.company.currency)
        run.deliver(delivery, out, ledger)
        done.append(
            Delivered(delivery.name, str(month), delivery.delivered_at, root / "export", root / "focus",
                      root / "focus-r2", ledger.totals()[str(month)])
        )  # fmt: skip
    write_json(
        folder / "deliveries.json",
        [
            {"name": d.name, "period": d.period, "delivered_at": str(d.delivered_at), "totals": dict(d.totals)}
            for d in done
        ],
    )
    return tuple(done)
