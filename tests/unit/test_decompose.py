"""The parts of a change: each means what it says, and they add up exactly."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from costlab.analyzers.decompose import PARTS, LineClass, SkuLine, decompose, explain, scaled
from costlab.money import ZERO, exact
from tests.analyzers.support import world


def line(
    sku: str,
    quantity: str,
    cost: str,
    effective: str | None = None,
    kind: LineClass = LineClass.USAGE,
    group: str = "g",
) -> SkuLine:
    return SkuLine(kind, ("g",), (sku,), Decimal(quantity), Decimal(cost), Decimal(effective or cost))


def only(**given: str) -> dict[str, Decimal]:
    return dict.fromkeys(PARTS, ZERO) | {name: Decimal(value) for name, value in given.items()}


def test_a_higher_price_at_equal_quantity_is_price() -> None:
    assert decompose([line("a", "10", "10")], [line("a", "10", "15")]) == only(price="5")


def test_more_of_the_same_is_quantity() -> None:
    assert decompose([line("a", "10", "10")], [line("a", "15", "15")]) == only(quantity="5")


def test_dearer_skus_taking_over_is_mix() -> None:
    before = [line("cheap", "10", "10"), line("dear", "10", "30")]
    after = [line("cheap", "5", "5"), line("dear", "15", "45")]
    assert decompose(before, after) == only(mix="10")


def test_skus_on_one_side_only_are_new_or_ended() -> None:
    assert decompose([line("a", "1", "4")], [line("b", "1", "9")]) == only(new="9", ended="-4")


def test_a_commitment_that_covers_usage_is_coverage() -> None:
    assert decompose([line("a", "10", "10")], [line("a", "10", "10", "6")]) == only(coverage="-4")


def test_credits_and_corrections_are_apart() -> None:
    after = [
        line("a", "10", "10"),
        line("credit", "0", "-3", kind=LineClass.OTHER),
        line("a", "-1", "-2", kind=LineClass.CORRECTION),
    ]
    assert decompose([line("a", "10", "10")], after) == only(credits="-3", restatement="-2")


def test_a_flat_fee_without_quantity_changes_by_price() -> None:
    assert decompose([line("fee", "0", "100")], [line("fee", "0", "130")]) == only(price="30")


def test_a_quantity_on_one_side_only_changes_by_quantity() -> None:
    assert decompose([line("a", "0", "5")], [line("a", "3", "9")]) == only(quantity="4")


_amount = st.decimals(-1_000_000, 1_000_000, places=12)
_lines = st.lists(
    st.builds(
        SkuLine,
        st.sampled_from(list(LineClass)),
        st.sampled_from([("g",), ("h",)]),
        st.sampled_from([("a",), ("b",), ("c",)]),
        st.one_of(st.just(ZERO), _amount),
        st.one_of(st.just(ZERO), _amount),
        st.one_of(st.just(ZERO), _amount),
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(_lines, _lines)
def test_the_parts_add_up_to_the_change_exactly(before: list[SkuLine], after: list[SkuLine]) -> None:
    change = sum((x.effective for x in after), ZERO) - sum((x.effective for x in before), ZERO)
    assert sum(decompose(before, after).values(), ZERO) == change


@settings(max_examples=200, deadline=None)
@given(_lines, _lines)
def test_the_way_back_is_the_change_reversed(before: list[SkuLine], after: list[SkuLine]) -> None:
    there, back = decompose(before, after), decompose(after, before)
    assert there["credits"] == -back["credits"]
    assert there["coverage"] == -back["coverage"]
    assert there["new"] == -back["ended"]


@settings(max_examples=200, deadline=None)
@given(_lines, st.decimals(0, 1_000_000, places=12))
def test_a_stretched_past_sums_to_what_is_expected(lines: list[SkuLine], total: Decimal) -> None:
    assert sum((x.effective for x in scaled(lines, total)), ZERO) == exact(total)


def test_explain_compares_with_the_period_before() -> None:
    usage = {"x_usage_type": "BoxUsage:m5.large", "PricingQuantity": 24, "days": None}
    costs = [
        {**usage, "BilledCost": 24, "ChargePeriodStart": f"2026-03-{day:02d}T00:00:00", "PricingQuantity": 24}
        for day in (1, 2)
    ] + [
        {**usage, "BilledCost": 48, "ChargePeriodStart": f"2026-03-{day:02d}T00:00:00", "PricingQuantity": 48}
        for day in (3, 4)
    ]
    context = world(costs, [], now=datetime(2026, 3, 5))
    (change,) = explain(context, start=date(2026, 3, 3), end=date(2026, 3, 5), by=["ServiceName"])
    assert (change.before, change.after, change.change) == (Decimal(48), Decimal(96), Decimal(48))
    assert change.parts == only(quantity="48")
    assert change.group == ("Amazon Elastic Compute Cloud",)
