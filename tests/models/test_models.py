"""Every SQL model turns given rows into expected rows: ``tests/models/<schema>.<name>.json``.

A case gives short rows of ``focus.costs`` (see :func:`tests.support.focus_row`; ``defaults`` apply to each) or of
``prices.history`` (``offers``) and ``prices.default_offers``, and what must come out. Only the columns an expected row
names are compared, but all rows must be there. Money is text, instants are ISO 8601 UTC.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from costlab.answer import jsonable
from costlab.focus.columns import COLUMN_TYPES
from costlab.interfaces.datasets import OFFER_TYPES
from costlab.interfaces.discount import discount_of
from costlab.paths import shipped
from costlab.warehouse.connection import connect
from costlab.warehouse.discounts import write_discounts
from costlab.warehouse.marts import prepare
from costlab.warehouse.models import load_models
from costlab.warehouse.relations import Database
from tests.support import create_table, focus_rows

FOLDER = Path(__file__).parent
CASES: list[tuple[str, dict[str, Any]]] = [
    (path.stem, case) for path in sorted(FOLDER.glob("*.json")) for case in json.loads(path.read_text(encoding="utf-8"))
]


def rows_out(model_name: str, case: dict[str, Any]) -> list[dict[str, Any]]:
    con = connect()
    try:
        for schema in ("focus", "marts", "prices"):
            con.execute(f"create schema {schema}")
        prepare(con, case.get("tag_keys", []))
        defaults = case.get("defaults", {})
        create_table(con, "focus.costs", COLUMN_TYPES, focus_rows([defaults | row for row in case.get("costs", [])]))
        for name, rows in (("history", "offers"), ("default_offers", "default_offers")):
            create_table(con, f"prices.{name}", OFFER_TYPES, [defaults | row for row in case.get(rows, [])])
        agreed = [discount_of(table) for table in case.get("discounts", [])]
        write_discounts(con, agreed, date(2026, 6, 1))
        for model in load_models(shipped("sql")):
            con.execute(f"create table {model.name} as {model.sql}")
            if model.name == model_name:
                break
        return [jsonable(row) for row in Database(con).rows(f"select * from {model_name}")]
    finally:
        con.close()


@pytest.mark.parametrize(("model_name", "case"), CASES, ids=[f"{name}: {case['case']}" for name, case in CASES])
def test_rows_in_rows_out(model_name: str, case: dict[str, Any]) -> None:
    expected: list[dict[str, Any]] = case["expect"]
    columns = {key for row in expected for key in row}
    found = [{key: value for key, value in row.items() if key in columns} for row in rows_out(model_name, case)]
    whole = [{**dict.fromkeys(columns), **row} for row in expected]
    assert sorted(found, key=_sortable) == sorted(whole, key=_sortable)


def test_every_model_has_a_case_that_returns_rows() -> None:
    tested = {name for name, case in CASES if case["expect"]}
    assert {model.name for model in load_models(shipped("sql"))} - tested == set()


def _sortable(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)
