"""Cost over time, cut to what a chart can carry: the largest series by name, the rest as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costlab.lab.cost import PERIOD
from costlab.money import ZERO
from costlab.ui.format import plain_text
from costlab.ui.palette import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from decimal import Decimal

SEPARATOR = " · "
NONE = "(none)"
Key = tuple[str | None, ...]
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """What one series cost in one period."""

    period: str
    series: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the explorer: the values it is made of, what to call it, what it cost."""

    key: Key
    label: str
    amount: Decimal


def key_of(item: Mapping[str, Any], by: Sequence[str]) -> Key:
    """Return the values an item is grouped by; dates as text."""
    return tuple(None if item[name] is None else str(item[name]) for name in by)


def label_of(key: Key, names: Callable[[int, str], str] | None = None) -> str:
    """Return what a group is called: its values, ``(none)`` for null; ``names`` gives better ones."""
    if not key:
        return "Total"
    parts = [
        NONE if value is None else plain_text(names(place, value) if names else value)
        for place, value in enumerate(key)
    ]
    return SEPARATOR.join(parts)


def groups(
    items: Iterable[Item], by: Sequence[str], metric: str, names: Callable[[int, str], str] | None = None
) -> list[Group]:
    """Return one group per key over all periods, largest first; labels are made unique."""
    sums: dict[Key, Decimal] = {}
    for item in items:
        key = key_of(item, by)
        sums[key] = sums.get(key, ZERO) + (item[metric] or ZERO)
    ordered = sorted(sums, key=lambda key: (-sums[key], [value or "" for value in key]))
    labels: dict[Key, str] = {}
    taken: set[str] = {OTHER}
    for key in ordered:
        label = label_of(key, names)
        if label in taken:
            label = f"{label} ({SEPARATOR.join(value or NONE for value in key)})"
        labels[key] = label
        taken.add(label)
    return [Group(key, labels[key], sums[key]) for key in ordered]


def folded(
    items: Iterable[Item], by: Sequence[str], metric: str, shown: Sequence[Group]
) -> tuple[list[Point], list[str]]:
    """Return the points of the groups shown and of ``Other``, and the names of the series in order.

    The points of a period add up to that period's items exactly.
    """
    labels = {group.key: group.label for group in shown}
    sums: dict[tuple[str, str], Decimal] = {}
    for item in items:
        at = (str(item.get(PERIOD, "total")), labels.get(key_of(item, by), OTHER))
        sums[at] = sums.get(at, ZERO) + (item[metric] or ZERO)
    names = [group.label for group in shown]
    if any(series == OTHER for _, series in sums):
        names.append(OTHER)
    return [Point(period, series, amount) for (period, series), amount in sorted(sums.items())], names
