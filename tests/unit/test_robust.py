"""What the past lets expect of a daily series."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from costlab.stats.robust import ODD, Calendar, baseline, calendar, is_intermittent, profile, ramp_score

Floats = npt.NDArray[np.float64]
FIRST = date(2026, 1, 5)
DAYS = [FIRST + timedelta(days=i) for i in range(180)]
CALENDAR = calendar(DAYS)
WEEKEND = np.array([d.weekday() >= 5 for d in DAYS])
NOISE = np.exp(np.random.default_rng(3).normal(0, 0.02, 180))
STEADY = np.where(WEEKEND, 60.0, 100.0) * NOISE


def scores(values: Floats) -> Floats:
    return np.asarray(profile(values[None], CALENDAR).score[0])


def test_a_weekly_pattern_is_expected() -> None:
    assert np.abs(scores(STEADY)[35:]).max() < ODD


def test_a_spike_is_odd_and_the_day_after_is_not() -> None:
    values = STEADY.copy()
    values[100] += 80
    found = scores(values)
    assert found[100] > 10
    assert abs(found[101]) < ODD


def test_a_fee_recurs_on_its_day_of_the_month_on_a_business_day_and_at_the_end() -> None:
    first = np.array([d.day == 1 for d in DAYS])
    last = np.array([(d + timedelta(days=1)).day == 1 for d in DAYS])
    for fee in (first, last):
        found = scores(STEADY + fee * 200.0)
        assert np.abs(found[fee])[2:].max() < ODD
        assert np.abs(found[fee])[:2].max() > ODD


def test_the_missing_fee_is_not_odd_either() -> None:
    first = np.array([d.day == 1 and d.month < 5 for d in DAYS])
    assert np.abs(scores(STEADY + first * 200.0)[DAYS.index(date(2026, 5, 1))]) < ODD


def test_a_flat_series_has_a_finite_score() -> None:
    values = np.full(180, 50.0)
    values[120] = 51.0
    assert 0 < scores(values)[120] < 1


def test_a_young_series_is_not_judged() -> None:
    values = np.where(np.arange(180) >= 100, STEADY, 0.0)
    values[110] *= 5
    found = profile(values[None], CALENDAR)
    assert found.is_new[0].nonzero()[0].tolist() == [100]
    assert np.abs(found.score[0, 100:121]).max() == 0


def test_what_is_there_at_the_start_of_the_data_is_not_new() -> None:
    assert not profile(STEADY[None], CALENDAR).is_new.any()


def test_an_intermittent_series_is_odd_upwards_only_and_beyond_its_largest_day() -> None:
    rng = np.random.default_rng(5)
    values = np.where(rng.random(180) < 0.3, np.exp(rng.normal(3, 0.4, 180)), 0.0)
    values[150] = 10 * values.max()
    found = profile(values[None], CALENDAR)
    assert found.is_intermittent[0, 60:].all()
    assert found.score[0, 150] > ODD
    assert (found.score[0, 60:] >= 0).all()


def test_a_closed_weekend_is_a_pattern_and_not_intermittence() -> None:
    values = np.where(WEEKEND, 0.0, STEADY)
    assert not is_intermittent(values[None, :56], CALENDAR.weekday[:56])[0]


@pytest.mark.parametrize("day", [90, 130, 170])
def test_the_future_does_not_change_the_past(day: int) -> None:
    values = np.vstack([STEADY, np.where(WEEKEND, 0.0, STEADY), STEADY * np.exp(np.arange(180) / 400)])
    cut = Calendar(CALENDAR.weekday[:day], CALENDAR.recurrences[:day])
    whole, part = profile(values, CALENDAR), profile(values[:, :day], cut)
    for name in ("expected", "scale", "score", "ramp", "is_new", "is_intermittent", "age"):
        assert np.array_equal(getattr(whole, name)[:, :day], getattr(part, name)), name


def test_a_steady_rise_is_a_ramp_and_a_step_is_not() -> None:
    t = np.arange(28)
    rise = 100 * np.exp(t * 0.01) * NOISE[:28]
    step = np.where(t < 14, 100.0, 150.0) * NOISE[:28]
    flat = 100.0 * NOISE[:28]
    found = ramp_score(np.vstack([rise, step, flat]), np.full(3, 0.03))
    assert found[0] > 8
    assert found[1] == 0
    assert found[2] == 0


def test_a_baseline_keeps_the_weekday_pattern() -> None:
    frozen = baseline(STEADY[:100], CALENDAR.weekday[:100])
    assert frozen.expected(2) == pytest.approx(100, rel=0.04)
    assert frozen.expected(6) == pytest.approx(60, rel=0.04)
    assert frozen.scale(2) == pytest.approx(3, rel=0.3)


def test_nothing_is_expected_of_a_series_without_cost() -> None:
    assert baseline(np.zeros(60), CALENDAR.weekday[:60]).expected(0) == 0
    assert baseline(np.zeros(0), CALENDAR.weekday[:0]).expected(0) == 0
