"""Discounts learned from a bill: what the contract takes off list prices, and what commitments do.

Every discount is that of most of the cost behind it; ``low`` and ``high`` show the spread.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from costlab.money import ZERO, exact

if TYPE_CHECKING:
    from costlab.lab.calibration.learn import Learned
    from costlab.lab.calibration.lines import Bill, Lines

CONTRACTED, COMMITTED = "contracted", "committed"
_CONTRACTED: Final = """
select
    service as name, round(price::double / list_price::double, 9) as share,
    sum(quantity * list_price::decimal(18, 9)) as list_cost, cast(sum(lines) as bigint) as lines
from lines
where kind in ('priced', 'on_demand') and list_price > 0 and price is not null
group by all
order by name, share
"""
_COMMITTED: Final = """
select
    commitment, coalesce(pool, '') as pool, region, round(unit_cost / list_price::double, 4) as share,
    sum(quantity * list_price::decimal(18, 9)) as list_cost, cast(sum(lines) as bigint) as lines
from lines
where kind = 'covered' and list_price > 0
group by all
order by all
"""


def discounts_in(lines: Lines, bill: Bill, learned: Learned) -> list[dict[str, Any]]:
    """Return one item per service (contracted) and per instrument (committed).

    Fields: ``kind, name, discount, low, high, average, lines, list_cost``; discounts are 0..1.
    """
    rows = lines.rows(bill, _CONTRACTED)
    found = [_discount(CONTRACTED, name, group) for name, group in _by(rows, "name").items()]
    instruments = {one.id: str(one.instrument) for one in learned.computed}
    fees = {(one.id, one.target): one.price for one in learned.computed if one.instrument == "gcp-resource-cud"}
    prices = {key: price for key, price in fees.items() if price}
    committed = [
        row | {"name": instruments[row["commitment"]], "share": _share(row, prices, learned)}
        for row in lines.rows(bill, _COMMITTED)
        if row["commitment"] in instruments
    ]
    return found + [_discount(COMMITTED, name, group) for name, group in _by(committed, "name").items()]


def _share(row: dict[str, Any], prices: dict[tuple[str, str], float], learned: Learned) -> float:
    """Return what is kept of the list price; of usage that a fee pays, by the fee's price."""
    fee = prices.get((row["commitment"], row["pool"]))
    if fee is None:
        return float(row["share"])
    same = learned.charges[(learned.charges["pool"] == row["pool"]) & (learned.charges["region"] == row["region"])]
    return round(fee / float(same["list_price"].max()), 4)


def _by(rows: list[dict[str, Any]], key: str) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def _discount(kind: str, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    costs: dict[float, Decimal] = defaultdict(Decimal)
    for row in rows:
        costs[row["share"]] += row["list_cost"]
    whole = sum(costs.values(), ZERO)
    kept = sum((Decimal(repr(share)) * cost for share, cost in costs.items()), ZERO)
    usual = max(costs, key=lambda share: (costs[share], share))
    return {
        "kind": kind,
        "name": name,
        "discount": 1 - Decimal(repr(usual)),
        "low": 1 - Decimal(repr(max(costs))),
        "high": 1 - Decimal(repr(min(costs))),
        "average": exact(1 - kept / whole) if whole else None,
        "lines": sum(row["lines"] for row in rows),
        "list_cost": exact(whole),
    }
