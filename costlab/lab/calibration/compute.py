"""The bill computed again: usage through the rating engine, everything else as quantity times price."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costlab.money import ZERO, exact
from costlab.rating.engine import bill as rated

if TYPE_CHECKING:
    from pandas import DataFrame

    from costlab.lab.calibration.learn import Learned
    from costlab.period import Month

_FARTHEST_WEST = timedelta(hours=12)
_NO_SAVING = 1 + 1e-6
Place = tuple[str, str]
"""Account and pool."""


@dataclass(slots=True)
class Computed:
    """What the engine says; money in the bill's currency."""

    covered: dict[str, dict[Place, tuple[Decimal, Decimal]]] = field(default_factory=lambda: defaultdict(dict))
    """Per commitment and place: quantity, cost."""
    on_demand: dict[Place, tuple[Decimal, Decimal | None]] = field(
        default_factory=dict[Place, tuple[Decimal, "Decimal | None"]]
    )
    """Per place: quantity, cost; None where a part has no price."""
    unused: dict[str, Decimal] = field(default_factory=dict[str, Decimal])


def compute(learned: Learned, month: Month) -> Computed:
    """Return what the usage of a billing period costs with the commitments that were learned."""
    done = Computed()
    if not len(learned.usage):
        return done
    ranks = {one.id: one.rank for one in learned.computed}
    usage, unknown = _ranked_last(learned)
    late = _late(learned, month)
    owned = learned.commitments.assign(**{name: learned.commitments[name] - late for name in ("from", "to")})
    found = rated(
        usage.assign(hour=usage["hour"] - late),
        _ranked(owned, "id", "amount", {one.id: one.rank for one in learned.computed if one.is_plan}),
        _ranked(learned.rates, "commitment", "price", ranks),
    )
    for item in found.items(["pool", "account", "commitment"]):
        _take(done, item, ranks)
    for place in unknown & set(done.on_demand):
        done.on_demand[place] = (done.on_demand[place][0], None)
    return done


def _late(learned: Learned, month: Month) -> timedelta:
    """Return how much later than UTC a bill's month begins, as Google's does: what goes by month goes by the bill's."""
    late: timedelta = learned.usage["hour"].min().to_pydatetime() - month.start
    return late if timedelta(0) < late <= _FARTHEST_WEST else timedelta(0)


def _ranked_last(learned: Learned) -> tuple[DataFrame, set[Place]]:
    """Return the usage, what has no price on demand at its committed price: it is covered, after all other usage.

    Also the places of it, whose usage on demand has no cost.
    """
    usage = learned.usage
    unpriced = usage["list_price"].isna()
    if not unpriced.any():
        return usage, set()
    committed = learned.rates.groupby(["pool", "region"])["price"].max().rename("committed").reset_index()
    prices = usage[["pool", "region"]].merge(committed, on=["pool", "region"], how="left")["committed"] * _NO_SAVING
    prices.index = usage.index
    places = usage.loc[unpriced, ["account_id", "pool"]].drop_duplicates().to_numpy().tolist()
    return usage.assign(list_price=usage["list_price"].fillna(prices)), {(str(a), str(p)) for a, p in places}


def _ranked(table: DataFrame, key: str, value: str, ranks: dict[str, float]) -> DataFrame:
    """Return the table with the money of plans as it ranks; see :attr:`costlab.lab.calibration.owned.Owned.rank`."""
    return table.assign(**{value: table[value] * table[key].map(ranks).fillna(1.0)})


def _take(done: Computed, item: dict[str, Any], ranks: dict[str, float]) -> None:
    name = item["covered_by"]
    if name is None:
        known = item["cost"] if not item["unpriced_quantity"] else None
        done.on_demand[item["account_id"], item["pool"]] = (item["quantity"], known)
        return
    rank = Decimal(repr(ranks[name]))
    if item["pool"] is None:
        done.unused[name] = exact((item["cost_unused"] or ZERO) / rank)
    else:
        done.covered[name][item["account_id"], item["pool"]] = (item["quantity"], exact((item["cost"] or ZERO) / rank))
