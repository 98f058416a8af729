"""What a link says and what is written to it; text from bills in conditions, labels and Markdown."""

from __future__ import annotations

import doctest
import importlib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costlab.lab.where import parse_condition
from costlab.ui.conditions import as_sql, condition, filter_text, filters_condition, read_filter, scope_condition
from costlab.ui.format import exact_number, markdown, money, plain_text
from costlab.ui.state import Choice, Choices, Day, MonthOf, Param, Text, Values, encode, parse

MONTHS = ("2026-03", "2026-02")
PARAMS: list[Param] = [
    Choice("metric", ("EffectiveCost", "BilledCost")),
    Choices("by", ("ServiceName", "RegionId", "Tags.team"), ("ServiceName",), most=2),
    Day("from"),
    MonthOf("month", MONTHS, "2026-03"),
    Text("where"),
    Values("filter"),
]


@pytest.mark.parametrize("name", ["format", "conditions", "palette", "series", "charts", "allocation"])
def test_the_examples_in_the_documentation_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"costlab.ui.{name}")).failed == 0


def test_an_empty_link_gives_the_defaults_and_writes_nothing() -> None:
    parsed = parse(PARAMS, {})
    assert parsed.values == {
        "metric": "EffectiveCost", "by": ["ServiceName"], "from": None, "month": "2026-03", "where": "", "filter": [],
    }  # fmt: skip
    assert parsed.notices == []
    assert encode(PARAMS, parsed.values) == {}


@given(
    st.fixed_dictionaries(
        {
            "metric": st.sampled_from(["EffectiveCost", "BilledCost"]),
            "by": st.lists(st.sampled_from(["ServiceName", "RegionId", "Tags.team"]), unique=True, max_size=2),
            "from": st.none() | st.dates(),
            "month": st.sampled_from(MONTHS),
            "where": st.text(max_size=50).map(str.strip),
            "filter": st.lists(st.text(max_size=30), unique=True, max_size=5),
        }
    )
)
def test_what_is_written_to_a_link_is_read_back(values: dict[str, Any]) -> None:
    parsed = parse(PARAMS, encode(PARAMS, values))
    assert parsed.values == values
    assert parsed.notices == []


@given(st.dictionaries(st.sampled_from([p.name for p in PARAMS]), st.lists(st.text(max_size=500), max_size=30)))
def test_no_link_whatever_it_says_is_an_error(query: dict[str, list[str]]) -> None:
    parsed = parse(PARAMS, query)
    assert parse(PARAMS, encode(PARAMS, parsed.values)).values == parsed.values
    assert parsed.values["metric"] in {"EffectiveCost", "BilledCost"}
    assert len(parsed.values["by"]) <= 2


def test_names_in_a_link_are_read_without_regard_to_case() -> None:
    assert parse(PARAMS, {"metric": ["billedcost"], "by": ["regionid"]}).values["by"] == ["RegionId"]


@settings(deadline=None)  # the first call imports the parser
@given(st.text(max_size=60))
def test_values_of_a_bill_stay_values_in_conditions(value: str) -> None:
    text = condition("ServiceName", [value])
    parsed = parse_condition(text)
    assert parsed.columns == {"ServiceName"}
    assert len(list(parsed.tree.find_all(type(parsed.tree)))) == 1
    assert read_filter(filter_text("ServiceName", value), ["ServiceName"]) == ("ServiceName", value)


def test_filters_on_one_column_are_alternatives_and_null_is_one() -> None:
    assert filters_condition([("RegionId", "a"), ("ServiceName", "x"), ("RegionId", None)]) == (
        "(RegionId = 'a' or RegionId is null) and ServiceName = 'x'"
    )
    assert filters_condition([]) is None
    assert read_filter("Nope:1", ["RegionId"]) is None
    assert read_filter("RegionId", ["RegionId"]) == ("RegionId", None)


def test_the_scope_of_an_incident_is_a_condition() -> None:
    scope: dict[str, Any] = {"ServiceName": "it's", "SubAccountId": ["1", "2"], "Tags.cost-center": None}
    assert scope_condition(scope) == (
        "ServiceName = 'it''s' and SubAccountId in ('1', '2') and Tags.\"cost-center\" is null"
    )
    assert scope_condition({}) is None


def test_sql_offered_names_the_days_as_half_open() -> None:
    sql = as_sql(["Tags.team"], "BilledCost", "day", date(2026, 3, 1), date(2026, 4, 1), None)
    assert "ChargePeriodStart >= '2026-03-01'" in sql
    assert "ChargePeriodStart < '2026-04-01'" in sql


@given(st.text(max_size=80))
def test_markdown_keeps_no_bare_punctuation_and_no_line_break(value: str) -> None:
    escaped = markdown(value)
    assert "\n" not in escaped
    index = 0
    while index < len(escaped):
        character = escaped[index]
        if character == "\\":
            index += 2
            continue
        assert not (character.isascii() and not character.isalnum() and character != " "), escaped
        index += 1


def test_direction_marks_and_control_characters_are_written_out() -> None:
    assert plain_text("a\u202eb\x1b[31m") == "a\\u202eb\\x1b[31m"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**15), max_value=10**15))
def test_exact_amounts_lose_nothing(value: Decimal) -> None:
    assert Decimal(exact_number(value).replace(",", "")) == value


def test_every_amount_says_its_currency() -> None:
    assert money(Decimal(5), "SEK") == "SEK 5.00"
    assert money(Decimal(1234567), "IDR") == "IDR 1,234,567"
    assert money(Decimal("999.995"), "USD") == "$1,000.00"
