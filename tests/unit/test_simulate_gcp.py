"""The simulated company on Google Cloud: its bill follows Google's rules, and is the same each time."""

# ruff: noqa: E501 - SQL reads best unbroken

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.errors import UnknownValue, UsageError
from costlab.simulate.gcp import GcpSimulation, simulate_gcp
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.warehouse.connection import Connection

SWITCH = "timestamptz '2026-01-21 08:00:00+00'"
COVERED = "list_contains(list_transform(credits, lambda c: c.type), "


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> GcpSimulation:
    """December 2025 to March 2026: spend-based commitments change their model in January."""
    return simulate_gcp(
        tmp_path_factory.mktemp("sim"), seed=21, end=date(2026, 4, 1), months=4, scale="tiny", renderings=("detailed",)
    )


@pytest.fixture(scope="module")
def con(simulation: GcpSimulation) -> Connection:
    db = connect()
    db.execute("set timezone = 'UTC'")
    db.execute(f"create view lines as select * from read_parquet('{simulation.detailed}/*.parquet')")
    db.execute(f"create view metrics as from '{simulation.metrics}'")
    for name in ("costs", "commitments", "commitment_hours", "resources", "usage", "rates", "rate_commitments"):
        db.execute(f"create view {name} as from '{simulation.ledger}/{name}.parquet'")
    return db


@pytest.fixture(scope="module")
def planted(simulation: GcpSimulation) -> dict[str, list[dict[str, Any]]]:
    content: dict[str, list[dict[str, Any]]] = json.loads((simulation.ledger / "planted.json").read_text())
    return content


def one(con: Connection, sql: str) -> Any:
    ((value,),) = con.execute(sql).fetchall()
    return value


def test_amounts_are_exact_as_shortest_text_with_nine_decimals(con: Connection) -> None:
    amounts = "select cost as amount from lines union all select unnest(credits).amount from lines"
    assert one(con, f"select count(*) from ({amounts}) where amount::varchar::decimal(38, 9)::double <> amount") == 0
    assert one(con, f"select sum(amount::varchar::decimal(38, 12)) from ({amounts})") == one(
        con, "select sum(BilledCost) from costs"
    )


@pytest.mark.parametrize(
    ("price", "amount"),
    [("effective_price", "cost"), ("list_price", "cost_at_list"),
     ("effective_price_default", "cost_at_effective_price_default")],
)  # fmt: skip
def test_price_times_quantity_is_the_cost(con: Connection, price: str, amount: str) -> None:
    """To 1e-4 units where a flexible commitment pays only a part of an hour: it pays money, not units."""
    lines = f"""select abs(price.{price} * usage.amount_in_pricing_units - {amount}) as off, price.{price} as price
        from lines where price is not null and sku.description not like '%dollar based%'"""
    assert one(con, f"select count(*) from ({lines}) where off > 0.5001e-4 * price") == 0


def test_list_is_no_less_than_the_default_price_and_that_no_less_than_the_cost(con: Connection) -> None:
    assert one(con, """select count(*) from lines where cost_type = 'regular' and adjustment_info is null
        and not (cost_at_list >= cost_at_effective_price_default and cost_at_effective_price_default >= cost)""") == 0  # fmt: skip


def test_lines_belong_to_the_invoice_month_of_los_angeles(con: Connection) -> None:
    local = "usage_start_time at time zone 'America/Los_Angeles'"
    assert one(con, f"select count(*) from lines where invoice.month <> strftime({local}, '%Y%m')") == 0
    crossing = con.execute("""select distinct invoice.month, max(usage_end_time)::varchar from lines
        where cost_type = 'regular' group by 1 order by 1""").fetchall()  # fmt: skip
    assert crossing[:3] == [
        ("202512", "2026-01-01 08:00:00+00"),
        ("202601", "2026-02-01 08:00:00+00"),
        ("202602", "2026-03-01 08:00:00+00"),
    ]
    assert one(con, "select min(usage_start_time)::varchar from lines") == "2025-12-01 08:00:00+00"


def test_sustained_use_discounts_never_apply_to_what_a_commitment_pays(con: Connection) -> None:
    rows = con.execute(f"""select sku.description, cost, list_sum(list_transform(list_filter(credits,
            lambda c: c.type like 'COMMITTED%'), lambda c: -c.amount)) as committed,
        list_sum(list_transform(list_filter(credits, lambda c: c.type like 'SUST%'), lambda c: -c.amount)) as sustained
        from lines where {COVERED} 'SUSTAINED_USAGE_DISCOUNT')""").fetchall()  # fmt: skip
    assert rows
    for name, cost, committed, sustained in rows:
        most = 0.6 if name.startswith("N1") else 0.4
        assert sustained <= (cost - (committed or 0)) * most + 1e-9
    assert {name.split()[0] for name, *_ in rows} == {"N1", "N2"}  # E2 has none, what is N2D here is all committed


def test_a_machine_that_runs_all_month_gets_the_whole_sustained_use_discount(con: Connection) -> None:
    rows = con.execute("""select left(sku.description, 3), sum(cost), sum(list_sum(list_transform(list_filter(credits,
            lambda c: c.type like 'SUST%'), lambda c: c.amount)))
        from lines where resource.name = 'poc-1' and sku.description like 'N1%Core%' and invoice.month = '202512'
        group by 1""").fetchall()  # fmt: skip
    ((_, cost, discount),) = rows  # its memory is what flexible commitments pay first
    assert discount / cost == pytest.approx(-0.3, abs=1e-9)


def test_the_model_of_spend_based_commitments_changes_on_21_january(con: Connection) -> None:
    credit = f"{COVERED} 'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE')"
    assert one(con, f"select count(*) > 0 from lines where {credit} and usage_start_time < {SWITCH}")
    assert not one(con, f"select count(*) from lines where {credit} and usage_start_time >= {SWITCH}")
    priced = "consumption_model.description <> 'Default'"
    assert not one(con, f"select count(*) from lines where {priced} and usage_start_time < {SWITCH}")
    assert one(con, f"select count(distinct consumption_model.id) from lines where {priced}") == 2
    assert one(con, f"""select bool_and(cost * 100 between cost_at_list * 53.99 and cost_at_list * 72.01)
        from lines where {priced}""")  # fmt: skip


def test_a_commitment_costs_its_price_in_every_hour_used_or_not(con: Connection) -> None:
    rows = con.execute("""select c.instrument, c.hourly * count(*) = sum(h.committed), min(h.unused) >= 0, sum(h.unused) > 0
        from commitment_hours as h join commitments as c using (CommitmentDiscountId) group by c.instrument, c.hourly,
        CommitmentDiscountId""").fetchall()  # fmt: skip
    assert all(whole and positive for _, whole, positive, _ in rows)
    assert {(kind, lost) for kind, *_, lost in rows} >= {("gcp-resource-cud", True), ("gcp-flex-cud", False)}


def test_fees_and_offsets_are_what_the_ledger_says_was_committed_and_used(con: Connection) -> None:
    fees = con.execute(f"""select subscription.instance_id, usage_start_time >= {SWITCH},
            sum(cost::varchar::decimal(38, 12)), sum(list_sum(list_transform(credits, lambda c: c.amount::varchar::decimal(38, 12)))),
            sum(case when len(labels) > 0 then cost::varchar::decimal(38, 12) end)
        from lines where sku.description like 'Commitment - dollar%' group by 1, 2 order by 1, 2""").fetchall()
    truth = con.execute(f"""select CommitmentDiscountId, "hour" >= ({SWITCH})::timestamp, sum(committed), sum(used)
        from commitment_hours join commitments using (CommitmentDiscountId) where instrument = 'gcp-flex-cud'
        group by 1, 2 order by 1, 2""").fetchall()
    assert [(i, new, fee) for i, new, fee, *_ in fees] == [(i, new, committed) for i, new, committed, _ in truth]
    for (_, new, _, offset, labelled), (*_, used) in zip(fees, truth, strict=True):
        assert (-offset if new else labelled) == used


def test_resource_based_credits_are_what_the_ledger_says_was_covered(con: Connection) -> None:
    credited = one(con, """select -sum(c.amount::varchar::decimal(38, 12)) from (select unnest(credits) as c from lines)
        where c.type = 'COMMITTED_USAGE_DISCOUNT'""")  # fmt: skip
    assert credited == one(con, """select sum(covered_list_cost) from commitment_hours
        join commitments using (CommitmentDiscountId) where instrument = 'gcp-resource-cud'""")  # fmt: skip


def test_usage_in_the_format_of_rate_is_the_usage_on_the_bill(con: Connection) -> None:
    billed = con.execute("""select project.id, location.region, sum(usage.amount_in_pricing_units) from lines
        where regexp_matches(sku.description, '^(N1|N2|N2D|E2|C3) .*Instance Core') group by 1, 2 order by 1, 2""").fetchall()  # fmt: skip
    used = con.execute("""select account_id, region, sum(quantity) from usage where pool like '%-cpu'
        group by 1, 2 order by 1, 2""").fetchall()  # fmt: skip
    assert [(p, r, round(q, 4)) for p, r, q in billed] == [(p, r, round(q, 4)) for p, r, q in used]
    assert one(con, "select count(*) from usage where provider <> 'gcp' or list_price is null") == 0
    assert {r[0] for r in con.execute("select distinct instrument from rate_commitments").fetchall()} == {
        "gcp-resource-cud", "gcp-flex-cud", "gcp-flex-cud-credit",
    }  # fmt: skip


def test_identical_lines_late_lines_and_corrections_are_there(con: Connection) -> None:
    assert one(con, """select count(*) from (select lines from lines where resource.name = 'orders-events'
        group by lines having count(*) = 2)""") > 100  # fmt: skip
    assert one(con, "select max(export_time - usage_end_time) > interval 5 days from lines where cost_type = 'regular'")
    assert one(con, "select count(*) from lines where export_time < usage_end_time") == 0
    kinds = {r[0] for r in con.execute("select distinct cost_type from lines").fetchall()}
    assert kinds == {"regular", "tax", "adjustment", "rounding_error"}
    notes = {r[0] for r in con.execute("select distinct adjustment_info.type from lines").fetchall()}
    assert notes == {None, "USAGE_CORRECTION", "GOODWILL"}
    kinds = {r[0] for r in con.execute("select distinct unnest(credits).type from lines").fetchall()}
    assert kinds == {
        "COMMITTED_USAGE_DISCOUNT", "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE", "SUSTAINED_USAGE_DISCOUNT", "DISCOUNT",
        "PROMOTION", "FREE_TIER", "FEE_UTILIZATION_OFFSET",
    }  # fmt: skip
    assert one(con, "select count(*) from lines where seller_name is not null") > 0
    assert one(con, "select count(*) from lines where project is null and cost_type = 'regular'") == 4  # support


def test_every_kind_of_waste_is_planted_and_on_the_bill_until_the_end(
    con: Connection, planted: dict[str, list[dict[str, Any]]]
) -> None:
    assert {w["kind"] for w in planted["waste"]} == {
        "unattached_volume", "idle_volume", "old_snapshot", "idle_load_balancer", "unused_address", "idle_database",
        "oversized", "idle_instance",
    }  # fmt: skip
    assert all(0 < Decimal(w["saving"]) <= Decimal(w["monthly_list"]) for w in planted["waste"])
    last = {r[0] for r in con.execute("""select distinct resource.global_name from lines
        where usage_start_time >= '2026-03-31' and cost_at_list > 0""").fetchall()}  # fmt: skip
    assert {w["resource_id"] for w in planted["waste"]} <= last
    assert planted["unused_commitments"]


def test_anomalies_cost_what_the_bill_says(con: Connection, planted: dict[str, list[dict[str, Any]]]) -> None:
    assert {a["kind"] for a in planted["anomalies"]} == {"spike", "shift", "leak", "drop", "new"}
    assert len(planted["anomalies"]) == 8
    for anomaly in planted["anomalies"]:
        scope, end = anomaly["scope"], anomaly["end"] or "2026-03-31"
        actual = con.execute("""select sum(cost::varchar::decimal(38, 12) + coalesce(list_sum(list_transform(
                list_filter(credits, lambda c: c.type not in ('PROMOTION', 'FREE_TIER')),
                lambda c: c.amount::varchar::decimal(38, 12))), 0))
            from lines where list_contains($1, resource.global_name) and list_contains($2, sku.description)
            and usage_start_time::date between $3 and $4""",
            [scope["ResourceId"], scope["x_usage_type"], anomaly["start"], end]).fetchall()[0][0]  # fmt: skip
        assert actual == Decimal(anomaly["actual"])
        assert Decimal(anomaly["excess"]) == actual - Decimal(anomaly["expected"])
        assert abs(Decimal(anomaly["excess"])) > 5


def test_idle_machines_are_idle_and_busy_ones_are_not(
    con: Connection, planted: dict[str, list[dict[str, Any]]]
) -> None:
    peaks = dict(con.execute("""select resource_id, max("max") from metrics where metric = 'cpu_percent'
        and resource_id like '%/instances/%' group by 1""").fetchall())  # fmt: skip
    idle = {w["resource_id"] for w in planted["waste"] if w["kind"] in ("idle_instance", "idle_database")}
    assert all(peaks[resource] < 5 for resource in idle)
    busy = {r[0] for r in con.execute("select ResourceId from resources where name = 'checkout-1'").fetchall()}
    assert all(peaks[resource] > 50 for resource in busy)
    assert {r[0] for r in con.execute("select distinct provider from metrics").fetchall()} == {"Google Cloud"}


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    def files(root: Path) -> dict[str, bytes]:
        simulate_gcp(
            root, seed=5, end=date(2026, 2, 10), months=1, scale="tiny", with_deliveries=True,
            renderings=("detailed", "standard", "focus"),
        )  # fmt: skip
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_an_open_month_has_neither_tax_nor_support(tmp_path: Path) -> None:
    simulation = simulate_gcp(tmp_path, seed=5, end=date(2026, 2, 10), months=1, scale="tiny")
    rows = connect().execute(f"select distinct cost_type from '{simulation.detailed}/*.parquet'").fetchall()
    assert rows == [("regular",)]


@pytest.mark.parametrize("given", [{"scale": "smal"}, {"renderings": ("detaild",)}])
def test_a_wrong_choice_names_the_right_ones(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UnknownValue):
        simulate_gcp(tmp_path, end=date(2026, 2, 1), **given)
    with pytest.raises(UsageError):
        simulate_gcp(tmp_path, end=date(2026, 2, 1), months=0)
