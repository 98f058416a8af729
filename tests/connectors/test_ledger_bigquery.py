"""A simulated company's tables, read from BigQuery, are its ledger to the last digit."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from costlab.ingest import ingest
from costlab.simulate.gcp import GcpSimulation, simulate_gcp
from costlab.warehouse.connection import connect
from tests.connectors.bigquery_server import Served
from tests.connectors.test_ledger_gcp import ledger, ledger_by_category, loaded

if TYPE_CHECKING:
    from pathlib import Path

DATASET = "acme-billing.export"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> GcpSimulation:
    folder = tmp_path_factory.mktemp("company")
    return simulate_gcp(folder, seed=5, end=date(2026, 4, 1), months=1, scale="tiny", renderings=("detailed", "focus"))


@pytest.mark.parametrize("connector", ["gcp-billing-export", pytest.param("focus", marks=pytest.mark.slow)])
def test_tables_give_what_their_files_and_the_ledger_say(
    company: GcpSimulation, tmp_path: Path, connector: str
) -> None:
    is_focus = connector == "focus"
    with Served() as google:
        google.page = 4_000
        name = "gcp_billing_export_focus_0A" if is_focus else "gcp_billing_export_resource_v1_0A"
        google.copy(f"{DATASET}.{name}", company.focus if is_focus else company.detailed, loaded="2026-04-05")
        given = {"endpoint": google.endpoint}
        uri = f"bigquery://{DATASET.replace('.', '/')}"
        report = ingest(tmp_path / "ws", connector, uri, source="gcp", options=given)
    assert (report.exit_code, report.warnings) == (0, [])
    (item,) = [period.item() for period in report.periods]
    assert item["rows_received"] == item["rows_loaded"] if is_focus else item["rows_quarantined"] == 0
    totals, categories = loaded(tmp_path / "ws", tmp_path)
    if not is_focus:
        assert (totals, categories) == (ledger(company), ledger_by_category(company))
        return
    ((billed, effective),) = (
        connect()
        .execute(
            "select sum(BilledCost)::decimal(38, 12), sum(EffectiveCost)::decimal(38, 12) from read_parquet($1)",
            [str(company.focus / "**/*.parquet")],
        )
        .fetchall()
    )
    assert (item["billed_cost_loaded"], item["effective_cost_loaded"]) == (billed, effective)
    assert sum(cost for cost, _ in totals.values()) == sum(cost for cost, _ in ledger(company).values())
