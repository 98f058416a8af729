"""``costlab unit-cost`` and ``allocate --hygiene``: from files people have, with what is missing said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.errors import ConfigError, SourceError, UsageError
from costlab.lab import Lab
from costlab.lab.allocation.metric_file import Reading, load_metrics, read_metrics
from costlab.period import Month
from costlab.settings import Settings
from tests.cli.conftest import Run
from tests.cli.test_allocate import MARCH, TEAM, a_lab, tags, workspace

D = Decimal


def bill() -> list[dict[str, Any]]:
    """Return two months: web costs 10 a day, data 2 a day and 3 in March, one dollar a day is nobody's."""
    rows: list[dict[str, Any]] = []
    for offset in range(59):
        day = date(2026, 2, 1) + timedelta(days=offset)
        for team, amount in (("web", 10), ("data", 2 if day.month == 2 else 3), (None, 1)):
            row = {"ChargePeriodStart": f"{day}T01:00:00", "BilledCost": amount}
            rows.append({**row, "Tags": tags(team=team) if team else None, "ResourceId": f"r-{team}"})
    return rows


def metrics(folder: Path, *lines: str, header: str = "date,metric,quantity,team") -> Path:
    path = folder / "business_metrics.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


DAILY = [
    f"{date(2026, 2, 1) + timedelta(days=n)},orders,{5 if n < 28 else 4},Web" for n in range(59) if n not in {28, 40}
]


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = workspace(tmp_path_factory.mktemp("measured"), bill())
    metrics(folder, *DAILY, "2026-03-05,orders,2,data", "2026-03-06,orders,0,ghost")
    return folder


def test_a_dimension_joins_cost_and_quantity_and_missing_days_are_said(run: Run, measured: Path) -> None:
    days = ("--from", "2026-03-01", "--to", "2026-04-01")
    done = run("--workspace", measured, "unit-cost", "--by", "team", *days, "--format", "json")
    assert done.code == 0
    items = {item["team"]: item for item in done.json["items"]}
    assert items["web"] == {
        "metric": "orders", "team": "web", "cost": "310", "matched_cost": "290", "quantity": "116",
        "unit_cost": "2.5", "marginal_cost": "-0.416666666667", "cost_change": "10", "volume_effect": "-48",
        "cost_effect": "58", "missing_days": 2, "reason": None,
    }  # fmt: skip
    assert (items["data"]["unit_cost"], items["data"]["missing_days"]) == ("1.5", 30)
    assert items["data"]["reason"] == "nothing to compare with in the period before"
    assert (items["ghost"]["cost"], items["ghost"]["reason"]) == ("0", "the quantity is 0")
    assert "(unallocated)" not in items
    assert "orders: no quantity at all for (unallocated) (31.00 USD)" in done.err
    assert done.json["totals"]["cost"] == str(14 * 31)
    assert "orders: no quantity on 2026-03-01" in done.err


def test_without_a_dimension_it_is_all_cost(measured: Path) -> None:
    with Lab.open(Settings(measured)) as lab:
        answer = lab.ask_unit_cost(grain="month", start="2026-02-01", end="2026-04-01")
        total = lab.ask_cost(start="2026-02-01", end="2026-04-01").totals["EffectiveCost"]
    february, march = answer.items
    assert (february["period"], february["unit_cost"]) == ("2026-02", D(13 * 28) / 140)
    assert (march["period"], march["missing_days"]) == ("2026-03", 2)
    assert answer.totals["cost"] == total == february["cost"] + march["cost"]


@pytest.mark.parametrize(("grain", "label", "count"), [("day", "2026-03-01", 31), ("week", "2026-W09", 6)])
def test_finer_grains_add_up_to_the_window(measured: Path, grain: str, label: str, count: int) -> None:
    with Lab.open(Settings(measured)) as lab:
        items = lab.unit_cost(grain=grain, start="2026-03-01", end="2026-04-01")
    assert (items["period"][0], len(items)) == (label, count)
    assert sum(items["cost"]) == 14 * 31


def test_days_outside_the_bill_are_neither_missing_nor_free(measured: Path) -> None:
    with Lab.open(Settings(measured)) as lab:
        [item] = lab.ask_unit_cost(start="2026-01-01", end="2026-03-01").items
    assert (item["cost"], item["missing_days"], item["unit_cost"]) == (364, 0, D("2.6"))


def test_a_quantity_of_a_month_belongs_to_whole_months(tmp_path: Path) -> None:
    metrics(tmp_path, "2026-02,users,100,web", "2026-03,users,200,web")
    with a_lab(tmp_path, bill()) as lab:
        march = lab.ask_unit_cost("team", **MARCH).items[0]
        assert (march["unit_cost"], march["volume_effect"], march["cost_effect"]) == (D("1.55"), 280, -250)
        half = lab.ask_unit_cost("team", start="2026-03-01", end="2026-03-16").items[0]
        assert (half["unit_cost"], half["reason"]) == (None, "no quantity for these days")
        with pytest.raises(UsageError, match="given per month and cannot be cut by week"):
            lab.ask_unit_cost(grain="week", **MARCH)


def test_currencies_have_unit_costs_of_their_own(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"BilledCost": 8}, {"BilledCost": 4, "BillingCurrency": "EUR"}]
    metrics(tmp_path, "2026-03-01,orders,2,web")
    with a_lab(tmp_path, rows) as lab:
        answer = lab.ask_unit_cost(**MARCH)
    assert [(item["BillingCurrency"], item["unit_cost"]) for item in answer.items] == [("USD", 4), ("EUR", 2)]
    assert answer.totals["by_currency"] == {"EUR": {"cost": 4}, "USD": {"cost": 8}}


def test_a_dimension_the_file_does_not_have_is_named(measured: Path) -> None:
    with Lab.open(Settings(measured)) as lab, pytest.raises(UsageError) as caught:
        lab.ask_unit_cost("SubAccountId")
    assert caught.value.hint == "Its dimensions: team"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--metric", "nowhere.csv"), 2, "there is no file of business metrics"),
        (("--grain", "year"), 2, "unknown grain 'year'"),
        (("--cost", "Cost"), 2, "unknown metric 'Cost'"),
    ],
)
def test_what_cannot_be_asked_is_explained(
    run: Run, measured: Path, arguments: tuple[str, str], code: int, said: str
) -> None:
    done = run("--workspace", measured, "unit-cost", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_times_become_days_in_utc_and_an_empty_quantity_is_unknown(tmp_path: Path) -> None:
    lines = ("2026-03-01T23:30:00-05:00,orders,1.5,", "2026-03,users,1e3,a", "2026-03-04,orders,,a")
    found = read_metrics(metrics(tmp_path, *lines, header="\ufeffTS,Metric,quantity,Team"))
    assert found.dimensions == ("team",)
    assert found.readings == [
        Reading("orders", date(2026, 3, 2), D("1.5"), {"team": None}),
        Reading("users", Month(2026, 3), D(1000), {"team": "a"}),
    ]


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "metrics.parquet"
    table = pa.table(
        {"ts": [datetime(2026, 3, 1, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)], "metric": ["orders", "orders"],
         "quantity": [7, None]}
    )  # fmt: skip
    pq.write_table(table, path)
    assert read_metrics(path).readings == [Reading("orders", date(2026, 3, 1), D(7), {})]
    path.write_bytes(b"not parquet")
    with pytest.raises(SourceError, match="cannot be read"):
        read_metrics(path)


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        ("day,metric,quantity", "2026-03-01,orders,1", "mandatory column missing: date"),
        ("date,metric", "2026-03-01,orders", "mandatory column missing: quantity"),
        ("date,metric,quantity", "1.3.2026,orders,1", "csv:2: '1.3.2026' is neither a day nor a month"),
        ("date,metric,quantity", '2026-03-01,orders,"1,5"', "csv:2: quantity '1,5' is not a number"),
        ("date,metric,quantity", "2026-03-01,orders,nan", "csv:2: quantity 'nan' is not a number"),
        ("date,metric,quantity", "2026-03-01,,1", "csv:2: the metric has no name"),
        ("date,metric,quantity", "2026-03-01,orders", "csv:2: not as many fields"),
        ("date,metric,quantity", "2026-03-01,orders,1,2", "csv:2: not as many fields"),
    ],
)
def test_a_line_that_means_nothing_is_named(tmp_path: Path, header: str, line: str, message: str) -> None:
    with pytest.raises(SourceError, match=message.replace("(", r"\(")):
        read_metrics(metrics(tmp_path, line, header=header))


def test_a_configured_file_that_is_missing_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file of business metrics 'kpi"):
        load_metrics(Settings(tmp_path, business_metrics="kpi.csv"))


def test_hygiene_names_what_nobody_owns_and_a_probable_owner(run: Run, measured: Path) -> None:
    days = ("--from", "2026-03-01", "--to", "2026-04-01")
    done = run("--workspace", measured, "allocate", "--hygiene", *days, "--format", "json")
    assert done.json["schema"] == "costlab/hygiene/1"
    assert done.json["items"] == [
        {"SubAccountId": "111111111111", "ServiceName": "Amazon Elastic Compute Cloud", "cost": "31", "share": 0.071429,
         "resources": 1, "owner_guess": "data", "confidence": 0.5, "basis": "account", "evidence": 2}
    ]  # fmt: skip
    totals = done.json["totals"]
    assert (totals["untagged"], totals["cost"]) == ("31", "434")
    assert totals["tag_keys"] == [
        {"key": "team", "cost": "403", "share": 0.928571, "spellings": {"team": "403"}, "also": []}
    ]
    assert "tag team: 403.00 USD, 92.9 %" in run("--workspace", measured, "allocate", "--hygiene", *days).out
    assert run("--workspace", measured, "allocate", "--hygiene", "--grain", "day").code == 2


def test_hygiene_leaves_out_shared_costs_and_says_spellings(tmp_path: Path) -> None:
    rules = TEAM + "[[dimensions.shared]]\nname = 's'\nwhere = \"ServiceName = 'Support'\"\nsplit = 'even'\n"
    rows: list[dict[str, Any]] = [
        {"BilledCost": 5, "ServiceName": "Support"},
        {"BilledCost": 2, "Tags": tags(Team="a", env="x"), "ResourceId": "1"},
        {"BilledCost": 3, "Tags": tags(team="a", Environment="y"), "ResourceId": "2"},
        {"BilledCost": 4},
    ]
    with a_lab(tmp_path, rows, rules) as lab:
        answer = lab.ask_hygiene(**MARCH)
        (tmp_path / "allocation.toml").write_text("[tags]\nenv = ['environment']\n" + rules)
        assert lab.ask_hygiene(**MARCH).warnings == ["one tag key in 2 spellings, read as one: Team, team"]
    assert [(item["cost"], item["resources"], item["owner_guess"]) for item in answer.items] == [(4, 0, "a")]
    assert answer.warnings == [
        "one tag key in 2 spellings, read as one: Team, team",
        "tag keys 'Environment' and 'env' may mean the same: name them under [tags]",
    ]
