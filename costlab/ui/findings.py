"""The plan and the incidents as pages show them; computed when the data was published, never here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from costlab.money import ZERO
from costlab.ui.charts import Band
from costlab.ui.conditions import all_of, scope_condition
from costlab.ui.explorer import currency_condition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from costlab.lab import Lab
    from costlab.ui.facts import Facts

Item = dict[str, Any]
EVER = 36_500
"""Days that reach back to every incident."""
_BEFORE, _AFTER = 35, 10
_USAGE = "EffectiveCost"


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


def load_incident_days(
    lab: Lab, facts: Facts, currency: str, scope: Mapping[str, Any], start: date, end: date | None, expected: Decimal
) -> tuple[Band, ...]:
    """Return what the scope of an incident cost per day, from five weeks before it to ten days after it.

    The incident's expectation is known as a sum; per day it is shown as its mean over the incident's days.
    """
    last = facts.last_day or start
    until = min(last, (end or last) + timedelta(days=_AFTER)) + timedelta(days=1)
    answer = lab.ask_cost(
        (),
        metric=_USAGE,
        grain="day",
        start=start - timedelta(days=_BEFORE),
        end=max(until, start + timedelta(days=1)),
        where=all_of("ChargeCategory <> 'Purchase'", currency_condition(facts, currency), scope_condition(scope)),
    )
    costs = {date.fromisoformat(item["period"]): item[_USAGE] or ZERO for item in answer.items}
    stop = min(end or last, last)
    length = (stop - start).days + 1
    daily = expected / length if length > 0 else None
    first = min([start, *costs])
    found: list[Band] = []
    for offset in range((until - first).days):
        day = first + timedelta(days=offset)
        inside = start <= day <= stop
        found.append(Band(day, costs.get(day, ZERO), daily if inside else None, is_anomalous=inside))
    return tuple(found)


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
    """Return what a recommendation is about: the resource's name, else its id, else the service."""
    return str(item.get("resource_name") or item.get("resource_id") or item.get("service_name") or "")
