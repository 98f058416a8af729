"""The worked examples that AWS publishes on its price pages and in its user guides come out to the cent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import pytest

from costlab.errors import UsageError
from costlab.period import Month
from costlab.rating import Bill, bill
from costlab.rating.tiers import (
    MonthLength,
    Tier,
    billable,
    billed_duration,
    hours_of,
    line,
    rounded_up,
    tiered,
    total,
    unit_months,
)

D = Decimal
GB_SECOND, REQUEST = D("0.0000166667"), D("0.0000002")
FREE_GB_SECONDS, FREE_REQUESTS = D(400_000), D(1_000_000)
RESERVED, ON_RESERVED = D("0.0000041667"), D("0.0000097222")
VCPU_SECOND, GB_OF_TASK, EPHEMERAL = D("0.0000112444"), D("0.000001235"), D("0.0000000308")
HALF_DAY = D(43_200) / (86_400 * 30)
S3 = [Tier(D(51_200), D("0.023")), Tier(D(512_000), D("0.022")), Tier(None, D("0.021"))]


def lambda_cost(requests: int, seconds: str, memory_gb: str, *, free_tier: bool) -> Decimal:
    used = requests * D(seconds) * D(memory_gb)
    return total([
        billable(used, FREE_GB_SECONDS, free_tier=free_tier) * GB_SECOND,
        billable(D(requests), FREE_REQUESTS, free_tier=free_tier) * REQUEST,
    ])  # fmt: skip


def provisioned_lambda() -> Decimal:
    ready = 100 * D("1.5") * 8 * 3600
    served, beyond = 500_000 * D("0.1") * D("1.5"), 2_500_000 * D("0.12") * D("1.5")
    return total([
        ready * RESERVED,
        billable(D(3_000_000), FREE_REQUESTS, free_tier=True) * REQUEST,
        served * ON_RESERVED,
        billable(beyond, FREE_GB_SECONDS, free_tier=True) * GB_SECOND,
    ])  # fmt: skip


def fargate(tasks: int, vcpu: str, memory_gb: int, seconds: int, extra_gb: int) -> Decimal:
    ran = tasks * billed_duration(D(seconds), minimum=D(60)) * 30
    return total([ran * D(vcpu) * VCPU_SECOND, ran * memory_gb * GB_OF_TASK, ran * extra_gb * EPHEMERAL])


def gp3(size: int, iops: int, throughput: int) -> Decimal:
    return total([
        size * D("0.08") * HALF_DAY,
        billable(D(iops), D(3_000), free_tier=True) * D("0.005") * HALF_DAY,
        billable(D(throughput), D(125), free_tier=True) * D("0.06") * HALF_DAY,
    ], places=D("0.001"))  # fmt: skip


def storage() -> Decimal:
    byte_hours = D(100) * 15 * 24 + D(100 * 1024) * 16 * 24
    return line(tiered(unit_months(byte_hours, hours_of(MonthLength.ACTUAL, Month(2026, 3))), S3))


def hour(usage: list[tuple[str, float, float]], owned: list[tuple[str, str, float]], rates: dict[str, float]) -> Bill:
    """Bill one hour: (pool, quantity, list price), (instrument, target, amount), committed price per pool."""
    names = ["hour", "provider", "account_id", "region", "pool", "quantity", "list_price"]
    table = pd.DataFrame([("2026-01-01", "aws", "1", "us-east-1", *row) for row in usage], columns=pd.Index(names))
    names = ["id", "provider", "instrument", "owner_account_id", "region", "zone", "family_or_pool", "amount"]
    commitments = pd.DataFrame(
        [(target, "aws", instrument, "1", "us-east-1", "", target, amount) for instrument, target, amount in owned],
        columns=pd.Index(names),
    )
    prices = pd.DataFrame([(owned[0][0], pool, "", price) for pool, price in rates.items()],
                          columns=pd.Index(["instrument", "pool", "region", "price"]))  # fmt: skip
    return bill(table, commitments, prices)


def plan(amount: float) -> Bill:
    usage = [("r5.4xlarge", 4.0, 1.0), ("other", 1.0, 55.10)]
    return hour(usage, [("compute-sp", "", amount)], {"r5.4xlarge": 0.7, "other": 44.33})


def covered(found: Bill, by: str | None) -> dict[str, Decimal]:
    return {i["pool"]: i["quantity"] for i in found.items() if i["covered_by"] == by and i["pool"]}


def large_plan() -> list[Decimal]:
    totals = plan(50).totals
    return [line(totals["commitments"][0]["used"]), line(totals["list_cost"]), line(totals["cost"])]


def small_plan() -> list[Decimal]:
    found = plan(2)
    items = {i["pool"]: i["cost"] for i in found.items() if i["covered_by"] is None}
    return [line(items["r5.4xlarge"]), line(items["other"]), line(found.totals["on_demand_cost"])]


def family_of_sizes() -> list[Decimal]:
    m4 = hour([("m4.xlarge", 2, 0.2)], [("regional-ri", "m4.large", 4)], {"m4.large": 0.06})
    c4 = hour([("c4.xlarge", 1, 0.2)], [("regional-ri", "c4.large", 1)], {"c4.large": 0.06})
    return [covered(m4, "m4.large")["m4.xlarge"] / 2, covered(c4, "c4.large")["c4.xlarge"]]


def smallest_first() -> list[Decimal]:
    found = hour([("m3.xlarge", 2, 0.2), ("m3.large", 2, 0.1)], [("regional-ri", "m3.2xlarge", 1)], {"m3.2xlarge": 0.3})
    by_plan, rest = covered(found, "m3.2xlarge"), covered(found, None)
    return [by_plan["m3.large"], by_plan["m3.xlarge"], rest["m3.xlarge"]]


EXAMPLES: dict[str, tuple[Callable[[], object], object]] = {
    "01 lambda": (lambda: lambda_cost(3_000_000, "0.12", "1.5", free_tier=True), D("2.73")),
    "02 lambda without the free tier": (lambda: lambda_cost(7_440_000, "2", "1", free_tier=False), D("249.49")),
    "03 lambda with provisioned concurrency": (provisioned_lambda, D("19.96")),
    "04 fargate": (lambda: fargate(5, "1", 2, 600, 10), D("1.26")),
    "05 pods on fargate": (lambda: fargate(10, "0.25", 1, 3600, 0), D("4.37")),
    "06 gp3 volume": (lambda: gp3(2_000, 10_000, 500), D("3.625")),
    "07 gp2 volume": (lambda: total([2_000 * D("0.10") * HALF_DAY]), D("3.33")),
    "08 io1 volume": (lambda: total([2_000 * D("0.125") * HALF_DAY, 1_000 * D("0.065") * HALF_DAY]), D("5.25")),
    "09 s3 storage": (storage, D("1215.00")),
    "10 savings plan of 50 an hour": (large_plan, [D("47.13"), D("59.10"), D("50.00")]),
    "11 savings plan of 2 an hour": (small_plan, [D("1.14"), D("55.10"), D("56.24")]),
    "12 reservations of other sizes": (family_of_sizes, [1, D("0.5")]),
    "13 smallest size first": (smallest_first, [2, 1, 1]),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_published_example_comes_out_to_the_cent(name: str) -> None:
    compute, answer = EXAMPLES[name]
    assert compute() == answer


def test_a_quantity_on_a_boundary_belongs_to_the_lower_tier() -> None:
    assert tiered(D(51_200), S3) == D("1177.6")
    assert tiered(D(51_201), S3) == D("1177.622")
    assert tiered(D(0), S3) == 0


@pytest.mark.parametrize(
    ("quantity", "tiers"),
    [(D(-1), S3), (D(20), [Tier(D(10), D(1))]), (D(20), [Tier(D(10), D(1)), Tier(D(10), D(2)), Tier(None, D(1))])],
)
def test_tiers_that_cannot_be_are_refused(quantity: Decimal, tiers: list[Tier]) -> None:
    with pytest.raises(UsageError):
        tiered(quantity, tiers)


def test_a_free_tier_is_a_switch() -> None:
    assert billable(D(5), D(2), free_tier=True) == 3
    assert billable(D(1), D(2), free_tier=True) == 0
    assert billable(D(5), D(2), free_tier=False) == 5


def test_durations_have_a_minimum_and_requests_come_in_whole_steps() -> None:
    assert billed_duration(D("0.2"), minimum=D(60)) == 60
    assert billed_duration(D(0), minimum=D(60)) == 0
    assert billed_duration(D("0.1201"), minimum=D(0), step=D("0.001")) == D("0.121")
    assert rounded_up(D(600), D(512)) == 1024


@pytest.mark.parametrize(
    ("length", "hours"), [(MonthLength.AVERAGE, 730), (MonthLength.LONGEST, 744), (MonthLength.ACTUAL, 672)]
)
def test_a_month_has_the_hours_it_is_said_to_have(length: MonthLength, hours: int) -> None:
    assert hours_of(length, Month(2026, 2)) == hours


def test_the_actual_length_needs_a_month() -> None:
    with pytest.raises(UsageError):
        hours_of(MonthLength.ACTUAL)


def test_lines_are_rounded_half_up_and_then_added() -> None:
    assert total([D("0.005"), D("0.005"), D("0.0049")]) == D("0.02")
