"""Months and days are UTC and half-open; malformed ones are refused with an example."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costlab.errors import UsageError
from costlab.period import Month, iso, midnight, parse_day, utc_now

months = st.builds(Month, st.integers(1990, 2100), st.integers(1, 12))


@given(months)
def test_a_month_ends_where_the_next_begins(month: Month) -> None:
    assert month.end == month.plus(1).start
    assert month.plus(7).plus(-7) == month
    assert Month.parse(str(month)) == month
    assert Month.of(month.first_day) == month


def test_february_of_a_leap_year_has_29_days() -> None:
    assert Month(2024, 2).days == 29
    assert Month(2023, 12).plus(1) == Month(2024, 1)


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "202601", "", "2026-01-01", "abcd-ef"])
def test_a_malformed_month_is_a_usage_error_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Month.parse(text)
    assert "2026-03" in caught.value.hint


@pytest.mark.parametrize("text", ["2026-02-30", "20260201", "2026-2-1", "yesterday", "2026-W01-1"])
def test_a_malformed_day_is_a_usage_error_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_day(text)
    assert "2026-03-01" in caught.value.hint


def test_instants_are_naive_utc_and_print_with_z() -> None:
    assert utc_now().tzinfo is None
    assert iso(datetime(2026, 1, 2, 3, 4, 5)) == "2026-01-02T03:04:05Z"
    assert midnight(parse_day("2026-01-02")) == datetime(2026, 1, 2)
    assert parse_day("2026-01-02") == date(2026, 1, 2)
