"""Money is exact, splits add up, rounding happens once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costlab.money import SCALE, cents, exact, monthly, plain, split

amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=12, allow_nan=False)
weights = st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=30).filter(any)


@given(amounts, weights)
def test_shares_of_a_split_add_up_to_the_amount_exactly(amount: Decimal, parts: list[int]) -> None:
    assert sum(split(amount, parts)) == amount


@given(amounts, weights)
def test_a_share_differs_from_its_ideal_by_less_than_one_unit(amount: Decimal, parts: list[int]) -> None:
    for share, weight in zip(split(amount, parts), parts, strict=True):
        assert abs(share - amount * weight / sum(parts)) < SCALE * 2


@pytest.mark.parametrize("bad", [[], [0, 0], [1, -1]])
def test_a_split_without_positive_weight_is_refused(bad: list[int]) -> None:
    with pytest.raises(ValueError, match="weights must be"):
        split(Decimal(1), bad)


def test_a_month_is_730_hours_rounded_half_up_once() -> None:
    assert monthly(Decimal("0.096")) == Decimal("70.08")
    assert monthly(Decimal("0.00000684931506")) == Decimal("0.00")
    assert cents(Decimal("0.005")) == Decimal("0.01")
    assert cents(Decimal("-0.005")) == Decimal("-0.01")


@given(amounts)
def test_plain_text_reads_back_as_the_same_amount(amount: Decimal) -> None:
    text = plain(amount)
    assert Decimal(text) == amount
    assert "E" not in text


def test_exact_keeps_twelve_places_half_even() -> None:
    assert exact("0.0000000000005") == Decimal(0)
    assert exact("0.0000000000015") == Decimal("0.000000000002")
    assert exact(7) == Decimal("7.000000000000")
