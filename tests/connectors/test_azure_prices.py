"""Azure's retail prices: pages that lead on, Windows beside Linux, spot, reservations, savings plans, tiers."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.errors import SourceError
from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.prices import Catalogue, Offer
from costlab.warehouse.catalogue import open_current, publish_lake
from costlab.warehouse.relations import Database
from tests.cli.conftest import Run, run
from tests.connectors.served import Asked, Reply, rows, serving

__all__ = ["run"]  # the fixture

ITEM: dict[str, Any] = {
    "currencyCode": "USD", "tierMinimumUnits": 0.0, "retailPrice": 0.192, "unitPrice": 0.192, "armRegionName": "eastus",
    "location": "US East", "effectiveStartDate": "2026-10-01T00:00:00Z", "meterId": "M-D4s", "meterName": "D4s v5",
    "productId": "DZH1", "skuId": "DZH1/0001", "productName": "Virtual Machines Dsv5 Series", "skuName": "D4s v5",
    "serviceName": "Virtual Machines", "serviceId": "DZH313Z7MMC8", "serviceFamily": "Compute",
    "unitOfMeasure": "1 Hour", "type": "Consumption", "isPrimaryMeterRegion": True, "armSkuName": "Standard_D4s_v5",
}  # fmt: skip
WINDOWS = {"productName": "Virtual Machines Dsv5 Series Windows", "meterId": "M-D4s-W", "retailPrice": 0.376}
SPOT = {"skuName": "D4s v5 Spot", "meterName": "D4s v5 Spot", "meterId": "M-D4s-S", "retailPrice": 0.0384}
RESERVED = {"type": "Reservation", "meterId": "M-D4s-R", "productName": "Virtual Machines Dsv5 Series"}
BLOB = {
    "serviceName": "Storage", "serviceFamily": "Storage", "productName": "Blob Storage", "skuName": "Hot LRS",
    "meterName": "Hot LRS Data Stored", "meterId": "M-BLOB", "armSkuName": "", "unitOfMeasure": "1 GB/Month",
}  # fmt: skip


def page(*items: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    found = [ITEM | item for item in items]
    return {
        "BillingCurrency": "USD", "CustomerEntityId": "Default", "CustomerEntityType": "Retail", "Items": found,
        "NextPageLink": following, "Count": len(found),
    }  # fmt: skip


def load(tmp_path: Path, *items: dict[str, Any]) -> Database:
    place = tmp_path / "prices.json"
    place.write_text(json.dumps(page(*items)))
    assert ingest(tmp_path / "ws", "azure-prices", str(place)).exit_code == 0
    publish_lake(Lake(tmp_path / "ws"))
    return open_current(tmp_path / "ws")[1]


def loaded(tmp_path: Path, *items: dict[str, Any], columns: str) -> list[tuple[Any, ...]]:
    with load(tmp_path, *items) as db:
        return [tuple(row.values()) for row in db.rows(f"select {columns} from prices.history order by all")]


def test_a_windows_item_that_shares_the_shape_is_a_price_of_its_own(tmp_path: Path) -> None:
    with load(tmp_path, {"retailPrice": 0.19}, WINDOWS) as db:
        found = [Catalogue(db).price("azure", "eastus", "Standard_D4s_v5", os=os) for os in ("Linux", "Windows")]
    assert [(o.price, o.os, o.x_source) for o in found if isinstance(o, Offer)] == [
        (Decimal("0.19"), "Linux", "azure-prices"), (Decimal("0.376"), "Windows", "azure-prices"),
    ]  # fmt: skip


def test_spot_is_an_instrument_and_low_priority_and_test_prices_are_left_out(tmp_path: Path) -> None:
    low = {"skuName": "D4s v5 Low Priority", "meterName": "D4s v5 Low Priority", "retailPrice": 0.04}
    test = {"type": "DevTestConsumption", "retailPrice": 0.1}
    again = {"isPrimaryMeterRegion": False, "retailPrice": 9}
    found = loaded(tmp_path, {}, SPOT, low, test, again, columns="instrument, os, price")
    assert found == [("ondemand", "Linux", Decimal("0.192")), ("spot", "Linux", Decimal("0.0384"))]


def test_a_reservation_is_its_whole_term_s_price_per_hour(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        RESERVED | {"reservationTerm": "1 Year", "retailPrice": 992.0},
        RESERVED | {"reservationTerm": "3 Years", "retailPrice": 1919.0},
        columns="term_months, instrument, payment, price, upfront, unit",
    )
    assert found == [
        (12, "azure-reservation", "none", Decimal("0.113242009132"), None, "hour"),  # 992 / 8760
        (36, "azure-reservation", "none", Decimal("0.073021308980"), None, "hour"),  # 1919 / 26280
    ]


def test_savings_plans_hang_on_the_item_they_lower(tmp_path: Path) -> None:
    plans = [
        {"unitPrice": 0.13248, "retailPrice": 0.13248, "term": "1 Year"},
        {"unitPrice": 0.08832, "retailPrice": 0.08832, "term": "3 Years"},
    ]
    with load(tmp_path, {"savingsPlan": plans}) as db:
        found = [
            Catalogue(db).price("azure", "eastus", "Standard_D4s_v5", instrument="azure-sp", term_months=term)
            for term in (12, 36)
        ]
    assert [o.price for o in found if isinstance(o, Offer)] == [Decimal("0.13248"), Decimal("0.08832")]


def test_dedicated_hosts_and_cloud_services_are_no_instances(tmp_path: Path) -> None:
    host = {"armSkuName": "Dsv5-Type1", "productName": "Dsv5 Series Dedicated Host", "retailPrice": 4.6}
    classic = {"productName": "Dsv5 Series CloudServices", "retailPrice": 0.3}
    found = loaded(tmp_path, {}, host, classic, columns="resource_kind, shape, family, price")
    assert found == [
        ("compute", "Dsv5-Type1", None, Decimal("4.6")),
        ("compute", "Standard_D4s_v5", None, Decimal("0.3")),
        ("instance", "Standard_D4s_v5", "Ds_v5", Decimal("0.192")),
    ]


def test_a_tier_ends_where_the_next_begins(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        BLOB | {"retailPrice": 0.0208}, BLOB | {"tierMinimumUnits": 51200.0, "retailPrice": 0.02},
        BLOB | {"tierMinimumUnits": 512000.0, "retailPrice": 0.0192},
        columns="tier_from, tier_to, price, unit, resource_kind, service_code, sku_id",
    )  # fmt: skip
    same = ("GB-month", "storage", "Storage", "M-BLOB")
    assert found == [
        (Decimal(0), Decimal(51200), Decimal("0.0208"), *same),
        (Decimal(51200), Decimal(512000), Decimal("0.02"), *same),
        (Decimal(512000), None, Decimal("0.0192"), *same),
    ]


@pytest.mark.parametrize(
    ("text", "unit"), [("1 Hour", "hour"), ("10K", "10000"), ("1M", "1000000"), ("1/Month", "month"), ("1 GB", "GB"),
                       ("100 Hours", "100 Hours"), ("1 GiB Hour", "GiB Hour")],
)  # fmt: skip
def test_units_are_as_the_price_catalogue_calls_them(tmp_path: Path, text: str, unit: str) -> None:
    assert loaded(tmp_path, BLOB | {"unitOfMeasure": text}, columns="unit") == [(unit,)]


def test_a_price_that_ended_stays_in_history_and_does_not_count(tmp_path: Path) -> None:
    ended = {"effectiveEndDate": "2026-01-31T23:59:59Z", "retailPrice": 0.1, "armSkuName": "Standard_D4s_v9"}
    to_come = {"effectiveEndDate": "9999-01-31T23:59:59Z", "retailPrice": 0.2, "armSkuName": "Standard_D4s_v9"}
    with load(tmp_path, ended, to_come) as db:
        found = Catalogue(db).price("azure", "eastus", "Standard_D4s_v9")
        assert len(db.rows("select * from prices.history")) == 2
    assert isinstance(found, Offer)
    assert found.price == Decimal("0.2")


class Retail:
    """The price service: two pages, busy at first."""

    def __init__(self) -> None:
        self.replies = [Reply(status=429, headers={"Retry-After": "0"})]
        self.following = "{url}/api/retail/prices?api-version=x&$skip=1"
        self.url = ""

    def __call__(self, asked: Asked) -> Reply:
        if self.replies:
            return self.replies.pop(0)
        if "$skip" in asked.query:
            return Reply(gzip.compress(json.dumps(page(WINDOWS)).encode()))
        return Reply(page({}, following=self.following.format(url=self.url)))


def test_pages_are_followed_and_a_busy_service_is_asked_again(tmp_path: Path) -> None:
    retail = Retail()
    with serving(retail) as service:
        retail.url = service.url
        uri = f"{service.url}/api/retail/prices?$filter=serviceName eq 'Virtual Machines'"
        report = ingest(tmp_path, "azure-prices", uri)
    assert report.exit_code == 0
    assert rows(tmp_path, "price") == [(Decimal("0.192"),), (Decimal("0.376"),)]
    assert len(service.asked) == 3
    assert service.asked[0].query == {
        "$filter": "serviceName eq 'Virtual Machines'", "api-version": "2023-01-01-preview",
    }  # fmt: skip


@pytest.mark.parametrize("following", ["https://elsewhere.example/prices", "{url}/api/retail/prices?api-version=x"])
def test_a_next_page_elsewhere_or_in_a_circle_is_not_followed(tmp_path: Path, following: str) -> None:
    retail = Retail()
    retail.following = following
    with serving(retail) as service:
        retail.url = service.url
        with pytest.raises(SourceError, match="leads elsewhere"):
            ingest(tmp_path, "azure-prices", f"{service.url}/api/retail/prices?api-version=x")
    assert Lake(tmp_path).current().revisions == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"Items": [', "ends too early"),
        ('{"Items": [{"a": 1}]}', "not of Azure's retail prices"),
        ('{"Items": [7]}', "not of Azure's retail prices"),
        (json.dumps(page({"tierMinimumUnits": "many"})), "'many' is not where a tier"),
        (json.dumps(page()), "no offer that costlab knows"),
        ('"text"', "not the JSON of a price list"),
    ],
)
def test_what_is_no_retail_price_changes_nothing(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "prices.json").write_text(content)
    with pytest.raises(SourceError, match=said):
        ingest(tmp_path / "ws", "azure-prices", str(tmp_path / "prices.json"))
    assert Lake(tmp_path / "ws").current().revisions == ()


def test_pages_saved_in_a_folder_are_one_list(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "1.json").write_text(json.dumps(page({}, following="https://prices.azure.com/not-asked")))
    (folder / "2.json.gz").write_bytes(gzip.compress(json.dumps(page(WINDOWS, SPOT)).encode()))
    assert ingest(tmp_path / "ws", "azure-prices", str(folder)).exit_code == 0
    assert rows(tmp_path / "ws", "price") == [(Decimal("0.0384"),), (Decimal("0.192"),), (Decimal("0.376"),)]


def test_prices_update_loads_the_configured_source(tmp_path: Path, run: Run) -> None:
    (tmp_path / "prices.json").write_text(json.dumps(page({"retailPrice": 0.19})))
    (tmp_path / "costlab.toml").write_text(
        f'[[sources]]\nname = "azure"\nconnector = "azure-prices"\nfrom = "{tmp_path / "prices.json"}"\n'
    )
    assert run("--workspace", tmp_path, "prices", "update").code == 0
    shown = run(
        "--workspace", tmp_path, "prices", "show", "--shape", "Standard_D4s_v5", "--region", "eastus", "--instrument",
        "ondemand", "--format", "json",
    )  # fmt: skip
    (found,) = shown.json["items"]
    assert (found["price"], found["x_source"]) == ("0.19", "azure")
