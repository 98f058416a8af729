"""What moved between two windows: the groups whose cost rose or fell most, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costlab.money import ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.answer import Answer
    from costlab.lab.facade import Lab
    from costlab.lab.window import Window

CURRENCY = "BillingCurrency"
BEFORE, NOW, CHANGE = "before", "now", "change"


def movers(lab: Lab, by: list[str], window: Window, *, metric: str, top: int | None = None) -> Answer:
    """Return one item per group: cost in the window, in the one before it, and the change; largest change first.

    ``totals`` are per currency over all groups, also those that ``top`` leaves out.
    """
    keys = list(dict.fromkeys([*by, CURRENCY]))
    now, before = _costs(lab, keys, window, metric), _costs(lab, keys, window.before(), metric)
    items: list[dict[str, Any]] = []
    for key in now.keys() | before.keys():
        amount, was = now.get(key, ZERO), before.get(key, ZERO)
        items.append({**dict(zip(keys, key, strict=True)), BEFORE: was, NOW: amount, CHANGE: amount - was})
    items.sort(key=lambda item: (-abs(item[CHANGE]), *(str(item[name]) for name in keys)))
    currencies = sorted({item[CURRENCY] for item in items})
    sums = {c: {n: _sum(items, n, c) for n in (BEFORE, NOW, CHANGE)} for c in currencies}
    single = currencies[0] if len(currencies) == 1 else None
    if single:
        for item in items:
            del item[CURRENCY]
        keys = [name for name in keys if name != CURRENCY or CURRENCY in by]
    return lab.answer(
        "movers",
        [*keys, BEFORE, NOW, CHANGE],
        items[:top],
        currency=single,
        totals=sums[single] if single else {"by_currency": sums},
    )


def _costs(lab: Lab, by: list[str], window: Window, metric: str) -> dict[tuple[Any, ...], Decimal]:
    if not window.days:
        return {}
    answer = lab.ask_cost(by, metric=metric, start=window.start, end=window.end)
    return {tuple(item[name] for name in by): item[metric] or ZERO for item in answer.items}


def _sum(items: list[dict[str, Any]], name: str, currency: str) -> Decimal:
    return sum((item[name] for item in items if item[CURRENCY] == currency), ZERO)
