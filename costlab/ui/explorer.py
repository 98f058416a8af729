"""What the explorer shows: any metric by up to two columns over any days, and how to ask for it elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from costlab.lab.cost import PERIOD
from costlab.lab.window import Window
from costlab.money import ZERO
from costlab.period import Month
from costlab.ui.conditions import all_of, condition
from costlab.ui.palette import OTHER
from costlab.ui.series import Group, Point, folded, groups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from costlab.answer import Answer
    from costlab.lab import Lab
    from costlab.ui.facts import Facts

METRICS = ("EffectiveCost", "BilledCost", "ContractedCost", "ListCost")
GRAINS = ("day", "month", "total")
COLUMNS = (
    "ServiceName", "ServiceCategory", "ServiceProviderName", "SubAccountId", "BillingAccountId", "RegionId",
    "ChargeCategory", "PricingCategory", "CommitmentDiscountStatus", "x_usage_type", "x_operation", "ResourceId",
    "ResourceName", "ResourceType", "x_instance_type", "CommitmentDiscountId", "ChargeDescription", "SkuId",
    "InvoiceId", "BillingPeriodStart", "x_source",
)  # fmt: skip
"""What people group by, most used first; tags come after."""
PERIODS = ("last-month", "this-month", "30d", "90d", "12m", "all", "custom")
MOST_ROWS = 1000
SERIES = 10
_MOST_VALUES = 500
_MOST_POINTS = 5000
"""Groups times days beyond which only the groups shown are fetched per period."""
_FINER = (
    "ServiceProviderName", "ServiceCategory", "ServiceName", "SubAccountId", "RegionId", "x_usage_type", "ResourceId",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """One question of the explorer."""

    metric: str
    by: tuple[str, ...]
    grain: str
    window: Window
    where: str | None


@dataclass(frozen=True, slots=True)
class Explored:
    """The answer, as chart and table show it.

    ``total`` is over everything, also the groups that ``rows`` leaves out.
    """

    total: Decimal
    before: Decimal | None
    rows: tuple[Group, ...]
    group_count: int
    points: tuple[Point, ...]
    series: tuple[str, ...]
    status: str
    warnings: tuple[str, ...]


def period_window(period: str, facts: Facts, start: date | None = None, end: date | None = None) -> Window:
    """Return the days of a period; ``end`` is exclusive. Rolling periods end with the last day of usage."""
    if facts.first_day is None or facts.last_day is None or facts.end_day is None:
        return Window(date(1970, 1, 1), date(1970, 1, 1))
    after = facts.last_day + timedelta(days=1)
    month = Month.of(facts.last_day)
    match period:
        case "custom":
            first = start or facts.first_day
            return Window(first, max(end or after, first + timedelta(days=1)))
        case "this-month":
            return Window(month.first_day, min(month.plus(1).first_day, facts.end_day + timedelta(days=1)))
        case "30d" | "90d":
            return Window(after - timedelta(days=int(period[:-1])), after)
        case "12m":
            return Window(month.plus(-11).first_day, after)
        case "all":
            return Window(facts.first_day, facts.end_day + timedelta(days=1))
        case _:
            full = Month.parse(facts.default_month or str(month))
            return Window(full.first_day, full.plus(1).first_day)


def explore(lab: Lab, facts: Facts, view: View, currency: str) -> Explored:
    """Return the answer to a view in one currency.

    Raises
    ------
    UsageError
        If the condition is not understood.
    """
    asker = _Asker(lab, view.metric, all_of(currency_condition(facts, currency), view.where))
    totals = asker.cost(view.window, view.by)
    found = groups(totals.items, view.by, view.metric, names_of(facts, view.by))
    shown = [group for group in found if group.amount > 0][:SERIES]
    points, series = _points(asker, view, totals, shown)
    before = asker.cost(view.window.before(), ()).totals[view.metric] if _has_before(view.window, facts) else None
    return Explored(
        totals.totals[view.metric] or ZERO,
        before,
        tuple(found[:MOST_ROWS]),
        len(found),
        tuple(points),
        tuple(series),
        totals.data_status,
        tuple(totals.warnings),
    )


def exact_answer(lab: Lab, facts: Facts, view: View, currency: str) -> Answer:
    """Return every group, per period of the view's grain, as ``costlab cost`` gives it: what a download holds."""
    where = all_of(currency_condition(facts, currency), view.where)
    return _Asker(lab, view.metric, where).cost(view.window, view.by, view.grain)


def currency_condition(facts: Facts, currency: str) -> str | None:
    """Return the condition that keeps currencies apart; None where there is only one."""
    return condition("BillingCurrency", [currency]) if len(facts.currencies) > 1 else None


def names_of(facts: Facts, by: Sequence[str]) -> Callable[[int, str], str]:
    """Return how values of these columns are called: accounts have names, instants at midnight are days."""

    def name(place: int, value: str) -> str:
        if by[place] == "SubAccountId":
            known = facts.account(value) or value
            return known if known == value else f"{known} ({value})"
        return value.removesuffix(" 00:00:00")

    return name


def values_of(lab: Lab, facts: Facts, column: str, view: View) -> list[str | None]:  # noqa: ARG001 - as all loaders
    """Return the values of a column in the days of a view, most expensive first, at most 500."""
    answer = lab.ask_cost([column], metric=view.metric, start=view.window.start, end=view.window.end)
    return [group.key[0] for group in groups(answer.items, [column], view.metric)[:_MOST_VALUES]]


def finer(by: Sequence[str], filtered: Sequence[str]) -> str:
    """Return the column to look at next after filtering by a group's values."""
    used = {*by, *filtered}
    last = max((_FINER.index(name) for name in used if name in _FINER), default=-1)
    after = [*_FINER[last + 1 :], *_FINER]
    return next((name for name in after if name not in used), _FINER[-1])


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks for one metric under one condition."""

    lab: Lab
    metric: str
    where: str | None

    def cost(self, window: Window, by: Sequence[str], grain: str = "total", also: str | None = None) -> Answer:
        where = all_of(self.where, also)
        return self.lab.ask_cost(by, metric=self.metric, grain=grain, start=window.start, end=window.end, where=where)


def _points(asker: _Asker, view: View, totals: Answer, shown: list[Group]) -> tuple[list[Point], list[str]]:
    """Return the chart's points; of very many groups only those shown are fetched per period."""
    if view.grain == "total":
        return folded(totals.items, view.by, view.metric, shown)
    if len(totals.items) * view.window.days <= _MOST_POINTS:
        return folded(asker.cost(view.window, view.by, view.grain).items, view.by, view.metric, shown)
    labels = {group.label for group in shown}
    picked = [condition(name, list(dict.fromkeys(g.key[i] for g in shown))) for i, name in enumerate(view.by)]
    some = asker.cost(view.window, view.by, view.grain, all_of(*picked))
    points = [p for p in folded(some.items, view.by, view.metric, shown)[0] if p.series in labels]
    rest = {item[PERIOD]: item[view.metric] or ZERO for item in asker.cost(view.window, (), view.grain).items}
    for point in points:
        rest[point.period] -= point.amount
    points += [Point(period, OTHER, amount) for period, amount in rest.items() if amount]
    return points, [*(group.label for group in shown), OTHER]


def _has_before(window: Window, facts: Facts) -> bool:
    return facts.first_day is not None and window.days > 0 and window.before().start >= facts.first_day
