"""``costlab cost``: any column, any window, exact, and the same total whatever table answers."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costlab.focus.columns import COSTS
from costlab.lab.cost import ask, question
from costlab.lab.route import CHARGES, Route
from costlab.lab.window import Window
from costlab.settings import Settings
from tests.cli.conftest import Run, bill, publish_bill
from tests.support import focus_row


def expected(month: str, metric: str = "EffectiveCost", **fixed: str) -> Decimal:
    rows = bill()[month]
    return sum((r[metric] for r in rows if all(r[k] == v for k, v in fixed.items())), Decimal(0))


def test_the_default_is_effective_cost_by_service_of_the_last_full_month(run: Run, bill_workspace: Path) -> None:
    done = run("--workspace", bill_workspace, "cost", "--format", "json")
    assert done.code == 0
    answer = done.json
    assert answer["schema"] == "costlab/cost/1"
    assert answer["currency"] == "USD"
    assert answer["data_status"] == "complete"
    assert answer["totals"]["EffectiveCost"] == str(expected("2026-02"))
    assert answer["totals"]["from"] == "2026-02-01"
    assert answer["items"] == [
        {"ServiceName": "Amazon S3", "EffectiveCost": str(expected("2026-02", ServiceName="Amazon S3"))},
        {"ServiceName": "Amazon EC2", "EffectiveCost": str(expected("2026-02", ServiceName="Amazon EC2"))},
    ]


def test_ids_keep_the_vendors_text(run: Run, bill_workspace: Path) -> None:
    done = run("cost", "--by", "SubAccountId", "--format", "json", "--workspace", bill_workspace)
    assert {item["SubAccountId"] for item in done.json["items"]} == {"111111111111", "000000000042"}


def test_a_grain_gives_each_item_its_period(run: Run, bill_workspace: Path) -> None:
    window = ("--from", "2026-01-30", "--to", "2026-02-03")
    days = run("--workspace", bill_workspace, "cost", "--by", "x_source", "--grain", "day", *window, "--format", "json")
    assert [item["period"] for item in days.json["items"]] == ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02"]
    months = run(
        "--workspace", bill_workspace, "cost", "--by", "x_source", "--grain", "month", *window, "--format", "json"
    )
    assert [item["period"] for item in months.json["items"]] == ["2026-01", "2026-02"]
    assert days.json["totals"]["EffectiveCost"] == months.json["totals"]["EffectiveCost"]


def test_from_is_inclusive_and_to_exclusive(run: Run, bill_workspace: Path) -> None:
    done = run(
        "--workspace", bill_workspace, "cost", "--metric", "billedcost", "--from", "2026-01-02", "--to", "2026-01-03",
        "--format", "json",
    )  # fmt: skip
    assert done.json["totals"]["BilledCost"] == "8.000000000004"


def test_one_open_end_reaches_to_the_end_of_the_data(run: Run, bill_workspace: Path) -> None:
    late = run("--workspace", bill_workspace, "cost", "--from", "2026-02-01", "--format", "json").json["totals"]
    assert (late["from"], late["to"]) == ("2026-02-01", "2026-03-09")
    early = run("--workspace", bill_workspace, "cost", "--to", "2026-02-01", "--format", "json").json["totals"]
    assert (early["from"], early["EffectiveCost"]) == ("2026-01-01", str(expected("2026-01")))


def test_an_invoice_month_is_an_instant(run: Run, bill_workspace: Path) -> None:
    done = run("--workspace", bill_workspace, "cost", "--by", "BillingPeriodStart", "--format", "json")
    assert [item["BillingPeriodStart"] for item in done.json["items"]] == ["2026-02-01T00:00:00Z"]


@pytest.mark.parametrize("by", ["Tags.team", "Tags.cost-center", "tags.team,ServiceName", "x_service_code"])
def test_tags_and_own_columns_add_up_to_the_same_total(run: Run, bill_workspace: Path, by: str) -> None:
    done = run("--workspace", bill_workspace, "cost", "--by", by, "--format", "json")
    assert done.json["totals"]["EffectiveCost"] == str(expected("2026-02"))


def test_what_has_no_tag_is_null(run: Run, bill_workspace: Path) -> None:
    items = run("--workspace", bill_workspace, "cost", "--by", "Tags.team", "--format", "json").json["items"]
    assert {item["Tags.team"] for item in items} == {"a", None}


@pytest.mark.parametrize(
    ("where", "keep"),
    [
        ("ServiceName = 'Amazon S3'", lambda r: r["ServiceName"] == "Amazon S3"),
        ("servicename like '%EC2' and not (SubAccountId = '111111111111')",
         lambda r: r["ServiceName"] == "Amazon EC2" and r["SubAccountId"] != "111111111111"),
        ("Tags.team = 'a'", lambda r: r["Tags"] is not None),
        ("Tags.team is null or ServiceName in ('Amazon S3')",
         lambda r: r["Tags"] is None or r["ServiceName"] == "Amazon S3"),
        ("Tags.\"Cost,Center\" = '7'", lambda r: r["Tags"] is not None),
        ("BilledCost > 20.5", lambda r: r["BilledCost"] > Decimal("20.5")),
        ("ChargePeriodStart >= timestamp '2026-02-15'", lambda r: r["ChargePeriodStart"].day >= 15),
        ("lower(ServiceName) = 'amazon s3' -- the rest is a comment", lambda r: r["ServiceName"] == "Amazon S3"),
        ("SubAccountName = 'it''s' or true", lambda r: True),
    ],
)  # fmt: skip
def test_where_keeps_what_the_expression_says(run: Run, bill_workspace: Path, where: str, keep: object) -> None:
    assert callable(keep)
    done = run("--workspace", bill_workspace, "cost", "--where", where, "--format", "json")
    assert done.code == 0, done.err
    total = sum((r["EffectiveCost"] for r in bill()["2026-02"] if keep(r)), Decimal(0))
    assert Decimal(done.json["totals"]["EffectiveCost"]) == total


@pytest.mark.parametrize(
    "where",
    [
        "x", "ServiceName", "1", "1 = (select 1)", "ServiceName in (select 'x')", "true) union select (1",
        "true; drop table x",
        "read_text('/etc/passwd') = 'x'", "true) group by (x_source",
        "true) or (select 1 from read_csv('/etc/passwd'))",
        "exists (select 1)", "getenv('HOME') = 'x'", "BilledCost > 'abc'", "a.b.c = 1", "marts.x = 1", "$1 = 1",
        "? = 1", "ServiceName = 'x", "count(*) > 1", "row_number() over () = 1", "'x' = any(select 1)",
        "query('select 1') = 1",
        "current_setting('temp_directory') = 'x'", "true limit 1", "(" * 3000,
    ],
)  # fmt: skip
def test_where_refuses_everything_but_an_expression_over_columns(run: Run, bill_workspace: Path, where: str) -> None:
    done = run("--workspace", bill_workspace, "cost", "--where", where)
    assert done.code == 2, done.err
    assert done.out == ""
    assert done.err.startswith("Error: ")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("--by", "ServiceNam"), "unknown column 'ServiceNam'", "Did you mean 'ServiceName'?"),
        (("--metric", "Effective"), "unknown metric 'Effective'", "Did you mean 'EffectiveCost'?"),
        (("--grain", "week"), "unknown grain 'week'", "Valid: day, month, total"),
        (("--from", "2026-2-1"), "--from '2026-2-1' is not a day", "YYYY-MM-DD"),
        (("--from", "2026-02-30"), "--from '2026-02-30' is not a day", "YYYY-MM-DD"),
        (("--from", "2026-02-02", "--to", "2026-02-02"), "is not before --to", "exclusive"),
        (("--as-of", "soon"), "--as-of 'soon' is not a day", "YYYY-MM-DD"),
        (("--format", "xml"), "unknown format 'xml'", "Valid: csv, json, md, table"),
        (("--by", "BilledCost", "--metric", "BilledCost"), "cannot group by the metric", ""),
    ],
)
def test_a_wrong_option_is_a_usage_error_with_the_valid_choices(
    run: Run, bill_workspace: Path, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    done = run("--workspace", bill_workspace, "cost", *arguments)
    assert done.code == 2
    assert message in done.err
    assert hint in done.err
    assert done.out == ""


def test_an_empty_window_is_said_and_is_not_a_failure(run: Run, bill_workspace: Path) -> None:
    done = run("--workspace", bill_workspace, "cost", "--from", "2030-01-01", "--to", "2030-02-01", "--format", "json")
    assert done.code == 0
    assert done.json["items"] == []
    assert done.json["data_status"] == "empty"
    assert "no charges" in done.err


def test_currencies_are_never_added(run: Run, tmp_path: Path) -> None:
    rows = [
        focus_row(BilledCost=1, ChargePeriodStart="2026-03-31T23:00:00"),
        focus_row(BilledCost=2, BillingCurrency="EUR"),
    ]
    publish_bill(tmp_path, {"2026-03": rows})
    answer = run("--workspace", tmp_path, "cost", "--format", "json").json
    assert answer["currency"] is None
    assert [(i["BillingCurrency"], i["EffectiveCost"]) for i in answer["items"]] == [("EUR", "2"), ("USD", "1")]
    assert answer["totals"]["EffectiveCost"] is None
    assert answer["totals"]["by_currency"] == {"EUR": {"EffectiveCost": "2"}, "USD": {"EffectiveCost": "1"}}
    table = run("--workspace", tmp_path, "cost").out
    assert "total EffectiveCost: 2.00 EUR" in table
    assert "total EffectiveCost: 1.00 USD" in table


def test_a_price_that_is_missing_is_null_and_not_zero(run: Run, tmp_path: Path) -> None:
    publish_bill(tmp_path, {"2026-03": [focus_row(ListCost=None, ChargePeriodStart="2026-03-31T23:00:00")]})
    done = run("--workspace", tmp_path, "cost", "--metric", "ListCost", "--format", "json")
    assert done.json["items"] == [{"ServiceName": "Amazon Elastic Compute Cloud", "ListCost": None}]


def test_a_bill_thin_on_every_last_day_still_has_a_last_full_month(run: Run, tmp_path: Path) -> None:
    days = ("2026-02-03", "2026-03-05")
    publish_bill(tmp_path, {day[:7]: [focus_row(ChargePeriodStart=f"{day}T01:00:00")] for day in days})
    assert run("--workspace", tmp_path, "cost", "--format", "json").json["totals"]["from"] == "2026-03-01"


def test_a_missing_month_is_said_with_the_number(run: Run, tmp_path: Path) -> None:
    days = ("2026-01-31", "2026-03-31")
    publish_bill(tmp_path, {day[:7]: [focus_row(ChargePeriodStart=f"{day}T23:00:00")] for day in days})
    done = run("--workspace", tmp_path, "cost", "--from", "2026-01-01", "--format", "json")
    assert done.json["data_status"] == "partial"
    assert "aws: no data for 2026-02" in done.err


COLUMNS = ("ServiceName", "SubAccountId", "SubAccountName", "RegionId", "x_usage_type", "ChargeCategory", "Tags.team")


@given(
    by=st.lists(st.sampled_from(COLUMNS), max_size=3, unique=True),
    metric=st.sampled_from(COSTS),
    where=st.sampled_from([None, "ServiceName = 'Amazon S3'", "Tags.team = 'a'", "RegionId = 'us-east-1'"]),
)
@settings(max_examples=40, deadline=None)
def test_a_rollup_answers_exactly_as_the_charges_do(
    bill_workspace: Path, by: list[str], metric: str, where: str | None
) -> None:
    from costlab.lab import Lab, cost

    window = Window(
        *(
            Window(d, d).start
            for d in (
                bill()["2026-01"][0]["ChargePeriodStart"].date(),
                bill()["2026-03"][0]["ChargePeriodStart"].date(),
            )
        )
    )
    asked = question(by, metric, "day", where)
    with Lab.open(Settings(bill_workspace)) as lab, pytest.MonkeyPatch.context() as patch:
        fast = ask(lab.db, asked, window)
        patch.setattr(cost, "route", lambda *_: Route(CHARGES, "cast(ChargePeriodStart as date)"))
        slow = ask(lab.db, asked, window)
    assert slow.table == CHARGES
    assert (fast.items, fast.totals) == (slow.items, slow.totals)


def test_the_usual_questions_are_answered_from_rollups(bill_workspace: Path) -> None:
    from costlab.lab import Lab

    with Lab.open(Settings(bill_workspace)) as lab:
        window = lab.window()
        tables = {by: ask(lab.db, question(by, "EffectiveCost", None, None), window).table for by in COLUMNS}
    assert tables == {
        "ServiceName": "marts.daily_services",
        "SubAccountId": "marts.daily_accounts",
        "SubAccountName": "focus.costs",
        "RegionId": "marts.daily_regions",
        "x_usage_type": "marts.daily_skus",
        "ChargeCategory": "marts.daily_accounts",
        "Tags.team": "marts.daily_tags",
    }


@pytest.mark.parametrize("pair", list(itertools.combinations(["json", "csv", "md", "table"], 2)))
def test_every_format_holds_every_item(run: Run, bill_workspace: Path, tmp_path: Path, pair: tuple[str, str]) -> None:
    for form in pair:
        target = tmp_path / f"out.{form}"
        done = run("--workspace", bill_workspace, "cost", "--grain", "day", "-o", target, "--format", form)
        assert done.code == 0
        assert done.out == ""
        assert target.read_text().count("Amazon S3") == 28
