"""Committed prices, learned from what covered usage cost.

A line tells the price as cost over quantity. Where a commitment runs out inside an hour, vendors round the covered
part of the quantity to a few decimals, and the quotient is only near the price. A price is taken

1. from lines that tell it exactly: one quotient for a whole quantity, or for most of the quantity;
2. else from another size of its family, in proportion, where its own lines do not contradict;
3. else as a whole percentage (then tenths and hundredths) of the price on demand, where they do not contradict;
4. else as the quotient itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from costlab.rating.shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas import DataFrame

Places = dict[tuple[str, str], float]
"""Pool and region -> price per unit and hour."""
STEP: Final = 1e-4
"""The coarsest quantity that vendors bill: they round to four decimals or finer."""
_EXACT: Final = 1e-9


def committed_prices(used: DataFrame, paid: Places, cloud: str) -> Places:
    """Return the price of each pool and region that a commitment covered.

    Parameters
    ----------
    used
        Its covered charges: ``pool, region, unit_cost, money, quantity``, one row per charge period.
    paid
        What the same costs on demand.
    """
    known, unsure = Places(), dict[tuple[str, str], "DataFrame"]()
    for key, rows in used[used["quantity"] > 0].groupby(["pool", "region"], sort=True):
        place = str(key[0]), str(key[1])
        told = told_price(rows)
        if told is None:
            unsure[place] = rows
        else:
            known[place] = told
    found = known | {place: _near(place, rows, known, paid, cloud) for place, rows in unsure.items()}
    return _other_sizes(found, paid, cloud) | found


def _other_sizes(found: Places, paid: Places, cloud: str) -> Places:
    """Return the prices of other sizes in use of the same families, in proportion."""
    known = {(shape_of(cloud, pool).group, region): (price, pool) for (pool, region), price in found.items()}
    more = Places()
    for pool, region in paid:
        shape = shape_of(cloud, pool)
        price, like = known.get((shape.group, region), (0.0, "")) if shape.group else (0.0, "")
        if like:
            more[pool, region] = round(price * shape.units / shape_of(cloud, like).units, 10)
    return more


def told_price(rows: DataFrame) -> float | None:
    """Return the price that lines tell exactly, the one of most of the quantity, or None."""
    sums = rows.groupby("unit_cost").agg(quantity=("quantity", "sum"), kinds=("quantity", "nunique"))
    whole = rows.loc[(rows["quantity"] % 1.0) == 0, "unit_cost"].unique()
    common = (sums["kinds"] > 1) & (sums["quantity"] >= sums["quantity"].sum() / 2)
    sure = sums[common | sums.index.isin(whole)]
    return float(sure["quantity"].sort_values(kind="stable").index.to_numpy()[-1]) if len(sure) else None


def _near(place: tuple[str, str], rows: DataFrame, known: Places, paid: Places, cloud: str) -> float:
    quotient = float(rows["money"].sum() / rows["quantity"].sum())
    quantity, money = rows["quantity"].to_numpy(), rows["money"].to_numpy()
    low = float((money / (quantity + STEP)).max()) - _EXACT
    with np.errstate(divide="ignore"):
        high = float((money / np.maximum(quantity - STEP, 0.0)).min()) + _EXACT
    for price in _guesses(place, quotient, known, paid, cloud):
        if low <= price <= high:
            return price
    return quotient


def _guesses(place: tuple[str, str], quotient: float, known: Places, paid: Places, cloud: str) -> Iterator[float]:
    shape = shape_of(cloud, place[0])
    for (pool, region), price in known.items():
        other = shape_of(cloud, pool)
        if shape.group and region == place[1] and other.group == shape.group:
            yield round(price * shape.units / other.units, 10)
    on_demand = paid.get(place)
    if on_demand:
        for decimals in (2, 3, 4):
            yield round(round(quotient / on_demand, decimals) * on_demand, 10)
