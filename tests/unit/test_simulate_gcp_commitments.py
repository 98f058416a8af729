"""Committed use discounts and invoice months of the simulated company on Google Cloud, in small."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costlab.period import Month
from costlab.simulate.gcp import machines, portfolio, prices, simulate_gcp
from costlab.simulate.gcp.calendar import Calendar
from costlab.simulate.gcp.commitments import Cud
from costlab.simulate.gcp.discounts import NANO, STEP, in_proportion, spend, split, sustained, take
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

RESOURCE = Cud("r", "r", 0, 1, 2, "n2", "us-central1", 4, 16)
FLEXIBLE = Cud("f", "f", 0, 3, -5, covers=6_000_000_000)


def test_machines_take_in_their_order_what_is_left() -> None:
    wanted = np.array([[3, 1], [2, 5], [4, 4]])
    assert take(wanted, np.array([4, 6])).tolist() == [[3, 1], [1, 5], [0, 0]]


def test_projects_share_what_a_flexible_commitment_pays_in_proportion_to_the_last_step() -> None:
    wanted = np.array([[3, 1], [6, 0], [0, 0]]) * STEP
    assert (in_proportion(wanted, np.array([4, 1]) * STEP) // STEP).tolist() == [[1, 1], [3, 0], [0, 0]]
    assert in_proportion(wanted, wanted.sum(axis=0)).tolist() == wanted.tolist()


def test_a_flexible_commitment_pays_one_item_after_the_other_until_its_money_is_spent() -> None:
    wanted = np.array([[50], [30], [20]]) * STEP
    assert (spend(wanted, [[2], [0, 1]], np.array([60]) * STEP) // STEP).tolist() == [[25], [15], [20]]
    assert (spend(wanted, [[2], [0, 1]], np.array([600]) * STEP) // STEP).tolist() == [[50], [30], [20]]


def test_sustained_use_combines_machines_that_follow_each_other_but_not_those_side_by_side() -> None:
    hours, unit = 8, 1000 * STEP
    n1 = prices.SUSTAINED["n1"]
    relay, pair = np.full(hours, unit), np.repeat([2 * unit, 0], hours // 2)
    assert sustained(relay, n1, hours).tolist() == [unit * share // 100 for share in (0, 0, 20, 20, 40, 40, 60, 60)]
    assert sustained(pair, n1, hours).sum() == unit * hours * 10 // 100
    assert sustained(relay[:3], n1, hours).tolist() == sustained(relay, n1, hours)[:3].tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=50), st.integers(0, 23), st.sampled_from(["n1", "n2"]))
def test_a_month_s_discount_is_that_of_units_stacked_by_how_long_they_ran(
    used: list[int], unused: int, series: str
) -> None:
    hours = len(used) + unused
    expected = Fraction(0)
    for level in range(max(used)):
        ran = Fraction(sum(quantity > level for quantity in used), hours)
        for quarter, percent in enumerate(prices.SUSTAINED[series]):
            expected += hours * percent * min(max(ran - Fraction(quarter, 4), Fraction(0)), Fraction(1, 4))
    found = sustained(np.array(used) * STEP, prices.SUSTAINED[series], hours)
    assert abs(int(found.sum()) - expected * STEP / 10_000) <= len(used) * NANO / 2


def test_the_discount_of_machines_adds_up_to_that_of_their_share() -> None:
    rest = np.array([[1, 7], [1, 0], [1, 0]]) * STEP
    parts = split(np.array([100, 35]) * NANO, rest) // NANO
    assert parts.sum(axis=0).tolist() == [100, 35]
    assert parts.tolist() == [[33, 35], [34, 0], [33, 0]]


def test_a_commitment_costs_its_discounted_price_only_in_its_term() -> None:
    core, memory = prices.committed_rates("n2", "us-central1", 1)
    assert RESOURCE.hourly == 4 * core + 16 * memory
    assert FLEXIBLE.hourly == 6_000_000_000 * 54 // 100
    assert RESOURCE.active(np.arange(4)).tolist() == [False, False, True, True]
    assert RESOURCE.active(np.array([8761, 8762])).tolist() == [True, False]


def test_a_flexible_commitment_that_is_too_large_loses_the_rest_in_both_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned = [replace(FLEXIBLE, covers=500_000_000_000)]
    monkeypatch.setattr(portfolio, "portfolio", lambda _company: owned)
    made = simulate_gcp(tmp_path, seed=3, end=date(2026, 2, 1), months=1, scale="tiny")
    con = connect()
    fees = con.execute(
        f"""select sum(cost::decimal(38, 9)),
            sum(list_sum(list_transform(credits, lambda c: c.amount::decimal(38, 9)))),
            sum(case when len(labels) > 0 then cost::decimal(38, 9) end)
        from '{made.detailed}/*.parquet' where sku.description like 'Commitment - dollar%'"""
    ).fetchall()
    ((fee, offset, labelled),) = fees
    ((committed, used, unused),) = con.execute(
        f"select sum(committed), sum(used), sum(unused) from '{made.ledger}/commitment_hours.parquet'"
    ).fetchall()
    con.close()
    assert fee == committed == used + unused
    assert labelled - offset == used
    assert unused > used > 0


def test_months_of_los_angeles_have_the_hours_that_daylight_saving_time_leaves() -> None:
    calendar = Calendar(date(2026, 2, 1), date(2026, 12, 1))
    hours = {str(m): calendar.bounds(m)[1] - calendar.bounds(m)[0] for m in calendar.months}
    assert (hours["2026-02"], hours["2026-03"], hours["2026-04"], hours["2026-11"]) == (672, 743, 720, 721)
    assert calendar.bounds(Month.of(date(2026, 2, 1)))[0] == 8
    assert calendar.bounds(Month.of(date(2026, 4, 1)))[0] == 59 * 24 + 7


def test_the_day_two_invoice_months_share_is_cut_where_los_angeles_changes_month() -> None:
    calendar = Calendar(date(2026, 2, 1), date(2026, 5, 1))
    parts = {str(m): list(calendar.day_parts(m)) for m in calendar.months}
    day = 59
    assert parts["2026-03"][-1] == (day, day * 24, day * 24 + 7)
    assert parts["2026-04"][0] == (day, day * 24 + 7, day * 24 + 24)
    every = [part for month in parts.values() for part in month]
    assert [stop for _, _, stop in every[:-1]] == [start for _, start, _ in every[1:]]


@pytest.mark.parametrize(
    ("end", "types"),
    [
        (date(2025, 12, 20), {"COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE"}),
        (date(2026, 1, 25), {"COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE", "FEE_UTILIZATION_OFFSET"}),
        (date(2026, 11, 20), {"FEE_UTILIZATION_OFFSET"}),
    ],
)
def test_spend_based_commitments_have_the_model_that_google_had_then(
    tmp_path: Path, end: date, types: set[str]
) -> None:
    simulation = simulate_gcp(tmp_path, seed=3, end=end, months=1, scale="tiny")
    con = connect()
    lines = f"select unnest(credits) as c from '{simulation.detailed}/*.parquet'"
    rows = con.execute(
        f"select distinct c.type from ({lines}) where c.type like '%DOLLAR_BASE' or c.type like 'FEE%'"
    ).fetchall()
    con.close()
    assert {kind for (kind,) in rows} == types


def test_the_bill_is_the_same_however_machines_are_grouped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulate_gcp(tmp_path / "a", seed=3, end=date(2026, 2, 1), months=1, scale="tiny")
    monkeypatch.setattr(machines, "BLOCK", 4)
    parts = simulate_gcp(tmp_path / "b", seed=3, end=date(2026, 2, 1), months=1, scale="tiny")
    con = connect()
    for name in ("costs", "commitment_hours", "usage"):
        one, other = (f"select * from '{s.ledger}/{name}.parquet'" for s in (whole, parts))
        assert con.execute(f"({one} except all {other}) union all ({other} except all {one})").fetchall() == []
    con.close()
    assert len(list(parts.detailed.iterdir())) > len(list(whole.detailed.iterdir()))
