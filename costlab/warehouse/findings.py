"""The tables ``findings.*``: what the analyzers found for the published data, as users see it in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from costlab.answer import jsonable
from costlab.money import MONEY_TYPE
from costlab.warehouse.parquet import identifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costlab.warehouse.connection import Connection
    from costlab.warehouse.relations import Database

RECOMMENDATIONS: dict[str, str] = {
    "id": "VARCHAR",
    "kind": "VARCHAR",
    "check": "VARCHAR",
    "title": "VARCHAR",
    "why": "VARCHAR",
    "provider": "VARCHAR",
    "billing_account_id": "VARCHAR",
    "sub_account_id": "VARCHAR",
    "region_id": "VARCHAR",
    "service_name": "VARCHAR",
    "resource_id": "VARCHAR",
    "resource_name": "VARCHAR",
    "action": "JSON",
    "monthly_cost": MONEY_TYPE,
    "monthly_saving": MONEY_TYPE,
    "monthly_saving_alone": MONEY_TYPE,
    "monthly_saving_list": MONEY_TYPE,
    "monthly_saving_low": MONEY_TYPE,
    "monthly_saving_high": MONEY_TYPE,
    "one_time_cost": MONEY_TYPE,
    "currency": "VARCHAR",
    "confidence": "DOUBLE",
    "risk": "JSON",
    "effort": "VARCHAR",
    "needs_restart": "BOOLEAN",
    "reversible": "BOOLEAN",
    "basis": "VARCHAR",
    "evidence": "JSON",
    "remedy": "JSON",
    "exclusive_group": "VARCHAR",
    "absorbed_by": "VARCHAR",
    "first_seen": "DATE",
    "status": "VARCHAR",
    "details": "JSON",
}
ANOMALIES: dict[str, str] = {
    "id": "VARCHAR",
    "scope": "JSON",
    "direction": "VARCHAR",
    "kind": "VARCHAR",
    "start": "DATE",
    "end": "DATE",
    "detected_on": "DATE",
    "actual": MONEY_TYPE,
    "expected": MONEY_TYPE,
    "lower": MONEY_TYPE,
    "upper": MONEY_TYPE,
    "impact": MONEY_TYPE,
    "projected_30d": MONEY_TYPE,
    "severity": "VARCHAR",
    "confidence": "DOUBLE",
    "status": "VARCHAR",
    "is_settled": "BOOLEAN",
    "currency": "VARCHAR",
    "causes": "JSON",
    "parts": "JSON",
    "details": "JSON",
}
RUNS: dict[str, str] = {
    "name": "VARCHAR",
    "started_at": "TIMESTAMP",
    "seconds": "DOUBLE",
    "items": "BIGINT",
    "not_assessed": "VARCHAR",
    "error": "VARCHAR",
    "details": "JSON",
}
TABLES: dict[str, dict[str, str]] = {"recommendations": RECOMMENDATIONS, "anomalies": ANOMALIES, "runs": RUNS}

Items = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Findings:
    """What the analyzers found: items as in :class:`costlab.answer.Answer`, and one run per analyzer."""

    recommendations: Items = field(default_factory=Items)
    anomalies: Items = field(default_factory=Items)
    runs: Items = field(default_factory=Items)


FindingsOf = Callable[["Database"], Findings]
"""Computes the findings over a catalogue that is built but not yet published."""


def write_findings(con: Connection, findings: Findings) -> None:
    """Create the tables ``findings.*`` and fill them.

    Money is DECIMAL(38,12); nested values are JSON text; keys without a column of their own go to ``details``.
    """
    con.execute("create schema if not exists findings")
    items = {"recommendations": findings.recommendations, "anomalies": findings.anomalies, "runs": findings.runs}
    for table, types in TABLES.items():
        columns = ", ".join(f"{identifier(name)} {kind.replace('JSON', 'VARCHAR')}" for name, kind in types.items())
        con.execute(f"create or replace table findings.{table} ({columns})")
        rows = [_row(item, types) for item in items[table]]
        if rows:
            marks = ", ".join("?" for _ in types)
            con.executemany(f"insert into findings.{table} values ({marks})", rows)


def _row(item: Mapping[str, Any], types: Mapping[str, str]) -> Sequence[Any]:
    extra = {key: value for key, value in item.items() if key not in types}
    whole = {**item, "details": extra or None}
    return [_value(whole.get(name), kind) for name, kind in types.items()]


def _value(value: Any, kind: str) -> Any:
    if value is None or kind != "JSON":
        return value
    return json.dumps(jsonable(value), sort_keys=True)
