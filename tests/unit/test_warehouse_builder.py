"""A catalogue shows exactly the revisions it was built from."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from costlab.focus.columns import COLUMN_TYPES
from costlab.lake import KnownRevision, Lake, LakeFile
from tests.support import (
    built,
    catalogue,
    focus_rows,
    load_rows,
    write_inventory,
    write_metrics,
    write_parquet,
    write_revision,
)


def test_an_empty_workspace_has_every_table_without_rows(tmp_path: Path) -> None:
    with catalogue(tmp_path) as db:
        result = db.result("select * from focus.costs")
        assert result.columns == list(COLUMN_TYPES)
        assert result.types == list(COLUMN_TYPES.values()) or len(result.types) == len(COLUMN_TYPES)
        for table in ("marts.daily_costs", "marts.resource_days", "focus.contract_commitments", "metrics.utilization"):
            assert db.rows(f"select count(*) as n from {table}") == [{"n": 0}]


def test_marts_add_up_to_the_bill_exactly(tmp_path: Path) -> None:
    rows = focus_rows([{"BilledCost": "0.1", "EffectiveCost": "0.123456789012"}] * 10 + [{"BilledCost": -3}])
    with catalogue(tmp_path, write_revision(tmp_path, rows)) as db:
        for table in ("focus.costs", "marts.daily_costs", "marts.daily_regions", "marts.daily_skus"):
            totals = db.rows(f"select sum(BilledCost) as b, sum(EffectiveCost) as e from {table}")
            assert totals == [{"b": Decimal(-2), "e": Decimal("-1.76543210988")}], table


def test_only_the_listed_revision_counts_not_what_lies_in_the_folder(tmp_path: Path) -> None:
    write_revision(tmp_path, focus_rows([{"BilledCost": 100}]), revision="older")
    live = write_revision(tmp_path, focus_rows([{"BilledCost": 5}]), revision="newer")
    with catalogue(tmp_path, live) as db:
        assert db.rows("select sum(BilledCost) as b from focus.costs") == [{"b": Decimal(5)}]


def test_files_written_before_a_column_existed_stay_readable(tmp_path: Path) -> None:
    new = write_revision(tmp_path, focus_rows([{"x_family": "m5"}]), period="2026-03")
    old = write_revision(tmp_path, focus_rows([{"ChargePeriodStart": "2026-02-01"}]), period="2026-02")
    types = {name: kind for name, kind in COLUMN_TYPES.items() if name != "x_family"}
    write_parquet(tmp_path / old.revision.files[0].path, types, focus_rows([{"ChargePeriodStart": "2026-02-01"}]))
    with catalogue(tmp_path, old, new) as db:
        families = db.rows("select x_family from focus.costs order by ChargePeriodStart")
        assert families == [{"x_family": None}, {"x_family": "m5"}]


def test_as_of_counts_charges_and_samples_known_by_then(tmp_path: Path) -> None:
    known = write_revision(
        tmp_path,
        focus_rows(
            [
                {"ChargePeriodStart": "2026-03-01T22:00:00", "BilledCost": 1},
                {"ChargePeriodStart": "2026-03-01T23:00:00", "BilledCost": 2},
                {"ChargePeriodStart": "2026-03-02T00:00:00", "BilledCost": 4},
            ]
        ),
    )
    samples = write_metrics(
        tmp_path,
        [
            {"ts": ts, "resource_id": "i-1", "metric": "cpu_percent", "avg": 1.0}
            for ts in ("2026-03-01T23:00:00", "2026-03-02T00:00:00")
        ],
    )
    with catalogue(tmp_path, known, samples, as_of=datetime(2026, 3, 2)) as db:
        assert db.rows("select sum(BilledCost) as b from focus.costs") == [{"b": Decimal(3)}]
        assert db.rows("select sum(BilledCost) as b from marts.daily_costs") == [{"b": Decimal(3)}]
        assert db.rows("select sum(BilledCost) as b from marts.resource_days") == [{"b": None}]
        assert db.rows("select count(*) as n from metrics.utilization") == [{"n": 1}]


def test_of_an_inventory_only_what_was_observed_last_counts_also_as_of_a_day(tmp_path: Path) -> None:
    february = write_inventory(
        tmp_path, [{"resource_id": "vol-1", "observed_at": "2026-02-20T06:00:00"}], period="2026-02"
    )
    march = write_inventory(
        tmp_path, [{"resource_id": "vol-2", "observed_at": "2026-03-10T06:00:00"}], period="2026-03"
    )
    shown = "select resource_id from inventory.resources"
    for number, (day, expected) in enumerate(
        [(None, ["vol-2"]), ("2026-03-11", ["vol-2"]), ("2026-03-05", ["vol-1"]), ("2026-02-20", [])]
    ):
        as_of = datetime.fromisoformat(day) if day else None
        with catalogue(tmp_path, february, march, as_of=as_of, name=f"{number}.duckdb") as db:
            assert [row["resource_id"] for row in db.rows(shown)] == expected


def test_what_was_looked_at_is_told_from_the_resources(tmp_path: Path) -> None:
    seen = {
        "resource_kind": "coverage",
        "name": "disk",
        "state": "denied",
        "properties": '{"resources":0,"missing":["p"]}',
    }
    rows = [{"resource_id": "x", "observed_at": "2026-03-10T06:00:00", **more} for more in ({}, seen)]
    with catalogue(tmp_path, write_inventory(tmp_path, rows, period="2026-03")) as db:
        assert db.rows("select resource_kind from inventory.resources") == [{"resource_kind": "disk"}]
        found = db.rows("select resource_kind, state, resources, missing, reason from inventory.coverage")
    assert found == [{"resource_kind": "disk", "state": "denied", "resources": 0, "missing": '["p"]', "reason": None}]


def test_an_unchanged_revision_is_not_computed_again(tmp_path: Path) -> None:
    february = write_revision(tmp_path, focus_rows([{"ChargePeriodStart": "2026-02-01"}]), period="2026-02")
    march = write_revision(tmp_path, focus_rows([{}]), period="2026-03")
    first, _ = built(tmp_path, february, name="1.duckdb", keep_marts=True)
    first.close()
    second, report = built(tmp_path, february, march, name="2.duckdb", keep_marts=True)
    with second:
        daily = next(run for run in report.models if run.name == "marts.daily_costs")
        assert (daily.computed, daily.reused, daily.rows) == (1, 1, 2)


def test_the_past_is_seen_as_it_was_before_a_restatement(tmp_path: Path) -> None:
    load_rows(tmp_path, focus_rows([{"BilledCost": 1}, {"BilledCost": 2, "ChargePeriodStart": "2026-03-20"}]))
    load_rows(tmp_path, focus_rows([{"BilledCost": 10}]))
    lake, as_of = Lake(tmp_path), datetime(2026, 3, 10)
    with catalogue(tmp_path, *lake.known_at(as_of), as_of=as_of, name="past.duckdb") as db:
        assert db.rows("select sum(BilledCost) as b from marts.daily_costs") == [{"b": Decimal(1)}]
    with catalogue(tmp_path, *lake.live(), name="now.duckdb") as db:
        assert db.rows("select sum(BilledCost) as b from marts.daily_costs") == [{"b": Decimal(10)}]


def test_an_upfront_purchase_is_known_when_its_billing_period_is_over(tmp_path: Path) -> None:
    purchase = {"ChargePeriodEnd": "2027-03-01", "ChargeCategory": "Purchase", "BilledCost": 8760}
    known = write_revision(tmp_path, focus_rows([purchase]))
    for day, billed in ((datetime(2026, 3, 31), None), (datetime(2026, 4, 1), Decimal(8760))):
        with catalogue(tmp_path, known, as_of=day, name=f"{day:%m%d}.duckdb") as db:
            assert db.rows("select sum(BilledCost) as b from focus.costs") == [{"b": billed}]


def test_a_build_of_the_past_leaves_nothing_in_the_workspace(tmp_path: Path) -> None:
    known = write_revision(tmp_path, focus_rows([{"ResourceId": "i-1"}]))
    with catalogue(tmp_path, known, as_of=datetime(2026, 3, 15)) as db:
        assert db.rows("select sum(BilledCost) as b from marts.resource_days") == [{"b": Decimal(1)}]
    assert not (tmp_path / "lake" / "marts").exists()


def test_quarantined_rows_are_counted_by_reason_and_currency(tmp_path: Path) -> None:
    known = write_revision(tmp_path, focus_rows([{}]))
    path = "lake/focus/source=aws/billing_period=2026-03/r1/quarantine.parquet"
    rows = [{"x_reason": "no number", "x_source_cost": Decimal("1.5"), "BillingCurrency": "USD"}] * 2
    types = {"x_reason": "VARCHAR", "x_source_cost": "DECIMAL(38,12)", "BillingCurrency": "VARCHAR"}
    write_parquet(tmp_path / path, types, [*rows, {"x_reason": "broken line"}])
    revision = replace(known.revision, quarantine=(LakeFile(path, 0, "", 3),), rows_quarantined=3)
    with catalogue(tmp_path, KnownRevision(revision, is_first=True)) as db:
        found = db.result("select reason, currency, rows, cost from lake.quarantine order by reason").rows
    assert found == [("broken line", None, 1, None), ("no number", "USD", 2, Decimal(3))]


def test_metrics_that_could_not_be_read_are_counted_without_a_cost(tmp_path: Path) -> None:
    sample = {"ts": "2026-03-01T00:00:00", "resource_id": "i-1", "metric": "cpu_percent", "avg": 1.0}
    known = write_metrics(tmp_path, [sample])
    path = "lake/metrics/source=metrics/billing_period=2026-03/m1/quarantine.parquet"
    write_parquet(tmp_path / path, {"x_reason": "VARCHAR"}, [{"x_reason": "ts is missing"}])
    revision = replace(known.revision, quarantine=(LakeFile(path, 0, "", 1),))
    with catalogue(tmp_path, KnownRevision(revision, is_first=True)) as db:
        assert db.result("select reason, rows, cost from lake.quarantine").rows == [("ts is missing", 1, None)]
