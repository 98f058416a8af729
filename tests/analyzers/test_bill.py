"""What a resource costs per hour: windows, edges, commitments, resources that came or went."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from costlab.analyzers.bill import local_id, resources
from costlab.analyzers.usage import load_usage
from costlab.money import ZERO
from tests.analyzers.support import world
from tests.support import Row

NOW = datetime(2026, 3, 20)
NAT: Row = {"ResourceId": "nat-1", "x_usage_type": "NatGateway-Hours", "BilledCost": 2.4, "PricingQuantity": 24}


def hourly(costs: list[Row], now: datetime = NOW) -> dict[str, Decimal]:
    found = resources(world(costs, [], now=now))
    return {r.resource_id: r.hourly(sum((line.effective for line in r.lines), ZERO)) for r in found}


def test_the_window_is_the_last_fourteen_days() -> None:
    dear_before = [{**NAT, "days": None, "BilledCost": 99, "ChargePeriodStart": datetime(2026, 3, 5)}]
    del dear_before[0]["days"]
    assert hourly([{**NAT, "days": 14}, *dear_before]) == {"nat-1": Decimal("0.1")}


def test_a_short_bill_is_taken_as_a_whole() -> None:
    assert hourly([{**NAT, "days": 3}]) == {"nat-1": Decimal("0.1")}


def test_a_monthly_charge_counts_in_proportion_to_time() -> None:
    month = {"ChargePeriodStart": datetime(2026, 3, 1), "ChargePeriodEnd": datetime(2026, 4, 1), "BilledCost": 74.4}
    assert hourly([{**NAT, **month}], now=datetime(2026, 4, 1)) == {"nat-1": Decimal("0.1")}


def test_a_resource_made_in_the_window_is_divided_by_the_hours_it_existed() -> None:
    assert hourly([{**NAT, "days": 4}, {**NAT, "ResourceId": "old", "days": 14}])["nat-1"] == Decimal("0.1")


def test_a_resource_that_is_gone_is_not_returned() -> None:
    gone = [
        {**NAT, "ResourceId": "gone", "ChargePeriodStart": start, "ChargePeriodEnd": start + timedelta(days=1)}
        for start in (datetime(2026, 3, 8), datetime(2026, 3, 9))
    ]
    assert list(hourly([{**NAT, "days": 14}, *gone])) == ["nat-1"]


def test_nothing_after_now_is_seen() -> None:
    later = {**NAT, "BilledCost": 99, "ChargePeriodStart": datetime(2026, 3, 21)}
    assert hourly([{**NAT, "days": 14}, later]) == {"nat-1": Decimal("0.1")}


def test_each_source_has_its_own_last_day() -> None:
    late = [
        {**NAT, "ResourceId": "late", "x_source": "b", "ChargePeriodStart": start, "ChargePeriodEnd": end}
        for start, end in [(datetime(2026, 3, d), datetime(2026, 3, d + 1)) for d in range(1, 15)]
    ]
    assert hourly([{**NAT, "days": 14}, *late]) == {"nat-1": Decimal("0.1"), "late": Decimal("0.1")}


def test_credits_and_unused_commitments_are_no_charges_of_a_resource() -> None:
    credit = {**NAT, "days": 14, "ChargeCategory": "Credit", "BilledCost": -1}
    unused = {
        **NAT,
        "days": 14,
        "ResourceId": "ri-1",
        "CommitmentDiscountId": "ri-1",
        "CommitmentDiscountStatus": "Unused",
    }
    assert hourly([{**NAT, "days": 14}, credit, unused]) == {"nat-1": Decimal("0.1")}


def test_a_machine_is_of_the_service_that_rents_it_whatever_its_traffic_costs() -> None:
    machine = {**NAT, "days": 14, "x_instance_type": "m5.large", "x_usage_type": "BoxUsage:m5.large"}
    traffic = {**NAT, "days": 14, "ServiceCategory": "Networking", "BilledCost": 500, "x_usage_type": "Transfer"}
    (found,) = resources(world([machine, traffic], [], now=NOW))
    assert (found.service_category, found.instance_type) == ("Compute", "m5.large")


def test_the_pattern_selects_resources_and_keeps_all_their_lines() -> None:
    data = {**NAT, "days": 14, "x_usage_type": "NatGateway-Bytes"}
    other = {**NAT, "days": 14, "ResourceId": "i-1", "x_usage_type": "BoxUsage"}
    (found,) = resources(world([{**NAT, "days": 14}, data, other], [], now=NOW), "NatGateway-Hours$")
    assert [line.usage_type for line in found.lines] == ["NatGateway-Bytes", "NatGateway-Hours"]


def test_the_local_id_is_the_last_part_of_a_name() -> None:
    names = ["arn:aws:rds:us-east-1:1:db:orders", "arn:aws:ec2:us-east-1:1:volume/vol-1", "i-1", "/subscriptions/a/vm/"]
    assert [local_id(name) for name in names] == ["orders", "vol-1", "i-1", "vm"]


def test_samples_are_found_by_id_or_by_the_last_part_of_a_name_when_it_is_unambiguous() -> None:
    arn = "arn:aws:rds:us-east-1:1:db:orders"
    context = world(
        [{**NAT, "ResourceId": arn, "days": 14}],
        [{"resource_id": "orders", "metric": "cpu_percent", "avg": 7.0}],
        now=NOW,
    )
    (database,) = resources(context)
    usage = load_usage(context, "cpu_percent").of(database)
    assert usage is not None
    assert (usage.mean, usage.hours, usage.coverage, usage.has_maximum) == (7.0, 336, 1.0, False)
    assert not load_usage(context, "memory_percent")


def test_a_few_samples_are_not_enough_and_not_a_number_is_a_gap() -> None:
    samples: list[Row] = [
        {"resource_id": "nat-1", "metric": "cpu_percent", "avg": 7.0, "hours": 29},
        {"resource_id": "nat-1", "metric": "cpu_percent", "avg": float("nan"), "hours": 336},
    ]
    context = world([{**NAT, "days": 14}], samples, now=NOW)
    usage = load_usage(context, "cpu_percent").of(resources(context)[0])
    assert usage is not None
    assert (usage.samples, usage.is_enough, usage.mean) == (29, False, 7.0)


def test_azures_spellings_of_a_resource_are_one_resource_with_one_set_of_samples() -> None:
    azure: Row = {"ServiceProviderName": "Microsoft", "ProviderName": "Microsoft", "x_usage_type": "D4s v5"}
    whole = "/subscriptions/1/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/web-1"
    rare: Row = {"ResourceId": whole.lower(), "ChargePeriodStart": datetime(2026, 3, 10), "BilledCost": 4.8}
    context = world(
        [{**NAT, **azure, "ResourceId": whole, "days": 14}, {**NAT, **azure, **rare}],
        [{"resource_id": whole.upper(), "metric": "cpu_percent", "avg": 7.0}],
        now=NOW,
    )
    (machine,) = resources(context, "^D4s v5$")
    assert machine.resource_id == whole
    assert [line.effective for line in machine.lines] == [Decimal("38.4")]
    usage = load_usage(context, "cpu_percent").of(machine)
    assert usage is not None
    assert usage.mean == 7.0


def test_other_clouds_ids_differ_in_case() -> None:
    rows: list[Row] = [{**NAT, "days": 14}, {**NAT, "ResourceId": "NAT-1", "days": 14}]
    assert {r.resource_id for r in resources(world(rows, [], now=NOW))} == {"nat-1", "NAT-1"}
