"""What must hold for every model: its grain is unique, its keys are there, its sums are those of the bill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costlab.errors import ModelError
from costlab.warehouse.parquet import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costlab.interfaces.analyzer import Relations
    from costlab.warehouse.connection import Connection
    from costlab.warehouse.models import Model

NEVER_NULL = frozenset(
    {"ChargeDate", "ChargePeriodStart", "x_source", "BillingPeriodStart", "BillingCurrency", "x_tag_key"}
)
"""Grain columns that FOCUS or the models themselves always fill."""

Sums = dict[str, tuple[Any, ...]]
"""The sums of some measures by BillingCurrency."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that does not hold for a model, with a sample or the amounts."""

    model: str
    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.model}: {self.rule}: {self.detail}"


def audit(db: Relations, models: Iterable[Model]) -> list[Failure]:
    """Return what does not hold in a whole catalogue; an empty list when all is well."""
    failures: list[Failure] = []
    for model in models:
        failures += _grain_failures(db, model)
        failures += _null_failures(db, model)
        if model.complete:
            failures += _sum_failures(db, model)
    return failures


def sums(con: Connection, relation: str, measures: Sequence[str]) -> Sums:
    """Return the sums of ``measures`` over a table or SELECT, by BillingCurrency; exact."""
    return {str(row[0]): tuple(row[1:]) for row in con.execute(_sums_sql(relation, measures)).fetchall()}


def check_sums(model: Model, expected: Sums, found: Sums) -> None:
    """Raise :class:`ModelError` unless a model's measures add up to the bill's, with ``==``."""
    for failure in _compared(model, "adds up to the bill", expected, found):
        raise ModelError(str(failure), hint=f"See {model.path}")


def _sums_sql(relation: str, measures: Sequence[str]) -> str:
    listed = ", ".join(f"sum({identifier(name)})" for name in measures)
    return f"select BillingCurrency, {listed} from {relation} group by BillingCurrency"


def _compared(model: Model, rule: str, expected: Sums, found: Sums) -> list[Failure]:
    failures: list[Failure] = []
    for currency in sorted({*expected, *found}):
        want = expected.get(currency, (None,) * len(model.complete))
        have = found.get(currency, (None,) * len(model.complete))
        for measure, a, b in zip(model.complete, want, have, strict=True):
            if a != b:
                failures.append(Failure(model.name, rule, f"{measure} in {currency} is {b}, the bill says {a}"))
    return failures


def _grain_failures(db: Relations, model: Model) -> list[Failure]:
    columns = ", ".join(identifier(name) for name in model.grain)
    # GROUP BY takes NULLs as equal, so a grain with NULLs is audited like any other
    doubles = db.rows(
        f"select {columns}, count(*) as n from {model.name} group by {columns} having count(*) > 1 limit 1"
    )
    return [Failure(model.name, "grain is unique", str(row)) for row in doubles]


def _null_failures(db: Relations, model: Model) -> list[Failure]:
    keys = [name for name in model.grain if name in NEVER_NULL]
    if not keys:
        return []
    counts = ", ".join(f"count(*) filter (where {identifier(key)} is null) as {identifier(key)}" for key in keys)
    row = db.rows(f"select {counts} from {model.name}")[0]
    return [Failure(model.name, "keys are there", f"{key} is NULL in {n} rows") for key, n in row.items() if n]


def _sum_failures(db: Relations, model: Model) -> list[Failure]:
    expected = _read(db, "focus.costs", model.complete)
    if not model.complete_per:
        return _compared(model, "adds up to the bill", expected, _read(db, model.name, model.complete))
    key = identifier(model.complete_per)
    failures: list[Failure] = []
    for row in db.rows(f"select distinct {key} as key from {model.name} order by 1"):
        relation = f"(select * from {model.name} where {key} = $key)"
        found = _read(db, relation, model.complete, {"key": row["key"]})
        failures += _compared(model, f"adds up to the bill for {row['key']}", expected, found)
    return failures


def _read(db: Relations, relation: str, measures: Sequence[str], params: dict[str, Any] | None = None) -> Sums:
    rows = db.rows(_sums_sql(relation, measures), params)
    return {str(values[0]): tuple(values[1:]) for values in (list(row.values()) for row in rows)}
