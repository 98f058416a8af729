"""What the bill says, in the groups in which it is computed again; amounts are exact."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final

from costlab.money import ZERO
from costlab.rating.sustained import TIERS

if TYPE_CHECKING:
    from costlab.lab.calibration.compute import Place
    from costlab.lab.calibration.learn import Learned
    from costlab.lab.calibration.lines import Bill, Lines

_GROUPS: Final = """
select
    service, kind, coalesce(commitment, '') as commitment, coalesce(account, '') as account,
    coalesce(pool, '') as pool, coalesce(sum(quantity), 0) as quantity, sum(effective) as effective,
    cast(sum(lines) as bigint) as lines,
    sum(case when share < $least then quantity::double * price::double - effective::double else 0 end) as credited,
    max(date_diff('hour', start, stop)) as hours
from lines
where kind in ('covered', 'fee', 'unused', 'on_demand')
group by all
order by service, kind, commitment, account, pool
"""
_PRICED: Final = """
select
    service, coalesce(pool, '') as pool, price, coalesce(share, 0) as share, sum(quantity) as quantity,
    sum(effective) as effective, cast(sum(lines) as bigint) as lines
from lines
where kind = 'priced' or (kind = 'on_demand' and not $by_engine)
group by all
order by service, pool, price, share
"""
_TAKEN_OVER: Final = """
select service, reason, sum(effective) as effective
from lines
where kind = 'taken_over'
group by all
having sum(effective) <> 0
order by service, reason
"""

Amounts = tuple[Decimal, Decimal, Decimal]
LEAST: Final = min(min(tiers) for tiers in TIERS.values())


@dataclass(slots=True)
class Group:
    """Charges of one service, commitment (empty: on demand), account and pool."""

    service: str
    quantity: Decimal = ZERO
    effective: Decimal = ZERO
    lines: int = 0
    credited: float = 0.0
    """What is taken off charges that pay less of their price than any sustained use discount leaves."""
    hours: int = 1
    """The longest charge period."""


@dataclass(slots=True)
class Billed:
    """One bill in groups."""

    covered: dict[str, dict[Place, list[Group]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    unused: dict[str, list[Group]] = field(default_factory=lambda: defaultdict(list))
    on_demand: dict[Place, list[Group]] = field(default_factory=lambda: defaultdict(list))
    priced: dict[str, tuple[Decimal, Decimal, Decimal]] = field(
        default_factory=dict[str, tuple[Decimal, Decimal, Decimal]]
    )
    """Per service: as billed, as computed, and what of the difference comes from shares that vary."""
    taken_over: dict[str, dict[str, Decimal]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Decimal)))
    """Per service and reason."""


def billed_in(lines: Lines, bill: Bill, learned: Learned) -> Billed:
    """Return what the bill says."""
    done = Billed()
    left_out = {one.id: one.reason for one in learned.owned if one.is_left_out}
    for row in lines.rows(bill, _GROUPS, least=LEAST):
        _take(done, row, left_out, by_engine=learned.cloud is not None)
    for row in lines.rows(bill, _TAKEN_OVER):
        done.taken_over[row["service"]][row["reason"]] += row["effective"]
    rows = lines.rows(bill, _PRICED, by_engine=learned.cloud is not None)
    services: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        services[row["service"]].append(row)
    done.priced = {service: _priced(found) for service, found in services.items()}
    return done


def _take(done: Billed, row: dict[str, Any], left_out: dict[str, str], *, by_engine: bool) -> None:
    name, place = row["commitment"], (row["account"], row["pool"])
    group = Group(row["service"], row["quantity"], row["effective"], row["lines"], row["credited"] or 0.0, row["hours"])
    if name in left_out:
        if row["effective"]:
            done.taken_over[row["service"]][f"commitment: {left_out[name]}"] += row["effective"]
    elif row["kind"] == "unused":
        done.unused[name].append(group)
    elif row["kind"] != "on_demand":
        done.covered[name][place].append(group)
    elif by_engine:
        done.on_demand[place].append(group)


def _priced(rows: list[dict[str, Any]]) -> Amounts:
    """Return cost as billed, quantity x price x the share that most of an item pays, and what other shares make."""
    pools: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        pools[row["pool"]].append(row)
    billed, computed, uneven = ZERO, ZERO, ZERO
    with localcontext() as context:
        context.prec = 60
        for found in pools.values():
            full = [row["quantity"] * row["price"] for row in found]
            shares: dict[float, Decimal] = defaultdict(Decimal)
            for row, cost in zip(found, full, strict=True):
                shares[row["share"]] += cost
            usual = max(shares, key=lambda share: (shares[share], share))
            for row, cost in zip(found, full, strict=True):
                expected = cost * Decimal(repr(usual))
                billed += row["effective"]
                computed += expected
                uneven += expected - row["effective"] if row["share"] != usual else ZERO
    return billed, computed, uneven
