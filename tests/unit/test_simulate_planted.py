"""What is planted can be found: metrics, bill and the planted list tell the same story."""

# ruff: noqa: E501 - SQL reads best unbroken

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.simulate import Simulation, simulate
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from costlab.warehouse.connection import Connection

END = date(2026, 5, 9)


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    return simulate(tmp_path_factory.mktemp("sim"), seed=21, end=END, months=4, renderings=("focus",))


@pytest.fixture(scope="module")
def planted(simulation: Simulation) -> dict[str, list[dict[str, Any]]]:
    content: dict[str, list[dict[str, Any]]] = json.loads((simulation.ledger / "planted.json").read_text())
    return content


@pytest.fixture(scope="module")
def con(simulation: Simulation) -> Connection:
    db = connect()
    db.execute(f"create view focus as select * from read_parquet('{simulation.focus}/*/data/*/*.parquet')")
    db.execute(f"create view metrics as from '{simulation.metrics}'")
    return db


def test_every_kind_of_waste_is_planted(planted: dict[str, list[dict[str, Any]]]) -> None:
    assert {w["kind"] for w in planted["waste"]} == {
        "unattached_volume", "previous_generation", "oversized", "idle_instance", "gp2_volume", "overprovisioned_io1",
        "idle_volume", "old_snapshot", "incomplete_multipart", "idle_load_balancer", "idle_nat_gateway",
        "unused_address", "idle_database",
    }  # fmt: skip
    assert all(
        Decimal(w["saving"]) > 0 and Decimal(w["saving_list"]) <= Decimal(w["monthly_list"]) for w in planted["waste"]
    )
    assert planted["unused_commitments"]


def test_waste_is_on_the_bill_until_the_end(con: Connection, planted: dict[str, list[dict[str, Any]]]) -> None:
    last = {r[0] for r in con.execute("""select distinct ResourceId from focus
        where ChargePeriodStart >= '2026-05-08' and ListCost > 0""").fetchall()}  # fmt: skip
    assert {w["resource_id"] for w in planted["waste"]} <= last


def test_the_monthly_cost_of_waste_is_what_the_bill_lists(
    con: Connection, planted: dict[str, list[dict[str, Any]]]
) -> None:
    """A day's list cost x 730 / 24 for what is charged by the hour, x the days of the month for storage."""
    rows = con.execute("""select ResourceId, sum(ListCost), bool_and(PricingUnit = 'Hrs') from focus
        where ChargePeriodStart >= '2026-04-07' and ChargePeriodStart < '2026-04-08'
        and x_ServiceCode <> 'AWSDataTransfer' group by 1""").fetchall()  # fmt: skip
    day = {resource: (cost, hourly) for resource, cost, hourly in rows}
    checked = 0
    for waste in planted["waste"]:
        cost, hourly = day[waste["resource_id"]]
        if waste["kind"] == "idle_database":
            continue  # hours and storage together
        assert float(waste["monthly_list"]) == pytest.approx(cost * (730 / 24 if hourly else 30), rel=2e-3)
        checked += 1
    assert checked > 15


@pytest.mark.parametrize(("kind", "metric", "limit"), [
    ("idle_instance", "cpu_percent", 5.0), ("idle_volume", "disk_iops", 0.0), ("unattached_volume", "attached", 0.0),
    ("idle_database", "connections", 0.0), ("idle_load_balancer", "request_count", 0.0),
])  # fmt: skip
def test_idle_things_show_no_use_and_busy_ones_do(
    con: Connection, planted: dict[str, list[dict[str, Any]]], kind: str, metric: str, limit: float
) -> None:
    peaks = dict(
        con.execute("select resource_id, max(max) from metrics where metric = ? group by 1", [metric]).fetchall()
    )
    idle = {w["resource_id"] for w in planted["waste"] if w["kind"] == kind}
    assert idle
    assert all(peaks[resource] <= limit for resource in idle)
    assert any(peak > limit for resource, peak in peaks.items() if resource not in idle)


def test_oversized_machines_fit_their_target_with_headroom(
    con: Connection, planted: dict[str, list[dict[str, Any]]]
) -> None:
    factors = {"large": 4, "xlarge": 8, "2xlarge": 16, "4xlarge": 32}
    for waste in planted["waste"]:
        if waste["kind"] != "oversized":
            continue
        shape, peaks = con.execute("""select any_value(shape), max(max) from metrics where resource_id = ?
            and metric in ('cpu_percent', 'memory_percent')""", [waste["resource_id"]]).fetchall()[0]  # fmt: skip
        ratio = factors[waste["target"].split(".")[1]] / factors[shape.split(".")[1]]
        assert peaks * 1.2 <= 100 * ratio
        assert peaks * 1.2 > 100 * ratio / 2


def test_samples_reach_to_the_end_and_only_cover_running_hours(con: Connection) -> None:
    newest, oldest = con.execute("select max(ts), min(ts) from metrics").fetchall()[0]
    assert str(newest) == "2026-05-08 23:00:00"
    assert str(oldest) == "2026-02-01 00:00:00"
    stray = con.execute("""select count(*) from metrics as m
        where m.metric = 'cpu_percent' and m.resource_id like 'i-%' and not exists (
            select 1 from focus as f where f.ResourceId = m.resource_id and f.ChargePeriodStart = m.ts)""").fetchall()[0][0]  # fmt: skip
    assert stray == 0
    broken = con.execute("select count(*) from metrics where avg > max or avg is null or avg < 0").fetchall()[0][0]
    assert broken == 0


def test_anomalies_cost_on_the_bill_what_the_list_says(
    con: Connection, planted: dict[str, list[dict[str, Any]]]
) -> None:
    assert {a["kind"] for a in planted["anomalies"]} == {"spike", "shift", "leak", "drop", "new"}
    for anomaly in planted["anomalies"]:
        scope = anomaly["scope"]
        actual = con.execute("""select sum(EffectiveCost::decimal(38, 12)) from focus
            where list_contains(?, ResourceId) and list_contains(?, x_UsageType)
            and ChargePeriodStart::date between ?::date and ?::date""",
            [scope["ResourceId"], scope["x_usage_type"], anomaly["start"], anomaly["end"] or str(END)]).fetchall()[0][0]  # fmt: skip
        assert actual == Decimal(anomaly["actual"])
        assert Decimal(anomaly["excess"]) == Decimal(anomaly["actual"]) - Decimal(anomaly["expected"])


def test_a_short_history_has_no_anomalies_without_a_past(tmp_path_factory: pytest.TempPathFactory) -> None:
    out = simulate(
        tmp_path_factory.mktemp("short"), seed=1, end=date(2026, 2, 1), months=1, renderings=(), scale="tiny"
    )
    found = json.loads((out.ledger / "planted.json").read_text())["anomalies"]
    assert all(a["start"] >= "2026-01-22" for a in found)
    assert found
