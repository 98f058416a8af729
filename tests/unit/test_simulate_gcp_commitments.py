"""Committed use discounts and invoice months of the simulated company on Google Cloud, in small."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest

from costlab.period import Month
from costlab.simulate.gcp import machines, prices, simulate_gcp
from costlab.simulate.gcp.calendar import Calendar
from costlab.simulate.gcp.commitments import TENTH, Budget, Cud, cover, take
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

UNIT = 10 * TENTH
RESOURCE = Cud("r", "r", 0, 1, 2, "n2", "us-central1", 4, 16)
FLEXIBLE = Cud("f", "f", 0, 3, -5, covers=6_000_000_000)


def test_machines_take_in_their_order_what_is_left() -> None:
    wanted = np.array([[3, 1], [2, 5], [4, 4]])
    assert take(wanted, np.array([4, 6])).tolist() == [[3, 1], [1, 5], [0, 0]]


def test_a_flexible_commitment_pays_whole_tenths_at_list_price() -> None:
    quantity = np.array([[4 * UNIT], [2 * UNIT], [UNIT]])
    rates = np.array([300_000_000, 100_000_000, 100_000_000])  # 0.03 and 0.01 USD
    money = np.array([136_000_000_000])  # 0.136 USD
    assert cover(quantity, rates, money).tolist() == [[4 * UNIT], [16 * TENTH], [0]]


def test_a_commitment_costs_its_discounted_price_only_in_its_term() -> None:
    core, memory = prices.committed_rates("n2", "us-central1", 1)
    assert RESOURCE.hourly == 4 * core + 16 * memory
    assert FLEXIBLE.hourly == 6_000_000_000 * 54 // 100
    budget = Budget.of([RESOURCE, FLEXIBLE], np.arange(4))
    assert budget.left[0][0].tolist() == [0, 0, 4 * UNIT, 4 * UNIT]
    assert budget.left[0][1].tolist() == [0, 0, 16 * UNIT, 16 * UNIT]
    assert budget.left[1][0].tolist() == [600_000_000_000] * 4


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
