"""The models on the FinOps Foundation's public FOCUS rows: totals to the last digit, commitments as specified."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from costlab.focus.columns import COLUMN_TYPES
from costlab.paths import shipped
from costlab.warehouse.audits import audit
from costlab.warehouse.connection import connect
from costlab.warehouse.marts import prepare
from costlab.warehouse.models import load_models
from costlab.warehouse.parquet import identifier
from costlab.warehouse.relations import Database

pytestmark = pytest.mark.shared
MODELS = [model for model in load_models(shipped("sql")) if model.schema != "prices"]  # those read no charges
ABSENT = {"x_source": "'public'", "BillingCurrency": "'USD'"}


def models_over(path: Path) -> Database:
    """Return every model over the rows of a CSV file with FOCUS columns; texts that mean NULL are NULL."""
    con = connect()
    for schema in ("focus", "marts"):
        con.execute(f"create schema {schema}")
    prepare(con, ["team", "application"])
    con.execute(
        "create table raw as select * from read_csv(?, all_varchar=true, nullstr=['', 'NULL', 'null'])", [str(path)]
    )
    present = {row[0] for row in con.execute("describe raw").fetchall()}
    columns = ", ".join(_column(name, kind, present) for name, kind in COLUMN_TYPES.items())
    con.execute(f"create table focus.costs as select {columns} from raw")
    for model in MODELS:
        con.execute(f"create table {model.name} as {model.sql}")
    return Database(con)


def _column(name: str, kind: str, present: set[str]) -> str:
    value = identifier(name) if name in present else ABSENT.get(name, "null")
    return f"cast({value} as {kind}) as {identifier(name)}"


def test_a_thousand_public_rows_add_up_to_their_published_totals_in_every_rollup(shared_data: Path) -> None:
    with models_over(shared_data / "focus" / "focus_sample_1000.csv") as db:
        assert audit(db, MODELS) == []
        for table in ("focus.costs", "marts.daily_costs", "marts.daily_skus", "marts.daily_services"):
            sums = "sum(BilledCost) as b, sum(EffectiveCost) as e, sum(ListCost) as l, sum(ContractedCost) as c"
            assert db.rows(f"select {sums} from {table}") == [
                {
                    "b": Decimal("20.52022672899"),
                    "e": Decimal("14.97651418586"),
                    "l": Decimal("20.39090575119"),
                    "c": Decimal("14.97626039326"),
                }
            ]
        resources = "select count(distinct ResourceId) as n, min(ResourceId) as first from {}"
        assert db.rows(resources.format("marts.resource_days")) == db.rows(resources.format("focus.costs"))


@pytest.mark.parametrize(
    ("scenario", "used", "unused"),
    [(1, "1", "0"), (2, "0", "1"), (3, "0.75", "0.25"), (4, "1", "0")],
)
def test_an_hour_of_one_dollar_committed_is_split_as_the_specification_says(
    shared_data: Path, scenario: int, used: str, unused: str
) -> None:
    folder = shared_data / "focus" / "commitment_discount_scenarios"
    with models_over(folder / f"commitment_discount_usage_scenario_{scenario}.csv") as db:
        row = db.rows("select x_used_cost, x_unused_cost, x_billed_cost from marts.commitments")
        assert row == [{"x_used_cost": Decimal(used), "x_unused_cost": Decimal(unused), "x_billed_cost": Decimal(0)}]
        hourly = db.rows("select x_hourly_commitment from focus.contract_commitments")
        assert hourly == [{"x_hourly_commitment": Decimal(1)}]


def test_a_commitment_paid_at_once_is_told_from_its_purchase(shared_data: Path) -> None:
    # the files of the other two ways to pay have hours such as T30:00 in them
    folder = shared_data / "focus" / "commitment_discount_scenarios"
    with models_over(folder / "commitment_discount_purchase_scenario_1.csv") as db:
        assert db.rows("select x_payment_option from focus.contract_commitments") == [
            {"x_payment_option": "All Upfront"}
        ]
        assert db.rows("select sum(x_billed_cost) as cash from marts.commitments") == [{"cash": Decimal(8760)}]
