"""The questions about allocation as the Lab asks them: checked, answered, stamped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costlab.errors import UnknownValue
from costlab.focus.columns import COSTS
from costlab.lab.allocation import showback
from costlab.lab.allocation.rules import load_rules
from costlab.lab.cost import Grain
from costlab.lab.status import data_status

if TYPE_CHECKING:
    from datetime import date

    from costlab.answer import Answer
    from costlab.lab.facade import Lab

SEVERAL = "several currencies ({}) are never added"


def ask_allocate(
    lab: Lab,
    by: str | None,
    *,
    metric: str,
    grain: str | None,
    start: date | str | None,
    end: date | str | None,
    rules: str | None,
) -> Answer:
    """Return the allocation; see :meth:`costlab.lab.Lab.ask_allocate`."""
    read = load_rules(lab.settings, rules)
    dimension = read.dimension(by, lab.settings.tag_keys)
    asked = showback.Asked(read, dimension, metric_of(metric), grain_of(grain))
    window = lab.window(start, end)
    found = showback.ask(lab.db, asked, window)
    status, warnings = data_status(lab.db, window, has_items=bool(found.items))
    currencies = list(found.totals)
    totals: dict[str, Any] = {"dimension": dimension.name, "metric": asked.metric}
    totals |= next(iter(found.totals.values()), {}) if len(currencies) <= 1 else {"by_currency": found.totals}
    if len(currencies) > 1:
        warnings.append(SEVERAL.format(", ".join(currencies)))
    totals |= {"from": window.start, "to": window.end}
    return lab.answer(
        "allocate",
        found.columns,
        found.items,
        currency=currencies[0] if len(currencies) == 1 else None,
        data_status=status,
        totals=totals,
        warnings=[*warnings, *found.warnings],
    )


def metric_of(name: str) -> str:
    """Return a cost column as FOCUS writes it; raises :class:`UnknownValue`."""
    known = {column.lower(): column for column in COSTS}
    if name.lower() not in known:
        raise UnknownValue("metric", name, COSTS)
    return known[name.lower()]


def grain_of(name: str | None) -> Grain:
    """Return a grain, the whole window by default; raises :class:`UnknownValue`."""
    if name is not None and name not in set(Grain):
        raise UnknownValue("grain", name, Grain)
    return Grain(name or Grain.TOTAL)
