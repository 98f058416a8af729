"""Each rule of how commitments bill, one small case each."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from costlab.errors import UnknownValue, UsageError
from costlab.rating import Bill, bill
from costlab.rating.shapes import shape_of

HOUR = "2026-01-01T00:00:00"
EAST = "us-east-1"


def used(
    pool: str, quantity: float, price: float | None = 1.0, *, account: str = "a", hour: str = HOUR,
    region: str = EAST, zone: str = "", provider: str = "aws",
) -> dict[str, Any]:  # fmt: skip
    return {"hour": hour, "provider": provider, "account_id": account, "region": region, "pool": pool,
            "quantity": quantity, "list_price": price, "zone": zone}  # fmt: skip


def owned(
    name: str, instrument: str, target: str, amount: float, *, owner: str = "a", region: str = EAST, zone: str = "",
    sharing: str = "all", group: str = "", start: str | None = None, end: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    provider = instrument.partition("-")[0] if instrument.startswith(("azure", "gcp")) else "aws"
    return {"id": name, "provider": provider, "instrument": instrument, "owner_account_id": owner, "region": region,
            "zone": zone, "family_or_pool": target, "amount": amount, "from": start, "to": end, "sharing": sharing,
            "group": group}  # fmt: skip


def billed(usage: list[dict[str, Any]], commitments: list[dict[str, Any]], rates: list[tuple[str, str, float]]) -> Bill:
    prices = pd.DataFrame(
        [(*pair, "", price) for *pair, price in rates], columns=pd.Index(["instrument", "pool", "region", "price"])
    )
    return bill(pd.DataFrame(usage), pd.DataFrame(commitments) if commitments else None, prices)


def covers(found: Bill) -> dict[tuple[str, str, str], Decimal]:
    """Return units by (pool, account, covered by)."""
    items = found.items(["pool", "account", "commitment"])
    return {
        (i["pool"], i["account_id"], i["covered_by"] or "on-demand"): i["quantity"]
        for i in items
        if i["pool"] is not None
    }


def use(found: Bill, name: str) -> dict[str, Any]:
    return next(item for item in found.totals["commitments"] if item["covered_by"] == name)


def test_the_order_of_savings_plans_is_billed_even_where_another_would_be_cheaper() -> None:
    found = billed(
        [used("m5.p1", 100), used("m5.p2", 100)],
        [owned("e", "ec2-sp", "m5", 60), owned("c", "compute-sp", "", 62, region="")],
        [("ec2-sp", "m5.p1", 0.6), ("ec2-sp", "m5.p2", 0.62), ("compute-sp", "m5.p1", 0.62),
         ("compute-sp", "m5.p2", 0.95)],
    )  # fmt: skip
    assert found.totals["cost"].quantize(Decimal("0.01")) == Decimal("156.74")
    assert found.totals["unused_cost"] == 0


def test_of_equal_savings_the_lowest_plan_rate_goes_first() -> None:
    found = billed(
        [used("big.large", 1, 1.0), used("small.large", 1, 0.1)],
        [owned("c", "compute-sp", "", 0.07)],
        [("compute-sp", "big.large", 0.7), ("compute-sp", "small.large", 0.07)],
    )
    assert covers(found) == {("small.large", "a", "c"): 1, ("big.large", "a", "on-demand"): 1}


def test_plans_of_a_service_cover_its_usage_only_whatever_has_a_rate() -> None:
    pools = (
        "m5.large",
        "ml.m5.large",
        "db.r7g.large:postgresql",
        "USE1-NodeUsage:cache.r7g.large",
        "WriteRequestUnits",
    )
    reach = {"compute-sp": {"m5.large", "WriteRequestUnits"}, "sagemaker-sp": {"ml.m5.large"},
             "database-sp": {*pools[2:]}}  # fmt: skip
    for instrument, covered in reach.items():
        rates = [(instrument, pool, 0.5) for pool in pools]
        found = billed([used(pool, 1) for pool in pools], [owned("c", instrument, "", 9, region="")], rates)
        assert {pool for pool, _, by in covers(found) if by == "c"} == covered
        assert found.totals["share_without_committed_price"] == {instrument: 0}


def test_a_reservation_of_databases_goes_before_a_database_plan_and_counts_multi_az_twice() -> None:
    single, double = "db.r7g.large:postgresql", "db.r7g.large:postgresql:multi-az"
    found = billed(
        [used(double, 1, 0.478)],
        [owned("plan", "database-sp", "", 9, region=""), owned("ri", "rds-ri", single, 1)],
        [("database-sp", double, 0.3824), ("rds-ri", single, 0.16)],
    )
    assert covers(found) == {(double, "a", "ri"): Decimal("0.5"), (double, "a", "plan"): Decimal("0.5")}
    assert use(found, "plan")["used"] == Decimal("0.1912")


def test_a_plan_of_a_busy_account_burns_on_its_low_discount_usage_first() -> None:
    found = billed(
        [used("low.large", 1, 1.0, account="owner"), used("high.large", 1, 1.0, account="other")],
        [owned("c", "compute-sp", "", 0.9, owner="owner")],
        [("compute-sp", "low.large", 0.9), ("compute-sp", "high.large", 0.3)],
    )
    assert covers(found) == {("low.large", "owner", "c"): 1, ("high.large", "other", "on-demand"): 1}


@pytest.mark.parametrize(
    ("sharing", "group", "served"),
    [("all", "", ["owner", "other", "third"]), ("all", "third", ["owner", "third", "other"]),
     ("group", "third", ["owner", "third"]), ("none", "third", ["owner"])],
)  # fmt: skip
def test_sharing_says_who_is_served_and_in_which_order(sharing: str, group: str, served: list[str]) -> None:
    accounts = ("other", "owner", "third")
    for count in range(1, 5):
        found = billed(
            [used("m5.large", 1, 0.1, account=account) for account in accounts],
            [owned("ri", "regional-ri", "m5.large", count, owner="owner", sharing=sharing, group=group)],
            [("regional-ri", "m5.large", 0.06)],
        )
        assert {account for _, account, by in covers(found) if by == "ri"} == set(served[:count])
        assert use(found, "ri")["unused"] == max(0, count - len(served))


def test_what_a_restricted_group_leaves_stays_unused() -> None:
    found = billed(
        [used("m5.large", 1, 0.1, account="outside")],
        [owned("c", "compute-sp", "", 0.06, owner="owner", sharing="group", group="inside")],
        [("compute-sp", "m5.large", 0.06)],
    )
    assert found.totals["unused_cost"] == found.totals["committed_cost"] == Decimal("0.06")
    assert found.totals["on_demand_cost"] == Decimal("0.1")


def test_the_sharing_preference_of_the_last_day_rules_the_month() -> None:
    turned_off = "2026-01-20T00:00:00"
    found = billed(
        [used("m5.large", 1, 0.1, account="other", hour=hour) for hour in (HOUR, "2026-01-25T00:00:00")],
        [owned("ri", "regional-ri", "m5.large", 1, sharing="all", start=HOUR, end=turned_off),
         owned("ri", "regional-ri", "m5.large", 1, sharing="none", start=turned_off, end="2026-03-01T00:00:00")],
        [("regional-ri", "m5.large", 0.06)],
    )  # fmt: skip
    assert covers(found) == {("m5.large", "other", "on-demand"): 2}
    assert use(found, "ri")["unused"] == 24 * 24 + 1


def test_a_reservation_of_eight_units_covers_half_of_a_2xlarge_and_the_line_splits() -> None:
    found = billed(
        [used("m5.2xlarge", 1, 0.384)], [owned("ri", "regional-ri", "m5.xlarge", 1)],
        [("regional-ri", "m5.xlarge", 0.12)],
    )  # fmt: skip
    assert covers(found) == {
        ("m5.2xlarge", "a", "ri"): Decimal("0.5"),
        ("m5.2xlarge", "a", "on-demand"): Decimal("0.5"),
    }
    assert found.totals["committed_cost"] == Decimal("0.12")
    assert found.totals["on_demand_cost"] == Decimal("0.192")


def test_two_half_hours_of_two_instances_fit_under_one_reservation() -> None:
    found = billed(
        [used("m5.large", 0.5, hour="2026-01-01T00:00:00"), used("m5.large", 0.5, hour="2026-01-01T00:30:00")],
        [owned("ri", "regional-ri", "m5.large", 1)], [("regional-ri", "m5.large", 0.06)],
    )  # fmt: skip
    assert covers(found) == {("m5.large", "a", "ri"): 1}
    assert use(found, "ri")["unused"] == 0


@pytest.mark.parametrize(
    ("instrument", "bought", "running"),
    [("zonal-ri", "m5.large", "m5.xlarge"), ("regional-ri", "m5.large:dedicated", "m5.xlarge:dedicated"),
     ("regional-ri", "m5.large:windows", "m5.xlarge:windows"), ("regional-ri", "g5.xlarge", "g5.2xlarge"),
     ("regional-ri", "p4d.24xlarge", "p4d.48xlarge"), ("regional-ri", "m5.large", "m5.large:windows"),
     ("rds-ri", "db.m5.large:sqlserver-se", "db.m5.xlarge:sqlserver-se"),
     ("rds-ri", "db.m5.large:mysql", "db.m5.xlarge:postgresql"),
     ("opensearch-ri", "r5.large.search", "r5.xlarge.search"),
     ("redshift-ri", "ra3.4xlarge", "ra3.16xlarge"), ("regional-ri", "odd.size", "odd.other")],
)  # fmt: skip
def test_reservations_without_size_flexibility_cover_their_own_pool_only(
    instrument: str, bought: str, running: str
) -> None:
    found = billed(
        [used(running, 1), used(bought, 1)], [owned("ri", instrument, bought, 3)], [(instrument, bought, 0.5)]
    )
    assert covers(found) == {(running, "a", "on-demand"): 1, (bought, "a", "ri"): 1}


def test_a_zonal_reservation_needs_its_zone_and_goes_before_a_regional_one() -> None:
    found = billed(
        [used("m5.large", 1, zone="us-east-1a"), used("m5.large", 1, zone="us-east-1b"), used("m5.large", 1)],
        [owned("r", "regional-ri", "m5.large", 1), owned("z", "zonal-ri", "m5.large", 2, zone="us-east-1a")],
        [("zonal-ri", "m5.large", 0.5), ("regional-ri", "m5.large", 0.5)],
    )
    assert covers(found) == {
        ("m5.large", "a", "z"): 1, ("m5.large", "a", "r"): 1, ("m5.large", "a", "on-demand"): 1
    }  # fmt: skip


def test_a_reservation_of_a_family_counts_normalised_units() -> None:
    found = billed([used("m5.large", 1), used("m5.xlarge", 1)], [owned("ri", "regional-ri", "m5", 6)],
                   [("regional-ri", "m5", 0.01)])  # fmt: skip
    assert covers(found)["m5.xlarge", "a", "ri"] == Decimal("0.25")
    assert found.totals["committed_cost"] == Decimal("0.06")


def test_a_reservation_of_a_family_has_the_price_of_its_smallest_size() -> None:
    found = billed([used("m5.xlarge", 1)], [owned("ri", "regional-ri", "m5", 8)],
                   [("regional-ri", "m5.large", 0.06), ("regional-ri", "m5.xlarge", 0.13)])  # fmt: skip
    assert covers(found) == {("m5.xlarge", "a", "ri"): 1}
    assert found.totals["committed_cost"] == Decimal("0.12")


@pytest.mark.parametrize(("deployment", "units"), [("", 1), (":multi-az", 2), (":multi-az-cluster", 3)])
def test_rds_multi_az_counts_twice_and_a_cluster_three_times(deployment: str, units: int) -> None:
    pool = f"db.r5.large:postgresql{deployment}"
    found = billed([used(pool, 1)], [owned("ri", "rds-ri", "db.r5.large:postgresql", 6)],
                   [("rds-ri", "db.r5.large:postgresql", 0.1)])  # fmt: skip
    assert use(found, "ri")["used"] == units
    assert shape_of("aws", "USE1-Multi-AZUsage:db.r5.large") == shape_of("aws", "db.r5.large:multi-az")


def test_rds_usage_is_under_its_reservation_first_and_never_under_both() -> None:
    found = billed(
        [used("db.r7g.large", 2, 0.5)],
        [owned("sp", "database-sp", "", 10, region=""), owned("ri", "rds-ri", "db.r7g.large", 1)],
        [("rds-ri", "db.r7g.large", 0.3), ("database-sp", "db.r7g.large", 0.4)],
    )
    assert covers(found) == {("db.r7g.large", "a", "ri"): 1, ("db.r7g.large", "a", "sp"): 1}


def test_an_azure_reservation_goes_before_a_savings_plan_and_licence_meters_stay_outside() -> None:
    found = billed(
        [used("Standard_D4s_v5", 2, 0.2, provider="azure"), used("Windows licence 4 vCPU", 2, 0.18, provider="azure")],
        [owned("sp", "azure-sp", "", 5, region=""), owned("r", "azure-reservation", "Standard_D4s_v5", 1)],
        [("azure-reservation", "Standard_D4s_v5", 0.12), ("azure-sp", "Standard_D4s_v5", 0.14)],
    )
    assert covers(found) == {
        ("Standard_D4s_v5", "a", "r"): 1, ("Standard_D4s_v5", "a", "sp"): 1,
        ("Windows licence 4 vCPU", "a", "on-demand"): 2,
    }  # fmt: skip


def test_an_azure_consumption_discount_below_the_plan_rate_is_billed() -> None:
    found = billed([used("Standard_D4s_v5", 1, 0.13, provider="azure")], [owned("sp", "azure-sp", "", 1, region="")],
                   [("azure-sp", "Standard_D4s_v5", 0.14)])  # fmt: skip
    assert found.totals["on_demand_cost"] == Decimal("0.13")
    assert use(found, "sp")["unused"] == 1


def test_of_azure_plans_the_greatest_discount_is_served_first() -> None:
    found = billed(
        [used("Standard_D4s_v5", 1, 0.2, provider="azure"), used("Standard_E4s_v5", 1, 0.3, provider="azure")],
        [owned("sp", "azure-sp", "", 0.15, region="")],
        [("azure-sp", "Standard_D4s_v5", 0.14), ("azure-sp", "Standard_E4s_v5", 0.15)],
    )
    assert covers(found)["Standard_E4s_v5", "a", "sp"] == 1


@pytest.mark.parametrize(("sharing", "group", "served"), [("all", "", "abc"), ("group", "b", "ab"), ("none", "", "a")])
def test_azure_scopes_are_shared_group_and_subscription(sharing: str, group: str, served: str) -> None:
    found = billed(
        [used("Standard_D4s_v5", 1, 0.2, account=account, provider="azure") for account in "abc"],
        [owned("r", "azure-reservation", "Standard_D4s_v5", 3, sharing=sharing, group=group)],
        [("azure-reservation", "Standard_D4s_v5", 0.1)],
    )
    assert "".join(sorted(account for _, account, by in covers(found) if by == "r")) == served


def test_the_narrower_azure_scope_is_used_first() -> None:
    found = billed(
        [used("Standard_D4s_v5", 1, 0.2, provider="azure")],
        [owned("shared", "azure-reservation", "Standard_D4s_v5", 1),
         owned("own", "azure-reservation", "Standard_D2s_v5", 2, sharing="none")],
        [("azure-reservation", "Standard_D4s_v5", 0.1), ("azure-reservation", "Standard_D2s_v5", 0.05)],
    )  # fmt: skip
    assert covers(found) == {("Standard_D4s_v5", "a", "own"): 1}


@pytest.mark.parametrize(
    ("pool", "group", "units"),
    [("Standard_D4s_v5", "ds_v5", 4), ("Standard_E8-2s_v5", "es_v5", 8), ("D16s v5", "ds_v5", 16),
     ("Standard_DS3_v2", "ds_v2", 4), ("Standard_DS12_v2", "ds_v2-memory", 2), ("Standard_B2ms", "bs-memory", 4),
     ("Standard_B2s", "bs", 8), ("SQL vCore", "", 1), ("Standard_NC6s_v3", "ncs_v3", 6)],
)  # fmt: skip
def test_azure_sizes_have_a_group_and_a_ratio(pool: str, group: str, units: float) -> None:
    shape = shape_of("azure", pool)
    assert (shape.group, shape.units) == (group, units)


def test_both_models_of_googles_flexible_commitment_cover_the_same_usage() -> None:
    usage = [used("n2-vcpu", 1500, 0.1, provider="gcp")]
    rates = [(name, "n2-vcpu", 0.054) for name in ("gcp-flex-cud", "gcp-flex-cud-credit")]
    new = billed(usage, [owned("f", "gcp-flex-cud", "", 54, region="")], rates)
    old = billed(usage, [owned("f", "gcp-flex-cud-credit", "", 100, region="")], rates)
    assert covers(new) == covers(old) == {("n2-vcpu", "a", "f"): 1000, ("n2-vcpu", "a", "on-demand"): 500}
    assert new.totals["committed_cost"] == old.totals["committed_cost"] == 54
    assert new.totals["cost"] == old.totals["cost"]


def test_a_history_that_crosses_googles_change_of_model_is_one_commitment() -> None:
    change = "2026-01-21T08:00:00"
    found = billed(
        [used("c3-vcpu", 5, 0.1, provider="gcp", hour=hour) for hour in ("2026-01-21T07:00:00", change)],
        [owned("f", "gcp-flex-cud-credit", "", 0.2, region="", end=change),
         owned("f", "gcp-flex-cud", "", 0.108, region="", start=change)],
        [("gcp-flex-cud", "c3-vcpu", 0.054), ("gcp-flex-cud-credit", "c3-vcpu", 0.054)],
    )  # fmt: skip
    assert covers(found)["c3-vcpu", "a", "f"] == 4
    assert [item["cost"] for item in found.items(["hour"])] == [Decimal("0.408")] * 2


def test_a_credit_commitment_s_fee_is_the_whole_percent_that_rounded_prices_agree_on() -> None:
    found = billed([used("n2-vcpu", 100, 0.031611, provider="gcp"), used("n2-ram", 1, 0.004237, provider="gcp")],
                   [owned("f", "gcp-flex-cud-credit", "", 1, region="")],
                   [("gcp-flex-cud-credit", "n2-vcpu", 0.01707),
                    ("gcp-flex-cud-credit", "n2-ram", 0.002288)])  # fmt: skip
    assert found.totals["committed_cost"] == Decimal("0.54")


def test_a_credit_commitment_without_a_common_discount_has_no_price() -> None:
    found = billed([used("n2-vcpu", 1, 0.1, provider="gcp"), used("n2-ram", 1, 0.01, provider="gcp")],
                   [owned("f", "gcp-flex-cud-credit", "", 1, region="")],
                   [("gcp-flex-cud-credit", "n2-vcpu", 0.054), ("gcp-flex-cud-credit", "n2-ram", 0.006)])  # fmt: skip
    assert found.unpriced["commitments"] == ["f"]
    assert found.totals["committed_cost"] == 0


def test_google_applies_resource_then_flexible_and_projects_share_in_proportion() -> None:
    found = billed(
        [used("c3-vcpu", quantity, 0.1, account=account, provider="gcp") for account, quantity in (("a", 1), ("b", 3))],
        [owned("flex", "gcp-flex-cud", "", 0.07, region=""), owned("cud", "gcp-resource-cud", "c3-vcpu", 2)],
        [("gcp-resource-cud", "c3-vcpu", 0.05), ("gcp-flex-cud", "c3-vcpu", 0.07)],
    )
    assert covers(found) == {
        ("c3-vcpu", "a", "cud"): Decimal("0.5"), ("c3-vcpu", "b", "cud"): Decimal("1.5"),
        ("c3-vcpu", "a", "flex"): Decimal("0.25"), ("c3-vcpu", "b", "flex"): Decimal("0.75"),
        ("c3-vcpu", "a", "on-demand"): Decimal("0.25"), ("c3-vcpu", "b", "on-demand"): Decimal("0.75"),
    }  # fmt: skip


def january(pool: str, quantity: float, hours: int = 744, start: int = 0) -> list[dict[str, Any]]:
    first = datetime(2026, 1, 1)
    return [
        used(pool, quantity, 0.1, provider="gcp", hour=str(first + timedelta(hours=start + hour)))
        for hour in range(hours)
    ]


@pytest.mark.parametrize(
    ("pool", "hours", "share"),
    [("n1-vcpu", 744, "0.7"), ("n1-vcpu", 372, "0.9"), ("n1-vcpu", 186, "1"), ("n2-vcpu", 744, "0.8002"),
     ("N2D Predefined Instance Core", 744, "0.8002"), ("e2-vcpu", 744, "1"), ("c3-vcpu", 744, "1"),
     ("n1-vcpu spot", 744, "1")],
)  # fmt: skip
def test_sustained_use_lowers_the_price_by_the_share_of_the_month(pool: str, hours: int, share: str) -> None:
    totals = billed(january(pool, 2, hours), [], []).totals
    assert totals["list_cost"] == Decimal("0.2") * hours
    assert abs(totals["on_demand_cost"] - totals["list_cost"] * Decimal(share)) < Decimal("1e-9")


def test_sustained_use_stacks_machines_that_do_not_run_at_the_same_time() -> None:
    apart = january("n1-vcpu", 1, 372) + january("n1-vcpu", 1, 372, start=372)
    together = january("n1-vcpu", 1, 372) + january("n1-vcpu", 1, 372)
    assert abs(billed(apart, [], []).totals["cost"] - Decimal("74.4") * Decimal("0.7")) < Decimal("1e-9")
    assert abs(billed(together, [], []).totals["cost"] - Decimal("74.4") * Decimal("0.9")) < Decimal("1e-9")


def test_sustained_use_is_on_what_no_commitment_covers_only() -> None:
    found = billed(january("n1-vcpu", 2), [owned("cud", "gcp-resource-cud", "n1-vcpu", 1)],
                   [("gcp-resource-cud", "n1-vcpu", 0.06)])  # fmt: skip
    assert abs(found.totals["on_demand_cost"] - Decimal("74.4") * Decimal("0.7")) < Decimal("1e-9")
    assert found.totals["committed_cost"] == Decimal("44.64")


def test_usage_without_a_committed_price_is_not_covered_and_its_share_is_said() -> None:
    found = billed([used("m5.large", 3, 0.1), used("s3", 1, 0.1)], [owned("c", "compute-sp", "", 10)],
                   [("compute-sp", "m5.large", 0.07)])  # fmt: skip
    assert covers(found)["s3", "a", "on-demand"] == 1
    assert found.totals["share_without_committed_price"] == {"compute-sp": Decimal("0.25")}


def test_a_missing_list_price_is_no_cost_and_never_zero() -> None:
    found = billed([used("m5.large", 2, None), used("c5.large", 1, 0.1)], [], [])
    item = next(i for i in found.items(["pool"]) if i["pool"] == "m5.large")
    assert (item["cost"], item["reason"], item["unpriced_quantity"]) == (None, "no list price", 2)
    assert found.totals["cost"] == Decimal("0.1")
    assert found.totals["unpriced"] == {"quantity": 2, "pools": ["m5.large"], "commitments": []}
    assert not found.is_complete


def test_a_reservation_covers_usage_whose_list_price_is_not_known() -> None:
    found = billed([used("m5.large", 1, None)], [owned("ri", "regional-ri", "m5.large", 1)],
                   [("regional-ri", "m5.large", 0.06)])  # fmt: skip
    assert found.totals["cost"] == Decimal("0.06")
    assert found.is_complete


def test_a_commitment_without_a_price_covers_nothing_and_has_no_cost() -> None:
    found = billed([used("m5.large", 1, 0.1)], [owned("ri", "regional-ri", "m5.large", 1)], [])
    assert use(found, "ri") == {"covered_by": "ri", "used": 0, "unused": 1, "cost_unused": None}
    assert found.unpriced["commitments"] == ["ri"]
    assert found.totals["cost"] == Decimal("0.1")


def test_a_commitment_is_charged_in_every_hour_of_its_term_within_the_span_of_the_usage() -> None:
    found = billed(
        [used("m5.large", 1, 0.1), used("m5.large", 1, 0.1, hour="2026-01-01T09:00:00")],
        [owned("ri", "regional-ri", "m5.large", 1, start="2025-12-31T00:00:00", end="2026-01-01T05:00:00")],
        [("regional-ri", "m5.large", 0.06)],
    )
    assert found.totals["committed_cost"] == Decimal("0.30")
    assert found.totals["unused_cost"] == Decimal("0.24")
    assert len(found.items(["hour"])) == 6


@pytest.mark.parametrize("by", [["hour"], ["commitment"], ["hour", "pool"], ["pool", "account", "commitment"]])
def test_items_by_hour_or_commitment_add_up_to_the_cost(by: list[str]) -> None:
    found = billed(
        [used("m5.large", 1 / 3, 0.096, hour=f"2026-01-01T0{h}:00:00") for h in range(5)],
        [owned("c", "compute-sp", "", 0.017), owned("ri", "regional-ri", "m5.nano", 0.7)],
        [("compute-sp", "m5.large", 0.07), ("regional-ri", "m5.nano", 0.003)],
    )
    assert sum(item["cost"] for item in found.items(by)) == found.totals["cost"]
    assert found.totals["cost"] == found.totals["committed_cost"] + found.totals["on_demand_cost"]


def test_without_commitments_the_cost_is_the_list_cost() -> None:
    found = billed([used("m5.large", 0.1, 0.0961), used("c5.large", 12345.678, 0.1234567)], [], [])
    assert found.totals["cost"] == found.totals["list_cost"] == found.totals["on_demand_cost"]


def test_a_rate_may_hold_for_one_commitment_only() -> None:
    rates = pd.DataFrame([("compute-sp", "m5.large", "", 0.05, "three"), ("compute-sp", "m5.large", "", 0.07, "")],
                         columns=pd.Index(["instrument", "pool", "region", "price", "commitment"]))  # fmt: skip
    plans = [owned("one", "compute-sp", "", 0.07), owned("three", "compute-sp", "", 0.05)]
    found = bill(pd.DataFrame([used("m5.large", 1, 0.1)]), pd.DataFrame(plans), rates)
    assert covers(found) == {("m5.large", "a", "three"): 1}


def test_two_prices_for_the_same_thing_are_refused() -> None:
    with pytest.raises(UsageError, match="two prices"):
        billed([used("m5.large", 1)], [], [("compute-sp", "m5.large", 0.05), ("compute-sp", "m5.large", 0.07)])


@pytest.mark.parametrize(
    ("change", "error"),
    [({"instrument": "magic"}, UnknownValue), ({"sharing": "some"}, UnknownValue), ({"amount": -1}, UsageError),
     ({"provider": "gcp"}, UsageError), ({"from": "2027-01-01", "to": "2026-01-01"}, UsageError),
     ({"sharing": "none", "owner_account_id": ""}, UsageError), ({"amount": "many"}, UsageError)],
)  # fmt: skip
def test_a_commitment_that_cannot_be_is_refused(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        billed([used("m5.large", 1)], [owned("c", "compute-sp", "", 1) | change], [])


@pytest.mark.parametrize(
    "change", [{"quantity": -1}, {"quantity": None}, {"list_price": -1}, {"hour": None}, {"provider": "moon"}]
)
def test_usage_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        billed([used("m5.large", 1) | change], [], [])


@pytest.mark.parametrize("name", ["Microsoft", "Azure", "azure"])
def test_clouds_are_known_by_their_focus_names(name: str) -> None:
    found = billed([used("Standard_D4s_v5", 1, 0.2, provider=name)],
                   [owned("r", "azure-reservation", "Standard_D2s_v5", 1) | {"provider": name}],
                   [("azure-reservation", "Standard_D2s_v5", 0.06)])  # fmt: skip
    assert covers(found)["Standard_D4s_v5", "a", "r"] == Decimal("0.5")


def test_a_missing_column_is_named_with_the_valid_ones() -> None:
    with pytest.raises(UsageError, match="lacks the column pool") as caught:
        bill(pd.DataFrame([used("m5.large", 1)]).drop(columns="pool"))
    assert "[zone]" in caught.value.hint


def test_instants_may_be_written_in_any_iso_form() -> None:
    forms = ["2026-01-01", "2026-01-01T01:00", "2026-01-01T04:00:00+02:00", "2026-01-01 03:00:00Z"]
    found = billed([used("m5.large", 1, hour=hour) for hour in forms], [], [])
    assert [item["hour"].hour for item in found.items(["hour"])] == [0, 1, 2, 3]


def test_no_usage_is_no_bill() -> None:
    found = bill(pd.DataFrame([used("m5.large", 1)]).iloc[:0])
    assert found.totals["cost"] == 0
    assert found.items(["hour"]) == []
