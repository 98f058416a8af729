"""The bill that is loaded is the ledger's, to the last digit, per month, service and account."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.simulate import Simulation, simulate
from costlab.warehouse.builder import build
from costlab.warehouse.connection import connect
from costlab.warehouse.relations import Database

Totals = dict[tuple[str, str, str], tuple[Decimal, Decimal]]


@pytest.fixture(scope="module", params=[6, 0], ids=["discount", "no-discount"])
def simulation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    folder = tmp_path_factory.mktemp("company")
    return simulate(
        folder,
        seed=11,
        end=date(2026, 4, 1),
        months=2,
        discount_percent=request.param,
        renderings=("cur2", "legacy", "focus"),
    )


def ledger(simulation: Simulation) -> Totals:
    rows = connect().execute(
        "select BillingMonth, ServiceName, SubAccountId, sum(BilledCost), sum(EffectiveCost) "
        "from read_parquet($1) group by all",
        [str(simulation.ledger / "costs.parquet")],
    )
    return {(r[0], r[1], r[2]): (r[3], r[4]) for r in rows.fetchall()}


def loaded(workspace: Path, folder: Path) -> Totals:
    build(workspace, Lake(workspace).live(), folder / "catalogue.duckdb")
    with Database.open(folder / "catalogue.duckdb", workspace) as db:
        rows = db.result(
            "select strftime(BillingPeriodStart, '%Y-%m'), ServiceName, SubAccountId, sum(BilledCost), "
            "sum(EffectiveCost) from focus.costs group by all"
        ).rows
    return {(r[0], r[1], r[2]): (r[3], r[4]) for r in rows}


@pytest.mark.parametrize(("connector", "rendering"), [("aws-cur", "cur2"), ("aws-cur", "legacy"), ("focus", "focus")])
def test_every_rendering_equals_the_ledger(
    simulation: Simulation, tmp_path: Path, connector: str, rendering: str
) -> None:
    report = ingest(tmp_path / "ws", connector, str(getattr(simulation, rendering)))
    assert report.exit_code == 0
    assert loaded(tmp_path / "ws", tmp_path) == ledger(simulation)


def test_every_row_received_is_accounted_for(simulation: Simulation, tmp_path: Path) -> None:
    report = ingest(tmp_path / "ws", "aws-cur", str(simulation.cur2))
    lines = connect().execute(
        "select BillingMonth, sum(rows), sum(source_cost) from read_parquet($1) group by 1 order by 1",
        [str(simulation.ledger / "lines.parquet")],
    )
    for period, (month, rows, cash) in zip(report.periods, lines.fetchall(), strict=True):
        item = period.item()
        assert item["billing_period"] == month
        assert item["rows_received"] == rows
        assert item["rows_received"] == item["rows_loaded"] + sum(item["rows_dropped"].values())
        assert item["billed_cost_received"] == item["billed_cost_loaded"] == cash
