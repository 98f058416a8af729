"""Why cost changed between two periods: price, quantity, mix, new and ended, coverage, credits, restatement."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from costlab.errors import UnknownValue
from costlab.lab.findings import context
from costlab.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from costlab.lab.window import Window
    from costlab.warehouse.relations import Database

COLUMNS = (
    "x_source", "ServiceProviderName", "BillingAccountId", "SubAccountId", "ServiceName", "RegionId", "x_usage_type",
    "x_operation", "ChargeCategory", "PricingCategory", "PricingUnit",
)  # fmt: skip
"""What a change can be split by: the columns of the rollup by SKU."""
CURRENCY, BEFORE, AFTER, CHANGE = "BillingCurrency", "before", "after", "change"
_CURRENCIES = "select distinct BillingCurrency from marts.daily_skus order by 1"


def explain(
    db: Database, by: str | Sequence[str], window: Window, as_of: datetime | None
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return columns and one item per group and currency; the parts of an item add up to its change exactly.

    ``before`` is the EffectiveCost of the window of the same length right before (whole months for whole months).

    Raises
    ------
    UnknownValue
        If a change cannot be split by a column.
    """
    from costlab.analyzers.decompose import PARTS, decompose, load_lines

    names = _names(by)
    scope = context(db, as_of)
    items: list[dict[str, Any]] = []
    earlier = window.before()
    for (currency,) in db.result(_CURRENCIES).rows:
        sides: list[defaultdict[tuple[str, ...], list[Any]]] = []
        for days in (earlier, window):
            lines: defaultdict[tuple[str, ...], list[Any]] = defaultdict(list)
            for group, line in load_lines(scope, start=days.start, end=days.end, currency=currency, by=names):
                lines[group].append(line)
            sides.append(lines)
        old, new = sides
        for group in old.keys() | new.keys():
            before = sum((line.effective for line in old[group]), ZERO)
            after = sum((line.effective for line in new[group]), ZERO)
            parts = decompose(old[group], new[group])
            keys = dict(zip(names, (value or None for value in group), strict=True))
            amounts = {BEFORE: before, AFTER: after, CHANGE: after - before}
            items.append({**keys, CURRENCY: currency, **amounts, **parts})
    items.sort(key=lambda item: (-abs(item[CHANGE]), *(str(item[name]) for name in (*names, CURRENCY))))
    return [*names, CURRENCY, BEFORE, AFTER, CHANGE, *PARTS], items


def _names(by: str | Sequence[str]) -> list[str]:
    known = {name.lower(): name for name in COLUMNS}
    found: list[str] = []
    for name in by.split(",") if isinstance(by, str) else by:
        if name.strip().lower() not in known:
            raise UnknownValue("column", name.strip(), COLUMNS)
        found.append(known[name.strip().lower()])
    return list(dict.fromkeys(found))
