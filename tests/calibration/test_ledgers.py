"""What is computed again of the simulators' bills equals their ledgers, as exactly as the bills allow."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest

from costlab.lab.calibration.compare import PARTS
from costlab.period import Month
from costlab.rating import bill as rated
from costlab.warehouse.connection import connect
from tests.calibration.conftest import MONTH, Estate

AWS = ("aws", "legacy", "focus", "plain")
GCP = ("gcp", "gcp-standard")
ALL = (*AWS, "azure", "azure-focus", *GCP)
STEP = Decimal("0.0001") * Decimal("0.8")
"""An AWS bill counts 1e-4 hours: the last covered usage of an hour may cost so much more or less."""


def truth(
    estate: Estate, source: str, used: str = "used", unused: str = "unused"
) -> dict[str, tuple[Decimal, Decimal]]:
    """Return per commitment what the ledger says was used and lost in the month; its last hour is the bill's."""
    rows = connect().execute(
        f"""select CommitmentDiscountId, sum({used}), sum({unused})
        from '{estate.ledgers[source]}/commitment_hours.parquet' where "hour" >= $1 and "hour" < $2 group by 1""",
        [MONTH.start, MONTH.end],
    )
    return {row[0]: (row[1], row[2]) for row in rows.fetchall()}


@pytest.mark.parametrize("source", ALL)
def test_the_sides_add_up_to_the_bill_and_the_reasons_to_the_difference(estate: Estate, source: str) -> None:
    found = estate.bill(source)
    billed = estate.db.result(
        "select ServiceName, sum(EffectiveCost) from focus.costs "
        "where x_source = $1 and BillingPeriodStart = $2 group by 1",
        [source, MONTH.start],
    )
    assert {item["service_name"]: item["effective_cost"] for item in found.items if item["effective_cost"]} == {
        name: amount for name, amount in billed.rows if amount
    }
    for item in found.items:
        again = sum(item[part] for part in PARTS)
        assert item["effective_cost"] == again + item["taken_over"]
        assert item["taken_over"] == sum(item["reasons"].values())
        if item["difference"] is not None:
            assert abs(sum(item[f"computed_{part}"] for part in PARTS) - again - item["difference"]) <= Decimal("3e-12")
            assert item["difference"] == sum(item["explained"].values()) + item["unexplained"]
    assert found.total["unexplained"] == 0


@pytest.mark.parametrize("source", AWS)
def test_commitments_of_aws_use_and_lose_what_the_ledger_says(estate: Estate, source: str) -> None:
    known = truth(estate, source, "used_net", "unused_net")
    found = {item["id"]: item for item in estate.bill(source).commitments}
    assert {name for name, item in found.items() if item["computed_used"] or item["computed_unused"]} == set(known)
    for name, (used, unused) in known.items():
        assert abs(found[name]["computed_used"] - used) <= STEP / 10, name
        assert abs(found[name]["computed_unused"] - unused) <= STEP / 10, name
        assert abs(found[name]["computed_used"] + found[name]["computed_unused"] - used - unused) < Decimal("1e-8")


def test_an_hourly_bill_is_computed_hour_by_hour(estate: Estate) -> None:
    learned = estate.bill("plain").learned
    items = rated(learned.usage, learned.commitments, learned.rates).items(["hour", "commitment"])
    found = {
        (i["covered_by"], i["hour"]): (i["cost"] - i["cost_unused"], i["cost_unused"]) for i in items if i["covered_by"]
    }
    rows = connect().execute(
        f"""select CommitmentDiscountId, "hour", used, unused from '{estate.ledgers["plain"]}/commitment_hours.parquet'
        where "hour" >= $1 and "hour" < $2""",
        [MONTH.start, MONTH.end],
    ).fetchall()  # fmt: skip
    assert len(rows) > 5000
    assert set(found) == {(name, hour) for name, hour, *_ in rows}
    for name, hour, used, unused in rows:
        assert abs(found[name, hour][0] - used) < STEP
        assert abs(found[name, hour][1] - unused) < STEP


@pytest.mark.parametrize("source", AWS)
def test_every_kind_of_commitment_of_aws_is_computed(estate: Estate, source: str) -> None:
    kinds = {item["instrument"] for item in estate.bill(source).commitments}
    plans = {"ec2-sp", "compute-sp", "sagemaker-sp", "database-sp"}
    assert kinds - {"zonal-ri"} == plans | {"regional-ri", "rds-ri", "elasticache-ri", "opensearch-ri", "redshift-ri"}
    assert not [item for item in estate.bill(source).commitments if item["reason"]]


@pytest.mark.parametrize("source", AWS)
def test_only_rounding_stands_between_aws_and_what_is_computed(estate: Estate, source: str) -> None:
    found = estate.bill(source)
    assert set(found.total["explained"]) == {"rounding"}
    hours = 744
    assert abs(found.total["difference"]) < 2 * hours * STEP
    assert {item["status"] for item in found.items} == {"equal", "not computed"}


@pytest.mark.parametrize("source", AWS)
def test_the_enterprise_discount_is_learned_exactly(estate: Estate, source: str) -> None:
    planted = Decimal(0) if source == "plain" else Decimal("0.06")
    discounts = {item["name"]: item for item in estate.bill(source).discounts if item["kind"] == "contracted"}
    marketplace = discounts.pop("Lamplight Observe")
    assert marketplace["discount"] == 0
    assert len(discounts) >= 10
    for item in discounts.values():
        assert (item["discount"], item["low"], item["high"], item["average"]) == (planted,) * 4
        assert item["lines"] > 0


def test_a_reservation_for_one_zone_is_told_where_the_bill_tells_it(estate: Estate) -> None:
    zonal = [item for item in estate.bill("focus").commitments if item["instrument"] == "zonal-ri"]
    assert [(item["family_or_pool"], item["zone"]) for item in zonal] == [("r5.xlarge", "us-east-1a")]
    assert zonal[0]["scope_basis"] == "covers r5.xlarge in us-east-1a only"


@pytest.mark.parametrize("source", ["azure", "azure-focus"])
def test_a_bill_by_the_day_is_explained_by_its_hours_and_nothing_else(estate: Estate, source: str) -> None:
    found = estate.bill(source)
    assert set(found.total["explained"]) <= {"rounding", "daily_grain"}
    assert found.total["explained"]["daily_grain"] < 0  # spread evenly, usage meets more of what is paid anyway
    assert abs(found.total["explained"].get("rounding", Decimal(0))) < Decimal("0.02")
    assert not found.is_off


@pytest.mark.parametrize("source", ["azure", "azure-focus"])
def test_commitments_of_azure_cost_what_the_ledger_says_and_use_it_where_hours_do_not_matter(
    estate: Estate, source: str
) -> None:
    known = truth(estate, source)
    found = {item["id"]: item for item in estate.bill(source).commitments}
    assert set(found) == set(known)
    for name, (used, unused) in known.items():
        item = found[name]
        assert item["computed_used"] + item["computed_unused"] == used + unused, name
        assert item["computed_used"] >= used, name
    exact = [name for name, (used, _) in known.items() if found[name]["computed_used"] == used]
    assert len(exact) >= 5


MODELS = [Month(2025, 12), Month(2026, 1), Month(2026, 2)]
"""Google's older model of spend-based commitments, the month it changed, the newer one."""
WINTER = timedelta(hours=8)
"""How much later than UTC the months of Google's bills begin: in Los Angeles."""


@pytest.mark.parametrize("month", MODELS, ids=str)
@pytest.mark.parametrize("source", GCP)
def test_commitments_of_google_use_and_lose_what_the_ledger_says(estate: Estate, source: str, month: Month) -> None:
    """Of a resource-based commitment a bill names cores and memory apart, of all regions of a continent together."""
    rows = connect().execute(
        f"""select case when CommitmentDiscountId like '%/commitments/%' then 'resource' else CommitmentDiscountId end,
            sum(used), sum(unused)
        from '{estate.ledgers[source]}/commitment_hours.parquet' where "hour" >= $1 and "hour" < $2 group by 1""",
        [month.start + WINTER, month.end + WINTER],
    )
    known = {row[0]: (row[1], row[2]) for row in rows.fetchall()}
    found: dict[str, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
    for item in estate.bill(source, month).commitments:
        if item["reason"] is None:
            name = "resource" if item["instrument"] == "gcp-resource-cud" else item["id"]
            used, unused = found[name]
            found[name] = (used + item["computed_used"], unused + item["computed_unused"])
    assert len(known) == 3
    assert set(found) == set(known)
    for name, (used, unused) in known.items():
        assert abs(found[name][0] - used) < Decimal("1e-5"), name
        assert abs(found[name][1] - unused) < Decimal("1e-5"), name


@pytest.mark.parametrize("month", MODELS, ids=str)
@pytest.mark.parametrize("source", GCP)
def test_google_s_bill_comes_out_with_sustained_use_in_both_models_of_commitments(
    estate: Estate, source: str, month: Month
) -> None:
    found = estate.bill(source, month)
    assert set(found.total["explained"]) == {"rounding"}
    assert abs(found.total["difference"]) < Decimal("1e-4")
    scopes = {
        item["owner_account_id"]: item["sharing"] for item in found.commitments if item["family_or_pool"] == "n2-cpu"
    }
    assert scopes["quill-data-prod"] == "none"
