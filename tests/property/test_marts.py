"""Whatever the bill, every rollup that claims to be complete adds up to it, and row order changes nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costlab.focus.columns import COLUMN_TYPES
from costlab.paths import shipped
from costlab.warehouse.audits import audit
from costlab.warehouse.connection import connect
from costlab.warehouse.marts import prepare
from costlab.warehouse.models import load_models
from costlab.warehouse.relations import Database
from tests.support import create_table, focus_rows

MODELS = [model for model in load_models(shipped("sql")) if model.schema != "prices"]  # those read no charges
SMALL = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=12, allow_nan=False, allow_infinity=False)
TAGS = st.none() | st.dictionaries(st.sampled_from(["team", "env", "a/b", "ä.~"]), st.text(max_size=3), max_size=3)


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *values])


CHARGE = st.fixed_dictionaries(
    {
        "BilledCost": MONEY,
        "EffectiveCost": MONEY,
        "ListCost": st.none() | MONEY,
        "ChargePeriodStart": st.sampled_from(["2026-02-28T23:00:00", "2026-03-01T00:00:00", "2026-03-31T23:00:00"]),
        "BillingPeriodStart": st.just("2026-03-01"),
        "BillingPeriodEnd": st.just("2026-04-01"),
        "BillingCurrency": st.sampled_from(["USD", "EUR"]),
        "ChargeCategory": st.sampled_from(["Usage", "Purchase", "Credit", "Tax", "Adjustment"]),
        "ChargeClass": some("Correction"),
        "PricingCategory": some("Standard", "Committed", "Dynamic"),
        "SubAccountId": some("1", "2", ""),
        "RegionId": some("eu-west-1"),
        "ServiceName": st.sampled_from(["EC2", "S3"]),
        "ResourceId": some("i-1", "sp-1"),
        "CommitmentDiscountId": some("sp-1"),
        "CommitmentDiscountStatus": some("Used", "Unused"),
        "CommitmentDiscountQuantity": some(1),
        "PricingQuantity": some("0.1", "0.2"),
        "x_usage_type": some("BoxUsage"),
        "Tags": TAGS.map(lambda tags: None if tags is None else json.dumps(tags)),
    }
)


def built(charges: list[dict[str, Any]]) -> Database:
    con = connect()
    for schema in ("focus", "marts"):
        con.execute(f"create schema {schema}")
    prepare(con, ["team", "a/b", "ä.~", "absent"])
    create_table(con, "focus.costs", COLUMN_TYPES, focus_rows(charges))
    for model in MODELS:
        con.execute(f"create table {model.name} as {model.sql}")
    return Database(con)


@given(st.lists(CHARGE, max_size=12))
@SMALL
def test_every_model_holds_on_every_bill(charges: list[dict[str, Any]]) -> None:
    with built(charges) as db:
        assert [str(failure) for failure in audit(db, MODELS)] == []


@given(st.lists(CHARGE, min_size=2, max_size=8), st.randoms(use_true_random=False))
@SMALL
def test_the_order_of_rows_changes_nothing(charges: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(charges)
    random.shuffle(shuffled)
    with built(charges) as one, built(shuffled) as other:
        for model in MODELS:
            everything = f"select * from {model.name} order by all"
            assert one.rows(everything) == other.rows(everything)


@given(st.lists(CHARGE, max_size=12))
@SMALL
def test_what_resources_and_commitments_show_is_part_of_the_bill_and_never_more(charges: list[dict[str, Any]]) -> None:
    positive = [row | {"EffectiveCost": abs(row["EffectiveCost"]), "BillingCurrency": "USD"} for row in charges]
    with built(positive) as db:
        bill, resources, pools = (
            db.rows(f"select coalesce(sum(EffectiveCost), 0) as cost from {table}")[0]["cost"]
            for table in ("focus.costs", "marts.resource_days", "marts.commitment_hours")
        )
    assert Decimal(0) <= resources <= bill
    assert Decimal(0) <= pools <= bill
