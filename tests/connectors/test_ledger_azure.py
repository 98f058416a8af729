"""The Azure bill that is loaded is the ledger's, to the last digit, per month, service, subscription and invoice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.ingest import IngestReport, ingest
from costlab.lake import Lake
from costlab.simulate.azure import AzureSimulation, simulate_azure
from costlab.simulate.azure.simulation import Delivered
from costlab.warehouse.builder import build
from costlab.warehouse.connection import connect
from costlab.warehouse.relations import Database

Key = tuple[str | None, ...]
Totals = dict[Key, tuple[Decimal, ...]]
COSTS = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
SUMS = ", ".join(f"sum({column})" for column in COSTS)
GRAIN = "ServiceName, SubAccountId, ChargeCategory, ChargeClass, InvoiceId, BillingCurrency"


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> AzureSimulation:
    folder = tmp_path_factory.mktemp("company")
    return simulate_azure(
        folder,
        seed=11,
        end=date(2026, 3, 20),
        months=2,
        scale="tiny",
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


def test_the_pair_equals_the_ledger_and_every_row_is_accounted_for(simulation: AzureSimulation, tmp_path: Path) -> None:
    report = ingest(tmp_path / "ws", "azure-export", str(simulation.export))
    assert report.exit_code == 0
    assert loaded(tmp_path / "ws", tmp_path) == ledger(simulation.ledger)
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


@pytest.mark.parametrize(
    ("connector", "rendering"), [("azure-export", "focus"), ("azure-export", "focus_r2"), ("focus", "focus")]
)
def test_a_focus_export_equals_the_ledger(
    simulation: AzureSimulation, tmp_path: Path, connector: str, rendering: str
) -> None:
    report = ingest(tmp_path / "ws", connector, str(getattr(simulation, rendering)))
    assert report.exit_code == 0
    assert loaded(tmp_path / "ws", tmp_path) == ledger(simulation.ledger)


def test_an_enterprise_agreements_pair_equals_the_ledger(tmp_path: Path) -> None:
    made = simulate_azure(tmp_path / "ea", seed=12, end=date(2026, 3, 1), months=1, scale="tiny", agreement="ea")
    assert ingest(tmp_path / "ws", "azure-export", str(made.export)).exit_code == 0
    assert loaded(tmp_path / "ws", tmp_path) == ledger(made.ledger)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> AzureSimulation:
    folder = tmp_path_factory.mktemp("delivered")
    return simulate_azure(folder, seed=12, end=date(2026, 3, 1), months=2, scale="tiny", with_deliveries=True)


def told(report: IngestReport) -> list[tuple[str, str]]:
    return [(p.item()["billing_period"], p.item()["action"]) for p in report.periods]


def billed(workspace: Path, folder: Path) -> dict[str, Decimal]:
    catalogue = folder / f"catalogue-{len(list(folder.iterdir()))}.duckdb"
    build(workspace, Lake(workspace).live(), catalogue)
    with Database.open(catalogue, workspace) as db:
        (row,) = db.result(f"select {SUMS} from focus.costs").rows
    return dict(zip(COSTS, row, strict=True))


def expected(delivery: Delivered) -> dict[str, Decimal]:
    return {column: Decimal(delivery.totals[column]) for column in COSTS}


def test_each_delivery_of_a_month_replaces_the_one_before(delivered: AzureSimulation, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    assert [d.name for d in delivered.deliveries] == ["to-date", "closed", "restated"]
    for number, delivery in enumerate(delivered.deliveries):
        report = ingest(workspace, "azure-export", str(delivery.export))
        assert told(report) == [("2026-02", "replaced" if number else "loaded")]
        assert billed(workspace, tmp_path) == expected(delivery)
    older = ingest(workspace, "azure-export", str(delivered.deliveries[1].export))
    assert told(older) == [("2026-02", "ignored-older")]
    assert told(ingest(workspace, "azure-export", str(delivered.every_run))) == [("2026-02", "unchanged")]
    assert billed(workspace, tmp_path) == expected(delivered.deliveries[2])


def test_of_all_runs_in_a_container_the_newest_counts(delivered: AzureSimulation, tmp_path: Path) -> None:
    assert told(ingest(tmp_path / "ws", "azure-export", str(delivered.every_run))) == [("2026-02", "loaded")]
    assert billed(tmp_path / "ws", tmp_path) == expected(delivered.deliveries[2])


def test_late_usage_and_the_refund_come_with_the_restatement(delivered: AzureSimulation) -> None:
    early, closed, restated = (Decimal(d.totals["BilledCost"]) for d in delivered.deliveries)
    assert early < closed
    assert restated != closed
    assert int(delivered.deliveries[2].totals["charges"]) > int(delivered.deliveries[1].totals["charges"])
    assert restated == Decimal(delivered.summary["totals"]["2026-02"]["BilledCost"])  # type: ignore[index]
