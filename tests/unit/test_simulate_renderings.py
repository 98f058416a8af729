"""Every rendering of a bill holds the same rows and the same amounts as the ledger."""

# ruff: noqa: E501 - SQL reads best unbroken

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from costlab.simulate import Simulation, simulate
from costlab.simulate.cur_columns import CUR_COLUMNS
from costlab.simulate.render_legacy import TAG_KEYS, legacy_columns, legacy_name
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.warehouse.connection import Connection

COSTS = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
GRAIN = "strftime(BillingPeriodStart::timestamp, '%Y-%m'), x_ServiceCode, ServiceName, SubAccountId, ChargeCategory"


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    return simulate(
        tmp_path_factory.mktemp("sim"),
        seed=5,
        end=date(2026, 3, 6),
        months=2,
        scale="tiny",
        renderings=("cur2", "legacy", "focus", "focus-csv"),
        with_deliveries=True,
    )


@pytest.fixture(scope="module")
def con(simulation: Simulation) -> Connection:
    db = connect()
    db.execute(f"create view cur as select * from read_parquet('{simulation.cur2}/*/data/*/*.parquet')")
    db.execute(f"create view focus as select * from read_parquet('{simulation.focus}/*/data/*/*.parquet')")
    for name, files in {
        "legacy": f"{simulation.legacy}/*/*/*/*.csv.gz",
        "focus_csv": f"{simulation.focus_csv}/*/data/*/*.csv.gz",
    }.items():
        options = "all_varchar = true, union_by_name = true, header = true, delim = ',', quote = '\"', escape = '\"'"
        db.execute(f"create view {name} as select * from read_csv('{files}', {options})")
    for name in ("costs", "lines"):
        db.execute(f"create view {name} as from '{simulation.ledger}/{name}.parquet'")
    return db


def rows(con: Connection, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in con.execute(sql).fetchall()]


@pytest.mark.parametrize("view", ["focus", "focus_csv"])
def test_focus_holds_the_four_costs_of_the_ledger(con: Connection, view: str) -> None:
    sums = ", ".join(f"sum({c}::decimal(38, 12))" for c in COSTS)
    got = set(rows(con, f"select {GRAIN}, {sums} from {view} group by all"))
    truth = set(rows(con, f"""select BillingMonth, ServiceCode, ServiceName, SubAccountId, ChargeCategory, {sums} from costs
        group by all having sum(line_items) > 0 and ServiceCode <> 'AmazonEKS' or sum(abs(EffectiveCost)) > 0"""))  # fmt: skip
    assert {row for row in got if any(row[5:])} == {row for row in truth if any(row[5:])}
    assert len(got) > 80


def test_no_row_is_lost_between_renderings(con: Connection) -> None:
    cur = dict(rows(con, "select line_item_line_item_type, count(*) from cur group by 1"))
    split = rows(con, "select count(*) from cur where line_item_operation = 'EKSPod-EC2'")[0][0]
    unused = rows(con, "select count(*) from focus where CommitmentDiscountStatus = 'Unused'")[0][0]
    focus = rows(con, "select count(*) from focus")[0][0]
    legacy = dict(rows(con, 'select "lineItem/LineItemType", count(*) from legacy group by 1'))
    assert legacy == cur
    assert focus == sum(cur.values()) - cur["SavingsPlanNegation"] - cur["EdpDiscount"] - split + unused
    assert rows(con, "select count(*) from focus_csv")[0][0] == focus


def test_the_legacy_report_carries_the_same_values_as_cur_2(con: Connection) -> None:
    names = [c.name for c in CUR_COLUMNS if c.type == "number" and not c.name.startswith("discount_")]
    new = ", ".join(f"sum({name}::decimal(38, 12))" for name in names)
    old = ", ".join(f'sum("{legacy_name(name)}"::decimal(38, 12))' for name in names)
    assert rows(con, f"select {new} from cur") == rows(con, f"select {old} from legacy")


def test_list_is_not_below_contracted_nor_contracted_below_effective_on_usage(con: Connection) -> None:
    wrong, checked = rows(con, """select count(*) filter (where not (ListCost >= ContractedCost
        and ContractedCost >= EffectiveCost and EffectiveCost >= 0)), count(*) from focus
        where ChargeCategory = 'Usage' and ChargeClass is null
        and CommitmentDiscountStatus is distinct from 'Unused'""")[0]  # fmt: skip
    assert wrong == 0
    assert checked > 10_000


def test_unit_prices_times_quantity_are_the_costs(con: Connection) -> None:
    wrong = rows(con, """select count(*) from focus where abs(ListUnitPrice * PricingQuantity - ListCost) > 1e-6
        or abs(ContractedUnitPrice * PricingQuantity - ContractedCost) > 1e-6""")[0][0]  # fmt: skip
    assert wrong == 0


def test_focus_rules_of_commitments_and_tax_hold(con: Connection) -> None:
    broken = rows(con, """select
        count(*) filter (where ChargeCategory = 'Purchase' and CommitmentDiscountId is not null and EffectiveCost <> 0),
        count(*) filter (where (CommitmentDiscountStatus is not null)
            <> (ChargeCategory = 'Usage' and CommitmentDiscountId is not null)),
        count(*) filter (where CommitmentDiscountStatus = 'Unused' and ConsumedQuantity is not null),
        count(*) filter (where ChargeCategory = 'Tax' and (SkuId is not null or PricingQuantity is not null
            or PricingUnit is not null or PricingCategory is not null)),
        count(*) filter (where BilledCost is null or EffectiveCost is null or ListCost is null or ContractedCost is null),
        count(*) filter (where ChargePeriodStart >= ChargePeriodEnd)
        from focus""")[0]  # fmt: skip
    assert broken == (0, 0, 0, 0, 0, 0)


def test_text_that_csv_must_quote_survives(con: Connection) -> None:
    names = {r[0] for r in rows(con, 'select distinct "resourceTags/user:Name" from legacy')}
    assert 'archive, "scratch" of 2019' in names
    assert "left over,\nask Kim" in names
    assert names - {None} == {r[0] for r in rows(con, "select distinct resource_tags['user_name'] from cur")} - {None}


def test_the_columns_of_the_legacy_report_vary_by_month(simulation: Simulation) -> None:
    first = {name for name, _, _ in legacy_columns(with_net=True, first_month=True)}
    later = {name for name, _, _ in legacy_columns(with_net=True, first_month=False)}
    assert first < later
    manifests = sorted(simulation.legacy.glob("*/*/*-Manifest.json"))
    widths = [len(json.loads(path.read_text())["columns"]) for path in manifests]
    assert widths == [len(first), len(later)]


def test_legacy_headers_are_spelled_as_the_vendor_spells_them() -> None:
    assert legacy_name("bill_payer_account_id") == "bill/PayerAccountId"
    assert legacy_name("pricing_public_on_demand_cost") == "pricing/publicOnDemandCost"
    assert legacy_name("reservation_reservation_a_r_n") == "reservation/ReservationARN"
    assert legacy_name("split_line_item_parent_resource_id") == "splitLineItem/ParentResourceId"
    headers = [name for name, _, _ in legacy_columns(with_net=True, first_month=False)]
    assert len(headers) == len(set(headers))
    assert {f"resourceTags/user:{k}" for k in TAG_KEYS if not k.startswith("aws:")} <= set(headers)


@pytest.mark.parametrize("rendering", ["cur2", "focus", "focus_csv"])
def test_manifests_list_exactly_the_files_written(simulation: Simulation, rendering: str) -> None:
    root: Path = getattr(simulation, rendering)
    listed = {
        name.split("/", 4)[4]
        for path in root.glob("*/metadata/*/*-Manifest.json")
        for name in json.loads(path.read_text())["dataFiles"]
    }
    assert listed == {str(p.relative_to(root)) for p in root.glob("*/data/*/*") if p.is_file()}
    assert len(listed) >= 6


def test_the_live_legacy_manifest_lists_the_newest_assembly(simulation: Simulation) -> None:
    for path in simulation.legacy.glob("*/*/*-Manifest.json"):
        manifest = json.loads(path.read_text())
        assert manifest["reportKeys"]
        for key in manifest["reportKeys"]:
            assert (simulation.legacy / key.removeprefix("exports/")).is_file()


def test_a_month_comes_in_three_deliveries_with_known_totals(simulation: Simulation) -> None:
    assert [d.name for d in simulation.deliveries] == ["to-date", "closed", "restated"]
    con = connect()
    billed = []
    for delivery in simulation.deliveries:
        files = f"{delivery.cur2}/*/data/*/*.parquet"
        cash, n = rows(con, f"""select sum(line_item_net_unblended_cost::decimal(38, 12)), count(*)
            from '{files}'""")[0]  # fmt: skip
        assert str(cash) == delivery.totals["BilledCost"]
        assert str(n) == delivery.totals["line_items"]
        again = rows(con, f"select sum(EffectiveCost::decimal(38, 12)) from '{delivery.focus}/*/data/*/*.parquet'")
        assert str(again[0][0]) == delivery.totals["EffectiveCost"]
        billed.append(cash)
    assert billed[0] < billed[1] != billed[2]
    assert simulation.deliveries[2].totals == simulation.summary["totals"]["2026-02"]  # type: ignore[index]


def test_create_new_mode_keeps_a_folder_per_delivery(simulation: Simulation) -> None:
    manifests = sorted(simulation.create_new.glob("*/metadata/BILLING_PERIOD=2026-02/*/*-Manifest.json"))
    assert [path.parent.name for path in manifests] == [d.execution for d in simulation.deliveries]
    assert sorted(d.execution for d in simulation.deliveries) == [d.execution for d in simulation.deliveries]
