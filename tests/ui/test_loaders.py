"""What pages ask for: windows that compare like with like, totals that are the Lab's, charts that stay small."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.errors import UsageError
from costlab.lab import Lab, open_lab
from costlab.lab.window import Window
from costlab.ui import explorer, findings, overview
from costlab.ui.explorer import MOST_ROWS, View, explore, finer, period_window
from costlab.ui.facts import Facts, load_facts
from costlab.ui.health import load_health
from costlab.ui.overview import compared_window, load_bill, load_commitments, month_window
from tests.support import focus_row
from tests.ui import estate


@pytest.fixture(scope="session")
def facts(lab: Lab) -> Facts:
    return load_facts(lab)


def test_the_facts_name_months_currencies_accounts_and_tags(facts: Facts) -> None:
    assert facts.months == ("2026-04", "2026-03", "2026-02", "2026-01")
    assert facts.default_month == "2026-03"
    assert facts.currencies == ("USD",)
    assert facts.account("222222222222") == "prod"
    assert facts.account("unknown") == "unknown"
    assert facts.tag_keys == ("team",)
    assert facts.services[0] == "Amazon Elastic Compute Cloud"


def test_half_a_month_is_compared_with_half_a_month(facts: Facts) -> None:
    window = month_window("2026-04", facts)
    assert window == Window(date(2026, 4, 1), date(2026, 4, 11))
    assert compared_window(window, facts) == Window(date(2026, 3, 1), date(2026, 3, 11))
    whole = month_window("2026-03", facts)
    assert compared_window(whole, facts) == Window(date(2026, 2, 1), date(2026, 3, 1))
    assert compared_window(month_window("2026-01", facts), facts) is None


def test_the_bill_adds_up_in_every_view_of_it(lab: Lab, facts: Facts) -> None:
    bill = load_bill(lab, facts, "2026-03", "USD")
    wanted = lab.ask_cost(start="2026-03-01", end="2026-04-01").totals["EffectiveCost"]
    before = lab.ask_cost(start="2026-02-01", end="2026-03-01").totals["EffectiveCost"]
    assert bill.effective.now == wanted
    assert sum(point.amount for point in bill.points) == wanted
    assert bill.effective.before == before
    assert sum((m.change.difference or Decimal(0) for m in bill.movers), Decimal(0)) == wanted - before
    assert len(bill.services) <= overview.SERIES + 1


def test_commitments_show_what_was_used_and_wasted(lab: Lab, facts: Facts) -> None:
    owned = load_commitments(lab, facts, Window(date(2026, 3, 1), date(2026, 4, 1)), "USD")
    assert (owned.used, owned.unused) == (Decimal(60 * 31), Decimal("6.5") * 31)
    assert owned.utilization == pytest.approx(60 / 66.5)
    assert owned.coverage is not None
    assert 0 < owned.coverage < 1
    nothing = load_commitments(lab, facts, Window(date(2025, 1, 1), date(2025, 2, 1)), "USD")
    assert (nothing.items, nothing.coverage, nothing.utilization) == ((), None, None)


@pytest.mark.parametrize(
    ("period", "window"),
    [
        ("last-month", (date(2026, 3, 1), date(2026, 4, 1))),
        ("this-month", (date(2026, 4, 1), date(2026, 4, 11))),
        ("30d", (date(2026, 3, 12), date(2026, 4, 11))),
        ("12m", (date(2025, 5, 1), date(2026, 4, 11))),
        ("all", (date(2026, 1, 1), date(2026, 4, 11))),
    ],
)
def test_periods_end_with_the_data_and_not_with_the_clock(facts: Facts, period: str, window: tuple[date, date]) -> None:
    assert period_window(period, facts) == Window(*window)


def test_a_fee_dated_after_the_last_usage_is_in_all_data_and_in_its_month(facts: Facts) -> None:
    from dataclasses import replace

    late = replace(facts, end_day=date(2026, 4, 15))
    assert period_window("all", late).end == date(2026, 4, 16)
    assert month_window("2026-04", late).end == date(2026, 4, 16)
    assert period_window("30d", late).end == date(2026, 4, 11)
    later = replace(facts, end_day=date(2026, 5, 1))
    assert month_window("2026-04", later).end == date(2026, 5, 1)
    assert period_window("this-month", later).end == date(2026, 5, 1)


def test_days_in_the_wrong_order_become_one_day(facts: Facts) -> None:
    assert period_window("custom", facts, date(2026, 3, 5), date(2026, 3, 1)).days == 1


@pytest.mark.parametrize("grain", ["day", "month", "total"])
@pytest.mark.parametrize("by", [(), ("ServiceName",), ("SubAccountId", "Tags.team"), ("ResourceId",)])
def test_the_explorer_is_the_labs_answer(lab: Lab, facts: Facts, by: tuple[str, ...], grain: str) -> None:
    view = View("ListCost", by, grain, Window(date(2026, 2, 1), date(2026, 4, 1)), "ServiceCategory <> 'Other'")
    found = explore(lab, facts, view, "USD")
    asked: dict[str, Any] = {"start": "2026-02-01", "end": "2026-04-01", "where": "ServiceCategory <> 'Other'"}
    assert found.total == lab.ask_cost(metric="ListCost", **asked).totals["ListCost"]
    assert sum(group.amount for group in found.rows) == found.total
    assert sum(point.amount for point in found.points) == found.total
    assert found.before is None  # the two months before are not all there
    exact = explorer.exact_answer(lab, facts, view, "USD")
    assert exact.items == lab.ask_cost(by, metric="ListCost", grain=grain, **asked).items


def test_accounts_are_called_by_their_names(lab: Lab, facts: Facts) -> None:
    view = View("EffectiveCost", ("SubAccountId",), "total", Window(date(2026, 3, 1), date(2026, 4, 1)), None)
    assert {g.label for g in explore(lab, facts, view, "USD").rows} == {"dev (111111111111)", "prod (222222222222)"}


def test_a_condition_that_means_nothing_is_a_usage_error(lab: Lab, facts: Facts) -> None:
    view = View("EffectiveCost", (), "total", Window(date(2026, 3, 1), date(2026, 4, 1)), "ServiceName")
    with pytest.raises(UsageError):
        explore(lab, facts, view, "USD")


def test_thousands_of_groups_reach_the_browser_as_a_few(tmp_path: Path) -> None:
    days = ("2026-03-01T00:00:00", "2026-03-02T00:00:00")
    batch = [
        focus_row(ChargePeriodStart=day, ResourceId=f"i-{n:05d}", BilledCost=Decimal(n) / 8, x_source="x")
        for n in range(1, MOST_ROWS + 200)
        for day in days
    ]
    workspace = estate.publish_rows(tmp_path / "ws", batch)
    with open_lab(workspace) as lab:
        facts = load_facts(lab)
        view = View("EffectiveCost", ("ResourceId",), "day", Window(date(2026, 3, 1), date(2026, 4, 1)), None)
        found = explore(lab, facts, view, "USD")
        exact = explorer.exact_answer(lab, facts, view, "USD")
    assert found.group_count == MOST_ROWS + 199
    assert len(found.rows) == MOST_ROWS
    assert len(found.points) == 2 * (explorer.SERIES + 1)
    assert sum(point.amount for point in found.points) == found.total
    assert len(exact.items) == 2 * found.group_count


def test_looking_inside_goes_from_coarse_to_fine() -> None:
    assert finer(("ServiceName",), []) == "SubAccountId"
    assert finer(("SubAccountId",), ["ServiceName"]) == "RegionId"
    assert finer(("ResourceId",), ["ServiceName"]) not in {"ResourceId", "ServiceName"}


def test_an_incidents_days_hold_its_expectation_as_a_mean(lab: Lab, facts: Facts) -> None:
    item = lab.ask_anomalies(days=findings.EVER).items[0]
    bands = findings.load_incident_days(lab, facts, "USD", findings.DayScope.of(item))
    inside = [band for band in bands if band.is_anomalous]
    assert [band.day for band in inside] == [date(2026, 3, day) for day in (17, 18, 19, 20)]
    assert sum((band.expected or Decimal(0) for band in inside), Decimal(0)) == item["expected"]
    wanted = lab.ask_cost(start="2026-03-17", end="2026-03-21", where="ServiceName = 'Amazon CloudFront'").totals[
        "EffectiveCost"
    ]
    assert sum(band.actual for band in inside) == wanted


def test_the_plan_in_another_currency_is_empty_and_not_converted(lab: Lab, facts: Facts) -> None:
    plan = findings.load_plan(lab, facts, "EUR")
    assert (plan.saving, plan.items) == (Decimal(0), ())


def test_a_period_that_does_not_add_up_is_said_to_be_broken(lab: Lab, facts: Facts) -> None:
    from dataclasses import replace

    health = load_health(lab, facts)
    assert health.periods
    assert not health.broken
    one = health.periods[0]
    assert not replace(one, received=one.received + 1).is_reconciled
    short = replace(one, billed_received={"USD": one.billed_received["USD"] + Decimal("0.000000000001")})
    assert not short.is_reconciled
    assert short.difference == {"USD": Decimal("0.000000000001")}
    assert replace(one, received=one.received + 3, dropped={"SavingsPlanNegation": 3}).is_reconciled
