"""The tables ``lake.*``: what is loaded and what was set aside, for ``sources``, ``doctor`` and ``reconcile``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from costlab.answer import jsonable
from costlab.warehouse.parquet import typed_select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costlab.lake import Revision
    from costlab.warehouse.connection import Connection

_REVISIONS = """
create table lake.revisions (
    dataset varchar,
    source varchar,
    connector varchar,
    billing_period varchar,
    revision varchar,
    snapshot_id varchar,
    loaded_at timestamp,
    rows_received bigint,
    rows_loaded bigint,
    rows_split bigint,
    rows_quarantined bigint,
    rows_dropped varchar,
    billed_cost_received varchar,
    billed_cost_loaded varchar,
    effective_cost_loaded varchar,
    quarantined_cost varchar,
    new_columns varchar,
    missing_columns varchar,
    warnings varchar
)
"""
_QUARANTINE = """
create table lake.quarantine (
    source varchar,
    billing_period varchar,
    reason varchar,
    currency varchar,
    rows bigint,
    cost decimal(38, 12)
)
"""


_QUARANTINED = {"x_reason": "VARCHAR", "BillingCurrency": "VARCHAR", "x_source_cost": "DECIMAL(38,12)"}
"""What is read of a file of quarantined rows; lines that are no rows at all have only a reason."""


def write_lake_tables(con: Connection, revisions: Sequence[Revision]) -> None:
    """Create ``lake.revisions`` (one row per revision; nested values as JSON) and ``lake.quarantine``.

    ``lake.quarantine`` has one row per source, period, reason and billing currency.
    """
    con.execute(_REVISIONS)
    con.execute(_QUARANTINE)
    rows = [_revision_row(revision) for revision in revisions]
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        con.executemany(f"insert into lake.revisions values ({marks})", rows)
    for revision in revisions:
        if revision.quarantine:
            _write_quarantine(con, revision)


def _revision_row(revision: Revision) -> list[Any]:
    new, missing = revision.drift
    return [
        str(revision.dataset),
        revision.source,
        revision.connector,
        revision.period,
        revision.revision,
        revision.snapshot_id,
        revision.loaded_at,
        revision.rows_received,
        revision.rows_loaded,
        revision.rows_split,
        revision.rows_quarantined,
        _json(revision.rows_dropped),
        _json(revision.billed_cost_received),
        _json(revision.billed_cost_loaded),
        _json(revision.effective_cost_loaded),
        _json(revision.quarantined_cost),
        _json(list(new)),
        _json(list(missing)),
        _json(list(revision.warnings)),
    ]


def _write_quarantine(con: Connection, revision: Revision) -> None:
    rows = typed_select(con, [([file.path for file in revision.quarantine], "")], _QUARANTINED)
    con.execute(
        "insert into lake.quarantine "
        "select $source, $period, x_reason, BillingCurrency, count(*), sum(x_source_cost) "
        f"from ({rows}) group by x_reason, BillingCurrency order by x_reason, BillingCurrency",
        {"source": revision.source, "period": revision.period},
    )


def _json(value: Any) -> str:
    return json.dumps(jsonable(value), sort_keys=True)
