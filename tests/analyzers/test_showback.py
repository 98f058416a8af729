"""Whatever the rules, nothing is lost: shares of shared costs add up to the last digit, per currency and day."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costlab.analyzers.allocation.showback import UNALLOCATED, Charge, Showback, Split, Step, allocate

D = Decimal
DAY = date(2026, 3, 10)
START, END = date(2026, 3, 1), date(2026, 4, 1)
MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=12, allow_nan=False, allow_infinity=False)
VALUES = st.sampled_from(["web", "data", "ml", "platform", None])


def charge(amount: str | int | Decimal, value: str | None = None, pool: int | None = None, **given: Any) -> Charge:
    weights = given.pop("weights", (D(amount) if pool is None else D(0),))
    return Charge(given.get("day", DAY), given.get("currency", "USD"), value, pool, D(amount), weights)


def totals(found: Showback) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for (_, _, value), cell in found.cells.items():
        sums[value] += cell.total
    return dict(sums)


def run(charges: list[Charge], *steps: Step) -> Showback:
    return allocate(charges, steps, start=START, end=END)


SHARES = st.lists(st.integers(0, 100), min_size=3, max_size=3).filter(any)


@st.composite
def a_step(draw: st.DrawFn, place: int) -> Step:
    split = draw(st.sampled_from(list(Split)))
    source = draw(st.none() | st.sampled_from(["platform", "web", UNALLOCATED]))
    over = tuple(draw(st.lists(st.sampled_from(["web", "data", "new"]), unique=True, max_size=2)))
    if split is not Split.FIXED:
        return Step(f"step {place}", split, source, over)
    parts = draw(SHARES)
    shares = dict(zip(["web", "data", "platform"], map(Decimal, parts), strict=True))
    return Step(f"step {place}", split, source, shares=shares)


@st.composite
def an_allocation(draw: st.DrawFn) -> tuple[list[Charge], list[Step]]:
    steps = [draw(a_step(place)) for place in range(draw(st.integers(0, 4)))]
    places = [i for i, s in enumerate(steps) if s.source is None]
    pools = st.none() | st.sampled_from(places) if places else st.none()
    charges = st.builds(
        Charge,
        st.dates(date(2026, 2, 20), date(2026, 4, 10)),
        st.sampled_from(["USD", "EUR"]),
        VALUES,
        pools,
        MONEY,
        st.tuples(*(MONEY for _ in steps)),
    )
    return draw(st.lists(charges, max_size=12)), steps


@given(an_allocation())
@settings(deadline=None)
def test_nothing_is_lost_whatever_the_rules(case: tuple[list[Charge], list[Step]]) -> None:
    charges, steps = case
    found = run(charges, *steps)
    wanted: defaultdict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for one in charges:
        if START <= one.day < END:
            wanted[one.day, one.currency] += one.amount
    got: defaultdict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for (day, currency, _), cell in found.cells.items():
        got[day, currency] += cell.total
    assert {k: v for k, v in got.items() if v} == {k: v for k, v in wanted.items() if v}


@given(an_allocation(), st.dates(START, END))
@settings(deadline=None)
def test_two_windows_that_touch_add_up_to_the_one_they_make(
    case: tuple[list[Charge], list[Step]], middle: date
) -> None:
    charges, steps = case
    whole = run(charges, *steps).cells
    halves = [allocate(charges, steps, start=a, end=b).cells for a, b in ((START, middle), (middle, END))]
    assert whole == halves[0] | halves[1]


@given(an_allocation())
@settings(deadline=None)
def test_the_order_of_charges_changes_nothing(case: tuple[list[Charge], list[Step]]) -> None:
    charges, steps = case
    assert run(charges, *steps).cells == run(charges[::-1], *steps).cells


def test_an_even_split_gives_the_last_digit_to_the_first() -> None:
    found = run([charge(10, pool=0), charge(1, "a"), charge(1, "b"), charge(1, "c")], Step("hub", Split.EVEN))
    assert totals(found) == {"a": D("4.333333333334"), "b": D("4.333333333333"), "c": D("4.333333333333")}


def test_a_fixed_split_reaches_values_without_cost_of_their_own() -> None:
    step = Step("hub", Split.FIXED, shares={"web": D(75), "data": D("12.5"), "nobody": D("12.5")})
    assert totals(run([charge(8, pool=0), charge(1, "web")], step)) == {"web": D(7), "data": D(1), "nobody": D(1)}


def test_a_proportional_split_goes_by_the_months_direct_cost() -> None:
    charges = [
        charge(100, pool=0, day=START),
        charge(30, "web", day=START),
        charge(30, "web", day=date(2026, 3, 20)),
        charge(20, "data", day=date(2026, 3, 20)),
        charge(999, "data", day=date(2026, 4, 1)),
    ]
    found = run(charges, Step("support", Split.PROPORTIONAL))
    assert found.cells[START, "USD", "web"].shared == {0: D(75)}
    assert found.cells[START, "USD", "data"].shared == {0: D(25)}
    part = allocate(charges, [Step("support", Split.PROPORTIONAL)], start=START, end=START + timedelta(days=1))
    assert part.cells[START, "USD", "web"].shared == {0: D(75)}


def test_a_later_step_splits_what_an_earlier_one_allocated() -> None:
    charges = [
        charge(100, pool=0, weights=(D(0), D(0))),
        *(charge(50, v, weights=(D(50), D(50))) for v in ("web", "platform")),
    ]
    found = run(charges, Step("support", Split.PROPORTIONAL), Step("platform", Split.PROPORTIONAL, source="platform"))
    assert totals(found) == {"web": D(200), "platform": D(0)}
    assert found.cells[DAY, "USD", "platform"].shared == {0: D(50), 1: D(-100)}


def test_a_credit_is_split_like_a_cost_and_a_negative_weight_counts_nothing() -> None:
    charges = [charge(-9, pool=0), charge(5, "web"), charge(-5, "data"), charge(10, "ml")]
    found = run(charges, Step("credit", Split.PROPORTIONAL))
    assert totals(found) == {"web": D(2), "data": D(-5), "ml": D(4)}


@pytest.mark.parametrize("split", [Split.EVEN, Split.PROPORTIONAL])
def test_a_pool_nobody_shares_in_stays_unallocated_and_is_said(split: Split) -> None:
    found = run([charge(10, pool=0), charge(3)], Step("hub", split))
    assert totals(found) == {UNALLOCATED: D(13)}
    assert found.unsplit == {("hub", "USD"): D(10)}
    kept = run([charge(10, "platform")], Step("platform", split, source="platform"))
    assert totals(kept) == {"platform": D(10)}


def test_weights_of_zero_share_nothing() -> None:
    charges = [charge(10, pool=0), charge(0, "web"), charge(4, "data")]
    assert totals(run(charges, Step("hub", Split.PROPORTIONAL))) == {"web": D(0), "data": D(14)}


def test_a_currency_is_split_by_its_own_weights() -> None:
    charges = [
        charge(10, pool=0),
        charge(10, "web"),
        charge(7, pool=0, currency="EUR"),
        charge(5, "data", currency="EUR"),
    ]
    found = run(charges, Step("hub", Split.PROPORTIONAL)).cells
    assert {(c, v): cell.total for (_, c, v), cell in found.items()} == {("USD", "web"): D(20), ("EUR", "data"): D(12)}


def test_the_untagged_rest_can_be_given_away() -> None:
    charges = [charge(6), charge(1, "web"), charge(2, "data")]
    found = run(charges, Step("rest", Split.PROPORTIONAL, source=UNALLOCATED))
    assert totals(found) == {"web": D(3), "data": D(6), UNALLOCATED: D(0)}


def test_no_charges_are_no_cells() -> None:
    assert run([], Step("hub", Split.EVEN)).cells == {}
