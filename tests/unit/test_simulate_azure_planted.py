"""What is planted on Azure can be found: metrics, bill and the planted list tell the same story."""

# ruff: noqa: E501 - SQL reads best unbroken

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.period import Month
from costlab.simulate.azure import AzureSimulation, simulate_azure
from costlab.simulate.azure.portfolio import MOSTLY_UNUSED, PARTLY_UNUSED
from costlab.simulate.azure.prices import FX, exchange_rate
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from costlab.warehouse.connection import Connection

Planted = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> AzureSimulation:
    return simulate_azure(tmp_path_factory.mktemp("sim"), seed=21, end=date(2026, 5, 9), months=4, scale="tiny",
                          renderings=("focus",))  # fmt: skip


@pytest.fixture(scope="module")
def planted(simulation: AzureSimulation) -> Planted:
    content: Planted = json.loads((simulation.ledger / "planted.json").read_text())
    return content


@pytest.fixture(scope="module")
def con(simulation: AzureSimulation) -> Connection:
    db = connect()
    db.execute(f"create view focus as select * from read_parquet('{simulation.focus}/billing/*/*/*/*/*.parquet')")
    db.execute(f"create view metrics as from '{simulation.metrics}'")
    db.execute(f"create view commitments as from '{simulation.ledger}/commitments.parquet'")
    return db


def test_every_kind_of_waste_is_planted(planted: Planted) -> None:
    assert {w["kind"] for w in planted["waste"]} == {
        "unattached_volume", "oversized", "idle_instance", "idle_volume", "old_snapshot", "idle_load_balancer",
        "idle_nat_gateway", "unused_address", "idle_database",
    }  # fmt: skip
    assert all(
        0 < Decimal(w["saving"]) <= Decimal(w["saving_list"]) <= Decimal(w["monthly_list"]) for w in planted["waste"]
    )


def test_waste_is_on_the_bill_until_the_end_and_costs_what_is_said(con: Connection, planted: Planted) -> None:
    """A day's list cost x 730 / 24 for what is charged by the hour, x the days of the month for storage.

    In the pricing currency: what a commitment paid ahead covers is billed at the exchange rate of its purchase.
    """
    rows = con.execute("""select ResourceId, sum(x_ListCostInUsd) * $1, bool_and(PricingUnit = 'Hours') from focus
        where ChargePeriodStart = '2026-05-06' and x_SkuMeterCategory not in ('Bandwidth', 'Virtual Machines Licenses')
        and SkuMeter not like '%Egress' group by 1""", [Decimal(exchange_rate(Month(2026, 5), "EUR")) / FX]).fetchall()  # fmt: skip
    day = {resource: (cost, hourly) for resource, cost, hourly in rows}
    for waste in planted["waste"]:
        cost, hourly = day[waste["resource_id"]]
        if waste["kind"] != "idle_database":  # hours and storage together
            assert float(waste["monthly_list"]) == pytest.approx(float(cost) * (730 / 24 if hourly else 31), rel=4e-3)


@pytest.mark.parametrize(("kind", "metric", "limit"), [
    ("idle_instance", "cpu_percent", 5.0), ("idle_volume", "disk_iops", 0.0), ("unattached_volume", "attached", 0.0),
    ("idle_database", "connections", 0.0), ("idle_load_balancer", "request_count", 0.0),
])  # fmt: skip
def test_idle_things_show_no_use_and_busy_ones_do(
    con: Connection, planted: Planted, kind: str, metric: str, limit: float
) -> None:
    peaks = dict(
        con.execute("select resource_id, max(max) from metrics where metric = ? group by 1", [metric]).fetchall()
    )
    idle = {w["resource_id"] for w in planted["waste"] if w["kind"] == kind}
    assert idle
    assert all(peaks[resource] <= limit for resource in idle)
    assert any(peak > limit for resource, peak in peaks.items() if resource not in idle)


def test_samples_are_of_resources_on_the_bill_once_each(con: Connection) -> None:
    (twice, unknown) = con.execute("""select count(*) - count(distinct (resource_id, metric, ts)),
        count(distinct resource_id) filter (where lower(resource_id) not in (select lower(ResourceId) from focus where ResourceId is not null))
        from metrics""").fetchall()[0]  # fmt: skip
    assert (twice, unknown) == (0, 0)


def test_anomalies_cost_on_the_bill_what_is_said(con: Connection, planted: Planted) -> None:
    assert [a["kind"] for a in planted["anomalies"]].count("spike") == 4
    assert {a["kind"] for a in planted["anomalies"]} == {"spike", "shift", "leak", "drop", "new"}
    for anomaly in planted["anomalies"]:
        scope = anomaly["scope"]
        (actual,) = con.execute("""select sum(EffectiveCost) from focus where list_contains($1, ResourceId) and list_contains($2, SkuMeter)
            and ServiceName = $3[1] and ChargePeriodStart >= $4::timestamp and ChargePeriodStart <= coalesce($5, '2027-01-01')::timestamp""",
            [scope["ResourceId"], scope["x_usage_type"], scope["ServiceName"], anomaly["start"], anomaly["end"]]).fetchall()[0]  # fmt: skip
        assert actual == Decimal(anomaly["actual"])
        assert Decimal(anomaly["excess"]) == actual - Decimal(anomaly["expected"])
        assert abs(Decimal(anomaly["excess"])) > 5


def test_some_commitments_are_partly_or_mostly_unused(con: Connection, planted: Planted) -> None:
    names = dict(con.execute("select CommitmentDiscountId, name from commitments").fetchall())
    lost = {
        names[u["commitment_id"]]: Decimal(u["unused"]) / Decimal(u["committed"]) for u in planted["unused_commitments"]
    }
    assert Decimal("0.2") < lost[PARTLY_UNUSED] < Decimal("0.8")
    assert lost["SP_desktops"] > Decimal("0.2")
    assert lost[MOSTLY_UNUSED] > Decimal("0.6")
