"""The Azure bill that is loaded is the ledger's, to the last digit, per month, service, subscription and invoice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.simulate.azure import AzureSimulation, simulate_azure
from costlab.warehouse.builder import build
from costlab.warehouse.connection import connect
from costlab.warehouse.relations import Database

Key = tuple[str | None, ...]
Totals = dict[Key, tuple[Decimal, ...]]
COSTS = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
SUMS = ", ".join(f"sum({column})" for column in COSTS)
GRAIN = "ServiceName, SubAccountId, ChargeCategory, ChargeClass, InvoiceId, BillingCurrency"


@pytest.fixture(scope="module", params=["mca", "ea"])
def simulation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AzureSimulation:
    folder = tmp_path_factory.mktemp("company")
    return simulate_azure(
        folder,
        seed=11,
        end=date(2026, 4, 20),
        months=3,
        scale="tiny",
        agreement=request.param,
        renderings=("actual", "amortized", "focus", "focus-r2"),
    )


def totals(rows: list[tuple[Any, ...]]) -> Totals:
    return {row[:-4]: row[-4:] for row in rows}


def ledger(folder: Path) -> Totals:
    query = f"select BillingMonth, {GRAIN}, {SUMS} from read_parquet($1) group by all"
    return totals(connect().execute(query, [str(folder / "costs.parquet")]).fetchall())


def loaded(workspace: Path, folder: Path) -> Totals:
    build(workspace, Lake(workspace).live(), folder / "catalogue.duckdb")
    with Database.open(folder / "catalogue.duckdb", workspace) as db:
        query = f"select strftime(BillingPeriodStart, '%Y-%m'), {GRAIN}, {SUMS} from focus.costs group by all"
        return totals(list(db.result(query).rows))


@pytest.mark.parametrize(("connector", "rendering"), [
    ("azure-export", "export"), ("azure-export", "focus"), ("azure-export", "focus_r2"), ("focus", "focus"),
])  # fmt: skip
def test_every_rendering_equals_the_ledger(
    simulation: AzureSimulation, tmp_path: Path, connector: str, rendering: str
) -> None:
    report = ingest(tmp_path / "ws", connector, str(getattr(simulation, rendering)))
    assert report.exit_code == 0
    assert loaded(tmp_path / "ws", tmp_path) == ledger(simulation.ledger)


def test_every_row_received_is_accounted_for(simulation: AzureSimulation, tmp_path: Path) -> None:
    report = ingest(tmp_path / "ws", "azure-export", str(simulation.export))
    lines = connect().execute(
        "select BillingMonth, sum(rows), sum(source_cost) filter (where export = 'actual') from read_parquet($1) "
        "group by 1 order by 1",
        [str(simulation.ledger / "lines.parquet")],
    )
    for period, (month, rows, cash) in zip(report.periods, lines.fetchall(), strict=True):
        item = period.item()
        assert item["billing_period"] == month
        assert item["rows_received"] == rows
        assert item["rows_received"] == item["rows_loaded"] + sum(item["rows_dropped"].values())
        assert item["billed_cost_received"] == item["billed_cost_loaded"] == cash
