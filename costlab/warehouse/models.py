"""SQL models: one file, one SELECT, a header that says what a row is.

::

    -- marts.daily_costs: one row per day, account and service
    -- grain: ChargeDate, x_source, BillingPeriodStart
    -- materialized: per_revision
    -- complete: BilledCost, EffectiveCost
    select ...

``complete`` names the measures whose sum must equal that of ``focus.costs`` (``complete per x_tag_key`` for
each value of that column). Which models read which is found in the parsed SQL.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from costlab.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlglot import exp

FOLDERS = ("focus", "marts", "prices")
BASE_TABLES = frozenset(
    {
        "focus.costs",
        "metrics.utilization",
        "inventory.resources",
        "prices.history",
        "prices.default_offers",
        "prices.discounts",
        "settings.tag_keys",
        "lake.revisions",
        "lake.quarantine",
    }
)
"""What models may read besides each other; the catalogue makes these itself."""
PER_REVISION_SOURCES = frozenset({"focus.costs", "settings.tag_keys"})
PER_REVISION_GRAIN = ("x_source", "BillingPeriodStart")

_TITLE = re.compile(r"--\s*(?P<name>[a-z_]+\.[a-z_]+):\s*(?P<text>.+)")
_FIELD = re.compile(r"--\s*(?P<key>grain|materialized|complete(?: per \w+)?):\s*(?P<value>.+)")
_HEADER = "Start with '-- schema.name: what a row is', '-- grain: ...', '-- materialized: ...'"


class Materialized(StrEnum):
    """How a model's rows are kept."""

    VIEW = "view"
    TABLE = "table"
    PER_REVISION = "per_revision"
    """Computed once per revision of a bill, cached as Parquet, copied into one table of the catalogue."""
    PER_REVISION_FILES = "per_revision_files"
    """Likewise, but the catalogue has a view on the cached files: for large models."""

    @property
    def by_revision(self) -> bool:
        """Whether a changed billing period costs only that period."""
        return self in {Materialized.PER_REVISION, Materialized.PER_REVISION_FILES}


@dataclass(frozen=True, slots=True)
class Model:
    """One SQL model. ``sources`` are the tables it reads, ``complete`` the measures that add up to the bill."""

    name: str
    description: str
    grain: tuple[str, ...]
    materialized: Materialized
    sql: str
    path: Path
    sources: frozenset[str]
    complete: tuple[str, ...] = ()
    complete_per: str = ""

    @property
    def schema(self) -> str:
        """The schema: ``focus``, ``marts`` or ``prices``."""
        return self.name.split(".")[0]

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that change with the SQL."""
        return hashlib.sha256(self.sql.encode()).hexdigest()[:12]


def load_models(*roots: Path) -> list[Model]:
    """Return the models below the :data:`FOLDERS` of each root, each after the models it reads.

    A model of a later root replaces the one of the same name.

    Raises
    ------
    ModelError
        If a file has no header, is not one SELECT, reads an unknown table, or models read each other in a circle;
        the message starts with ``file:line``.
    """
    models: dict[str, Model] = {}
    for root in roots:
        for folder in FOLDERS:
            for path in sorted((root / folder).glob("*.sql")):
                model = read_model(path)
                models[model.name] = model
    for model in models.values():
        _check_sources(model, models)
    return [models[name] for name in _in_order(models)]


def read_model(path: Path) -> Model:
    """Return the model in one file; raises :class:`ModelError` naming file and line."""
    text = path.read_text(encoding="utf-8")
    title, fields = read_header(path, text)
    return Model(
        name=title["name"],
        description=title["text"],
        grain=_names(fields["grain"]),
        materialized=_materialized(path, fields["materialized"]),
        sql=text,
        path=path,
        sources=tables_read(parse_select(text, path)),
        complete=_names(fields.get("complete", "")),
        complete_per=fields.get("complete_per", ""),
    )


def parse_select(text: str, path: Path) -> exp.Query:
    """Return the syntax tree of a file's one SELECT.

    Raises
    ------
    ModelError
        If it cannot be parsed, or is anything but one SELECT.
    """
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        statements = [s for s in parse(text, read="duckdb") if s is not None]
    except SqlglotError as error:
        details = getattr(error, "errors", None) or [{}]
        line = details[0].get("line") or 1
        reason = details[0].get("description") or str(error).splitlines()[0]
        raise ModelError(f"{path}:{line}: cannot be parsed: {reason}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ModelError(f"{path}:1: a model is exactly one SELECT", hint="One file per model")
    return statements[0]


def tables_read(tree: exp.Query) -> frozenset[str]:
    """Return the tables a query reads, as written (``schema.name``), without its own CTEs."""
    from sqlglot import exp

    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    names = {f"{t.db}.{t.name}".lower() if t.db else t.name.lower() for t in tree.find_all(exp.Table)}
    return frozenset(name for name in names if name not in ctes)


def line_of(text: str, pattern: str) -> int:
    """Return the number of the first line that holds ``pattern`` as a word (case-insensitive), else 1."""
    word = re.compile(rf"(?<!\w){re.escape(pattern)}(?!\w)", re.IGNORECASE)
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.lstrip().startswith("--") and word.search(line):
            return number
    return 1


def read_header(path: Path, text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the title (``name``, ``text``) and the fields of a model's header; needs no SQL parser."""
    lines = text.splitlines()
    title = _TITLE.fullmatch(lines[0].strip()) if lines else None
    if title is None:
        raise ModelError(f"{path}:1: no header line '-- schema.name: description'", hint=_HEADER)
    expected = f"{path.parent.name}.{path.stem}"
    if title["name"] != expected:
        raise ModelError(f"{path}:1: the file says {title['name']!r} but lies where {expected!r} belongs")
    fields: dict[str, str] = {}
    for line in lines[1:]:
        if not line.startswith("--"):
            break
        if field := _FIELD.fullmatch(line.strip()):
            key, _, per = field["key"].partition(" per ")
            fields[key] = field["value"].strip()
            if per:
                fields["complete_per"] = per
    for key in ("grain", "materialized"):
        if key not in fields:
            raise ModelError(f"{path}:1: the header has no '-- {key}:' line", hint=_HEADER)
    return title.groupdict(), fields


def _materialized(path: Path, value: str) -> Materialized:
    try:
        return Materialized(value)
    except ValueError:
        valid = ", ".join(Materialized)
        raise ModelError(f"{path}:1: materialized {value!r} is unknown", hint=f"Valid: {valid}") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _check_sources(model: Model, models: dict[str, Model]) -> None:
    for name in sorted(model.sources):
        if name not in models and name not in BASE_TABLES:
            where = f"{model.path}:{line_of(model.sql, name)}"
            valid = ", ".join(sorted({*models, *BASE_TABLES} - {model.name}))
            raise ModelError(f"{where}: unknown table {name!r}", hint=f"Models may read: {valid}")
    if not model.materialized.by_revision:
        return
    beyond = sorted(model.sources - PER_REVISION_SOURCES)
    if beyond:
        where = f"{model.path}:{line_of(model.sql, beyond[0])}"
        raise ModelError(f"{where}: a model per revision reads only focus.costs, not {beyond[0]!r}")
    missing = [column for column in PER_REVISION_GRAIN if column not in model.grain]
    if missing:
        raise ModelError(f"{model.path}:1: the grain of a model per revision must contain {' and '.join(missing)}")


def _in_order(models: dict[str, Model]) -> Iterable[str]:
    graph = {name: sorted(model.sources & models.keys()) for name, model in sorted(models.items())}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle: list[str] = error.args[1]
        first = models[circle[0]]
        where = f"{first.path}:{line_of(first.sql, circle[1])}"
        raise ModelError(f"{where}: models read each other in a circle: {' -> '.join(circle)}") from None
