"""What was used by the hour, and the price it has on demand, learned from the bill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from costlab.rating.sustained import tiers_of

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from costlab.lab.calibration.lines import Bill, Lines
    from costlab.lab.calibration.prices import Places

_SQL: Final = """
select
    service, account, region, zone, pool, kind, coalesce(commitment, '') as commitment,
    epoch(start)::bigint // 3600 as hour,
    greatest(1, ceil(epoch(stop - start) / 3600))::bigint as hours,
    list_price::double as list_price, price::double as price, quotient, coalesce(share, 1) as share,
    sum(quantity)::double as quantity,
    sum(effective)::double as money,
    sum(lines)::bigint as lines
from lines
where kind in ('covered', 'on_demand')
group by all
order by hour, account, region, pool, zone, kind, commitment, price, quotient, share, service
"""
_PLACE: Final = ["account", "region", "pool"]


def usage_of(lines: Lines, bill: Bill) -> DataFrame:
    """Return one row per charge period, place, pool, commitment and price, with what it costs on demand.

    Columns: ``service, account, region, zone, pool, kind, commitment, hour`` (since 1970)``, hours, list_price, price,
    share, quantity, money, lines, paid``. ``paid`` is the price on demand: what most of the same pool's usage on
    demand pays, of the same account, else of its region, else the charge's own price; NaN where there is none.
    """
    usage = lines.frame(bill, _SQL)
    for name in ("service", *_PLACE, "zone", "kind", "commitment"):
        usage[name] = usage[name].fillna("").astype("category")
    # a bill without unit prices tells them as cost over quantity, which rounding blurs
    usage["price"] = usage["price"].fillna(_looked_up(usage, _PLACE, _most(usage, _PLACE, "quotient")))
    on_demand = usage[usage["kind"] == "on_demand"]
    usage["paid"] = np.where(usage["kind"] == "on_demand", usage["price"] * _granted(usage, on_demand), np.nan)
    for keys in (_PLACE, _PLACE[1:]):
        known = _most(usage[usage["kind"] == "on_demand"], keys, "paid")
        usage["paid"] = usage["paid"].fillna(_looked_up(usage, keys, known))
    usage["paid"] = usage["paid"].fillna(usage["price"] * _contract(usage, on_demand))
    return usage


def hourly(usage: DataFrame) -> DataFrame:
    """Return the usage as the rating engine reads it, and ``public_price``: the list price beside the paid one.

    What is billed by the day is spread evenly over its hours.
    """
    import pandas as pd

    hours = usage["hours"].to_numpy()
    place = np.repeat(np.arange(len(usage)), hours)
    spread = usage.iloc[place]
    within = np.arange(len(place)) - np.repeat(np.cumsum(hours) - hours, hours)
    table = pd.DataFrame(
        {
            "hour": (spread["hour"].to_numpy() + within).astype("datetime64[h]").astype("datetime64[us]"),
            "account_id": spread["account"].to_numpy(),
            "region": spread["region"].to_numpy(),
            "pool": spread["pool"].to_numpy(),
            "zone": spread["zone"].to_numpy(),
            "list_price": spread["paid"].to_numpy(),
            "public_price": spread["list_price"].to_numpy(),
            "quantity": (spread["quantity"] / spread["hours"]).to_numpy(),
        }
    )
    keys = [name for name in table.columns if name != "quantity"]
    return table.groupby(keys, dropna=False, observed=True)["quantity"].sum().reset_index()


def prices_on_demand(usage: DataFrame) -> Places:
    """Return what a unit of each pool costs on demand in each region, by most of its usage."""
    known = _most(usage.dropna(subset=["paid"]), _PLACE[1:], "paid")
    rows = known.reset_index().to_dict("records")
    return {(str(row["pool"]), str(row["region"])): float(row["paid"]) for row in rows}


def contract_share(usage: DataFrame) -> float:
    """Return the share of the list price that most machine hours on demand pay; 1 where no list price is told."""
    on_demand = usage[usage["kind"] == "on_demand"]
    shares = (on_demand["price"] / on_demand["list_price"]).round(9).rename("share")
    sums = on_demand["quantity"].groupby(shares).sum()
    return float(sums.sort_values(kind="stable").index.to_numpy()[-1]) if len(sums) else 1.0


def _granted(usage: DataFrame, on_demand: DataFrame) -> Series[float]:
    """Return the share of the contracted price that a pool pays, where credits lower it for most of its usage.

    A sustained use discount is not one: the engine computes it.
    """
    share = _looked_up(usage, ["service", "pool"], _most(on_demand, ["service", "pool"], "share")).fillna(1.0)
    graded = [name for name in usage["pool"].cat.categories if tiers_of(name)]
    return share.where(~usage["pool"].isin(graded), 1.0)


def _contract(usage: DataFrame, on_demand: DataFrame) -> Series[float]:
    """Return what most usage on demand of the service pays of the list price, for charges that show the list price."""
    shares = on_demand.assign(ratio=(on_demand["price"] / on_demand["list_price"]).round(9)).dropna(subset=["ratio"])
    ratio = _looked_up(usage, ["service"], _most(shares, ["service"], "ratio")).fillna(1.0)
    return ratio.where(usage["price"] == usage["list_price"], 1.0)


def _most(rows: DataFrame, keys: list[str], value: str) -> Series[Any]:
    """Return per key the value that most of the quantity has."""
    sums = rows.groupby([*keys, value], observed=True)["quantity"].sum().reset_index()
    best = sums.sort_values("quantity", kind="stable").drop_duplicates(keys, keep="last")
    return best.set_index(keys)[value]


def _looked_up(usage: DataFrame, keys: list[str], known: Series[Any]) -> Series[Any]:
    found = usage[keys].merge(known.rename("found").reset_index(), on=keys, how="left")["found"]
    found.index = usage.index
    return found
