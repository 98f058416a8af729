"""Daily cost by leaf and by every scope that is watched.

A leaf is provider x account x service x region x usage type; a scope is a choice of values for some of these, and its
series is the sum of its leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    from costlab.interfaces.analyzer import Context
    from costlab.interfaces.finding import Scope

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

DIMENSIONS = ("ServiceProviderName", "SubAccountId", "ServiceName", "RegionId", "x_usage_type")
LEVELS: tuple[tuple[str, ...], ...] = (
    (),
    ("ServiceProviderName",),
    ("SubAccountId",),
    ("ServiceName",),
    ("RegionId",),
    ("SubAccountId", "ServiceName"),
    ("ServiceName", "RegionId"),
    ("SubAccountId", "RegionId"),
    ("SubAccountId", "ServiceName", "RegionId"),
    ("ServiceName", "x_usage_type"),
    ("ServiceName", "RegionId", "x_usage_type"),
    ("SubAccountId", "ServiceName", "x_usage_type"),
    ("SubAccountId", "ServiceName", "RegionId", "x_usage_type"),
)
"""The scopes that are watched, wide ones first. Offsetting moves that cancel in a wide one show in a narrow one."""
HISTORY_DAYS = 400
_SETTLED_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Level:
    """All scopes with values for the same columns."""

    columns: tuple[str, ...]
    scopes: tuple[tuple[str | None, ...], ...]
    member: Ints
    """For each leaf the index of its scope."""

    def sums(self, amounts: Floats) -> Floats:
        """Return the sum per scope of amounts per leaf, shape (leaves,) or (leaves, days)."""
        if amounts.ndim == 1:
            return np.bincount(self.member, weights=amounts, minlength=len(self.scopes)).astype(np.float64)
        out = np.zeros((len(self.scopes), amounts.shape[1]))
        np.add.at(out, self.member, amounts)
        return out

    def scope(self, index: int) -> Scope:
        """Return a scope as column -> value."""
        return cast("Scope", dict(zip(self.columns, self.scopes[index], strict=True)))


@dataclass(frozen=True, slots=True)
class Cube:
    """Daily usage cost of one currency."""

    currency: str
    days: tuple[date, ...]
    leaves: tuple[tuple[str | None, ...], ...]
    """Values of ``DIMENSIONS`` per leaf."""
    costs: Floats
    """Shape (leaves, days)."""
    is_settled: Flags
    """Shape (leaves, days): False where the day's bill of the leaf's source is not yet complete."""
    levels: tuple[Level, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(_level(columns, self.leaves) for columns in LEVELS))

    def named(self, scope: Scope, leaves: Flags, *, day: int) -> Scope:
        """Return the scope with account, service and region added where all its leaves so far have the same one.

        It is then said that a service is used in one account only. A column that is the same everywhere says nothing.
        """
        seen = self.costs[:, : day + 1].any(axis=1)
        found = dict(scope)
        for column in ("SubAccountId", "ServiceName", "RegionId"):
            values = np.array([leaf[DIMENSIONS.index(column)] or "" for leaf in self.leaves])
            own = set(values[leaves & seen].tolist())
            if column not in found and len(own) == 1 and len(set(values[seen].tolist())) > 1:
                found[column] = own.pop() or None
        return {column: found[column] for column in DIMENSIONS if column in found}

    def mask(self, scope: Scope) -> Flags:
        """Return which leaves are in a scope."""
        found = np.ones(len(self.leaves), dtype=bool)
        for column, value in scope.items():
            place = DIMENSIONS.index(column)
            wanted = set(value) if isinstance(value, list) else {value}
            found &= np.array([leaf[place] in wanted for leaf in self.leaves], dtype=bool)
        return found


def _level(columns: tuple[str, ...], leaves: tuple[tuple[str | None, ...], ...]) -> Level:
    places = [DIMENSIONS.index(column) for column in columns]
    keys = [tuple(leaf[place] for place in places) for leaf in leaves]
    scopes = sorted(set(keys), key=str)
    index = {scope: i for i, scope in enumerate(scopes)}
    return Level(columns, tuple(scopes), np.array([index[key] for key in keys], dtype=np.int64))


WATCHED = "ChargeCategory = 'Usage' and ChargeClass is null and ChargeFrequency <> 'Recurring'"
"""What counts as usage: no purchases, taxes, credits, corrections or recurring fees (an unused reservation is one, and
lies on the first of its month as a lump)."""

_LEAVES = f"""
select
    BillingCurrency as currency,
    x_source as source,
    {", ".join(DIMENSIONS)},
    ChargeDate as day,
    cast(sum(EffectiveCost) as double) as cost
from marts.daily_skus
where {WATCHED} and ChargeDate >= $first and ChargeDate < $end
group by all
order by all
"""

_ROWS = """
select x_source as source, ChargeDate as day, sum(x_rows) as found
from marts.daily_costs
where ChargeDate >= $first and ChargeDate < $end and ChargeCategory = 'Usage'
group by all
"""


def load_cubes(context: Context) -> list[Cube]:
    """Return one cube per currency of the days before ``context.now``, up to 400 of them.

    Usage only: commitment purchases, recurring fees, tax, credits and corrections are left out.
    """
    newest = context.db.rows(
        "select max(ChargeDate) as newest from marts.daily_skus where ChargeDate < $now", {"now": context.now}
    )[0]["newest"]
    if newest is None:
        return []
    params = {"first": newest - timedelta(days=HISTORY_DAYS - 1), "end": min(newest + timedelta(days=1), _end(context))}
    rows = context.db.rows(_LEAVES, params)
    settled = _settled(context.db.rows(_ROWS, params))
    currencies = sorted({row["currency"] for row in rows})
    return [_cube(currency, [row for row in rows if row["currency"] == currency], settled) for currency in currencies]


def _end(context: Context) -> date:
    last = context.now - timedelta(microseconds=1)
    return last.date() + timedelta(days=1)


def _cube(currency: str, rows: list[dict[str, Any]], settled: dict[tuple[str, date], bool]) -> Cube:
    first, last = min(row["day"] for row in rows), max(row["day"] for row in rows)
    days = tuple(first + timedelta(days=i) for i in range((last - first).days + 1))
    keys = [(row["source"], *(row[name] for name in DIMENSIONS)) for row in rows]
    leaves = sorted(set(keys), key=str)
    index = {key: i for i, key in enumerate(leaves)}
    costs = np.zeros((len(leaves), len(days)))
    for key, row in zip(keys, rows, strict=True):
        costs[index[key], (row["day"] - first).days] += row["cost"]
    is_settled = np.array([[settled.get((leaf[0], day), False) for day in days] for leaf in leaves], dtype=bool)
    return Cube(currency, days, tuple(tuple(leaf[1:]) for leaf in leaves), costs, is_settled)


def _settled(rows: list[dict[str, Any]]) -> dict[tuple[str, date], bool]:
    """Return whether a source's day has at least 90 % of the rows it has on that weekday (median of four weeks)."""
    found: dict[tuple[str, date], int] = {(row["source"], row["day"]): int(row["found"]) for row in rows}
    result: dict[tuple[str, date], bool] = {}
    for (source, day), count in found.items():
        earlier = [found.get((source, day - timedelta(days=7 * week)), 0) for week in (1, 2, 3, 4)]
        known = [n for n in earlier if n]
        result[source, day] = not known or count >= _SETTLED_SHARE * float(np.median(known))
    return result
