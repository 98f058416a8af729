"""Bills with something wrong or unknown in them: it is shown with its amount, in the right service."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from costlab.lab.calibration.answers import NOT_COMPUTED, Calibrated, calibrated
from costlab.period import Month
from tests.support import Row, catalogue, focus_rows, write_revision

EC2, PLANS = "Amazon Elastic Compute Cloud", "Savings Plans for AWS Compute usage"
START = datetime(2026, 3, 1)
RI = "arn:aws:ec2:us-east-1:111111111111:reserved-instances/r1"
SP = "arn:aws:savingsplans::111111111111:savingsplan/s1"
HOURS = 24


def machine(hour: int, kind: str, quantity: str, cost: str, price: str, **more: Any) -> Row:
    """Return an hour of machines of a type."""
    return {
        "ChargePeriodStart": START + timedelta(hours=hour), "PricingQuantity": quantity, "ConsumedQuantity": quantity,
        "ListUnitPrice": price, "ContractedUnitPrice": price, "EffectiveCost": cost, "BilledCost": cost,
        "x_instance_type": kind, "x_family": kind.partition(".")[0], "x_usage_type": f"BoxUsage:{kind}",
        "x_operation": "RunInstances", "AvailabilityZone": "us-east-1a", **more,
    }  # fmt: skip


def covered(hour: int, kind: str, quantity: str, cost: str, price: str, name: str) -> Row:
    return machine(
        hour, kind, quantity, cost, price, PricingCategory="Committed", CommitmentDiscountStatus="Used",
        **commitment(name),
    )  # fmt: skip


def commitment(name: str) -> Row:
    plan = name == SP
    return {
        "CommitmentDiscountId": name, "CommitmentDiscountType": "Savings Plan" if plan else "Reserved Instance",
        "CommitmentDiscountCategory": "Spend" if plan else "Usage",
        "CommitmentDiscountUnit": "USD" if plan else "Normalized Hours",
    }  # fmt: skip


def fee(name: str, hour: int, hours: int, **more: Any) -> Row:
    plan = name == SP
    return {
        "ChargePeriodStart": START + timedelta(hours=hour), "ChargePeriodEnd": START + timedelta(hours=hour + hours),
        "ServiceName": PLANS if plan else EC2, "PricingQuantity": None, **commitment(name),
        "x_usage_type": "ComputeSP:1yrNoUpfront" if plan else "HeavyUsage:m5.large", "x_operation": "RunInstances",
        "x_instance_type": None if plan else "m5.large", "BilledCost": 0, "EffectiveCost": 0, **more,
    }  # fmt: skip


def unused(name: str, hour: int, hours: int, cost: str) -> Row:
    return fee(name, hour, hours, PricingCategory="Committed", EffectiveCost=cost, CommitmentDiscountStatus="Unused")


def bill() -> list[Row]:
    """A day: three m5.large, one of them reserved; a c5.xlarge in the first half, for a plan of its whole price."""
    purchase = {"ChargeCategory": "Purchase", "ChargeFrequency": "Recurring"}
    rows = [fee(RI, 0, HOURS, PricingQuantity=HOURS, **purchase), unused(RI, 0, HOURS, "0")]
    for hour in range(HOURS):
        rows += [covered(hour, "m5.large", "1", "0.06", "0.1", RI), machine(hour, "m5.large", "2", "0.2", "0.1")]
        rows += [fee(SP, hour, 1, PricingQuantity=1, BilledCost="0.12", **purchase)]
        if hour < HOURS // 2:
            rows += [covered(hour, "c5.xlarge", "1", "0.12", "0.17", SP), unused(SP, hour, 1, "0")]
        else:
            rows += [unused(SP, hour, 1, "0.12")]
    return rows


def without_unused(rows: list[Row]) -> list[Row]:
    """Return the bill without what was not used of the plan."""
    return [r for r in rows if r.get("CommitmentDiscountStatus") != "Unused" or r["ServiceName"] != PLANS]


def moved() -> list[Row]:
    """The bill with one covered hour billed on demand."""
    rows = bill()
    place = next(i for i, row in enumerate(rows) if row.get("CommitmentDiscountStatus") == "Used")
    rows[place] = machine(0, "m5.large", "1", "0.1", "0.1")
    return rows


def unknown_price() -> list[Row]:
    row = {"ServiceName": "Mystery", "PricingUnit": "Things", "BilledCost": "5", "EffectiveCost": "5"}
    return [*bill(), row]


def unknown_price_on_demand() -> list[Row]:
    prices = {"ContractedUnitPrice": None, "ListUnitPrice": None, "ContractedCost": 0}
    return [row | prices if row.get("x_instance_type") == "c5.xlarge" else row for row in bill()]


def fees() -> list[Row]:
    tax, credit = ({"ChargeCategory": kind, "BilledCost": cost, "PricingCategory": None}
                   for kind, cost in (("Tax", "3"), ("Credit", "-2")))  # fmt: skip
    return [*bill(), tax, credit, {"PricingCategory": "Dynamic", "BilledCost": "4", "ContractedUnitPrice": 4}]


def two_currencies() -> list[Row]:
    euros = [row | {"BillingCurrency": "EUR"} for row in bill()]
    renamed = [r | {"CommitmentDiscountId": f"{r['CommitmentDiscountId']}-eur"} if "CommitmentDiscountId" in r else r
               for r in euros]  # fmt: skip
    return [*bill(), *without_unused(renamed)]


def no_rules(kind: str | None) -> list[Row]:
    other = {"CommitmentDiscountType": kind, "ServiceName": "Other", "x_service_code": "Other", "x_usage_type": "Node"}
    return [*bill(), covered(0, "db.r6g.large", "1", "0.5", "0.9", "other") | other]


def unknown_quantity() -> list[Row]:
    return [row | {"PricingQuantity": None} if row.get("x_instance_type") == "c5.xlarge" else row for row in bill()]


def unknown_status() -> list[Row]:
    return [row | {"CommitmentDiscountStatus": None} for row in bill()]


def unknown_provider() -> list[Row]:
    rows = [machine(hour, "shape.1", "1", "0.1", "0.1", ServiceProviderName="Oracle") for hour in range(3)]
    return [*rows, machine(3, "shape.1", "1", "0.07", "0.1", ServiceProviderName="Oracle")]


def owner_only() -> list[Row]:
    """The bill, and a machine of another account in the hours in which the plan is not used."""
    idle = [machine(hour, "c5.xlarge", "1", "0.17", "0.17", SubAccountId="222222222222") for hour in range(12, HOURS)]
    return [*bill(), *idle]


def group_only() -> list[Row]:
    """The same with a second account that the plan covers where it is not used otherwise, up to the last hour."""
    rows = owner_only()
    for hour in range(12, HOURS - 1):
        rows.append(covered(hour, "c5.xlarge", "1", "0.12", "0.17", SP) | {"SubAccountId": "333333333333"})
    spare = [r for r in rows if r.get("CommitmentDiscountStatus") == "Unused" and r["ServiceName"] == PLANS]
    last = START + timedelta(hours=HOURS - 1)
    return [r for r in rows if r not in spare or r["ChargePeriodStart"] == last]


def by_the_day() -> list[Row]:
    """12 hours of two machines, one reserved: half the day's commitment is lost, spread evenly nothing is."""
    day = {"ChargePeriodEnd": START + timedelta(days=1)}
    return [
        fee(RI, 0, HOURS, PricingQuantity=HOURS, ChargeCategory="Purchase", ChargeFrequency="Recurring"),
        covered(0, "m5.large", "12", "0.72", "0.1", RI) | day | {"CommitmentDiscountQuantity": 48},
        unused(RI, 0, HOURS, "0.72") | {"CommitmentDiscountQuantity": 48},
        machine(0, "m5.large", "12", "1.2", "0.1") | day,
    ]


def two_regions() -> list[Row]:
    """The day of :func:`by_the_day`, and the same machine at another price in another region."""
    more = {"RegionId": "eu-west-1", "ChargePeriodEnd": START + timedelta(days=1), "AvailabilityZone": None}
    return [*by_the_day(), machine(0, "m5.large", "24", "2.88", "0.12", **more)]


BILLS = {
    "right": bill, "moved": moved, "dropped": lambda: without_unused(bill()), "unknown": unknown_price,
    "uncovered": unknown_price_on_demand, "fees": fees, "currencies": two_currencies,
    "capacity": lambda: no_rules("Reserved Capacity"), "untyped": lambda: no_rules(None),
    "quantity": unknown_quantity, "status": unknown_status, "oracle": unknown_provider,
    "owner": owner_only, "group": group_only, "daily": by_the_day, "regions": two_regions,
}  # fmt: skip
Planted = dict[str, list[Calibrated]]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """All bills, each a source of its own in one catalogue, computed again."""
    folder = tmp_path_factory.mktemp("planted")
    rows = {name: focus_rows([row | {"x_source": name} for row in make()]) for name, make in BILLS.items()}
    with catalogue(folder, *(write_revision(folder, found) for found in rows.values())) as db:
        return {name: list(calibrated(db, name, Month(2026, 3))) for name in rows}


def services(found: Calibrated) -> dict[str, dict[str, Any]]:
    return {item["service_name"]: item for item in found.items}


def test_a_bill_that_is_right_is_equal(planted: Planted) -> None:
    (found,) = planted["right"]
    assert found.total["difference"] == 0
    assert {name: item["status"] for name, item in services(found).items()} == {EC2: "equal", PLANS: "equal"}
    assert services(found)[PLANS]["computed_unused"] == Decimal("1.44")
    (plan, reserved) = sorted(found.commitments, key=lambda item: item["instrument"])
    assert (plan["instrument"], plan["amount"], plan["sharing"]) == ("compute-sp", 0.12, "all")
    assert (reserved["instrument"], reserved["family_or_pool"], reserved["amount"]) == ("regional-ri", "m5.large", 1)


def test_a_covered_row_billed_on_demand_is_shown_in_its_service(planted: Planted) -> None:
    (found,) = planted["moved"]
    item = services(found)[EC2]
    assert item["computed_covered"] - item["covered"] == Decimal("0.06")
    assert item["computed_on_demand"] - item["on_demand"] == Decimal("-0.1")
    assert (item["difference"], item["unexplained"]) == (Decimal("-0.04"), Decimal("-0.04"))
    assert item["status"] == "unexplained"
    assert services(found)[PLANS]["difference"] == 0


def test_unused_commitment_that_is_missing_is_shown_in_the_commitment_s_service(planted: Planted) -> None:
    (found,) = planted["dropped"]
    item = services(found)[PLANS]
    assert (item["unused"], item["computed_unused"]) == (0, Decimal("1.44"))
    assert (item["difference"], item["unexplained"]) == (Decimal("1.44"), Decimal("1.44"))
    assert services(found)[EC2]["difference"] == 0
    assert found.is_off


def test_usage_without_a_price_is_no_price_and_not_zero(planted: Planted) -> None:
    (found,) = planted["unknown"]
    item = services(found)["Mystery"]
    assert item["reasons"] == {"no price": 5}
    assert item["status"] == NOT_COMPUTED
    unknown = ("computed_on_demand", "difference", "unexplained", "contract_discount")
    assert [item[name] for name in unknown] == [None] * 4
    assert found.total["difference"] == 0


def test_covered_usage_without_a_price_on_demand_stays_covered_and_its_price_stays_missing(planted: Planted) -> None:
    (found,) = planted["uncovered"]
    assert found.total["difference"] == 0
    usage = found.learned.usage
    assert usage.loc[usage["pool"] == "c5.xlarge", "list_price"].isna().all()
    assert usage.loc[usage["pool"] == "m5.large", "list_price"].eq(0.1).all()


def test_fees_tax_and_credits_are_taken_over_with_their_reason(planted: Planted) -> None:
    (found,) = planted["fees"]
    item = services(found)[EC2]
    assert item["reasons"] == {"tax": 3, "credit": -2, "spot": 4}
    assert (item["taken_over"], item["difference"]) == (5, 0)


def test_currencies_are_kept_apart(planted: Planted) -> None:
    found = planted["currencies"]
    assert [(one.bill.currency, one.total["difference"]) for one in found] == [("EUR", Decimal("1.44")), ("USD", 0)]
    assert [len(one.commitments) for one in found] == [2, 2]


NO_RULES = [("capacity", "Reserved Capacity"), ("untyped", "a commitment without a type")]


@pytest.mark.parametrize(("source", "kind"), NO_RULES)
def test_a_commitment_without_rules_is_taken_over_with_its_usage(planted: Planted, source: str, kind: str) -> None:
    (found,) = planted[source]
    item = services(found)["Other"]
    assert item["reasons"] == {f"commitment: no rules for {kind}": Decimal("0.5")}
    assert item["status"] == NOT_COMPUTED
    assert [one["reason"] for one in found.commitments if one["id"] == "other"] == [f"no rules for {kind}"]


def test_a_commitment_whose_usage_has_no_quantity_is_taken_over(planted: Planted) -> None:
    (found,) = planted["quantity"]
    reason = "the bill does not tell the quantity of what it covers"
    assert services(found)[EC2]["reasons"] == {f"commitment: {reason}": Decimal("1.44")}
    assert services(found)[PLANS]["reasons"] == {f"commitment: {reason}": Decimal("1.44")}
    assert [one["reason"] for one in found.commitments] == [None, reason]
    assert found.total["difference"] == 0


def test_a_bill_that_does_not_tell_what_was_used_of_commitments_is_not_guessed(planted: Planted) -> None:
    (found,) = planted["status"]
    assert services(found)[EC2]["reasons"] == {"other price": Decimal("2.88")}
    assert [one["reason"] for one in found.commitments] == ["nothing is charged for it in this bill"] * 2
    assert found.total["difference"] == 0


def test_a_provider_the_engine_does_not_know_is_quantity_times_price(planted: Planted) -> None:
    (found,) = planted["oracle"]
    (item,) = found.items
    assert (item["on_demand"], item["computed_on_demand"]) == (Decimal("0.37"), Decimal("0.4"))
    assert item["explained"] == {"uneven_discount": Decimal("0.03")}


def test_a_plan_of_the_owner_only_is_told_by_what_others_went_without(planted: Planted) -> None:
    (found,) = planted["owner"]
    (plan,) = (item for item in found.commitments if item["id"] == SP)
    assert (plan["sharing"], plan["owner_account_id"]) == ("none", "111111111111")
    assert plan["scope_basis"] == "usage of 1 other account went without"
    assert found.total["difference"] == 0


def test_a_plan_of_some_accounts_is_told_by_what_another_went_without(planted: Planted) -> None:
    (found,) = planted["group"]
    (plan,) = (item for item in found.commitments if item["id"] == SP)
    assert (plan["sharing"], plan["group"]) == ("group", ["111111111111", "333333333333"])
    assert found.total["difference"] == 0


def test_a_day_of_a_bill_by_the_day_is_spread_and_said(planted: Planted) -> None:
    (found,) = planted["daily"]
    (item,) = found.items
    assert item["computed_covered"] - item["covered"] == Decimal("0.72")
    assert item["computed_unused"] - item["unused"] == Decimal("-0.72")
    assert item["explained"] == {"daily_grain": Decimal("-1.2")}
    assert (item["unexplained"], item["status"]) == (0, "explained")


def test_what_moved_is_explained_at_the_price_of_its_own_region(planted: Planted) -> None:
    (found,) = planted["regions"]
    (item,) = found.items
    assert item["explained"] == {"daily_grain": Decimal("-1.2")}
    assert item["unexplained"] == 0
