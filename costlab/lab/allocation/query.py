"""The SQL of an allocation: one pass over the smallest table that has what the rules read.

Out comes one row per day, currency, value and pool, with the amount and what each split is measured in. Tags are read
under every spelling of their key; what the vendor split over containers moves from the machine to its pods.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costlab.analyzers.allocation.showback import Charge
from costlab.errors import ConfigError
from costlab.lab.allocation.containers import GIVEN, TAKEN, moved_sql
from costlab.lab.allocation.rules import QUANTITIES, UNITS
from costlab.lab.route import CHARGES, Route, quoted, route
from costlab.lab.where import TAGS
from costlab.money import MONEY_TYPE, ZERO
from costlab.warehouse.connection import Error
from costlab.warehouse.guard import explained
from costlab.warehouse.parquet import literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from costlab.lab.allocation.rules import Dimension, Rules, Shared
    from costlab.warehouse.relations import Database

_logger = logging.getLogger(__name__)
_SEPARATORS = re.compile(r"[\s_.\-]+")
_IN_WINDOW = "ChargePeriodStart >= $first and ChargePeriodStart < $last"
_TAG_SETS = (
    f"select distinct Tags as tags from focus.costs where {_IN_WINDOW} and Tags is not null "
    f"union select distinct AllocatedTags from focus.costs where {_IN_WINDOW} and AllocatedTags is not null"
)
_FEATURES = (
    "select coalesce(bool_or(x_split_cost > 0), false), coalesce(bool_or(AllocatedTags is not null), false) "
    f"from focus.costs where {_IN_WINDOW}"
)
_AMOUNT = "x_amount"
CREATORS = ("aws:createdBy", "createdBy", "creator")
"""Tag keys that say who made a resource."""
_RESOURCE = ("SubAccountId", "ServiceName", "ResourceId", "ResourceName", TAGS)
_GROUPED = """\
x_grouped as (
    select {day} as x_day, {keys}, {sums}
    from {table} as costs
    where {day} >= $first and {day} < $last{condition}
    group by {day}, {keys}
),
x_placed as (select *, {value} as x_value, {pool} as x_pool from x_grouped)"""
"""With tags: far fewer JSON texts to read than charges."""
_PLAIN = """\
x_placed as (
    select {day} as x_day, {keys}, {measures}, {value} as x_value, {pool} as x_pool
    from {table} as costs
    where {day} >= $first and {day} < $last{condition}
)"""


def folded(key: str) -> str:
    """Return a tag key without regard to case and separators: ``Cost-Center`` and ``cost_center`` are one."""
    return _SEPARATORS.sub("", key).casefold()


@dataclass(frozen=True, slots=True)
class TagReader:
    """Reads a tag by its key, by every spelling of it in the data, and by the other names the rules give it."""

    spellings: dict[str, tuple[str, ...]]
    """The keys in the data by their folded form."""
    aliases: dict[str, tuple[str, ...]]
    has_allocated: bool = False

    @classmethod
    def of(cls, db: Database, rules: Rules, days: dict[str, date], *, needed: bool, has_allocated: bool) -> TagReader:
        """Return the reader of the tags in some days."""
        names: set[str] = set()
        if needed:
            for (text,) in db.result(_TAG_SETS, days).rows:
                names.update(keys_of(text))
        found: dict[str, set[str]] = {}
        for name in names:
            found.setdefault(folded(name), set()).add(name)
        aliases = {folded(key): names for key, names in rules.tags.items()}
        return cls({form: tuple(sorted(keys)) for form, keys in found.items()}, aliases, has_allocated)

    def keys(self, key: str) -> list[str]:
        """Return the keys that are read for ``key``, in order: itself, its other spellings, its other names."""
        names = (key, *self.aliases.get(folded(key), ()))
        found = [known for name in names for known in self._spelt(name)]
        return list(dict.fromkeys(found)) or [key]

    def sql(self, key: str) -> str:
        """Return the SQL that reads the first of them that is not empty, from the charges."""
        sources = ("AllocatedTags", TAGS) if self.has_allocated else (TAGS,)
        reads = [f"nullif(trim(tag({source}, {literal(name)})), '')" for source in sources for name in self.keys(key)]
        return reads[0] if len(reads) == 1 else f"coalesce({', '.join(reads)})"

    def _spelt(self, name: str) -> list[str]:
        known = self.spellings.get(folded(name), ())
        return sorted(known, key=lambda spelling: (spelling != name, spelling))


def keys_of(tags: str) -> list[str]:
    """Return the keys of a JSON object of tags; none when it is something else."""
    try:
        found = json.loads(tags)
    except ValueError:
        return []
    return list(found) if isinstance(found, dict) else []


@dataclass(frozen=True, slots=True)
class Reading:
    """The charges of an allocation and the table they were read from."""

    charges: list[Charge]
    table: str
    mixed_units: dict[str, list[str]]
    """Splits that would add quantities in different units, and those units."""


def read(db: Database, rules: Rules, dimension: Dimension, metric: str, *, first: date, last: date) -> Reading:
    """Return the charges of the days ``[first, last)`` as the dimension's rules see them.

    Raises
    ------
    ConfigError
        If a condition is not boolean or cannot be computed; the message names the line.
    """
    days = {"first": first, "last": last}
    tags = _tag_keys(dimension)
    has_containers, has_allocated = db.result(_FEATURES, days).rows[0]
    reader = TagReader.of(db, rules, days, needed=bool(tags), has_allocated=has_allocated and bool(tags))
    way = _way(db, dimension, metric, reader, has_containers=has_containers)
    _logger.info("allocating %s by %s from %s", metric, dimension.name, way.table)
    sql = _Sql(dimension, metric, reader, way)
    sql.check(db, rules.file)
    try:
        rows = db.result(sql.text(has_containers=has_containers), days).rows
    except Error as error:
        raise _wrong(explained(error).message, rules.file, 0) from None
    charges = [_charge(row, dimension) for row in rows]
    return Reading(charges, way.table, sql.mixed_units(db, days) if way.table == CHARGES else {})


def resources_of(
    db: Database, rules: Rules, dimension: Dimension, metric: str, *, first: date, last: date
) -> list[tuple[Any, ...]]:
    """Return account, service, currency, resource id and name, creator, raw value and cost; without shared costs.

    Raises
    ------
    ConfigError
        If a condition is not boolean or cannot be computed; the message names the line.
    """
    days = {"first": first, "last": last}
    has_allocated = db.result(_FEATURES, days).rows[0][1]
    reader = TagReader.of(db, rules, days, needed=True, has_allocated=has_allocated)
    sql = _Sql(dimension, metric, reader, Route(CHARGES, "cast(ChargePeriodStart as date)"), extra=_RESOURCE)
    sql.check(db, rules.file)
    try:
        return db.result(sql.resources(), days).rows
    except Error as error:
        raise _wrong(explained(error).message, rules.file, 0) from None


def _charge(row: tuple[Any, ...], dimension: Dimension) -> Charge:
    day, currency, value, pool, amount, *weights = row
    return Charge(day, currency, dimension.named(value), pool, amount or ZERO, tuple(w or ZERO for w in weights))


def _tag_keys(dimension: Dimension) -> frozenset[str]:
    taken = {rule.take.partition(".")[2] for rule in dimension.rules if rule.take and rule.take.startswith(f"{TAGS}.")}
    return frozenset(taken).union(*(condition.tag_keys for _, condition in dimension.conditions))


def _columns(dimension: Dimension) -> frozenset[str]:
    taken = {rule.take for rule in dimension.rules if rule.take and not rule.take.startswith(f"{TAGS}.")}
    return frozenset(taken).union(*(condition.columns for _, condition in dimension.conditions), {"BillingCurrency"})


def _way(db: Database, dimension: Dimension, metric: str, reader: TagReader, *, has_containers: bool) -> Route:
    """Return the smallest table that answers; the charges when a tag has several spellings or containers move cost."""
    keys = frozenset(name for key in _tag_keys(dimension) for name in reader.keys(key))
    measures = {metric, *(one.by or metric for one in dimension.shared)}
    if has_containers or reader.has_allocated or measures & set(QUANTITIES):
        return Route(CHARGES, "cast(ChargePeriodStart as date)")
    # every rollup holds all four costs
    return route(db, _columns(dimension), keys, metric)


@dataclass(frozen=True, slots=True)
class _Sql:
    dimension: Dimension
    metric: str
    reader: TagReader
    way: Route
    extra: tuple[str, ...] = ()
    """Columns that are read besides those of the rules."""

    def tag(self, key: str) -> str:
        if self.way.tag is not None:
            return "nullif(trim(x_tag_value), '')"
        return self.reader.sql(key)

    def check(self, db: Database, file: str) -> None:
        """Raise if a condition is not boolean."""
        for line, condition in self.dimension.conditions:
            try:
                described = db.result(f"describe select ({condition.sql(self.tag)}) as x from {self.way.table}").rows
            except Error as error:
                raise _wrong(explained(error).message, file, line) from None
            if described[0][1] != "BOOLEAN":
                raise _wrong(f"the condition gives {described[0][1]}, not true or false", file, line)

    def value(self, tag: Callable[[str], str]) -> str:
        """Return the SQL of the raw value: what the first rule that holds gives; NULL for none."""
        cases: list[str] = []
        for rule in self.dimension.rules:
            taken = literal(rule.value) if rule.value else _taken(rule.take or "", tag)
            holds = [f"({rule.condition.sql(tag)})"] if rule.condition else []
            holds += [] if rule.value else [f"{taken} is not null"]
            cases.append(f"when {' and '.join(holds)} then {taken}")
        return f"case {' '.join(cases)} end"

    def pool(self) -> str:
        """Return the SQL of the place of the first shared cost whose condition holds; NULL for none."""
        cases = [
            f"when ({one.condition.sql(self.tag)}) then {place}"
            for place, one in enumerate(self.dimension.shared)
            if one.condition
        ]
        return f"case {' '.join(cases)} end" if cases else "cast(null as integer)"

    def text(self, *, has_containers: bool) -> str:
        """Return the query."""
        names = ["x_day", "BillingCurrency", "x_value", "x_pool"]
        sums = [_AMOUNT, *(f"x_weight_{place}" for place in range(len(self.dimension.shared)))]
        listed = ", ".join([*names, *(f"cast(sum({name}) as {MONEY_TYPE}) as {name}" for name in sums)])
        parts, sources = [self.own()], ["x_placed"]
        if has_containers:
            parts, sources = [*parts, self.moved()], [*sources, GIVEN, TAKEN]
        everything = "\n    union all\n    ".join(self.weighed(source) for source in sources)
        ctes = ",\n".join([*parts, f"x_charges as (\n    {everything}\n)"])
        return f"with {ctes}\nselect {listed} from x_charges group by {', '.join(names)} order by {', '.join(names)}"

    def resources(self) -> str:
        """Return the query of what every resource costs outside shared costs."""
        creator = f"coalesce({', '.join(self.reader.sql(key) for key in CREATORS)})"
        keys = f"SubAccountId, ServiceName, BillingCurrency, ResourceId, {creator}, x_value"
        # a month's days are one: a resource is looked at once
        own = _GROUPED.replace("{day} as x_day, ", "").replace("group by {day}, ", "group by ")
        return (
            f"with {self.filled(own)}\n"
            "select SubAccountId, ServiceName, BillingCurrency, ResourceId, max(ResourceName), "
            f"{creator}, x_value, cast(sum(x_sum_{self.metric}) as {MONEY_TYPE})\n"
            f"from x_placed where x_pool is null\ngroup by {keys} order by {keys}"
        )

    @property
    def measures(self) -> list[str]:
        """The metric asked for, and what splits are measured in."""
        return sorted({self.metric, *(one.by or self.metric for one in self.dimension.shared)})

    @property
    def needed(self) -> list[str]:
        """The columns that rules read, as identifiers; tags last."""
        plain = _columns(self.dimension) | ({"AllocatedTags"} if self.reader.has_allocated else set())
        tags = [] if not _tag_keys(self.dimension) else ["x_tag_value"] if self.way.tag is not None else [TAGS]
        return [quoted(name) for name in dict.fromkeys([*sorted(plain), *self.extra, *tags])]

    def own(self) -> str:
        """Return the charges as they are."""
        return self.filled(_GROUPED if quoted(TAGS) in self.needed else _PLAIN)

    def filled(self, template: str) -> str:
        """Return a template with the table, the columns, and the SQL of value and pool."""
        return template.format(
            day=self.way.day,
            table=self.way.table,
            keys=", ".join(self.needed),
            sums=", ".join(f"sum(costs.{name}) as x_sum_{name}" for name in self.measures),
            measures=", ".join(f"costs.{name} as x_sum_{name}" for name in self.measures),
            condition=f" and {self.way.condition}" if self.way.condition else "",
            value=self.value(self.tag),
            pool=self.pool(),
        )

    def moved(self) -> str:
        """Return what containers take over from their machine."""
        return moved_sql(
            keys=", ".join(self.needed),
            value=self.value(self.tag),
            bare=self.value(_no_tag),
            pool=self.pool(),
            measures=self.measures,
        )

    def weighed(self, source: str) -> str:
        """Return the SELECT of the amount and the weights of each charge."""
        weights = [f"{self.weight(one)} as x_weight_{place}" for place, one in enumerate(self.dimension.shared)]
        keys = ["x_day", "BillingCurrency", "x_value", "x_pool", f"x_sum_{self.metric} as {_AMOUNT}"]
        return f"select {', '.join([*keys, *weights])} from {source}"

    def weight(self, one: Shared) -> str:
        """Return the SQL of what a charge counts for: direct cost, or what is measured where ``of`` holds."""
        holds = [f"({one.of.sql(self.tag)})"] if one.of else []
        holds += [] if one.by in QUANTITIES else ["x_pool is null"]
        return f"case when {' and '.join(holds)} then x_sum_{one.by or self.metric} end"

    def mixed_units(self, db: Database, days: dict[str, date]) -> dict[str, list[str]]:
        """Return the splits whose measured charges have more than one unit."""
        found: dict[str, list[str]] = {}
        for one in self.dimension.shared:
            if one.by in QUANTITIES and one.of:
                unit = UNITS[one.by]
                holds = f"{_IN_WINDOW} and {unit} is not null and ({one.of.sql(self.reader.sql)})"
                sql = f"select distinct {unit} from focus.costs where {holds} order by 1"
                units = [row[0] for row in db.result(sql, days).rows]
                if len(units) > 1:
                    found[one.step.name] = units
        return found


def _no_tag(key: str) -> str:  # noqa: ARG001 - the value as it would be without tags
    return "cast(null as varchar)"


def _taken(take: str, tag: Callable[[str], str]) -> str:
    if take.startswith(f"{TAGS}."):
        return tag(take.removeprefix(f"{TAGS}."))
    return f"nullif(trim(cast({quoted(take)} as varchar)), '')"


def _wrong(message: str, file: str, line: int) -> ConfigError:
    where = f"{file}:{line}" if line else file or "the rules"
    return ConfigError(f"{where}: {message}")
