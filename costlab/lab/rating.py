"""What a bill would be: three files in, the rating engine's answer out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costlab.answer import Answer
from costlab.errors import UnknownValue
from costlab.lab.status import COMPLETE, EMPTY, PARTIAL
from costlab.period import utc_now
from costlab.rating.bill import GRAINS
from costlab.rating.engine import bill
from costlab.rating.frames import COMMITMENTS, OPTIONAL, RATES, USAGE
from costlab.warehouse.tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.rating.bill import Bill

CURRENCY = "USD"
_MEASURES = ("quantity", "cost", "used", "unused", "cost_unused", "unpriced_quantity", "reason")


def ask_rate(usage: Path, commitments: Path | None, rates: Path | None, by: str) -> Answer:
    """Return the bill of a usage file at the grain ``by`` (comma-separated ``hour, pool, account, commitment``).

    Raises
    ------
    UsageError
        If a file, column, value or grain is wrong.
    SourceError
        If a file cannot be read.
    """
    grains = [name.strip().lower() for name in by.split(",") if name.strip()]
    for name in grains:
        if name not in GRAINS:
            raise UnknownValue("grain", name, GRAINS)
    found = bill(
        read_table(usage, USAGE, optional=OPTIONAL),
        None if commitments is None else read_table(commitments, COMMITMENTS, optional=OPTIONAL),
        None if rates is None else read_table(rates, RATES, optional=OPTIONAL),
    )
    now = utc_now()
    columns = [column for name, column in GRAINS.items() if name in grains]
    return Answer("rate", [*columns, *_measures(found)], _items(found, grains), now, now, CURRENCY,
                  _status(found), found.totals, _warnings(found))  # fmt: skip


def _measures(found: Bill) -> list[str]:
    return [name for name in _MEASURES if found.unpriced["pools"] or name != "unpriced_quantity"]


def _items(found: Bill, grains: list[str]) -> list[dict[str, Any]]:
    items = found.items(grains)
    if not found.unpriced["pools"]:
        for item in items:
            del item["unpriced_quantity"]
    return items


def _status(found: Bill) -> str:
    if not found.series:
        return EMPTY
    return COMPLETE if found.is_complete else PARTIAL


def _warnings(found: Bill) -> list[str]:
    warnings: list[str] = []
    pools = found.unpriced["pools"]
    if pools:
        warnings.append(f"no list price for {', '.join(pools[:5])}{' ...' if len(pools) > 5 else ''}: "
                        "what no commitment covers of it is not in the cost")  # fmt: skip
    warnings += [
        f"no price in rates for commitment {name}: it covers nothing and its charge is not in the cost"
        for name in found.unpriced["commitments"]
    ]
    return warnings
