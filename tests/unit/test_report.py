"""Answers and reports as text: exact where programs read, safe where people look."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import PurePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costlab.answer import Answer
from costlab.errors import UnknownValue
from costlab.report.document import Document, FileType, Section, file_type, render_document
from costlab.report.formats import Format, format_of, render
from costlab.report.text import amount, cell, redacted, shortened, visible, width

NOW = datetime(2026, 3, 1)
HOSTILE = "<script>alert(1)</script>|`*_[x](javascript:1)\x1b]0;x\x07\u202e\"&'\n# heading"


def answer(*items: dict[str, Any], name: str = "cost", **fields: Any) -> Answer:
    columns = list(items[0]) if items else ["a"]
    return Answer(name, columns, list(items), generated_at=NOW, as_of=NOW, **fields)


def test_a_table_is_aligned_and_never_cut_when_it_goes_to_a_file() -> None:
    text = render(
        answer({"name": "x" * 200, "EffectiveCost": Decimal("1234.5")}, {"name": "y", "EffectiveCost": Decimal(2)}),
        Format.TABLE,
    )
    lines = text.splitlines()
    assert lines[2] == f"{'x' * 200}       1,234.50"
    assert lines[3].endswith("         2.00")
    assert len({len(line) for line in lines[:4]}) == 1


def test_a_table_fits_a_terminal_and_keeps_its_numbers() -> None:
    item = {"name": "x" * 200, "other": "y" * 90, "EffectiveCost": Decimal("123456789.5")}
    lines = render(answer(item), Format.TABLE, columns=60).splitlines()
    assert max(map(width, lines)) <= 60
    assert "123,456,789.50" in lines[2]
    assert "…" in lines[2]


def test_items_in_several_currencies_say_which() -> None:
    one = {"impact": Decimal(5), "scope": {}, "currency": "EUR", "kind": "spike"}
    text = render(answer(one, one | {"currency": "USD"}, name="anomalies"), Format.TABLE)
    assert text.splitlines()[0].startswith("currency  impact")
    assert [line[:3] for line in text.splitlines()[2:4]] == ["EUR", "USD"]
    assert "currency" not in render(answer(one, one, name="anomalies"), Format.TABLE)


def test_an_empty_answer_says_so() -> None:
    assert "(nothing)" in render(answer(), Format.TABLE)
    assert json.loads(render(answer(), Format.JSON))["items"] == []
    assert render(answer(), Format.CSV) == "a\n"


def test_json_and_csv_hold_the_exact_amount_and_a_table_the_rounded_one() -> None:
    one = answer(
        {"EffectiveCost": Decimal("0.123456789012")},
        currency="USD",
        totals={"EffectiveCost": Decimal("0.123456789012")},
    )
    assert json.loads(render(one, Format.JSON))["items"] == [{"EffectiveCost": "0.123456789012"}]
    assert render(one, Format.CSV) == "EffectiveCost\n0.123456789012\n"
    assert "total EffectiveCost: 0.12 USD" in render(one, Format.TABLE)


def test_somebodys_own_query_is_shown_unrounded() -> None:
    assert "0.123456789012" in render(answer({"x": Decimal("0.123456789012")}, name="query"), Format.TABLE)


@pytest.mark.parametrize("form", [Format.TABLE, Format.MARKDOWN])
def test_text_of_a_bill_cannot_drive_a_terminal_or_become_markup(form: Format) -> None:
    text = render(answer({"name": HOSTILE, HOSTILE: 1}), form)
    assert not {c for c in text if ord(c) < 32} - {"\n"}
    assert "\u202e" not in text
    if form is Format.MARKDOWN:
        assert "<script" not in text.replace("\\<", "")
        assert "\n#" not in text


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def document(text: str) -> Document:
    table = answer({"name": text, "EffectiveCost": Decimal(1)}, totals={"EffectiveCost": Decimal(1)})
    return Document(text, text, (Section(text, (text,), table),), table, (text,))


@given(st.text(max_size=60))
def test_html_reports_hold_any_text_as_text(text: str) -> None:
    reader = _Reader()
    reader.feed(render_document(document(text), FileType.HTML))
    known = {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert reader.tags <= known
    assert reader.attributes <= {"lang", "charset", "name", "content", "http-equiv", "class"}
    assert visible(text) in reader.text


def test_html_reports_need_nothing_from_elsewhere() -> None:
    page = render_document(document(HOSTILE), FileType.HTML)
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_a_report_as_csv_is_its_table() -> None:
    assert render_document(document("x"), FileType.CSV) == "name,EffectiveCost\nx,1\n"


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=5))
def test_csv_gives_back_any_text(texts: list[str]) -> None:
    rendered = render(answer(*[{"a": text, "b": "x"} for text in texts]), Format.CSV)
    assert [row["a"] for row in csv.DictReader(io.StringIO(rendered, newline=""))] == texts


def test_a_row_of_one_empty_value_is_still_a_row() -> None:
    rendered = render(answer({"a": None}, {"a": "x"}), Format.CSV)
    assert [row["a"] for row in csv.DictReader(io.StringIO(rendered))] == ["", "x"]


@pytest.mark.parametrize(
    ("given_name", "path", "expected"),
    [
        (None, None, Format.TABLE),
        (None, "x.json", Format.JSON),
        (None, "x.CSV", Format.CSV),
        (None, "x.txt", Format.TABLE),
        ("md", "x.json", Format.MARKDOWN),
    ],
)
def test_the_format_is_the_option_then_the_ending(given_name: str | None, path: str | None, expected: Format) -> None:
    assert format_of(given_name, PurePath(path) if path else None) is expected


def test_an_unknown_format_or_ending_names_the_valid_ones() -> None:
    with pytest.raises(UnknownValue, match="unknown format 'yaml'"):
        format_of("yaml")
    with pytest.raises(UnknownValue) as caught:
        file_type(PurePath("report.pdf"))
    assert "csv, html, md" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.005"), "0.01"),
        (Decimal("0.0049"), "<0.01"),
        (Decimal("-0.001"), ">-0.01"),
        (Decimal("-1234567.005"), "-1,234,567.01"),
        (Decimal("12345678901234567890123456.789"), "12,345,678,901,234,567,890,123,456.79"),
        (Decimal("1E+3"), "1,000.00"),
        (Decimal("-0E-12"), "0.00"),
    ],
)
def test_an_amount_never_looks_like_nothing(value: Decimal, text: str) -> None:
    assert amount(value) == text


def test_wide_characters_take_two_columns() -> None:
    assert width("東京") == 4
    assert width("e\u0301") == 1
    assert shortened("東京都庁", 5) == "東京…"
    assert cell({"a": Decimal("1.50"), "b": None}) == '{"a": "1.5", "b": null}'


@pytest.mark.parametrize(
    "text",
    [
        "https://me:hunter2@host/x", "s3://b/k?X-Amz-Signature=hunter2&x=1", "https://a.blob/x?sv=1&sig=hunter2",
        "error at https://h/x?token=hunter2 while reading", "gs://b/k?X-Goog-Credential=hunter2",
    ],
)  # fmt: skip
def test_credentials_in_a_location_are_hidden(text: str) -> None:
    assert "hunter2" not in redacted(text)
    assert "***" in redacted(text)
    assert redacted("https://host/path?period=2026-01") == "https://host/path?period=2026-01"


@pytest.mark.parametrize(("discount", "text"), [("0.06", "6 % below list"), ("-0.25", "25 % above list")])
def test_a_price_above_the_list_is_called_so(discount: str, text: str) -> None:
    share = Decimal(discount)
    found = {"source": "a", "billing_period": "2026-01", "name": "S", "kind": "contracted", "discount": share,
             "low": share, "high": share, "lines": 2}  # fmt: skip
    shown = render(answer(name="calibrate", totals={"discounts": [found]}), Format.TABLE)
    assert f"learned, a 2026-01: S contracted {text} (2 lines)" in shown
