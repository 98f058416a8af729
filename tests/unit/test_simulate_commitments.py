"""Commitments are applied as AWS applies them, exactly, and never beyond their hour."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from costlab.simulate import pools, prices
from costlab.simulate.commitments import Commitment, Instrument, Usage, amount_of, apply, plan_steps

HOUR = prices.QUANTITY
EAST, WEST = "us-east-1", "eu-west-1"
RESERVED_BY = {"": Instrument.REGIONAL_RI, "db": Instrument.RDS_RI, "cache": Instrument.ELASTICACHE_RI}
ML, DATABASE = Instrument.SAGEMAKER_PLAN, Instrument.DATABASE_PLAN


def reservation(shape: str, *, count: int = 1, account: int = 0, zone: str = "", region: str = EAST) -> Commitment:
    instrument = Instrument.ZONAL_RI if zone else RESERVED_BY[pools.service(shape)]
    unit = 20_000_000 // 4 // 10_000 * 10_000
    hourly = unit * pools.units(shape) * count
    return Commitment(
        f"ri-{shape}-{account}", instrument, account, region, "No Upfront", 1, 0, hourly, shape, zone, count
    )


def plan(
    dollars: str, *, family: str = "", account: int = 0, years: int = 1, kind: Instrument = Instrument.COMPUTE_PLAN
) -> Commitment:
    instrument = Instrument.EC2_PLAN if family else kind
    return Commitment(
        f"{instrument}-{family}-{account}", instrument, account, EAST if family else "", "No Upfront", years, 0,
        prices.rate(dollars), family=family,
    )  # fmt: skip


def machine(shape: str, *, account: int = 0, zone: str = "us-east-1a", region: str = EAST) -> Usage:
    return Usage(account, shape, region, zone)


def rate_of(owned: Commitment, pool: str, region: str = EAST) -> int:
    rate = owned.plan_rate(pool, region)
    assert rate is not None
    return rate


def covered(usages: list[Usage], commitments: list[Commitment], hours: int = HOUR) -> dict[tuple[int, int], int]:
    """Return 1e-4 hours by (commitment, usage) of one hour in which all usages run ``hours``."""
    need = np.full((len(usages), 1), hours, dtype=np.int64)
    covers, _ = apply(need, np.zeros(1, dtype=np.int64), commitments, plan_steps(usages, commitments))
    return {(c.commitment, int(r)): int(q) for c in covers for r, q in zip(c.row, c.quantity, strict=True)}


def test_a_regional_reservation_covers_half_of_an_instance_twice_its_size() -> None:
    assert covered([machine("m5.xlarge")], [reservation("m5.large")]) == {(0, 0): HOUR // 2}


def test_a_regional_reservation_begins_with_the_smallest_size() -> None:
    usages = [machine("m5.2xlarge"), machine("m5.large"), machine("m5.xlarge")]
    assert covered(usages, [reservation("m5.2xlarge")]) == {(0, 1): HOUR, (0, 2): HOUR, (0, 0): HOUR // 4}


def test_a_zonal_reservation_needs_size_and_zone_and_goes_first() -> None:
    usages = [machine("m5.large", zone="us-east-1b"), machine("m5.large"), machine("m5.xlarge")]
    bought = [reservation("m5.large"), reservation("m5.large", zone="us-east-1a")]
    assert covered(usages, bought) == {(1, 1): HOUR, (0, 0): HOUR}


def test_the_owner_comes_first_even_when_others_run_smaller_sizes() -> None:
    usages = [machine("m5.large", account=2), machine("m5.xlarge", account=1)]
    assert covered(usages, [reservation("m5.xlarge", account=1)]) == {(0, 1): HOUR}


def test_nothing_is_covered_in_another_region_or_family() -> None:
    usages = [machine("m5.large", region=WEST), machine("c5.large")]
    assert covered(usages, [reservation("m5.large")]) == {}


def test_the_highest_discount_goes_first_within_a_plan_type() -> None:
    usages = [machine("c5.xlarge"), machine("r6i.xlarge")]  # Compute plans: 25 and 29 percent
    enough_for_one = str(Decimal(rate_of(plan("1"), "r6i.xlarge")) / prices.RATE)
    assert covered(usages, [plan(enough_for_one)]) == {(0, 1): HOUR}


def test_family_plans_go_before_compute_plans_and_after_reservations() -> None:
    usages = [machine("m5.large"), machine("m5.large"), machine("m5.large")]
    family = plan("1", family="m5")
    bought = [plan("1"), family, reservation("m5.large")]
    got = covered(usages, bought)
    assert got[2, 0] == HOUR
    assert got[1, 1] == got[1, 2] == HOUR
    assert not any(commitment == 0 for commitment, _ in got)


def test_a_plan_that_runs_out_is_used_to_the_last_digit() -> None:
    need = np.full((1, 1), HOUR, dtype=np.int64)
    owned = [plan("0.05")]
    usages = [machine("m5.xlarge")]
    covers, left = apply(need, np.zeros(1, dtype=np.int64), owned, plan_steps(usages, owned))
    assert covers[0].amount.sum() == 5 * prices.MONEY // 100
    assert left.sum() == 0
    rate = rate_of(owned[0], "m5.xlarge")
    assert int(covers[0].quantity[0]) == -(-500_000_000 * HOUR // rate)


def test_a_multi_az_database_counts_twice_and_the_database_plan_takes_the_rest() -> None:
    bought = [plan("1", kind=DATABASE), reservation(R7G)]
    assert covered([machine(MULTI_AZ, zone="")], bought) == {(1, 0): HOUR // 2, (0, 0): HOUR // 2}


def test_plans_of_a_service_cover_nothing_else_and_no_database_of_an_older_generation() -> None:
    usages = [
        machine(pool) for pool in ("m5.large", "db.m5.large:postgresql", R7G, "cache.r6g.large:redis", "ml.m5.xlarge")
    ]
    for kind, only in {Instrument.COMPUTE_PLAN: 0, DATABASE: 2, ML: 4}.items():
        assert covered(usages, [plan("9", kind=kind)]) == {(0, only): HOUR}


def test_a_cache_reservation_covers_other_sizes_of_its_family() -> None:
    usages = [machine("cache.r6g.xlarge:redis"), machine("cache.r6g.large:redis")]
    bought = [reservation("cache.r6g.large:redis", count=2)]
    assert covered(usages, bought) == {(0, 1): HOUR, (0, 0): HOUR // 2}


def test_hours_before_the_start_and_after_the_term_are_not_covered() -> None:
    owned = [reservation("m5.large")]
    hours = np.array([-1, 0, 8759, 8760], dtype=np.int64)
    need = np.full((1, 4), HOUR, dtype=np.int64)
    apply(need, hours, owned, plan_steps([machine("m5.large")], owned))
    assert need.tolist() == [[HOUR, 0, 0, HOUR]]


ACCOUNT = st.integers(0, 2)
SHAPES = st.sampled_from(["m5.large", "m5.xlarge", "m5.2xlarge", "c5.large", "c5.xlarge", "r5.large"])
R7G, MULTI_AZ = "db.r7g.large:postgresql", "db.r7g.large:postgresql:multi-az"
MANAGED = st.sampled_from([
    R7G, MULTI_AZ, "db.m5.large:postgresql", "cache.r6g.large:redis", "cache.r6g.xlarge:redis", "ml.m5.xlarge",
    "ml.t3.medium",
])  # fmt: skip
USAGES = st.lists(
    st.builds(
        machine, st.one_of(SHAPES, MANAGED), account=ACCOUNT, zone=st.sampled_from(["us-east-1a", "us-east-1b"]),
        region=st.sampled_from([EAST, WEST]),
    ),
    min_size=1, max_size=8,
)  # fmt: skip
BOUGHT = st.lists(
    st.one_of(
        st.builds(reservation, SHAPES, count=st.integers(1, 2), account=ACCOUNT),
        st.builds(reservation, SHAPES, account=ACCOUNT, zone=st.just("us-east-1a")),
        st.builds(plan, st.sampled_from(["0.01", "0.1", "0.7"]), account=ACCOUNT),
        st.builds(plan, st.sampled_from(["0.03", "0.2"]), family=st.sampled_from(["m5", "c5"]), account=ACCOUNT),
        st.builds(reservation, st.sampled_from([R7G, MULTI_AZ, "cache.r6g.large:redis"]), account=ACCOUNT),
        st.builds(plan, st.sampled_from(["0.03", "0.2"]), kind=st.sampled_from([ML, DATABASE]), account=ACCOUNT),
    ),
    max_size=5,
)  # fmt: skip


SIZE = {"medium": 8, "large": 16, "xlarge": 32, "2xlarge": 64}
PREFIXES = {
    Instrument.COMPUTE_PLAN: ("m5", "c5", "r5"),
    Instrument.SAGEMAKER_PLAN: ("ml.",),
    Instrument.DATABASE_PLAN: ("db.r7g.",),
}


def family_of(pool: str) -> str:
    return pool.split(":")[0].rsplit(".", 1)[0]


def row_by_row(needs: list[int], usages: list[Usage], bought: list[Commitment]) -> dict[tuple[int, int], int]:
    """The rule written out for one hour: every eligible pair, sorted, one after the other."""
    pairs: list[tuple[tuple[object, ...], int, int, int]] = []
    for index, owned in enumerate(bought):
        for row, usage in enumerate(usages):
            away = usage.account != owned.account
            there = usage.region == owned.region
            if owned.instrument is Instrument.ZONAL_RI:
                fits = usage.pool == owned.pool and there and usage.zone == owned.zone
            elif owned.instrument in RESERVED_BY.values():
                fits = family_of(usage.pool) == family_of(owned.pool) and there
            elif owned.instrument is Instrument.EC2_PLAN:
                fits = family_of(usage.pool) == owned.family and there
            else:
                fits = usage.pool.startswith(PREFIXES[owned.instrument])
            if not fits:
                continue
            rank = list(Instrument).index(owned.instrument)
            if owned.is_plan:
                price = rate_of(owned, usage.pool, usage.region)
                kept = Fraction(price, pools.list_rate(usage.pool, usage.region))
                key: tuple[object, ...] = (rank, away, kept, price, index, usage.pool, row)
            else:
                price = SIZE[usage.pool.split(":")[0].rsplit(".")[-1]] * (2 if "multi-az" in usage.pool else 1)
                key = (rank, away, price, usage.pool, index, row)
            pairs.append((key, index, row, price))
    budgets = [owned.budget for owned in bought]
    result: dict[tuple[int, int], int] = {}
    for _, index, row, price in sorted(pairs, key=lambda pair: pair[0]):
        take = min(needs[row], -(-budgets[index] // price))
        if take > 0:
            result[index, row] = take
            needs[row] -= take
            budgets[index] -= min(take * price, budgets[index])
    return result


@settings(max_examples=200, deadline=None)
@given(USAGES, BOUGHT, st.data())
def test_whole_hours_of_arrays_equal_the_rule_row_by_row(
    usages: list[Usage], bought: list[Commitment], data: st.DataObject
) -> None:
    amounts = data.draw(st.lists(st.integers(0, HOUR), min_size=len(usages), max_size=len(usages)))
    need = np.array(amounts, dtype=np.int64)[:, None]
    covers, _ = apply(need, np.zeros(1, dtype=np.int64), bought, plan_steps(usages, bought))
    got = {(c.commitment, int(r)): int(q) for c in covers for r, q in zip(c.row, c.quantity, strict=True)}
    assert got == row_by_row(list(amounts), usages, bought)


@settings(max_examples=200, deadline=None)
@given(USAGES, BOUGHT, st.data())
def test_usage_and_budgets_are_conserved_in_every_hour(
    usages: list[Usage], bought: list[Commitment], data: st.DataObject
) -> None:
    amounts = data.draw(st.lists(st.integers(0, HOUR), min_size=len(usages) * 3, max_size=len(usages) * 3))
    before = np.array(amounts, dtype=np.int64).reshape(len(usages), 3)
    need = before.copy()
    covers, left = apply(need, np.arange(3, dtype=np.int64), bought, plan_steps(usages, bought))
    assert (need >= 0).all()
    assert (left >= 0).all()
    total = need.copy()
    for cover in covers:
        np.add.at(total, (cover.row, cover.hour), cover.quantity)
    assert (total == before).all()
    for index, owned in enumerate(bought):
        used = sum((int(c.amount.sum()) for c in covers if c.commitment == index), 0)
        assert used + int(amount_of(owned, left[index]).sum()) == 3 * owned.hourly * 100


@given(
    SHAPES,
    st.sampled_from([EAST, WEST]),
    st.booleans(),
    st.sampled_from([1, 3]),
    st.sampled_from(sorted(prices.PAYMENT)),
)
def test_a_plan_rate_is_below_on_demand_and_has_six_decimals(
    shape: str, region: str, locked: bool, years: int, payment: str
) -> None:
    percent = prices.plan_percent(shape, locked=locked, years=years, payment=payment)
    rate = prices.discounted(prices.instance_rate(shape, region), percent)
    assert 0 < rate < prices.instance_rate(shape, region)
    assert rate % 10_000 == 0
