"""Usage is the same whatever range of days it is asked for, and schedules hold."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from costlab.simulate.charges import Biller
from costlab.simulate.company import build
from costlab.simulate.estate import Schedule
from costlab.simulate.facts import DEFAULTS, Facts, Line, summed
from costlab.simulate.usage import MachineHours, daily_quantities

COMPANY = build(4, date(2026, 1, 1), date(2026, 3, 1))
MACHINES = MachineHours(COMPANY.estate)


def hours_of(schedule: Schedule, first: int, last: int) -> np.ndarray:
    rows, need = MACHINES.between(first, last)
    kinds = np.array([COMPANY.estate.instances[r].schedule is schedule for r in rows])
    kept: np.ndarray = need[kinds]
    return kept


def test_the_range_asked_for_does_not_change_what_ran() -> None:
    whole_rows, whole = MACHINES.between(0, 9)
    parts = [MACHINES.between(day, day + 3) for day in (0, 3, 6)]
    assert whole.sum() == sum(need.sum() for _, need in parts)
    for number, (rows, need) in enumerate(parts):
        at = np.searchsorted(whole_rows, rows)
        assert (whole[at][:, number * 72 : (number + 1) * 72] == need).all()


def test_office_machines_stand_still_at_night_and_on_weekends() -> None:
    saturday = hours_of(Schedule.OFFICE, 2, 3)  # 3 January 2026
    assert saturday.size == 0
    friday = hours_of(Schedule.OFFICE, 1, 2)
    assert (friday.sum(axis=1) == 12 * 10_000).all()


def test_batch_jobs_run_at_night_for_three_to_six_hours() -> None:
    night = hours_of(Schedule.BATCH, 5, 6)
    assert ((night.sum(axis=1) >= 3 * 10_000) & (night.sum(axis=1) <= 6 * 10_000)).all()
    assert night[:, 0].sum() == night[:, 8:].sum() == 0


def test_the_fleet_is_larger_by_day_than_by_night() -> None:
    fleet = hours_of(Schedule.WEB, 5, 6).sum(axis=0)
    assert fleet[14:17].mean() > 1.5 * fleet[2:5].mean()


def test_planted_effects_are_the_only_difference_between_actual_and_expected() -> None:
    actual, expected = daily_quantities(COMPANY.estate, COMPANY.effects)
    touched = {m for effect in COMPANY.effects for m in effect.meters}
    different = set(np.flatnonzero((actual != expected).any(axis=1)).tolist())
    assert different
    assert different <= touched
    assert (daily_quantities(COMPANY.estate, [])[0] == daily_quantities(COMPANY.estate, [])[1]).all()


def test_requests_are_whole_blocks() -> None:
    actual, _ = daily_quantities(COMPANY.estate, COMPANY.effects)
    whole = np.array([m.whole for m in COMPANY.estate.meters])
    assert (actual[whole] % 10_240_000 == 0).all()
    assert (actual >= 0).all()


def test_amounts_have_at_most_ten_decimals_so_that_a_percentage_is_exact() -> None:
    facts, _ = Biller(COMPANY).days(0, 5)
    for column in ("od", "unb", "eff", "listed"):
        usage = facts.column("kind") != 8  # discount rows are percentages themselves
        negation = facts.column("kind") != 5
        assert (facts.column(column)[usage & negation] % 100 == 0).all(), column


def test_days_can_be_billed_in_any_pieces() -> None:
    biller = Biller(COMPANY)
    whole, _ = biller.days(7, 14)
    pieces = [biller.days(first, last)[0] for first, last in ((7, 8), (8, 12), (12, 14))]
    assert len(whole) == sum(len(piece) for piece in pieces)
    for column in ("billed", "effective", "listed", "net", "commit"):
        assert whole.column(column).sum() == sum(piece.column(column).sum() for piece in pieces)


def test_facts_broadcast_scalars_and_keep_every_column() -> None:
    facts = Facts()
    facts.add(Line.USAGE, 2, q=np.array([1, 2], dtype=np.int64), stage=np.array([0, 2], dtype=np.int64))
    facts.add(Line.TAX, 1, unb=7, stage=1)
    facts.add(Line.FEE, 0, unb=9)
    assert len(facts) == 3
    assert facts.column("unb").tolist() == [0, 0, 7]
    table = facts.table(10, stage=1)
    assert table.column_names == ["line", *DEFAULTS]
    assert table["line"].to_pylist() == [10, 12]


def test_sums_are_by_distinct_key() -> None:
    keys, sums = summed((np.array([2, 1, 2]), np.array([5, 5, 5])), np.array([10, 20, 30]))
    assert [k.tolist() for k in keys] == [[1, 2], [5, 5]]
    assert [s.tolist() for s in sums] == [[20, 40]]
    empty = np.array([], dtype=np.int64)
    assert [len(k) for k in summed((empty,), empty)[0]] == [0]


@pytest.mark.parametrize("size", [1, 3])
def test_every_sku_has_a_price_and_every_resource_an_owner(size: int) -> None:
    estate = build(2, date(2026, 1, 1), date(2026, 2, 1), size=size).estate
    assert all(0 <= r.account < len(estate.accounts) for r in estate.resources)
    assert len({r.id for r in estate.resources}) == len(estate.resources)
