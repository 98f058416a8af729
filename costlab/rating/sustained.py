"""Google's sustained use discount: the longer a core runs in a month, the less its later hours cost.

Tiers per quarter of the month (Google Cloud, sustained use discounts, read 2026-11): N1 100, 80, 60, 40 % of the base
price (30 % off a whole month); N2, N2D and C2 100, 86.78, 73.3, 60 % (20 %). Other series have none. It never applies
to what a commitment covers.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from costlab.rating.bill import Run
    from costlab.rating.demand import Demand, Series

    Floats = NDArray[np.float64]

_N1: Final = (1.0, 0.8, 0.6, 0.4)
_N2: Final = (1.0, 0.8678, 0.733, 0.6)
TIERS: Final = {"n1": _N1, "f1": _N1, "g1": _N1, "m1": _N1, "m2": _N1, "n2": _N2, "n2d": _N2, "c2": _N2}
_SERIES: Final = re.compile(r"[a-z]+\d+[a-z]*")
_NOT_ON_DEMAND: Final = re.compile(r"spot|preemptible|commitment", re.IGNORECASE)


def tiers_of(pool: str) -> tuple[float, ...] | None:
    """Return the price of each quarter of a month relative to the first, or None where nothing is discounted.

    The pool's name must begin with its machine series: ``n1-vcpu``, ``n2-standard-4``, ``N1 Predefined Instance Core``.
    """
    found = _SERIES.match(pool.lower())
    return TIERS.get(found[0]) if found and not _NOT_ON_DEMAND.search(pool) else None


def kept_share(quantity: Floats, hours_of_month: int, tiers: tuple[float, ...]) -> float:
    """Return what is paid of the base price of a month of usage, 0..1.

    ``quantity`` holds units per hour. Usage is stacked, as Google combines machines: the k-th unit has run in every
    hour in which at least k units ran, and is charged by the share of the month that these hours are.
    """
    used = np.sort(quantity[quantity > 0])[::-1]
    if not len(used):
        return 1.0
    ran = np.arange(1, len(used) + 1) / hours_of_month
    widths = used - np.append(used[1:], 0.0)  # units that ran exactly so many hours
    edges = np.linspace(0.0, 1.0, len(tiers) + 1)
    paid = sum(
        price * np.clip(ran - low, 0.0, high - low)
        for price, low, high in zip(tiers, edges[:-1], edges[1:], strict=True)
    )
    return float((widths * paid).sum() / (widths * ran).sum())


def sustained(runs: Sequence[Run], demand: Demand) -> list[Run]:
    """Return the line items, those of discounted pools on demand at what the discount leaves of their price.

    A calendar month (UTC) of a series is one; its discount is spread over its hours in proportion to usage.
    """
    whole: dict[int, Floats] = {}
    for run in runs:
        if run.commitment < 0 and _tiers(demand.series[run.row]):
            whole.setdefault(run.row, np.zeros(demand.hours))[run.hour] = run.quantity
    shares = {
        row: _month_shares(quantity, demand.first, _tiers(demand.series[row]) or _N1) for row, quantity in whole.items()
    }
    return [
        replace(run, price=run.price * shares[run.row][run.hour]) if run.commitment < 0 and run.row in shares else run
        for run in runs
    ]


def _tiers(one: Series) -> tuple[float, ...] | None:
    return tiers_of(one.pool) if one.provider == "gcp" else None


def _month_shares(quantity: Floats, first: int, tiers: tuple[float, ...]) -> Floats:
    """Return :func:`kept_share` of each hour's calendar month; ``first`` counts hours since 1970."""
    hours = np.arange(first, first + len(quantity)).astype("datetime64[h]")
    months = hours.astype("datetime64[M]")
    shares = np.ones(len(quantity))
    for month in np.unique(months):
        inside = months == month
        length = ((month + np.timedelta64(1, "M")).astype("datetime64[h]") - month.astype("datetime64[h]")).astype(int)
        shares[inside] = kept_share(quantity[inside], int(length), tiers)
    return shares
