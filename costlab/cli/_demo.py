"""What ``costlab demo`` does: simulate, load, publish, and say what came out."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costlab.cli._demo_allocation import METRICS_FILE, RULES_FILE, write_allocation
from costlab.errors import UsageError
from costlab.lab.currency import COLUMNS as RATE_COLUMNS
from costlab.lab.currency import FILE_NAME as RATES
from costlab.lab.facade import Lab
from costlab.lab.loading import load_and_publish
from costlab.money import plain
from costlab.period import Month
from costlab.report.formats import Format, render
from costlab.settings import FILE_NAME, Settings, Source, load_settings, source_block
from costlab.simulate import simulate
from costlab.simulate.azure import simulate_azure
from costlab.simulate.azure.prices import exchange_rate
from costlab.simulate.bill import months_between
from costlab.simulate.gcp import simulate_gcp

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from costlab.answer import Answer
    from costlab.lab.window import Window

END = date(2026, 10, 20)
"""The day the simulated company's data ends: fixed, so that a seed gives the same company everywhere."""
MARKER = ".costlab-demo.json"
_OWN = (
    MARKER, FILE_NAME, RATES, RULES_FILE, METRICS_FILE, "native", "lake", "serve", "reports", "costlab.duckdb",
)  # fmt: skip
_ASIDE = ".costlab-demo-before"
_TOP = 5
CURRENCY = "EUR"
"""What the company's Azure agreement is billed in."""
_RATE = Decimal("0.000001")
_TOML = """\
# Made by `costlab demo`. The company is simulated, its bills are in each vendor's native export format.
"""
_FRESHNESS = """
[freshness]
# a simulated company stands still: its data is never late
late_after_hours = 1000000
"""


def make_demo(
    folder: Path, *, months: int, seed: int, scale: str, progress: Callable[[str], None], end: date = END
) -> Settings:
    """Make the workspace and return its settings.

    Raises
    ------
    UsageError
        If the folder holds something else; it is left alone.
    """
    _check(folder)
    with _replacing(folder):
        record = {"seed": seed, "months": months, "scale": scale}
        (folder / MARKER).write_text(json.dumps(record) + "\n", encoding="utf-8")
        progress(f"simulating {months} months of a company on three clouds (seed {seed}, {scale})")
        sources = _simulated(folder, seed=seed, months=months, scale=scale, end=end, progress=progress)
        local = [Source(s.name, s.connector, _relative(s.uri, folder)) for s in sources]
        text = _TOML + "".join(source_block(source) for source in local) + _FRESHNESS
        (folder / FILE_NAME).write_text(text, encoding="utf-8")
        write_allocation(folder, seed=seed, start=_start(end, months), end=end)
        settings = load_settings(folder.absolute())
        done = load_and_publish(settings, settings.sources, progress=progress)
        for error in done.errors:
            raise error
    return settings


def _simulated(
    folder: Path, *, seed: int, months: int, scale: str, end: date, progress: Callable[[str], None]
) -> list[Source]:
    """Write the exports, metrics and exchange rates of the company, and return where they are."""
    native = folder / "native"
    wanted: dict[str, Any] = {"seed": seed, "end": end, "months": months, "scale": scale}

    def of(cloud: str) -> Callable[[str], None]:
        return lambda text: progress(f"{cloud} {text}")

    aws = simulate(native / "aws", **wanted, progress=of("aws"))
    azure = simulate_azure(native / "azure", **wanted, currency=CURRENCY, progress=of("azure"))
    gcp = simulate_gcp(native / "gcp", **wanted, progress=of("gcp"))
    with (folder / RATES).open("w", encoding="utf-8", newline="") as handle:
        lines = csv.writer(handle)
        lines.writerow(RATE_COLUMNS)
        for month in months_between(_start(end, months), end):
            rate = Decimal(10_000) / exchange_rate(month, CURRENCY)
            lines.writerow((month.first_day, CURRENCY, "USD", rate.quantize(_RATE), "the simulated Azure invoice"))
    return [
        Source("aws", "aws-cur", str(aws.cur2)),
        Source("azure", "azure-export", str(azure.export)),
        Source("gcp", "gcp-billing-export", str(gcp.detailed)),
        Source("aws-metrics", "metrics-file", str(aws.metrics)),
        Source("azure-metrics", "metrics-file", str(azure.metrics)),
        Source("gcp-metrics", "metrics-file", str(gcp.metrics)),
    ]


def _start(end: date, months: int) -> date:
    return Month.of(end - timedelta(days=1)).plus(1 - months).first_day


def summary(settings: Settings, command: str) -> str:
    """Return what the demo shows: the reconciled bill, the plan, the incidents, and commands that work as printed."""
    with Lab.open(settings) as lab:
        bill, plan, incidents = lab.ask_reconcile(), lab.ask_recommend(), lab.ask_anomalies()
        month = lab.window()
    parts = [
        f"The bill: {'every row received is loaded, to the last digit' if _is_equal(bill) else 'DOES NOT RECONCILE'}",
        render(replace(bill, totals={}), Format.TABLE),
        f"The plan: {len(plan.items)} items save {_saving(plan)} a month, net of commitments. The first {_TOP}:",
        render(_top(plan), Format.TABLE),
        f"Incidents: {len(incidents.items)}. The largest:",
        render(_top(incidents), Format.TABLE),
        "Try next:",
        "".join(f"  {command} {rest}\n" for rest in _next(month)),
    ]
    return "\n".join(parts)


def _next(month: Window) -> list[str]:
    return [
        "cost --by ServiceProviderName,ServiceName --grain month",
        "cost --by ServiceProviderName --currency USD",
        "cost --by Tags.team --where \"ServiceCategory = 'Compute'\"",
        f"explain --from {month.start} --to {month.end} --by SubAccountId",
        "allocate --by team",
        "allocate --hygiene",
        "unit-cost --by team --grain month",
        "recommend --format json",
        "anomalies",
        "reconcile",
        'query "select ChargeDate, sum(EffectiveCost) as cost from marts.daily_costs group by 1 order by 1"',
        "export focus --version 1.2 -o focus.parquet",
        "report monthly -o report.html",
        "dashboard",
    ]


def _is_equal(bill: Answer) -> bool:
    return not bill.totals["not_reconciled"] and not bill.totals["rows_quarantined"]


def _top(answer: Answer) -> Answer:
    return replace(answer, items=answer.items[:_TOP], totals={})


def _saving(plan: Answer) -> str:
    """Return the plan's total in every currency it has: amounts of two are never added."""
    one = plan.totals.get("monthly_saving")
    sums = plan.totals.get("by_currency") or ({plan.currency: plan.totals} if one is not None else {})
    return " and ".join(f"{plain(amounts['monthly_saving'])} {code}" for code, amounts in sums.items()) or "nothing"


def _relative(uri: str, folder: Path) -> str:
    return Path(uri).absolute().relative_to(folder.absolute()).as_posix()


def _check(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", hint="Choose another folder with --dir")
    is_demo = (folder / MARKER).is_file() or (folder / _ASIDE).is_dir()
    if folder.is_dir() and any(folder.iterdir()) and not is_demo:
        raise UsageError(f"{folder} is not empty and not a demo of costlab", hint="Choose another folder with --dir")


@contextlib.contextmanager
def _replacing(folder: Path) -> Generator[None]:
    """Put an earlier demo aside while the new one is made; put it back if that fails or is stopped."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / _ASIDE
    _restore(folder, aside)  # what a killed run left
    aside.mkdir()
    _move(folder, aside)
    try:
        yield
    except BaseException:
        _restore(folder, aside)
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(aside)


def _restore(folder: Path, aside: Path) -> None:
    if not aside.is_dir():
        return
    for name in _OWN:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    _move(aside, folder)
    shutil.rmtree(aside)


def _move(old: Path, new: Path) -> None:
    for name in _OWN:
        if (old / name).exists() or (old / name).is_symlink():
            (old / name).rename(new / name)
