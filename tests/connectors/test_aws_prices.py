"""AWS price lists, in the vendor's shape: what is plain Linux, reservations in two rows, tiers, savings plan rates."""

from __future__ import annotations

import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.prices import Catalogue, Offer, doubts
from costlab.warehouse.catalogue import open_current, publish_lake
from costlab.warehouse.relations import Database
from tests.connectors.served import Asked, Reply, serving

ABOUT = (
    '"FormatVersion","v1.0"\n"Disclaimer","This pricing list is for informational purposes only."\n'
    '"Publication Date","2026-10-01T00:00:00Z"\n"Version","20261001"\n"OfferCode","AmazonEC2"\n'
)
ROW: dict[str, str] = {
    "SKU": "M5LARGE", "OfferTermCode": "JRTCKXETXF", "RateCode": "M5LARGE.JRTCKXETXF.6YS6EN2CT7",
    "TermType": "OnDemand", "PriceDescription": "$0.096 per On Demand Linux m5.large Instance Hour",
    "EffectiveDate": "2026-10-01", "StartingRange": "0", "EndingRange": "Inf", "Unit": "Hrs",
    "PricePerUnit": "0.0960000000", "Currency": "USD", "LeaseContractLength": "", "PurchaseOption": "",
    "OfferingClass": "", "Product Family": "Compute Instance", "serviceCode": "AmazonEC2",
    "Location": "US East (N. Virginia)", "Instance Type": "m5.large", "vCPU": "2",
    "Physical Processor": "Intel Xeon Platinum 8175", "Memory": "8 GiB", "Tenancy": "Shared",
    "Operating System": "Linux", "License Model": "No License required", "CapacityStatus": "Used",
    "Pre Installed S/W": "NA", "MarketOption": "OnDemand", "Region Code": "us-east-1",
    "usageType": "BoxUsage:m5.large", "operation": "RunInstances",
}  # fmt: skip
RESERVED = {"TermType": "Reserved", "LeaseContractLength": "1yr", "OfferingClass": "standard"}


def offer_file(path: Path, *rows: dict[str, str]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ROW), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(ROW | row for row in rows)
    content = (ABOUT + text.getvalue()).encode()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def load(tmp_path: Path, place: Path | str) -> Database:
    report = ingest(tmp_path / "ws", "aws-prices", str(place))
    assert report.exit_code == 0
    publish_lake(Lake(tmp_path / "ws"))
    return open_current(tmp_path / "ws")[1]


def loaded(tmp_path: Path, *rows: dict[str, str], columns: str = "instrument, payment, price, upfront") -> list[Any]:
    with load(tmp_path, offer_file(tmp_path / "index.csv", *rows)) as db:
        return db.rows(f"select {columns} from prices.history order by all")


@pytest.mark.parametrize(
    "other",
    [
        {"Pre Installed S/W": "SQL Std"},
        {"CapacityStatus": "AllocatedCapacityReservation"},
        {"CapacityStatus": "UnusedCapacityReservation"},
        {"License Model": "Bring your own license"},
        {"MarketOption": "CapacityBlock"},
        {"Operating System": "NA"},
        {"Tenancy": "Reserved"},
    ],
    ids=str,
)
def test_what_is_no_plain_instance_is_left_out(tmp_path: Path, other: dict[str, str]) -> None:
    found = loaded(tmp_path, {}, {"PricePerUnit": "9", **other}, columns="price, os, tenancy, license")
    assert found == [{"price": Decimal("0.096"), "os": "Linux", "tenancy": "shared", "license": "none"}]


def test_dedicated_hardware_and_windows_are_prices_of_their_own(tmp_path: Path) -> None:
    place = offer_file(
        tmp_path / "index.csv",
        {}, {"Tenancy": "Dedicated", "PricePerUnit": "0.102"}, {"Operating System": "Windows", "PricePerUnit": "0.188"},
    )  # fmt: skip
    with load(tmp_path, place) as db:
        catalogue = Catalogue(db)
        linux, windows = (catalogue.price("aws", "us-east-1", "m5.large", os=os) for os in ("Linux", "Windows"))
    assert isinstance(linux, Offer)
    assert isinstance(windows, Offer)
    assert (linux.price, windows.price) == (Decimal("0.096"), Decimal("0.188"))


def test_a_price_file_beats_the_price_that_comes_with_costlab(tmp_path: Path) -> None:
    with load(tmp_path, offer_file(tmp_path / "index.csv.gz", {"PricePerUnit": "0.0900000000"})) as db:
        found = Catalogue(db).price("aws", "us-east-1", "m5.large")
        doubted = [d for d in doubts(db) if d.rule == "sources-differ"]
    assert isinstance(found, Offer)
    assert (found.price, found.x_source, found.confidence) == (Decimal("0.09"), "aws-prices", "high")
    assert [(d.shape, d.price, d.other) for d in doubted] == [("m5.large", Decimal("0.096"), Decimal("0.09"))]


def test_a_reservation_paid_upfront_is_one_offer_of_two_rows(tmp_path: Path) -> None:
    all_up = RESERVED | {"OfferTermCode": "ALL", "PurchaseOption": "All Upfront"}
    partial = RESERVED | {"OfferTermCode": "HALF", "PurchaseOption": "Partial Upfront"}
    found = loaded(
        tmp_path,
        all_up | {"Unit": "Hrs", "PricePerUnit": "0"}, partial | {"Unit": "Quantity", "PricePerUnit": "263"},
        all_up | {"Unit": "Quantity", "PricePerUnit": "515"}, partial | {"Unit": "Hrs", "PricePerUnit": "0.03"},
        RESERVED | {"OfferTermCode": "NO", "PurchaseOption": "No Upfront", "PricePerUnit": "0.06"},
        RESERVED | {"OfferTermCode": "C", "PurchaseOption": "No Upfront", "PricePerUnit": "0.07",
                    "OfferingClass": "convertible"},
    )  # fmt: skip
    assert [tuple(row.values()) for row in found] == [
        ("convertible-ri", "none", Decimal("0.07"), None),
        ("regional-ri", "all", Decimal(0), Decimal(515)),
        ("regional-ri", "none", Decimal("0.06"), None),
        ("regional-ri", "partial", Decimal("0.03"), Decimal(263)),
    ]


def test_tiers_of_other_services_keep_their_bounds(tmp_path: Path) -> None:
    storage = {
        "SKU": "S3", "Product Family": "Storage", "serviceCode": "AmazonS3", "Instance Type": "", "Unit": "GB-Mo",
        "usageType": "TimedStorage-ByteHrs",
    }  # fmt: skip
    found = loaded(
        tmp_path,
        storage | {"EndingRange": "51200", "PricePerUnit": "0.023"},
        storage | {"StartingRange": "51200", "EndingRange": "512000", "PricePerUnit": "0.022"},
        storage | {"StartingRange": "512000", "PricePerUnit": "0.021"},
        columns="tier_from, tier_to, price, unit, resource_kind",
    )
    assert [tuple(row.values()) for row in found] == [
        (Decimal(0), Decimal(51200), Decimal("0.023"), "GB-month", "storage"),
        (Decimal(51200), Decimal(512000), Decimal("0.022"), "GB-month", "storage"),
        (Decimal(512000), None, Decimal("0.021"), "GB-month", "storage"),
    ]


def plan_file(path: Path) -> Path:
    def rate(usage: str, price: str, operation: str = "RunInstances") -> dict[str, Any]:
        return {
            "discountedSku": "X", "discountedUsageType": usage, "discountedOperation": operation,
            "discountedServiceCode": "AmazonEC2", "rateCode": "P.X", "unit": "Hrs",
            "discountedRate": {"price": price, "currency": "USD"}, "discountedRegionCode": "us-east-1",
        }  # fmt: skip

    rates = [
        rate("BoxUsage:m5.large", "0.0700000000"),
        rate("BoxUsage:m5.large", "0.1620000000", "RunInstances:0002"),
        rate("DedicatedUsage:m5.large", "0.074"),
        rate("UnusedBox:m5.large", "0.07"),
        rate("USE1-BoxUsage:c5.large", "0.062") | {"discountedServiceCode": "AmazonECS"},
    ]
    document = {
        "version": "20261001", "regionCode": "us-east-1",
        "products": [{
            "sku": "P", "productFamily": "ComputeSavingsPlans", "serviceCode": "ComputeSavingsPlans",
            "usageType": "ComputeSP:1yrNoUpfront", "operation": "",
            "attributes": {"purchaseOption": "No Upfront", "granularity": "hourly", "purchaseTerm": "1yr"},
        }],
        "terms": {"savingsPlan": [{
            "sku": "P", "description": "1 year No Upfront", "effectiveDate": "2026-10-01T00:00:00Z",
            "leaseContractLength": {"duration": 1, "unit": "year"}, "rates": rates,
        }]},
    }  # fmt: skip
    path.write_text(json.dumps(document))
    return path


def test_savings_plan_rates_are_prices_of_shapes(tmp_path: Path) -> None:
    with load(tmp_path, plan_file(tmp_path / "index.json")) as db:
        rows = db.rows(
            "select shape, os, instrument, term_months, payment, price, region_id from prices.history order by os"
        )
    assert [tuple(row.values()) for row in rows] == [
        ("m5.large", "Linux", "compute-sp", 12, "none", Decimal("0.07"), "us-east-1"),
        ("m5.large", "Windows", "compute-sp", 12, "none", Decimal("0.162"), "us-east-1"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("index.csv", ABOUT + "a,b\n1,2\n", "not an AWS offer file"),
        ("index.json", '{"products": [', "ends too early"),
        ("index.json", "[1, 2]", "not the JSON of a price list"),
        ("index.csv", ABOUT + ",".join(ROW) + "\n", "no offer that costlab knows"),
    ],
)
def test_a_file_that_is_no_price_list_changes_nothing(tmp_path: Path, name: str, content: str, said: str) -> None:
    from costlab.errors import SourceError

    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=said):
        ingest(tmp_path / "ws", "aws-prices", str(tmp_path / name))
    assert Lake(tmp_path / "ws").current().revisions == ()


def test_a_busy_price_service_is_asked_again_and_a_query_is_never_shown(tmp_path: Path) -> None:
    body = offer_file(tmp_path / "index.csv", {}).read_bytes()
    answers = iter([Reply(status=503), Reply(status=429, headers={"Retry-After": "0"})])

    def answer(asked: Asked) -> Reply:
        return next(answers, Reply(body))

    said: list[str] = []
    with serving(answer) as service:
        uri = f"{service.url}/offers/v1.0/aws/AmazonEC2/current/us-east-1/index.csv?secret=x"
        report = ingest(tmp_path / "ws", "aws-prices", uri, progress=said.append)
    assert report.exit_code == 0
    assert len(service.asked) == 3
    assert not any("secret" in text for text in said)


def test_every_row_of_an_offer_file_is_accounted_for(tmp_path: Path) -> None:
    half = RESERVED | {"PurchaseOption": "All Upfront"}
    place = offer_file(
        tmp_path / "index.csv",
        {}, {"Tenancy": "Reserved"}, {"PricePerUnit": ""}, {"TermType": "Trial"}, {"PricePerUnit": "n/a"},
        half | {"Unit": "Quantity", "PricePerUnit": "515"}, half | {"PricePerUnit": "0"},
        RESERVED | {"OfferingClass": "other"}, RESERVED | {"OfferTermCode": "X", "PricePerUnit": ""},
    )  # fmt: skip
    place.write_text(place.read_text() + '"M5LARGE","a line cut\n')
    (period,) = ingest(tmp_path / "ws", "aws-prices", str(place)).periods
    item = period.item()
    assert (item["rows_received"], item["rows_loaded"], item["rows_quarantined"]) == (10, 2, 3)
    assert item["rows_dropped"] == {
        "no plain instance": 1, "no price": 1, "other offering class": 1, "other terms": 1,
        "upfront part of a reservation": 1,
    }  # fmt: skip


def test_an_upfront_payment_without_hours_is_a_price_of_its_own(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, RESERVED | {"PurchaseOption": "All Upfront", "Unit": "Quantity", "PricePerUnit": "515"},
        columns="payment, price, upfront, unit",
    )  # fmt: skip
    assert [tuple(row.values()) for row in found] == [("all", Decimal(0), Decimal(515), "hour")]


def test_a_file_loaded_twice_in_a_month_changes_nothing(tmp_path: Path) -> None:
    place = offer_file(tmp_path / "index.csv", {})
    first, second = (ingest(tmp_path / "ws", "aws-prices", str(place)).periods[0].action for _ in range(2))
    assert (first, second) == ("loaded", "unchanged")


def test_a_folder_of_offer_files_and_savings_plans_is_one_load(tmp_path: Path) -> None:
    offer_file(tmp_path / "prices" / "a.csv", {})
    offer_file(tmp_path / "prices" / "b.csv.gz", {"Region Code": "eu-west-1", "PricePerUnit": "0.107"})
    plan_file(tmp_path / "prices" / "plans.json")
    with load(tmp_path, tmp_path / "prices") as db:
        rows = db.rows("select region_id, instrument, price from prices.history where os = 'Linux' order by all")
    assert [tuple(row.values()) for row in rows] == [
        ("eu-west-1", "ondemand", Decimal("0.107")),
        ("us-east-1", "compute-sp", Decimal("0.07")),
        ("us-east-1", "ondemand", Decimal("0.096")),
    ]
