"""Incidents from a bill: one per cause, causal, with amounts that add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from costlab.analyzers.anomalies import detect, replay
from costlab.analyzers.anomalies.cube import Cube
from costlab.analyzers.anomalies.incidents import Raw, Watch
from costlab.analyzers.decompose import PARTS
from costlab.analyzers.scope import key
from costlab.interfaces.analyzer import Context
from costlab.money import ZERO
from tests.analyzers.support import world
from tests.bench.estates import estate
from tests.support import Row

FIRST = date(2026, 1, 5)
NOW = datetime(2026, 4, 15)
DAYS = 100


def bill(extra: dict[int, float], *, days: int = DAYS, account: str = "1", service: str = "EC2") -> list[Row]:
    """100 USD a day with a quiet weekend and a little noise; ``extra`` by day, counted from the first."""
    rng = np.random.default_rng(7)
    rows: list[Row] = []
    for i in range(days):
        day = FIRST + timedelta(days=i)
        amount = (60 if day.weekday() >= 5 else 100) * float(np.exp(rng.normal(0, 0.02))) + extra.get(i, 0.0)
        start = datetime(day.year, day.month, day.day)
        rows.append(
            {
                "ChargePeriodStart": start,
                "ChargePeriodEnd": start + timedelta(days=1),
                "SubAccountId": account,
                "ServiceName": service,
                "BilledCost": round(max(amount, 0.0), 6),
                "PricingQuantity": round(max(amount, 0.0), 6),
                "x_usage_type": "BoxUsage:m5.large",
            }
        )
    return rows


def found(rows: list[Row], now: datetime = NOW) -> list[Row]:
    return [
        {"kind": i.kind, "direction": i.direction, "start": i.start, "end": i.end, "on": i.detected_on}
        for i in detect(world(rows, [], now=now))
    ]


def day(place: int) -> date:
    return FIRST + timedelta(days=place)


def test_a_quiet_bill_has_no_incident() -> None:
    assert found(bill({})) == []


def test_an_empty_bill_has_no_incident() -> None:
    assert detect(world([], [], now=NOW)) == []


def test_a_spike_starts_ends_and_is_detected_on_its_day() -> None:
    assert found(bill({80: 200})) == [
        {"kind": "spike", "direction": "up", "start": day(80), "end": day(80), "on": day(80)}
    ]


def test_an_open_incident_has_no_end_yet() -> None:
    (incident,) = found(bill({DAYS - 1: 200}), now=datetime(2026, 4, 15))
    assert (incident["start"], incident["end"]) == (day(DAYS - 1), None)


def test_a_shift_is_one_incident_that_goes_on() -> None:
    (incident,) = found(bill(dict.fromkeys(range(75, DAYS), 80.0)))
    assert (incident["kind"], incident["start"], incident["end"]) == ("shift", day(75), None)


def test_the_return_to_normal_closes_an_incident_and_is_none_itself() -> None:
    (incident,) = found(bill(dict.fromkeys(range(70, 84), 80.0)))
    assert (incident["kind"], incident["start"], incident["end"]) == ("shift", day(70), day(83))


def test_falling_cost_carries_its_sign() -> None:
    context = world(bill(dict.fromkeys(range(80, 84), -90.0)), [], now=NOW)
    (incident,) = detect(context)
    assert (incident.direction, incident.kind) == ("down", "drop")
    assert incident.impact < 0
    assert incident.actual < incident.expected


def test_a_fee_on_the_first_of_every_month_is_expected_from_the_third_on() -> None:
    fee = {i: 300.0 for i in range(DAYS) if day(i).day == 1}
    starts = [i["start"] for i in found(bill(fee))]
    assert date(2026, 4, 1) not in starts


def test_a_weekly_job_is_expected_and_an_incident_when_it_triples() -> None:
    job = {i: 150.0 for i in range(DAYS) if day(i).weekday() == 2}
    last = max(job)
    assert found(bill(job)) == []
    assert [i["start"] for i in found(bill(job | {last: 700.0}))] == [day(last)]


def test_a_new_service_is_one_incident_of_new_spend() -> None:
    rows = bill({}) + bill({}, days=DAYS, service="Kafka")[70:]
    (incident,) = found(rows)
    assert (incident["kind"], incident["start"]) == ("new", day(70))


def test_one_cause_in_several_accounts_is_one_incident() -> None:
    extra = dict.fromkeys(range(80, 83), 150.0)
    rows = bill(extra, account="1") + bill(extra, account="2") + bill({}, account="3") + bill({}, service="S3")
    (incident,) = detect(world(rows, [], now=NOW))
    assert incident.scope == {"SubAccountId": ["1", "2"], "ServiceName": "EC2"}


def test_offsetting_moves_are_both_seen() -> None:
    up, down = dict.fromkeys(range(80, 84), 60.0), dict.fromkeys(range(80, 84), -60.0)
    rows = bill(up, account="1") + bill(down, account="2")
    incidents = detect(world(rows, [], now=NOW))
    assert sorted((i.direction, str(i.scope["SubAccountId"])) for i in incidents) == [("down", "2"), ("up", "1")]


def test_impact_is_actual_less_expected_and_the_sum_of_its_parts_exactly() -> None:
    (incident,) = detect(world(bill(dict.fromkeys(range(70, 84), 80.0)), [], now=NOW))
    assert incident.impact == incident.actual - incident.expected
    assert sum(incident.parts.values(), ZERO) == incident.impact
    assert list(incident.parts) == list(PARTS)
    assert incident.parts["quantity"] == incident.impact
    assert abs(incident.impact - 14 * 80) < 60
    assert incident.lower < incident.expected < incident.upper < incident.actual


def test_the_causes_are_disjoint_and_hold_the_impact() -> None:
    rows = bill({80: 400.0}) + [{**row, "x_usage_type": "DataTransfer"} for row in bill({})]
    (incident,) = detect(world(rows, [], now=NOW))
    (cause,) = incident.causes
    assert cause.scope["x_usage_type"] == "BoxUsage:m5.large"
    assert cause.kind == "quantity"
    assert cause.share > 0.9


def test_a_price_change_is_of_kind_price() -> None:
    rows = [{**row, "PricingQuantity": 100} for row in bill(dict.fromkeys(range(70, DAYS), 80.0))]
    (incident,) = detect(world(rows, [], now=NOW))
    assert incident.causes[0].kind == "price"


@pytest.mark.parametrize("category", ["Purchase", "Tax", "Credit"])
def test_what_is_not_usage_is_never_an_anomaly_of_usage(category: str) -> None:
    purchase = {**bill({})[80], "ChargeCategory": category, "BilledCost": 5000}
    assert found([*bill({}), purchase]) == []


def test_a_correction_is_no_anomaly() -> None:
    assert found([*bill({}), {**bill({})[80], "ChargeClass": "Correction", "BilledCost": 5000}]) == []


def test_an_incomplete_last_day_raises_no_drop() -> None:
    hours: list[Row] = []
    for row in bill({}):
        for hour in range(24):
            start = row["ChargePeriodStart"] + timedelta(hours=hour)
            part = {"ChargePeriodStart": start, "ChargePeriodEnd": start + timedelta(hours=1)}
            hours.append({**row, **part, "BilledCost": round(row["BilledCost"] / 24, 9)})
    assert found(hours[:-12]) == []
    assert found([*hours[:-12], {**hours[-13], "BilledCost": 900}])[0]["direction"] == "up"


def test_an_id_stays_the_same_when_days_are_added() -> None:
    rows = bill(dict.fromkeys(range(75, DAYS), 80.0))
    ids = {i.id for end in (80, 90, DAYS) for i in detect(world(rows[:end], [], now=NOW))}
    assert len(ids) == 1


def test_two_currencies_are_looked_at_apart() -> None:
    euros = [{**row, "BillingCurrency": "EUR"} for row in bill({80: 200.0})]
    incidents = detect(world([*bill({}), *euros], [], now=NOW))
    assert [i.currency for i in incidents] == ["EUR"]


def test_a_run_repeats_itself_exactly() -> None:
    context: Context = world(bill({80: 200.0, 90: -80.0}), [], now=NOW)
    assert detect(context) == detect(context)


def _known(raw: Raw) -> tuple[object, ...]:
    return (key(raw.first_scope), raw.direction, raw.start, raw.detected)


@pytest.mark.parametrize("length", [150, 260])
def test_nothing_after_a_day_changes_what_was_detected_until_then(length: int) -> None:
    cube = estate(3).cube
    cut: Cube = replace(
        cube, days=cube.days[:length], costs=cube.costs[:, :length], is_settled=cube.is_settled[:, :length]
    )
    whole = [_known(r) for r in Watch(cube).run() if r.detected < length]
    assert [_known(r) for r in Watch(cut).run()] == whole
    assert whole


def test_amounts_are_decimals() -> None:
    (incident,) = detect(world(bill({80: 200.0}), [], now=NOW))
    assert all(isinstance(x, Decimal) for x in (incident.actual, incident.expected, incident.impact))


def test_a_replay_raises_what_was_detected_in_its_days_with_the_scope_of_then() -> None:
    later = dict.fromkeys(range(81, 84), 150.0)
    rows = (
        bill({80: 150.0} | later, account="1") + bill(later, account="2") + bill({60: 200.0}, service="S3", account="3")
    )
    context = world(rows, [], now=NOW)
    (raised,) = replay(context, start=day(79), end=day(85))
    assert raised.scope == {"SubAccountId": "1", "ServiceName": "EC2"}
    assert raised.detected_on == day(80)
    assert [i.scope["SubAccountId"] for i in detect(context)] == ["3", ["1", "2"]]
    assert replay(context, start=day(85), end=day(99)) == []
