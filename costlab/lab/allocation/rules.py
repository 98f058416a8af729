"""``allocation.toml``: dimensions (team, product, ...), the rules that give them values, shared costs, tag spellings.

Every mistake is named with its line and the nearest valid key. Conditions are those of ``--where``, read by the same
parser; nobody's text reaches the database as it came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costlab.analyzers.allocation.showback import UNALLOCATED, Split, Step
from costlab.errors import ConfigError, UnknownValue, UsageError
from costlab.focus.columns import COSTS
from costlab.lab.allocation.toml_lines import Tables
from costlab.lab.where import TAGS, canonical_column, parse_condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from costlab.lab.where import Condition
    from costlab.settings import Settings

QUANTITIES = ("ConsumedQuantity", "PricingQuantity")
"""What a split can be proportional to besides cost."""
UNITS = {"ConsumedQuantity": "ConsumedUnit", "PricingQuantity": "PricingUnit"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{0,39}")
_TAKEN = frozenset(
    [
        "period",
        "billingcurrency",
        "direct",
        "shared",
        "shared_by",
        "total",
        "share",
        "before",
        "change",
        "metric",
        "cost",
        "matched_cost",
        "quantity",
        "unit_cost",
        "marginal_cost",
        "cost_change",
        "volume_effect",
        "cost_effect",
        "missing_days",
        "reason",
    ]
)
"""Names of other fields of the answers."""
_TAKEN_HINT = "Start with a letter; the names of other fields (total, share, ...) are taken"
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Rule:
    """Gives ``value``, or what the column or tag ``take`` holds, to the charges for which ``condition`` holds."""

    value: str | None
    take: str | None
    condition: Condition | None
    line: int


@dataclass(frozen=True, slots=True)
class Shared:
    """A shared cost: the step, the charges in its pool, and what a proportional split is measured in."""

    step: Step
    condition: Condition | None
    by: str | None
    """A cost column or quantity; None: the metric that is asked for."""
    of: Condition | None
    """Which charges are measured; None: the direct cost."""
    line: int


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something cost is given to: its rules in order, and its shared costs in order."""

    name: str
    rules: tuple[Rule, ...]
    shared: tuple[Shared, ...] = ()
    default: str = UNALLOCATED
    names: dict[str, str] = field(default_factory=dict[str, str])
    """Other spellings of values, folded, and the values they mean."""

    def named(self, raw: str | None) -> str | None:
        """Return the value a raw text means: case and blanks around it do not matter, other names are resolved.

        None: nobody's. A value that the rules spell is written their way, any other in lower case.
        """
        text = (raw or "").strip()
        found = self.names.get(text.casefold(), text.lower()) if text else self.default
        return None if found == UNALLOCATED else found

    @property
    def conditions(self) -> list[tuple[int, Condition]]:
        """Every condition with its line."""
        shared = [(s.line, c) for s in self.shared for c in (s.condition, s.of) if c]
        return [*((rule.line, rule.condition) for rule in self.rules if rule.condition), *shared]


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a workspace, and the file they come from ("" when there is none)."""

    dimensions: tuple[Dimension, ...] = ()
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Other names of a tag key."""
    file: str = ""

    def dimension(self, name: str | None, tag_keys: Sequence[str]) -> Dimension:
        """Return the dimension of that name (the first without one); a column or tag is one by itself.

        Raises
        ------
        UsageError
            If it is neither.
        """
        if name is None:
            return self.dimensions[0] if self.dimensions else _plain(f"{TAGS}.{next(iter(tag_keys), 'team')}")
        known = {dimension.name.lower(): dimension for dimension in self.dimensions}
        if name.lower() in known:
            return known[name.lower()]
        if name in tag_keys:
            return _plain(f"{TAGS}.{name}", name)
        try:
            return _plain(column_or_tag(name))
        except UsageError:
            choices = [*(dimension.name for dimension in self.dimensions), *tag_keys]
            raise UnknownValue("dimension", name, [*choices, "Tags.<key>", "a column of focus.costs"]) from None


def column_or_tag(name: str) -> str:
    """Return a column of ``focus.costs`` or ``Tags.<key>`` as it is written; raises :class:`UnknownValue`."""
    head, dot, key = name.partition(".")
    if dot and head.lower() == TAGS.lower() and key:
        return f"{TAGS}.{key}"
    return canonical_column(name)


def _plain(take: str, name: str = "") -> Dimension:
    return Dimension(name or take, (Rule(None, take, None, 0),))


def load_rules(settings: Settings, option: str | None = None) -> Rules:
    """Return the rules in the file named by ``option``, else by the settings; none when there is no file.

    Raises
    ------
    UsageError
        If the file that ``option`` names cannot be read.
    ConfigError
        If the configured file cannot be read, or a rule is wrong.
    """
    from pathlib import Path

    from costlab.settings import Settings as Defaults

    path = Path(option).expanduser() if option else settings.workspace / settings.allocation_rules
    is_default = not option and settings.allocation_rules == Defaults(settings.workspace).allocation_rules
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if is_default:
            return Rules()
        kind = UsageError if option else ConfigError
        raise kind(f"there is no file {path.name!r}", hint="Write the rules first: see docs/allocation.md") from None
    except (OSError, UnicodeDecodeError) as error:
        raise (UsageError if option else ConfigError)(f"{path.name} cannot be read: {error}") from None
    return read_rules(text, path.name)


def rules_path(settings: Settings) -> Path:
    """Return where the rules of a workspace are, if it has any."""
    return settings.workspace / settings.allocation_rules


def read_rules(text: str, file: str = "allocation.toml") -> Rules:
    """Return the rules in a text.

    Raises
    ------
    ConfigError
        If it is not TOML or a rule is wrong; the message names the line.
    """
    reader = _Reader(Tables.parse(text, file))
    return reader.rules(file)


class _Reader:
    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def rules(self, file: str) -> Rules:
        data = self.tables.data
        self.tables.check_keys(data, (), ("dimensions", "tags"))
        tags = {key: self.texts(names, ("tags", key)) for key, names in self.table(data, (), "tags").items()}
        found = tuple(
            self.dimension(table, ("dimensions", place))
            for place, table in enumerate(self.list(data, (), "dimensions"))
        )
        names = [dimension.name.lower() for dimension in found]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise self.tables.fail(f"two dimensions are called {name!r}", ("dimensions", place, "name"))
        return Rules(found, tags, file)

    def dimension(self, table: dict[str, Any], at: tuple[str | int, ...]) -> Dimension:
        self.tables.check_keys(table, at, ("name", "rules", "shared", "default", "aliases"))
        name = self.text(table, at, "name", needed=True)
        if _NAME.fullmatch(name) is None or name.lower() in _TAKEN:
            raise self.tables.fail(
                f"{name!r} cannot be the name of a dimension", (*at, "name"),
                hint=_TAKEN_HINT,
            )  # fmt: skip
        rules = tuple(self.rule(t, (*at, "rules", i)) for i, t in enumerate(self.list(table, at, "rules")))
        if not rules:
            raise self.tables.fail(f"dimension {name!r} has no rules", at, hint="Write [[dimensions.rules]] below it")
        shared = tuple(self.shared(t, (*at, "shared", i)) for i, t in enumerate(self.list(table, at, "shared")))
        names = [one.step.name for one in shared]
        for place, step in enumerate(names):
            if step in names[:place]:
                raise self.tables.fail(f"two shared costs are called {step!r}", (*at, "shared", place, "name"))
        default = self.text(table, at, "default") or UNALLOCATED
        aliases = self.aliases(table, at)
        found = Dimension(name, rules, (), default, _spellings(rules, shared, default, aliases))
        return replace(found, shared=tuple(replace(one, step=_renamed(one.step, found)) for one in shared))

    def aliases(self, table: dict[str, Any], at: tuple[str | int, ...]) -> dict[str, tuple[str, ...]]:
        given = self.table(table, at, "aliases")
        found = {value: self.texts(names, (*at, "aliases", value)) for value, names in given.items()}
        owner: dict[str, str] = {}
        for value, names in found.items():
            for name in names:
                if owner.setdefault(name.strip().casefold(), value) != value:
                    where = (*at, "aliases", value)
                    raise self.tables.fail(f"{name!r} is an alias of two values", where)
        return found

    def rule(self, table: dict[str, Any], at: tuple[str | int, ...]) -> Rule:
        self.tables.check_keys(table, at, ("value", "take", "where"))
        value, take = self.text(table, at, "value"), self.text(table, at, "take")
        if bool(value) == bool(take):
            raise self.tables.fail(
                "a rule needs either 'value' or 'take'", at,
                hint="value = \"web\" gives that value, take = \"Tags.team\" what the tag or column holds",
            )  # fmt: skip
        condition = self.condition(table, at, "where")
        if value and condition is None:
            raise self.tables.fail(
                f"the rule for {value!r} needs 'where'", at, hint="For the rest use default = ... of the dimension"
            )
        return Rule(value or None, self.column(take, (*at, "take")) if take else None, condition, self.tables.line(at))

    def shared(self, table: dict[str, Any], at: tuple[str | int, ...]) -> Shared:
        self.tables.check_keys(table, at, ("name", "where", "from", "split", "shares", "over", "by", "of"))
        name = self.text(table, at, "name", needed=True)
        if name.lower() in _TAKEN:
            raise self.tables.fail(f"{name!r} cannot be the name of a shared cost", (*at, "name"), hint=_TAKEN_HINT)
        condition, source = self.condition(table, at, "where"), self.text(table, at, "from")
        if (condition is None) == (not source):
            raise self.tables.fail(
                f"shared cost {name!r} needs either 'where' or 'from'", at,
                hint="where picks charges; from takes all that a value has so far, for example \"(unallocated)\"",
            )  # fmt: skip
        text = self.text(table, at, "split", needed=True)
        if text not in set(Split):
            raise self.tables.fail(
                f"unknown split {text!r}", (*at, "split"), hint=f"Valid: {', '.join(Split)}"
            )  # fmt: skip
        split = Split(text)
        self.only_for(table, at, split)
        step = Step(name, split, source or None, self.texts(table.get("over", []), (*at, "over")),
                    self.shares(table, at) if split is Split.FIXED else {})  # fmt: skip
        by = self.measure(table, at)
        of = self.condition(table, at, "of")
        if by in QUANTITIES and of is None:
            raise self.tables.fail(
                f"a split by {by} needs 'of'", (*at, "by"),
                hint="Say which charges are measured, all in one unit: of = \"ServiceName = '...'\"",
            )  # fmt: skip
        return Shared(step, condition, by, of, self.tables.line(at))

    def only_for(self, table: dict[str, Any], at: tuple[str | int, ...], split: Split) -> None:
        """Refuse keys that this split does not use."""
        uses = {"shares": (Split.FIXED,), "over": (Split.EVEN, Split.PROPORTIONAL), "by": (Split.PROPORTIONAL,),
                "of": (Split.PROPORTIONAL,)}  # fmt: skip
        for key, splits in uses.items():
            if key in table and split not in splits:
                raise self.tables.fail(f"{key!r} has no meaning in a split that is {split}", (*at, key))

    def shares(self, table: dict[str, Any], at: tuple[str | int, ...]) -> dict[str, Decimal]:
        given = self.table(table, at, "shares")
        found: dict[str, Decimal] = {}
        for value, share in given.items():
            if isinstance(share, bool) or not isinstance(share, int | Decimal) or not Decimal(share).is_finite():
                raise self.tables.fail(f"the share of {value!r} is not a number", (*at, "shares"))
            found[value] = Decimal(share)
        if any(share < 0 for share in found.values()) or sum(found.values(), Decimal(0)) != _HUNDRED:
            total = sum(found.values(), Decimal(0))
            raise self.tables.fail(f"the shares add up to {total} and not to 100", (*at, "shares"),
                                   hint="Shares are percentages, for example { web = 60, data = 40 }")  # fmt: skip
        return found

    def measure(self, table: dict[str, Any], at: tuple[str | int, ...]) -> str | None:
        text = self.text(table, at, "by")
        known = {name.lower(): name for name in (*COSTS, *QUANTITIES)}
        if text and text.lower() not in known:
            raise self.tables.fail(f"unknown measure {text!r}", (*at, "by"), hint=f"Valid: {', '.join(known.values())}")
        return known[text.lower()] if text else None

    def column(self, name: str, at: tuple[str | int, ...]) -> str:
        try:
            return column_or_tag(name)
        except UsageError as error:
            raise self.tables.fail(error.message, at, hint=error.hint) from None

    def condition(self, table: dict[str, Any], at: tuple[str | int, ...], key: str) -> Condition | None:
        text = self.text(table, at, key)
        if not text:
            return None
        try:
            return parse_condition(text)
        except UsageError as error:
            message = error.message.replace("--where", f"{key!r}", 1)
            raise self.tables.fail(message, (*at, key), hint=error.hint) from None

    def text(self, table: dict[str, Any], at: tuple[str | int, ...], key: str, *, needed: bool = False) -> str:
        value = table.get(key, "")
        if not isinstance(value, str) or (key in table and not value.strip()):
            raise self.tables.fail(f"{key!r} must be a text", (*at, key))
        if needed and not value:
            raise self.tables.fail(f"{key!r} is missing", at)
        return value.strip()

    def texts(self, value: Any, at: tuple[str | int, ...]) -> tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value):
            return tuple(dict.fromkeys(item.strip() for item in value))
        raise self.tables.fail(f"{at[-1]!r} must be a list of texts", at)

    def table(self, table: dict[str, Any], at: tuple[str | int, ...], key: str) -> dict[str, Any]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            raise self.tables.fail(f"{key!r} must be a table", (*at, key))
        return value

    def list(self, table: dict[str, Any], at: tuple[str | int, ...], key: str) -> list[dict[str, Any]]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            path = ".".join(str(part) for part in (*at, key) if isinstance(part, str))
            raise self.tables.fail(f"{key!r} must be a list of tables", (*at, key), hint=f"Write [[{path}]]")
        return value


def _renamed(step: Step, dimension: Dimension) -> Step:
    """Return the step with every value spelled as the dimension spells it."""

    def named(value: str) -> str:
        return dimension.named(value) or UNALLOCATED

    shares: dict[str, Decimal] = {}
    for value, share in step.shares.items():
        shares[named(value)] = shares.get(named(value), Decimal(0)) + share
    source = named(step.source) if step.source else None
    return replace(step, source=source, over=tuple(dict.fromkeys(map(named, step.over))), shares=shares)


def _spellings(
    rules: Iterable[Rule], shared: Iterable[Shared], default: str, aliases: dict[str, tuple[str, ...]]
) -> dict[str, str]:
    """Return the folded spellings of every value that the file names."""
    steps = [one.step for one in shared]
    named = [*aliases, *(rule.value for rule in rules if rule.value), default]
    named += [value for step in steps for value in (*step.shares, *step.over, *([step.source] if step.source else []))]
    found = {UNALLOCATED: UNALLOCATED}
    for value in named:
        found.setdefault(value.strip().casefold(), value)
    return found | {name.strip().casefold(): value for value, names in aliases.items() for name in names}
