"""Usage as a matrix: one row per series of equal account, pool, place and price, one column per hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from costlab.errors import UsageError
from costlab.rating.frames import USAGE, completed
from costlab.rating.instruments import provider_of
from costlab.rating.shapes import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from pandas import DataFrame

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_TEXTS = ("provider", "account_id", "region", "pool", "zone")
CELLS_PER_BLOCK = 6_000_000
"""Rows x hours that are held as one matrix; more hours are taken one block after another."""


@dataclass(frozen=True, slots=True)
class Series:
    """What one row of the matrix is. ``list_price`` is NaN where it is not known."""

    provider: str
    account: str
    region: str
    pool: str
    zone: str
    list_price: float

    @property
    def shape(self) -> Shape:
        """The shape of its pool."""
        return shape_of(self.provider, self.pool)


@dataclass(frozen=True, slots=True)
class Demand:
    """All usage: the series, and per entry its series, its hour (counted from ``first``) and its quantity."""

    series: list[Series]
    row: Ints
    hour: Ints
    quantity: Floats
    first: int
    """The first hour of the span, in hours since 1970."""
    hours: int
    """Hours of the span, those without usage included."""

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """Yield (first hour of the block, matrix of rows x hours) over the span."""
        width = max(1, min(self.hours, CELLS_PER_BLOCK // max(1, len(self.series))))
        for start in range(0, self.hours, width):
            size = min(width, self.hours - start)
            row, hour, quantity = self.row, self.hour, self.quantity
            if size < self.hours:
                inside = np.flatnonzero((hour >= start) & (hour < start + size))
                row, hour, quantity = row[inside], hour[inside], quantity[inside]
            place = row * size  # and no other array of this length: the first touch of memory costs more than the sums
            place += hour
            place -= start
            cells = np.bincount(place, weights=quantity, minlength=len(self.series) * size)
            yield start, cells.astype(np.float64, copy=False).reshape(len(self.series), size)


def demand_of(frame: DataFrame) -> Demand:
    """Return the demand of a table with the columns of :data:`costlab.rating.frames.USAGE`.

    Raises
    ------
    UsageError
        If a column or an hour is missing, a provider unknown, or a quantity or price negative.
    """
    table = completed("usage", frame, USAGE)
    if table["hour"].isna().any():
        raise UsageError("usage: a row has no hour", hint="Every row needs the hour it was used in")
    quantity = table["quantity"].to_numpy(dtype=np.float64)
    price = table["list_price"].to_numpy(dtype=np.float64)
    _check_numbers(quantity, price)
    row, series = _series(table, price)
    hour = table["hour"].to_numpy().astype("datetime64[h]").view(np.int64)
    first = int(hour.min()) if len(hour) else 0
    hour -= first
    span = int(hour.max()) + 1 if len(hour) else 0
    return Demand(series, row, hour, quantity, first, span)


def _check_numbers(quantity: Floats, price: Floats) -> None:
    if not (np.isfinite(quantity) & (quantity >= 0)).all():
        bad = quantity[~(np.isfinite(quantity) & (quantity >= 0))][0]
        raise UsageError(f"usage: a quantity is {bad}", hint="Quantities are numbers, 0 or more")
    if (price < 0).any() or np.isinf(price).any():
        raise UsageError(f"usage: a list_price is {price[(price < 0) | np.isinf(price)][0]}",
                         hint="Prices are 0 or more; leave a price that is not known empty")  # fmt: skip


def _series(table: DataFrame, price: Floats) -> tuple[Ints, list[Series]]:
    """Return the series of each row, and all of them by provider, account, region, pool, zone and price."""
    columns = [_coded(table[name].array) for name in _TEXTS]
    row, heads = _places(columns, len(table))
    # a series mostly has one price: telling prices apart costs more than all texts together
    if len(heads) and not np.array_equal(price[heads][row].view(np.int64), price.view(np.int64)):
        distinct, at = np.unique(price, return_inverse=True)
        row, heads = _places([(row, np.arange(len(heads))), (at, distinct)], len(table))
    found = [values[codes[heads]] for codes, values in columns]
    return row, [
        Series(provider_of(provider), account, region, pool, zone, float(listed))
        for provider, account, region, pool, zone, listed in zip(*found, price[heads], strict=True)
    ]


def _coded(values: Any) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Return the places of categorical texts among the sorted categories, and these."""
    names = np.asarray(values.categories, dtype=object)
    if len(names) == 1:
        return np.broadcast_to(np.int32(0), len(values)), names
    order = np.argsort(names)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order))
    return rank.take(values.codes), names[order]


def _places(columns: Sequence[tuple[NDArray[Any], NDArray[Any]]], rows: int) -> tuple[Ints, Ints]:
    """Return the place of each row among the distinct ones in ascending order, and one row of each of these."""
    key = np.zeros(rows, dtype=np.int64)
    distinct = 1
    for codes, values in columns:
        if len(values) > 1:
            key *= len(values)
            key += codes
            key, distinct = _compact(key, distinct * len(values))
    heads = np.empty(distinct if rows else 0, dtype=np.int64)
    heads[key] = np.arange(rows, dtype=np.int32)
    return key, heads


def _compact(key: Ints, size: int) -> tuple[Ints, int]:
    """Return whole numbers below ``size`` without gaps, in the same order, and how many distinct ones there are."""
    if size > CELLS_PER_BLOCK:
        distinct, places = np.unique(key, return_inverse=True)
        return places.astype(np.int64, copy=False), len(distinct)
    there = np.zeros(size, dtype=bool)
    there[key] = True
    rank = np.cumsum(there) - 1
    return rank[key], int(rank[-1]) + 1
