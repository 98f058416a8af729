"""The allocation page: its totals are the Lab's, its state is the URL's, and rules that are wrong are explained."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from costlab.lab import Lab
from costlab.ui.allocation import per_unit
from costlab.ui.format import exact_money, money
from tests.ui import estate
from tests.ui.conftest import Run, figures, texts

PAGE = "45_allocation"
RULES = """
[[dimensions]]
name = "team"
[[dimensions.rules]]
take = "Tags.team"
[[dimensions.rules]]
value = "dev team"
where = "SubAccountName = 'dev' and ServiceName <> 'AWS Lambda'"
[[dimensions.shared]]
name = "Unused commitments"
where = "CommitmentDiscountStatus = 'Unused'"
split = "proportional"
[[dimensions.shared]]
name = "<b>Support</b>"
where = "ServiceName = 'AWS Support'"
split = "fixed"
shares = { shop = 66.6, "dev team" = 33.4 }
"""
MARCH = {"start": "2026-03-01", "end": "2026-04-01"}


@pytest.fixture
def ruled(quarter: Path) -> Iterator[Path]:
    rules, metrics = quarter / "allocation.toml", quarter / "business_metrics.csv"
    rules.write_text(RULES)
    days = "".join(f"2026-03-{day:02d},orders,{100 + day}\n" for day in range(1, 31))
    metrics.write_text(f"date,metric,quantity\n{days}")
    yield quarter
    rules.unlink()
    metrics.unlink()


def test_the_totals_are_the_labs_and_the_bills(run: Run, ruled: Path, lab: Lab) -> None:
    answer = lab.ask_allocate("team", **MARCH)
    app = run(ruled, PAGE)
    assert not app.exception
    sums = answer.totals
    assert sums["total"] == lab.ask_cost(**MARCH).totals["EffectiveCost"]
    shown = {metric.label: metric for metric in app.metric}
    assert exact_money(sums["total"], "USD") in shown["Allocated"].help.replace("\\$", "$")
    assert figures(app)["Direct"] == money(sums["direct"], "USD")
    assert figures(app)["Shared"] == money(sums["shared"], "USD")
    assert figures(app)["Without an owner"] == money(sums["unallocated"], "USD")
    table = app.dataframe[0].value
    assert list(table["value"]) == [item["team"] for item in answer.items] == ["shop", "dev team", "(unallocated)"]
    assert list(table["total"]) == [float(item["total"]) for item in answer.items]
    assert list(table["shared1"])[:2] == [float(item["shared_by"]["<b>Support</b>"]) for item in answer.items[:2]]


def test_the_view_is_restored_from_the_link(run: Run, ruled: Path, lab: Lab) -> None:
    app = run(ruled, PAGE, by="SubAccountId", metric="ListCost", month="2026-02")
    total = lab.ask_cost(metric="ListCost", start="2026-02-01", end="2026-03-01").totals["ListCost"]
    assert figures(app)["Allocated"] == money(total, "USD")
    app.selectbox(key="allocation.by").set_value("team").run()
    assert dict(app.query_params) == {"metric": "ListCost", "month": "2026-02"}
    assert app.dataframe[0].value["value"][0] == "shop"


def test_days_of_the_chart_add_up_to_the_total(lab: Lab, ruled: Path) -> None:
    from costlab.ui.allocation import Asked, load_owned, stamp
    from costlab.ui.facts import load_facts

    facts = load_facts(lab)
    asked = Asked("team", "EffectiveCost", lab.window("2026-03-01", "2026-04-01"), "USD", stamp(lab.settings))
    owned = load_owned(lab, facts, asked)
    assert sum((point.amount for point in owned.points), Decimal(0)) == owned.total.now
    assert owned.total.before == lab.ask_cost(start="2026-02-01", end="2026-03-01").totals["EffectiveCost"]


def test_what_has_no_owner_is_listed_with_what_tags_cover(run: Run, ruled: Path, lab: Lab) -> None:
    app = run(ruled, PAGE, view="hygiene")
    assert not app.exception
    open_items, keys = (table.value for table in app.dataframe[:2])
    answer = lab.ask_hygiene("team", **MARCH)
    assert list(open_items["cost"]) == [float(item["cost"]) for item in answer.items]
    assert list(open_items["owner_guess"]) == ["shop", "dev team"]
    assert list(keys["key"]) == ["team"]


@pytest.mark.parametrize("grain", ["total", "week"])
def test_unit_costs_are_the_labs_and_a_missing_day_is_said(run: Run, ruled: Path, lab: Lab, grain: str) -> None:
    app = run(ruled, PAGE, view="unit-cost", grain=grain)
    assert not app.exception
    items = lab.ask_unit_cost(grain=grain, **MARCH).items
    assert list(app.dataframe[0].value["unit_cost"]) == [per_unit(item["unit_cost"]) for item in items]
    assert "no quantity on 2026\\-03\\-31" in texts(app)


def test_unit_costs_are_by_the_dimension_that_the_metrics_have(run: Run, ruled: Path, lab: Lab) -> None:
    (ruled / "business_metrics.csv").write_text(
        "date,metric,quantity,team\n2026-03,users,20,Shop\n2026-03,users,5,dev team\n"
    )
    app = run(ruled, PAGE, view="unit-cost")
    table = app.dataframe[0].value
    items = lab.ask_unit_cost("team", **MARCH).items
    assert list(zip(table["team"], table["unit_cost"], strict=True)) == [
        (item["team"], per_unit(item["unit_cost"])) for item in items
    ]
    assert len(items) == 2


def test_without_files_every_view_says_something_sensible(run: Run, quarter: Path) -> None:
    assert figures(run(quarter, PAGE))["Shared"] == "$0.00"
    assert "No business metrics yet" in texts(run(quarter, PAGE, view="unit-cost"))
    assert "Probable" not in texts(run(quarter, PAGE, view="hygiene"))


def test_a_rule_that_is_wrong_is_explained_with_its_line(run: Run, ruled: Path) -> None:
    (ruled / "allocation.toml").write_text(RULES.replace("split", "splt", 1))
    app = run(ruled, PAGE)
    assert not app.exception
    assert "unknown key \\'splt\\'" in app.error[0].value


def test_a_changed_rule_shows_on_the_next_run(run: Run, ruled: Path) -> None:
    before = figures(run(ruled, PAGE))["Without an owner"]
    (ruled / "allocation.toml").write_text(
        RULES.replace("[[dimensions.rules]]", 'default = "rest"\n[[dimensions.rules]]', 1)
    )
    after = figures(run(ruled, PAGE))["Without an owner"]
    assert before != after == "$0.00"


def test_currencies_are_shown_apart(run: Run, tmp_path: Path) -> None:
    from costlab.lab import open_lab

    euros = estate.rows(source="gcp", currency="EUR", days=40)
    workspace = estate.publish_rows(tmp_path / "ws", estate.rows(days=40), euros)
    with open_lab(workspace) as opened:
        sums = opened.ask_cost(start="2026-01-01", end="2026-02-01").totals["by_currency"]
    for currency in ("USD", "EUR"):
        shown = figures(run(workspace, PAGE, month="2026-01", currency=currency))["Allocated"]
        assert shown == money(sums[currency]["EffectiveCost"], currency)
