"""Google's bill that is loaded is the ledger's, to the last digit, per invoice month, service and project."""

# ruff: noqa: E501 - SQL reads best unbroken

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.simulate.gcp import GcpSimulation, simulate_gcp
from costlab.warehouse.builder import build
from costlab.warehouse.connection import connect
from costlab.warehouse.relations import Database

Totals = dict[tuple[str, str, str | None], tuple[Decimal, Decimal]]
Categories = dict[tuple[str, str, str | None], tuple[Decimal, ...]]


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> GcpSimulation:
    """February and March 2026: commitments of the newer model, the change to daylight saving time."""
    return simulate_gcp(
        tmp_path_factory.mktemp("company"),
        seed=11,
        end=date(2026, 4, 1),
        months=2,
        scale="tiny",
        renderings=("detailed", "detailed-json", "standard", "focus"),
    )


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> GcpSimulation:
    """December 2025 and January 2026, in which spend-based commitments move to the newer model."""
    return simulate_gcp(tmp_path_factory.mktemp("older"), seed=12, end=date(2026, 2, 1), months=2, scale="tiny")


def ledger(simulation: GcpSimulation) -> Totals:
    rows = connect().execute(
        "select BillingMonth, ServiceName, SubAccountId, sum(BilledCost), sum(EffectiveCost) "
        "from read_parquet($1) group by all",
        [str(simulation.ledger / "costs.parquet")],
    )
    return {(r[0], r[1], r[2]): (r[3], r[4]) for r in rows.fetchall()}


def ledger_by_category(simulation: GcpSimulation) -> Categories:
    rows = connect().execute(
        "select BillingMonth, ChargeCategory, ChargeClass, sum(BilledCost), sum(EffectiveCost), sum(ContractedCost), "
        "sum(ListCost) from read_parquet($1) group by all",
        [str(simulation.ledger / "costs.parquet")],
    )
    return {(r[0], r[1], r[2]): tuple(r[3:]) for r in rows.fetchall()}


def loaded(workspace: Path, folder: Path) -> tuple[Totals, Categories]:
    build(workspace, Lake(workspace).live(), folder / "catalogue.duckdb")
    with Database.open(folder / "catalogue.duckdb", workspace) as db:
        totals = db.result(
            "select strftime(BillingPeriodStart, '%Y-%m'), ServiceName, SubAccountId, sum(BilledCost), "
            "sum(EffectiveCost) from focus.costs group by all"
        ).rows
        categories = db.result(
            "select strftime(BillingPeriodStart, '%Y-%m'), ChargeCategory, ChargeClass, sum(BilledCost), "
            "sum(EffectiveCost), sum(ContractedCost), sum(ListCost) from focus.costs group by all"
        ).rows
    return {(r[0], r[1], r[2]): (r[3], r[4]) for r in totals}, {(r[0], r[1], r[2]): tuple(r[3:]) for r in categories}


@pytest.mark.parametrize("rendering", ["detailed", "detailed_json", "standard"])
def test_every_rendering_equals_the_ledger(simulation: GcpSimulation, tmp_path: Path, rendering: str) -> None:
    report = ingest(tmp_path / "ws", "gcp-billing-export", str(getattr(simulation, rendering)))
    assert (report.exit_code, report.warnings) == (0, [])
    totals, categories = loaded(tmp_path / "ws", tmp_path)
    assert totals == ledger(simulation)
    assert categories == ledger_by_category(simulation)


def test_commitments_that_were_credits_and_became_prices_equal_the_ledger(older: GcpSimulation, tmp_path: Path) -> None:
    report = ingest(tmp_path / "ws", "gcp-billing-export", str(older.detailed))
    assert (report.exit_code, report.warnings) == (0, [])
    totals, categories = loaded(tmp_path / "ws", tmp_path)
    assert totals == ledger(older)
    assert categories == ledger_by_category(older)


def test_googles_own_focus_table_equals_the_ledger(simulation: GcpSimulation, tmp_path: Path) -> None:
    report = ingest(tmp_path / "ws", "focus", str(simulation.focus))
    assert (report.exit_code, report.warnings) == (0, [])
    totals, _ = loaded(tmp_path / "ws", tmp_path)
    assert totals == ledger(simulation)


def test_a_month_that_grows_is_followed_delivery_by_delivery(tmp_path: Path) -> None:
    simulation = simulate_gcp(
        tmp_path / "company", seed=13, end=date(2026, 4, 1), months=1, scale="tiny", with_deliveries=True
    )
    actions, counts = [], []
    for delivery in simulation.deliveries:
        (period,) = ingest(tmp_path / "ws", "gcp-billing-export", str(delivery.detailed), source="gcp").periods
        item = period.item()
        actions.append((delivery.name, item["action"]))
        counts.append(item["rows_received"])
        assert item["rows_received"] == int(delivery.totals["line_items"])
        assert item["billed_cost_loaded"] == item["effective_cost_loaded"] == Decimal(delivery.totals["BilledCost"])
    assert actions == [("to-date", "loaded"), ("closed", "replaced"), ("restated", "replaced")]
    assert counts == sorted(set(counts))
    assert loaded(tmp_path / "ws", tmp_path)[0] == ledger(simulation)
    older = simulation.deliveries[1].detailed
    (period,) = ingest(tmp_path / "ws", "gcp-billing-export", str(older), source="gcp").periods
    assert period.item()["action"] == "ignored-older"


def test_what_commitments_were_used_for_and_lost_is_what_the_ledger_says(
    simulation: GcpSimulation, older: GcpSimulation, tmp_path: Path
) -> None:
    for name, company in (("newer", simulation), ("older", older)):
        workspace = tmp_path / name
        ingest(workspace, "gcp-billing-export", str(company.detailed))
        build(workspace, Lake(workspace).live(), tmp_path / f"{name}.duckdb")
        with Database.open(tmp_path / f"{name}.duckdb", workspace) as db:
            rows = db.result(
                "select case when CommitmentDiscountCategory = 'Spend' then CommitmentDiscountId else RegionId || x_family end, "
                "sum(x_cost) filter (CommitmentDiscountStatus = 'Used'), sum(x_cost) filter (CommitmentDiscountStatus = 'Unused') "
                "from (select *, EffectiveCost as x_cost from focus.costs where EffectiveCost <> 0 and CommitmentDiscountStatus is not null) "
                "group by 1 order by 1"
            ).rows
        truth = connect().execute(
            "select case when instrument = 'gcp-flex-cud' then CommitmentDiscountId else region || series end, sum(used), "
            "sum(unused) from read_parquet($1) as h join read_parquet($2) as c using (CommitmentDiscountId) group by 1 order by 1",
            [str(company.ledger / "commitment_hours.parquet"), str(company.ledger / "commitments.parquet")],
        )
        for (found, used, unused), (expected, was_used, was_unused) in zip(rows, truth.fetchall(), strict=True):
            assert found == expected
            assert used + (unused or 0) == was_used + was_unused
            # shares of a fee are rounded to twelve decimals
            assert abs(used - was_used) < Decimal("1e-9")


def test_every_line_received_is_accounted_for(simulation: GcpSimulation, tmp_path: Path) -> None:
    report = ingest(tmp_path / "ws", "gcp-billing-export", str(simulation.detailed))
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
