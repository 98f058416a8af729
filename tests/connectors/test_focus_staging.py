"""What becomes of a charge in a FOCUS file: taken over as it is, mended only where that is certain."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from costlab.focus.columns import COLUMN_TYPES, FOCUS_COLUMNS
from costlab_connectors.focus import COLUMNS
from tests.connectors.support import Row, staged

CHARGE: Row = {
    "BilledCost": 3,
    "EffectiveCost": 2,
    "ListCost": 4,
    "BillingAccountId": "0012",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-03-01",
    "BillingPeriodEnd": "2026-04-01",
    "ChargeCategory": "Usage",
    "ChargePeriodStart": "2026-03-05 01:00:00",
    "ChargePeriodEnd": "2026-03-05 02:00:00",
}


def one(**given: Any) -> Row:
    rows = staged("focus", COLUMNS, CHARGE | given)
    assert len(rows) == 1
    return rows[0]


def test_the_connector_reads_every_column_of_every_version() -> None:
    names = {column.name for column in COLUMNS}
    assert {column.name for column in FOCUS_COLUMNS} <= names


def test_staging_gives_the_columns_of_focus_costs_in_order() -> None:
    assert list(one()) == [*COLUMN_TYPES, "x_fate", "x_part", "x_source_cost", "x_order"]


def test_a_charge_is_loaded_with_its_amounts_unchanged() -> None:
    row = one()
    assert row["x_fate"] == "load"
    assert row["x_part"] == 0
    assert row["x_source_cost"] == row["BilledCost"] == Decimal(3)
    assert (row["EffectiveCost"], row["ListCost"]) == (Decimal(2), Decimal(4))
    assert (row["x_source"], row["x_snapshot_id"]) == ("bill", "s1")


def test_a_missing_cost_stays_missing() -> None:
    row = one(ContractedCost=None, ListCost=None)
    assert row["ContractedCost"] is None
    assert row["ListCost"] is None
    assert row["x_fate"] == "load"


@pytest.mark.parametrize(
    ("column", "given", "expected"),
    [
        ("ChargeFrequency", "Usage-based", "Usage-Based"),
        ("ChargeFrequency", "one-time", "One-Time"),
        ("ChargeCategory", "usage", "Usage"),
        ("ChargeClass", "correction", "Correction"),
        ("PricingCategory", "COMMITTED", "Committed"),
        ("CommitmentDiscountStatus", "unused", "Unused"),
        ("CommitmentDiscountCategory", "spend", "Spend"),
        ("CapacityReservationStatus", "used", "Used"),
        ("PricingCategory", "On-Demand", "On-Demand"),
        ("BillingCurrency", "usd", "USD"),
    ],
)
def test_listed_values_are_spelt_as_the_specification_does(column: str, given: str, expected: str) -> None:
    assert one(**{column: given})[column] == expected


def test_provider_names_of_older_versions_fill_the_newer_ones() -> None:
    row = one(ProviderName="AWS", PublisherName="Vendor Inc.")
    assert (row["ServiceProviderName"], row["ProviderName"], row["PublisherName"]) == ("AWS", "AWS", "Vendor Inc.")
    assert row["HostProviderName"] is None


def test_provider_names_of_newer_versions_fill_the_older_ones() -> None:
    row = one(ServiceProviderName="Vercel", HostProviderName="AWS")
    assert (row["ProviderName"], row["PublisherName"], row["HostProviderName"]) == ("Vercel", "Vercel", "AWS")


@pytest.mark.parametrize(
    ("given", "expected"),
    [("0.00036", None), ("9.28", None), ("0", None), ("2", "2"), ("us-east-1a", "us-east-1a"), (None, None)],
)
def test_a_price_in_the_place_of_a_zone_is_no_zone(given: str | None, expected: str | None) -> None:
    assert one(AvailabilityZone=given)["AvailabilityZone"] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('{"team": "a", "urgent": true}', {"team": "a", "urgent": True}),
        ('"team": "a", "env": "dev"', {"team": "a", "env": "dev"}),
        ("{'team': 'a', 'env': None}", {"team": "a", "env": None}),
        ("{team=a, env=dev}", {"team": "a", "env": "dev"}),
        ('{"test": ",NULL,NULL,"}', {"test": ",NULL,NULL,"}),
        ("{'team': \"it's\"}", {"x_unparsed": "{'team': \"it's\"}"}),
        ("free text", {"x_unparsed": "free text"}),
    ],
)
def test_tags_become_a_json_object(given: str, expected: dict[str, Any]) -> None:
    assert json.loads(one(Tags=given)["Tags"]) == expected


@pytest.mark.parametrize("given", ["{}", "null", None])
def test_no_tags_are_null(given: str | None) -> None:
    assert one(Tags=given)["Tags"] is None


@pytest.mark.parametrize(
    ("columns", "machine", "family"),
    [
        ({"SkuPriceDetails": '{"InstanceType": "m5.xlarge"}', "SkuMeter": "BoxUsage:c5.large"}, "m5.xlarge", "m5"),
        ({"SkuMeter": "USE1-BoxUsage:m5.xlarge"}, "m5.xlarge", "m5"),
        ({"SkuMeter": "m6gd.metal"}, "m6gd.metal", "m6gd"),
        ({"SkuMeter": "InstanceUsage:db.r5.2xl"}, "db.r5.2xlarge", "db.r5"),
        ({"SkuMeter": "USE1-ESInstance:r5.large.search"}, "r5.large.search", "r5"),
        ({"SkuMeter": "D4s v5", "ServiceName": "Virtual Machines"}, "Standard_D4s_v5", "Dsv5"),
        ({"SkuMeter": "Hours", "x_usage_type": "EUC1-SpotUsage:c7g.large"}, "c7g.large", "c7g"),
        ({"x_usage_type": "n2-standard-4"}, "n2-standard-4", "n2"),
        ({"x_usage_type": "e2-micro"}, "e2-micro", "e2"),
        ({"SkuPriceDetails": '{"InstanceType": "db-custom-4-16384"}'}, "db-custom-4-16384", "db-custom"),
        ({"SkuPriceDetails": '{"InstanceType": "GP_Gen5_4"}'}, "GP_Gen5_4", "GP_Gen5"),
        ({"x_sku_details": '{"ServiceType": "Standard_E16-4s_v5"}'}, "Standard_E16-4s_v5", "Esv5"),
        ({"SkuMeter": "m5.xlarge", "x_family": "general"}, "m5.xlarge", "general"),
        ({"SkuPriceDetails": '{"InstanceSeries": "Dv5"}'}, None, "Dv5"),
        ({"SkuMeter": "DataTransfer-Out-Bytes"}, None, None),
        ({"SkuMeter": "EBS:VolumeUsage.gp3"}, None, None),
        ({"SkuPriceDetails": "not json"}, None, None),
    ],
)
def test_instance_types_and_families_are_found(columns: Row, machine: str | None, family: str | None) -> None:
    row = one(**columns)
    assert (row["x_instance_type"], row["x_family"]) == (machine, family)


def test_the_meter_serves_as_usage_type_where_the_provider_names_none() -> None:
    assert one(SkuMeter="USE1-LoadBalancerUsage")["x_usage_type"] == "USE1-LoadBalancerUsage"
    assert one(SkuMeter="Meter", x_usage_type="Own")["x_usage_type"] == "Own"


def test_an_invoice_number_makes_a_charge_final() -> None:
    assert one(InvoiceId="E123")["x_data_status"] == "final"
    assert one()["x_data_status"] is None


@pytest.mark.parametrize(
    "column", ["BilledCost", "BillingCurrency", "BillingPeriodStart", "ChargePeriodStart", "ChargePeriodEnd"]
)
def test_a_charge_that_cannot_be_placed_goes_to_quarantine(column: str) -> None:
    row = one(**{column: None})
    assert row["x_fate"] == f"quarantine: {column} is empty"


def test_an_unreadable_value_goes_to_quarantine_with_the_reason() -> None:
    row = one(x_unreadable="ListCost: 'abc' is not a number")
    assert row["x_fate"] == "quarantine: ListCost: 'abc' is not a number"


def test_columns_nobody_knows_are_kept() -> None:
    assert one(x_extra='{"x_Discounts": "1"}')["x_extra"] == '{"x_Discounts": "1"}'
