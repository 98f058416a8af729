"""Cost per unit: only what has a quantity is divided by it, and the parts of a change add up exactly."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costlab.analyzers.allocation.unit import (
    NO_COST,
    NO_QUANTITY,
    NOT_COMPARED,
    SAME_QUANTITY,
    ZERO_QUANTITY,
    Quantities,
    Trend,
    Unit,
    trend,
    unit,
)
from costlab.period import Month

D = Decimal
DAYS = [date(2026, 3, 1) + timedelta(days=offset) for offset in range(31)]
MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=12, allow_nan=False, allow_infinity=False)
QUANTITY = st.decimals(min_value=0, max_value=10**9, places=3, allow_nan=False, allow_infinity=False)


def a_unit(matched: int | str, quantity: int | str | None) -> Unit:
    return Unit(D(matched), D(matched), None if quantity is None else D(quantity), ())


def test_days_without_a_quantity_are_left_out_and_named() -> None:
    costs = {DAYS[0]: D(10), DAYS[1]: D(90), DAYS[2]: D(20)}
    found = unit(costs, Quantities({DAYS[0]: D(2), DAYS[2]: D(3)}, {}), DAYS[:3])
    assert (found.cost, found.matched, found.quantity, found.average) == (D(120), D(30), D(5), D(6))
    assert found.missing == (DAYS[1],)


def test_a_months_quantity_is_not_divided_into_half_a_months_cost() -> None:
    costs, march = dict.fromkeys(DAYS, D(2)), Quantities({}, {Month(2026, 3): D(31)})
    assert unit(costs, march, DAYS).average == 2
    half = unit(costs, march, DAYS[:15])
    assert (half.quantity, half.average, half.reason, len(half.missing)) == (None, None, NO_QUANTITY, 15)


@pytest.mark.parametrize(
    ("quantities", "reason"), [({}, NO_QUANTITY), ({DAYS[0]: D(0)}, ZERO_QUANTITY), ({DAYS[0]: D(4)}, None)]
)
def test_what_cannot_be_divided_is_null_with_a_reason(quantities: dict[date, Decimal], reason: str | None) -> None:
    found = unit({DAYS[0]: D(1)}, Quantities(quantities, {}), DAYS[:1])
    assert (found.average is None, found.reason) == (reason is not None, reason)


def test_a_value_without_cost_has_no_unit_cost_of_zero() -> None:
    found = unit({}, Quantities({DAYS[0]: D(4)}, {}), DAYS[:1])
    assert (found.average, found.reason) == (None, NO_COST)


def test_a_unit_cost_has_twelve_places() -> None:
    assert a_unit(1, 3).average == D("0.333333333333")


def test_more_volume_at_the_same_unit_cost_is_all_volume() -> None:
    assert trend(a_unit(100, 10), a_unit(150, 15)) == Trend(D(50), D(50), D(0), D(10), None)


def test_a_dearer_unit_at_the_same_volume_is_all_cost_and_has_no_marginal_cost() -> None:
    assert trend(a_unit(100, 10), a_unit(150, 10)) == Trend(D(50), D(0), D(50), None, SAME_QUANTITY)


def test_marginal_cost_is_the_change_per_unit_more() -> None:
    moved = trend(a_unit(100, 10), a_unit(130, 16))
    assert (moved.marginal, moved.volume_effect, moved.cost_effect) == (D(5), D(60), D(-30))


@pytest.mark.parametrize("before", [None, a_unit(10, None), a_unit(10, 0)])
def test_nothing_to_compare_with_is_said(before: Unit | None) -> None:
    assert trend(before, a_unit(10, 1)) == Trend(reason=NOT_COMPARED)


@given(MONEY, QUANTITY, MONEY, QUANTITY)
def test_volume_and_cost_effect_add_up_to_the_change(c0: Decimal, q0: Decimal, c1: Decimal, q1: Decimal) -> None:
    moved = trend(Unit(c0, c0, q0, ()), Unit(c1, c1, q1, ()))
    if moved.change is None:
        assert not q0 or not q1
    else:
        assert moved.volume_effect is not None
        assert moved.cost_effect is not None
        assert moved.volume_effect + moved.cost_effect == moved.change == c1 - c0
