"""The plan and the incidents as pages show them; computed when the data was published, never here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from costlab.money import ZERO
from costlab.ui.charts import Band
from costlab.ui.conditions import all_of, scope_condition
from costlab.ui.explorer import currency_condition
from costlab.ui.format import short_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costlab.lab import Lab
    from costlab.ui.facts import Facts

Item = dict[str, Any]
EVER = 36_500
"""Days that reach back to every incident."""
_BEFORE, _AFTER = 35, 10
_USAGE = "EffectiveCost"
_NOT_PURCHASE = "ChargeCategory <> 'Purchase'"


@dataclass(frozen=True, slots=True)
class PlanView:
    """The plan in one currency: what it saves in all, its items ranked, and what was not assessed and why."""

    saving: Decimal
    saving_list: Decimal
    items: tuple[Item, ...]
    not_assessed: dict[str, str]


def load_plan(lab: Lab, facts: Facts, currency: str) -> PlanView:  # noqa: ARG001 - every loader is called alike
    """Return :meth:`Lab.ask_recommend` in one currency; its totals are the Lab's own."""
    answer = lab.ask_recommend()
    sums: Mapping[str, Any] = answer.totals.get("by_currency", {}).get(currency, {}) or (
        answer.totals if answer.currency in (currency, None) else {}
    )
    return PlanView(
        sums.get("monthly_saving") or ZERO,
        sums.get("monthly_saving_list") or ZERO,
        tuple(item for item in answer.items if item["currency"] == currency),
        dict(answer.totals.get("not_assessed", {})),
    )


def load_incidents(lab: Lab, facts: Facts, currency: str, days: int = EVER) -> tuple[Item, ...]:  # noqa: ARG001
    """Return the incidents in one currency that are open or ended within so many days, largest impact first."""
    return tuple(item for item in lab.ask_anomalies(days=days).items if item["currency"] == currency)


@dataclass(frozen=True, slots=True)
class DayScope:
    """What of an incident its chart needs: where, which days, and what was expected over them in all."""

    scope: dict[str, Any]
    start: date
    end: date | None
    expected: Decimal
    lower: Decimal
    upper: Decimal

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """Return it for an item of :meth:`Lab.ask_anomalies`."""
        amounts = (Decimal(item[name]) for name in ("expected", "lower", "upper"))
        return cls(dict(item["scope"]), item["start"], item["end"], *amounts)


def load_incident_days(lab: Lab, facts: Facts, currency: str, found: DayScope) -> tuple[Band, ...]:
    """Return what the scope of an incident cost per day, from five weeks before it to ten days after it.

    The incident's expectation is known as a sum; per day it is shown as its mean over the incident's days.
    """
    last = max(facts.last_day or found.start, found.start)
    stop = min(found.end or last, last)
    until = min(last, stop + timedelta(days=_AFTER)) + timedelta(days=1)
    where = all_of(_NOT_PURCHASE, currency_condition(facts, currency), scope_condition(found.scope))
    begin = found.start - timedelta(days=_BEFORE)
    answer = lab.ask_cost((), metric=_USAGE, grain="day", start=begin, end=until, where=where)
    costs = {date.fromisoformat(item["period"]): item[_USAGE] or ZERO for item in answer.items}
    first = min([found.start, *costs])
    length = (stop - found.start).days + 1
    means = [amount / length for amount in (found.expected, found.lower, found.upper)]
    days = [first + timedelta(days=offset) for offset in range((until - first).days)]
    return tuple(
        Band(day, costs.get(day, ZERO), means[0], means[1], means[2], is_anomalous=True)
        if found.start <= day <= stop
        else Band(day, costs.get(day, ZERO))
        for day in days
    )


def filtered(
    items: Sequence[Item], *, kinds: Sequence[str] = (), accounts: Sequence[str] = (), providers: Sequence[str] = ()
) -> list[Item]:
    """Return the items of these kinds, accounts and providers; empty means any."""
    return [
        item
        for item in items
        if (not kinds or item["kind"] in kinds)
        and (not accounts or item["sub_account_id"] in accounts)
        and (not providers or item["provider"] in providers)
    ]


def open_incidents(items: Sequence[Item]) -> list[Item]:
    """Return the incidents that have no end yet."""
    return [item for item in items if item["end"] is None]


def subject(item: Mapping[str, Any]) -> str:
    """Return what a recommendation is about: the resource's name, else the end of its id, else the service."""
    return str(item.get("resource_name") or short_id(str(item.get("resource_id") or item.get("service_name") or "")))
