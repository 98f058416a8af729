"""What ingest does before a staging model, in miniature: the relation ``raw`` with hand-written rows in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costlab.ingest.raw import PRESENCE, stored_type
from costlab.ingest.seeds import create_seeds
from costlab.paths import shipped
from costlab.warehouse.connection import Connection, connect
from tests.support import create_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costlab.interfaces.connector import Column

Row = dict[str, Any]


def staged(model: str, columns: Sequence[Column], *rows: Row) -> list[Row]:
    """Return what ``sql/staging/<model>.sql`` makes of these rows."""
    con = connect()
    try:
        types = {c.name: "BOOLEAN" if c.type == PRESENCE else stored_type(c.type) for c in columns} | {
            "x_unreadable": "VARCHAR",
            "x_extra": "VARCHAR",
            "x_label": "VARCHAR",
        }
        unknown = {name for row in rows for name in row} - types.keys()
        assert not unknown, f"the connector does not read {sorted(unknown)}"
        create_seeds(con)
        create_table(con, "raw", types, list(rows))
        return _run(con, model)
    finally:
        con.close()


def _run(con: Connection, model: str) -> list[Row]:
    sql = (shipped("sql") / "staging" / f"{model}.sql").read_text(encoding="utf-8")
    con.execute(sql, {"source": "bill", "snapshot_id": "s1"})
    names = [column[0] for column in con.description or []]
    return [dict(zip(names, row, strict=True)) for row in con.fetchall()]
