"""Costs in one currency: converted with dated rates whose source is named, never with a rate nobody gave.

Rates are kept in ``exchange_rates.csv`` of the workspace, with the columns ``date, from, to, rate, source``: one unit
of ``from`` is ``rate`` units of ``to`` for charges of that day and later, until the next date of the pair.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation, localcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from costlab.errors import ConfigError, UsageError
from costlab.lab import cost as costs
from costlab.lab.window import Window
from costlab.money import exact
from costlab.period import parse_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from costlab.lab.cost import Costs, Question
    from costlab.warehouse.relations import Database

FILE_NAME = "exchange_rates.csv"
COLUMNS = ("date", "from", "to", "rate", "source")
_PRECISION = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of ``base`` is ``rate`` units of ``target`` from ``day`` on, according to ``source``."""

    day: date
    base: str
    target: str
    rate: Decimal
    source: str


class Rates:
    """The rates of a workspace."""

    def __init__(self, rates: Iterable[Rate], where: str) -> None:
        self.where = where
        self._pairs: dict[tuple[str, str], list[Rate]] = {}
        for rate in sorted(rates, key=lambda rate: rate.day):
            self._pairs.setdefault((rate.base, rate.target), []).append(rate)

    @classmethod
    def read(cls, workspace: Path) -> Rates:
        """Return the rates in the workspace's file; none when there is no file.

        Raises
        ------
        ConfigError
            If the file cannot be read, or a line is wrong (the message names it).
        """
        path = workspace / FILE_NAME
        try:
            with path.open(encoding="utf-8-sig", newline="") as handle:
                lines = list(csv.DictReader(handle))
        except FileNotFoundError:
            return cls([], str(path))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ConfigError(f"{path.name} cannot be read: {error}") from None
        return cls((_rate(line, f"{path.name}:{number}") for number, line in enumerate(lines, 2)), str(path))

    def at(self, base: str, target: str, day: date) -> Rate:
        """Return the rate of a day.

        Raises
        ------
        ConfigError
            If there is none for the pair, or only later ones.
        """
        known = self._pairs.get((base, target), [])
        place = bisect_right([rate.day for rate in known], day)
        if not place:
            raise ConfigError(
                f"no rate from {base} to {target} for {day}",
                hint=f"Add a line to {self.where}: {day},{base},{target},RATE,SOURCE ({', '.join(COLUMNS)})",
            )
        return known[place - 1]

    def slices(self, target: str, window: Window) -> list[Window]:
        """Return the window cut where a rate to ``target`` changes."""
        days = {rate.day for (_, to), rates in self._pairs.items() if to == target for rate in rates}
        cuts = [window.start, *sorted(day for day in days if window.start < day < window.end), window.end]
        return [Window(start, end) for start, end in pairwise(cuts)]


def ask_in(
    db: Database, asked: Question, window: Window, target: str, rates: Rates
) -> tuple[Costs, list[dict[str, Any]]]:
    """Return the costs in one currency, and which amounts were converted at which rate.

    Every group's sum per billing currency and span of one rate is multiplied with the rate and rounded half-even at the
    twelfth decimal, then added.

    Raises
    ------
    UsageError
        If ``target`` is no currency code, or the question is per billing currency.
    ConfigError
        If a rate is missing.
    """
    if not (len(target) == 3 and target.isalpha() and target.isupper()):
        raise UsageError(f"{target!r} is not a currency", hint="Use an ISO 4217 code, such as USD or EUR")
    if costs.CURRENCY in asked.by:
        raise UsageError("costs in one currency have no billing currency to group by", hint="Leave one of the two out")
    per_currency = replace(asked, by=(*asked.by, costs.CURRENCY))
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    used: dict[Rate, Decimal] = {}
    names: list[str] = []
    table = ""
    for part in rates.slices(target, window):
        found = costs.ask(db, per_currency, part)
        names, table = [name for name in found.columns if name != costs.CURRENCY], found.table
        for item in found.items:
            _add(groups, item, names, asked.metric, _converted(item, asked.metric, part, target, rates, used))
    items = _ordered(groups.values(), names, asked.metric)
    total = sum((item[asked.metric] for item in items), Decimal(0))
    shown = [
        {
            "from": rate.base,
            "to": rate.target,
            "date": rate.day,
            "rate": rate.rate,
            "source": rate.source,
            "amount": sum_,
        }
        for rate, sum_ in sorted(used.items(), key=lambda pair: (pair[0].base, pair[0].day))
    ]
    return costs.Costs(names, items, {target: total} if items else {}, table), shown


def _converted(
    item: dict[str, Any], metric: str, part: Window, target: str, rates: Rates, used: dict[Rate, Decimal]
) -> Decimal:
    amount = item[metric] or Decimal(0)
    if item[costs.CURRENCY] == target:
        return amount
    rate = rates.at(item[costs.CURRENCY], target, part.start)
    used[rate] = used.get(rate, Decimal(0)) + amount
    with localcontext() as context:
        context.prec = _PRECISION
        return exact(amount * rate.rate)


def _add(
    groups: dict[tuple[Any, ...], dict[str, Any]],
    item: dict[str, Any],
    names: Sequence[str],
    metric: str,
    amount: Decimal,
) -> None:
    key = tuple(item[name] for name in names if name != metric)
    group = groups.setdefault(key, {name: item[name] for name in names} | {metric: Decimal(0)})
    group[metric] += amount


def _ordered(items: Iterable[dict[str, Any]], names: Sequence[str], metric: str) -> list[dict[str, Any]]:
    """Return the items as the explorer orders them: by period, then largest first."""
    keys = [name for name in names if name not in {costs.PERIOD, metric}]
    return sorted(
        items, key=lambda i: (i.get(costs.PERIOD) or "", -i[metric], *((i[k] is None, str(i[k])) for k in keys))
    )


def _rate(line: dict[str, str | None], where: str) -> Rate:
    missing = [name for name in COLUMNS if not (line.get(name) or "").strip()]
    if missing:
        raise ConfigError(f"{where}: {', '.join(missing)} missing", hint=f"The columns are {', '.join(COLUMNS)}")
    text = {name: (line[name] or "").strip() for name in COLUMNS}
    try:
        rate = Decimal(text["rate"])
        day = parse_day(text["date"], what=f"{where}: date")
    except InvalidOperation:
        raise ConfigError(f"{where}: the rate {text['rate']!r} is not a number") from None
    except UsageError as error:
        raise ConfigError(error.message, hint=error.hint) from None
    if not rate.is_finite() or rate <= 0:
        raise ConfigError(f"{where}: the rate {text['rate']} is not above zero")
    return Rate(day, text["from"], text["to"], rate, text["source"])
