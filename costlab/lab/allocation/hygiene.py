"""``costlab allocate --hygiene``: cost without an owner, probable owners, and how far each tag key reaches."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costlab.analyzers.allocation.hygiene import Open, Resource, TagKey, coverage, untagged
from costlab.lab.allocation.query import folded, resources_of
from costlab.lab.cost import CURRENCY
from costlab.money import ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.lab.allocation.showback import Asked
    from costlab.lab.window import Window
    from costlab.warehouse.relations import Database

COLUMNS: tuple[str, ...] = (
    "SubAccountId", "ServiceName", CURRENCY, "cost", "share", "resources", "owner_guess", "confidence", "basis",
    "evidence",
)  # fmt: skip
_TAG_SETS = (
    "select BillingCurrency, Tags, sum({metric}) from focus.costs "
    "where ChargePeriodStart >= $start and ChargePeriodStart < $end group by BillingCurrency, Tags"
)


@dataclass(slots=True)
class Hygiene:
    """The items of the answer, its totals per currency, and what has to be said with them."""

    columns: list[str]
    items: list[dict[str, Any]]
    totals: dict[str, dict[str, Any]]
    warnings: list[str]


def ask(db: Database, asked: Asked, window: Window) -> Hygiene:
    """Return one item per account, service and guessed owner of cost that no rule and no shared cost gives to anybody.

    Raises
    ------
    ConfigError
        If a rule cannot be computed.
    """
    rows = resources_of(db, asked.rules, asked.dimension, asked.metric, first=window.start, last=window.end)
    found = untagged([_resource(row, asked) for row in rows])
    keys, totals = _coverage(db, asked.metric, window)
    items = [_item(one, totals) for one in found if one.cost]
    sums = {
        currency: {
            "untagged": sum((item["cost"] for item in items if item[CURRENCY] == currency), ZERO),
            "cost": total,
            "tag_keys": [_tag(key, total) for key in keys[currency]],
        }
        for currency, total in totals.items()
    }
    columns = list(COLUMNS)
    if len(sums) <= 1:
        columns.remove(CURRENCY)
        for item in items:
            del item[CURRENCY]
    return Hygiene(columns, items, sums, _said(keys, asked.rules.tags))


def _resource(row: tuple[Any, ...], asked: Asked) -> Resource:
    account, service, currency, identifier, name, creator, value, cost = row
    return Resource(
        account, service, currency, identifier, name, creator, asked.dimension.named(value), cost or ZERO
    )  # fmt: skip


def _item(one: Open, totals: dict[str, Decimal]) -> dict[str, Any]:
    guess, total = one.guess, totals.get(one.currency)
    return {
        "SubAccountId": one.account,
        "ServiceName": one.service,
        CURRENCY: one.currency,
        "cost": one.cost,
        "share": round(float(one.cost / total), 6) if total else None,
        "resources": one.resources,
        "owner_guess": guess.owner if guess else None,
        "confidence": guess.confidence if guess else None,
        "basis": guess.basis if guess else None,
        "evidence": guess.evidence if guess else None,
    }


def _coverage(db: Database, metric: str, window: Window) -> tuple[dict[str, list[TagKey]], dict[str, Decimal]]:
    sets: defaultdict[str, defaultdict[frozenset[str], Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    totals: dict[str, Decimal] = {}
    sql = _TAG_SETS.format(metric=metric)
    for currency, tags, cost in db.result(sql, {"start": window.start, "end": window.end}).rows:
        totals[currency] = totals.get(currency, ZERO) + (cost or ZERO)
        sets[currency][_keys_with_value(tags)] += cost or ZERO
    return {currency: coverage(sets[currency].items(), folded) for currency in totals}, dict(sorted(totals.items()))


def _keys_with_value(tags: str | None) -> frozenset[str]:
    try:
        found = json.loads(tags or "{}")
    except ValueError:
        return frozenset()
    if not isinstance(found, dict):
        return frozenset()
    return frozenset(key for key, value in found.items() if str(value if value is not None else "").strip())


def _tag(key: TagKey, total: Decimal) -> dict[str, Any]:
    return {
        "key": key.key,
        "cost": key.cost,
        "share": round(float(key.cost / total), 6) if total else None,
        "spellings": key.spellings,
        "also": list(key.also),
    }


def _said(keys: dict[str, list[TagKey]], named: dict[str, tuple[str, ...]]) -> list[str]:
    """Say which keys are spelled in several ways, and which may mean the same and are not named so by the rules."""
    known = [{folded(name) for name in (key, *others)} for key, others in named.items()]
    found: dict[str, None] = {}
    for tags in keys.values():
        for tag in tags:
            if len(tag.spellings) > 1:
                found[f"one tag key in {len(tag.spellings)} spellings, read as one: {', '.join(tag.spellings)}"] = None
            for other in tag.also:
                one, two = sorted((tag.key, other))
                if not any({folded(one), folded(two)} <= names for names in known):
                    found[f"tag keys {one!r} and {two!r} may mean the same: name them under [tags]"] = None
    return list(found)
