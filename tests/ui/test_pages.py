"""Every page as Streamlit runs it: its numbers are the Lab's, its state is the URL's, nothing is a traceback."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.lab import Lab
from costlab.paths import shipped
from costlab.ui.format import exact_money, money
from costlab.ui.pages import pages
from tests.ui import estate
from tests.ui.conftest import Run, figures, texts

PAGES = [page.path.stem for page in pages(shipped("dashboards") / "pages")]
EVERY = pytest.mark.parametrize("page", PAGES)


def total(lab: Lab, metric: str = "EffectiveCost", **question: Any) -> Decimal:
    found = lab.ask_cost(metric=metric, **question).totals[metric]
    assert isinstance(found, Decimal)
    return found


@EVERY
def test_a_page_runs_without_error_and_says_how_fresh_it_is(run: Run, quarter: Path, page: str) -> None:
    app = run(quarter, page)
    assert not app.exception
    assert not app.error
    assert "Data as of 10 Apr 2026" in texts(app)


@EVERY
def test_an_empty_workspace_is_explained(run: Run, tmp_path: Path, page: str) -> None:
    app = run(tmp_path, page)
    assert not app.exception
    assert "Nothing is loaded yet" in texts(app)
    assert any("costlab demo" in block.value for block in app.code)


@EVERY
def test_a_wrong_setting_is_explained(run: Run, tmp_path: Path, page: str) -> None:
    (tmp_path / "costlab.toml").write_text("[tagz]\nkeys = []\n")
    app = run(tmp_path, page)
    assert not app.exception
    assert "tagz" in app.error[0].value


@EVERY
def test_nonsense_in_the_link_gives_the_default_and_a_notice(run: Run, quarter: Path, page: str) -> None:
    query = {
        "10_overview": {"month": "1999-13"},
        "20_explorer": {"metric": "Nope", "by": "A,B,C", "from": "x", "filter": "Nope:1", "where": "drop table x"},
        "30_recommendations": {"item": "<script>"},
        "40_anomalies": {"days": "-1", "incident": "../.."},
        "50_data_health": {"view": "nope"},
        "45_allocation": {"by": "nope", "metric": "Cost", "month": "1999-01", "view": "x"},
    }[page]
    app = run(quarter, page, **query)
    assert not app.exception
    said = " ".join(element.value for element in app.warning)
    for name in query:
        assert name in said or (name == "where" and "condition is left out" in said), name


def test_the_overview_shows_the_labs_totals_of_the_last_full_month(run: Run, quarter: Path, lab: Lab) -> None:
    app = run(quarter)
    shown = {metric.label: metric for metric in app.metric}
    for label, metric in (("Effective cost", "EffectiveCost"), ("Billed cost", "BilledCost")):
        wanted = total(lab, metric)
        assert shown[label].value == money(wanted, "USD")
        assert exact_money(wanted, "USD") in shown[label].help.replace("\\$", "$")
    assert shown["Saving planned"].value == "$82.42 / month"
    assert shown["Open incidents"].value == "1"


def test_a_month_that_is_not_over_is_compared_with_as_many_days(run: Run, quarter: Path, lab: Lab) -> None:
    app = run(quarter, month="2026-04")
    now = total(lab, start="2026-04-01", end="2026-04-11")
    before = total(lab, start="2026-03-01", end="2026-03-11")
    shown = {metric.label: metric for metric in app.metric}["Effective cost"]
    assert shown.value == money(now, "USD")
    assert shown.delta == f"{float((now - before) / before) * 100:+.1f}%"


def test_the_explorer_restores_a_view_from_its_link(run: Run, quarter: Path, lab: Lab) -> None:
    app = run(
        quarter,
        "20_explorer",
        metric="ListCost",
        by="ServiceName,Tags.team",
        grain="month",
        period="custom",
        **{"from": "2026-02-01", "to": "2026-03-16"},
        filter=["ServiceCategory:Compute", "ServiceCategory:Storage", "Tags.team:shop"],
        where="ServiceProviderName <> 'Microsoft'",
    )
    assert not app.exception
    assert app.selectbox(key="explorer.metric").value == "ListCost"
    assert app.multiselect(key="explorer.by").value == ["ServiceName", "Tags.team"]
    assert str(app.date_input(key="explorer.to").value) == "2026-03-16"
    wanted = total(
        lab,
        "ListCost",
        start="2026-02-01",
        end="2026-03-16",
        where="ServiceCategory in ('Compute', 'Storage') and Tags.team = 'shop' and ServiceProviderName <> 'Microsoft'",
    )
    assert wanted > 0
    assert app.metric[0].value == money(wanted, "USD")
    assert exact_money(wanted, "USD") in app.metric[0].help


def test_what_is_chosen_is_written_to_the_link(run: Run, quarter: Path) -> None:
    app = run(quarter, "20_explorer")
    assert dict(app.query_params) == {}
    app.selectbox(key="explorer.period").set_value("30d").run()
    app.multiselect(key="explorer.by").set_value([]).run()
    assert dict(app.query_params) == {"period": "30d", "by": ""}
    again = run(quarter, "20_explorer", period="30d", by="")
    assert figures(again) == figures(app)
    assert again.multiselect(key="explorer.by").value == []


def test_the_commands_offered_give_the_same_numbers(run: Run, quarter: Path, lab: Lab) -> None:
    from costlab.ui.conditions import as_sql

    app = run(quarter, "20_explorer", by="Tags.team", where="ServiceCategory = 'Compute'", period="30d", grain="month")
    sql = next(block.value for block in app.code if block.value.startswith("select"))
    rows = lab.ask_query(sql).items
    items = lab.ask_cost(
        ["Tags.team"], grain="month", start="2026-03-12", end="2026-04-11", where="ServiceCategory = 'Compute'"
    ).items
    assert [row["EffectiveCost"] for row in rows] == [item["EffectiveCost"] for item in items]
    assert [row["Tags.team"] for row in rows] == [item["Tags.team"] for item in items]
    assert sql == as_sql(
        ["Tags.team"],
        "EffectiveCost",
        "month",
        lab.window("2026-03-12", "2026-04-11").start,
        lab.window("2026-03-12", "2026-04-11").end,
        "(ServiceCategory = 'Compute')",
    )


def test_data_of_another_version_is_explained(run: Run, tmp_path: Path) -> None:
    from costlab.warehouse.connection import connect

    (tmp_path / "serve").mkdir()
    connect(tmp_path / "serve" / "costlab-00000001-1.duckdb").close()
    (tmp_path / "serve" / "CURRENT").write_text("costlab-00000001-1.duckdb\n")
    app = run(tmp_path)
    assert not app.exception
    assert "another version" in app.error[0].value


def test_a_catalogue_that_cannot_be_opened_is_explained(run: Run, tmp_path: Path) -> None:
    (tmp_path / "serve").mkdir()
    (tmp_path / "serve" / "costlab-00000001-1.duckdb").write_bytes(b"not a database")
    (tmp_path / "serve" / "CURRENT").write_text("costlab-00000001-1.duckdb\n")
    app = run(tmp_path)
    assert not app.exception
    assert "cannot be opened" in app.error[0].value.replace("\\", "")


def test_a_month_that_is_missing_is_said_beside_the_numbers(run: Run, tmp_path: Path) -> None:
    rows = [row for row in estate.rows(source="gcp", days=80) if row["ChargePeriodStart"].month != 2]
    workspace = estate.publish_rows(tmp_path / "ws", rows)
    app = run(workspace, "20_explorer", period="all")
    assert not app.exception
    assert "2026\\-02" in app.warning[0].value
    assert "not complete" in app.warning[0].value
    assert any("2026-02" in str(table.value) for table in run(workspace, "50_data_health").dataframe)


def test_days_without_data_are_explained(run: Run, quarter: Path) -> None:
    app = run(quarter, "20_explorer", period="custom", **{"from": "2031-01-01", "to": "2031-02-01"})
    assert not app.exception
    assert "No charges match" in texts(app)


def test_the_plans_total_is_the_labs_and_filters_keep_it(run: Run, quarter: Path, lab: Lab) -> None:
    plan = lab.ask_recommend()
    app = run(quarter, "30_recommendations", kind=["storage"])
    assert figures(app)["The whole plan saves"] == f"{money(plan.totals['monthly_saving'], 'USD')} / month"
    assert figures(app)["Shown here"] == "1"
    assert len(app.dataframe[0].value) == 1
    assert "Not assessed" in texts(app)


def test_an_item_in_the_link_is_shown_with_its_command(run: Run, quarter: Path) -> None:
    app = run(quarter, "30_recommendations", item="id2")
    commands = [block.value for block in app.code]
    assert "aws ec2 stop-instances --instance-ids i-0002" in commands
    gone = run(quarter, "30_recommendations", item="gone")
    assert "not in this list" in texts(gone)


def test_incidents_are_listed_with_causes_and_parts(run: Run, quarter: Path) -> None:
    app = run(quarter, "40_anomalies", incident="an1", days="all")
    assert figures(app)["Incidents"] == "2"
    assert figures(app)["Above expectation"] == "$400.25"
    tables = [table.value for table in app.dataframe]
    assert list(tables[0]["impact"]) == [400.25, -12.0]
    assert any("share" in table and list(table["share"]) == [0.75] for table in tables)


@pytest.mark.parametrize("view", ["sources", "periods", "quarantine", "restatements", "columns", "reconciliation"])
def test_every_view_of_the_data_can_be_linked_to(run: Run, quarter: Path, view: str) -> None:
    app = run(quarter, "50_data_health", view=view)
    assert not app.exception
    assert figures(app)["Reconciliation"] == "Equal to the bill"


def test_the_full_reconciliation_runs_when_asked(run: Run, quarter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # AppTest starts each run as a server's first, in which the page is run a second time and the click is gone
    monkeypatch.setattr("costlab.ui.parts.never_alone", lambda: None)
    app = run(quarter, "50_data_health", view="reconciliation")
    app.button[0].click().run()
    assert "reconcile, link by link" in app.success[0].value


def test_currencies_are_never_added(run: Run, tmp_path: Path) -> None:
    from costlab.lab import open_lab

    workspace = estate.publish_rows(
        tmp_path / "ws", estate.rows(days=40), estate.rows(source="gcp", currency="EUR", days=40)
    )
    with open_lab(workspace) as lab:
        sums = lab.ask_cost(start="2026-01-01", end="2026-02-01").totals["by_currency"]
    dollars = run(workspace, month="2026-01")
    euros = run(workspace, month="2026-01", currency="EUR")
    assert figures(dollars)["Effective cost"] == money(sums["USD"]["EffectiveCost"], "USD")
    assert figures(euros)["Effective cost"] == money(sums["EUR"]["EffectiveCost"], "EUR")
    for page in PAGES[1:4]:
        assert not run(workspace, page, currency="EUR").exception


def test_text_from_a_bill_is_shown_and_does_nothing(run: Run, tmp_path: Path) -> None:
    from costlab.ui.format import markdown

    bad = estate.HOSTILE
    workspace = estate.publish_rows(
        tmp_path / "ws",
        estate.rows(source="gcp", hostile=True, days=40),
        findings=estate.findings(
            [estate.recommendation(1, title=bad, why=bad, resource_name=bad, absorbed_by=bad)],
            [estate.incident(1, scope={"ServiceName": bad}, end=None, start="2026-02-01")],
        ),
    )
    for page, query in (("10_overview", {}), ("20_explorer", {"filter": f"ServiceName:{bad}"}),
                        ("30_recommendations", {"item": "id1"}), ("40_anomalies", {"incident": "an1"})):  # fmt: skip
        app = run(workspace, page, **query)
        assert not app.exception, page
        assert not app.error, page
        for element in [*app.markdown, *app.caption, *app.subheader, *app.info, *app.warning]:
            assert "<script>" not in element.value
            assert not element.proto.allow_html if hasattr(element.proto, "allow_html") else True
    assert markdown(bad) in texts(run(workspace, "30_recommendations", item="id1"))


def test_a_new_generation_shows_on_the_next_run(run: Run, tmp_path: Path) -> None:
    workspace = estate.publish_rows(tmp_path / "ws", estate.rows(source="gcp", days=31))
    app = run(workspace, month="2026-01")
    before = figures(app)["Effective cost"]
    estate.publish_rows(workspace, estate.rows(source="azure", days=31))
    after = figures(app.run())["Effective cost"]
    assert before != after
    assert not app.exception
