"""Small worlds for analyzers: a few charges and samples by hand, the real marts over them, in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from costlab.focus.columns import COLUMN_TYPES
from costlab.interfaces.analyzer import Context
from costlab.interfaces.datasets import INVENTORY_TYPES, METRIC_TYPES
from costlab.money import exact
from costlab.paths import shipped
from costlab.warehouse.connection import Connection, connect
from tests.support import Row, create_table, focus_row

if TYPE_CHECKING:
    from pandas import DataFrame

MARTS = ("commitment_hours", "commitments", "daily_costs", "daily_skus", "resource_days")


@dataclass(frozen=True)
class MemoryRelations:
    """The tables of a small world; implements the analyzers' ``Relations``."""

    con: Connection

    def rows(self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> list[dict[str, Any]]:
        cursor = self.con.execute(sql, params) if params else self.con.execute(sql)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def frame(self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> DataFrame:
        return (self.con.execute(sql, params) if params else self.con.execute(sql)).df()


def world(costs: list[Row], metrics: list[Row], inventory: Sequence[Row] = (), *, now: datetime) -> Context:
    """Return a context over these charges, samples and observed resources, with the project's own marts on top.

    A charge with ``days`` is repeated on that many days, ending at ``now``, unless it says its start; a sample with
    ``hours`` on that many hours. A resource is observed at ``now`` unless it says otherwise; all kinds that are there,
    and those a row of kind ``coverage`` names, were looked at in full.
    """
    con = connect()
    for schema in ("focus", "marts", "metrics", "inventory"):
        con.execute(f"create schema {schema}")
    create_table(con, "focus.costs", COLUMN_TYPES, [])
    _insert(con, [row for cost in costs for row in _charges(cost, now)])
    samples = [row for metric in metrics for row in _samples(metric, now)]
    create_table(con, "metrics.utilization", METRIC_TYPES, samples)
    _stock(con, inventory, now)
    for mart in MARTS:
        body = (shipped("sql") / "marts" / f"{mart}.sql").read_text()
        con.execute(f"create view marts.{mart} as {body}")
    return Context(MemoryRelations(con), now)


def _stock(con: Connection, inventory: Sequence[Row], now: datetime) -> None:
    common = {"provider": "aws", "sub_account_id": "111111111111", "region_id": "us-east-1", "observed_at": now}
    rows = [{**common, **row} for row in inventory if row["resource_kind"] != "coverage"]
    for row in rows:
        row["properties"], row["tags"] = json.dumps(row.get("properties", {})), json.dumps(row.get("tags", {}))
    create_table(con, "inventory.resources", INVENTORY_TYPES, rows)
    kinds = {row["name" if row["resource_kind"] == "coverage" else "resource_kind"] for row in inventory}
    seen = [{**common, "resource_kind": kind, "state": "complete"} for kind in sorted(kinds)]
    create_table(con, "inventory.coverage", INVENTORY_TYPES, seen)


def _insert(con: Connection, rows: list[Row]) -> None:
    """Insert whole FOCUS rows at once; one by one they take most of a test's time."""
    kinds = {"VARCHAR": pa.string(), "TIMESTAMP": pa.timestamp("us"), "DECIMAL(38,12)": pa.decimal128(38, 12)}
    if rows:
        arrays = [pa.array([_stored(row[name]) for row in rows], kinds[kind]) for name, kind in COLUMN_TYPES.items()]
        con.register("rows_to_insert", pa.table(arrays, names=list(COLUMN_TYPES)))
        con.execute("insert into focus.costs select * from rows_to_insert")


def _stored(value: Any) -> Any:
    """Numbers of a hand-written case may have more places than money is stored with."""
    return exact(value) if isinstance(value, Decimal) else value


def _charges(cost: Row, now: datetime) -> list[Row]:
    given = dict(cost)
    days = given.pop("days", None)
    if days is None:
        return [focus_row(**given)]
    first = now - timedelta(days=days)
    return [
        focus_row(
            **given,
            ChargePeriodStart=first + timedelta(days=day),
            ChargePeriodEnd=first + timedelta(days=day + 1),
        )
        for day in range(days)
    ]


def _samples(metric: Row, now: datetime) -> list[Row]:
    given = {"provider": "aws", "x_source": "metrics", **metric}
    hours = int(given.pop("hours", 336))
    return [{**given, "ts": now - timedelta(hours=hour + 1)} for hour in range(hours)]
