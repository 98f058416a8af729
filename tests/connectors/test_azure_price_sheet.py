"""Price sheets of EA and MCA in Microsoft's shape: meters become machines where their names tell, nothing is lost."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.ingest import IngestReport, ingest
from costlab.lake import Lake
from costlab.prices import Catalogue, Missing, Offer, doubts
from costlab.warehouse.catalogue import open_current, publish_lake
from costlab.warehouse.relations import Database

EA: dict[str, str] = {
    "EnrollmentNumber": "100000", "MeterID": "meter-d4s", "MeterName": "D4s v5", "MeterType": "1 Compute Hour",
    "MeterCategory": "Virtual Machines", "MeterSubCategory": "Dsv5 Series", "ServiceFamily": "Compute",
    "Product": "Virtual Machines Dsv5 Series - D4s v5 - EU West", "SkuID": "0001", "ProductID": "DZH318Z0XXXX",
    "MeterRegion": "EU West", "UnitOfMeasure": "100 Hours", "PartNumber": "AAA-12345",
    "EffectiveStartDate": "2026-10-01T00:00:00.0000000Z", "EffectiveEndDate": "2026-10-31T00:00:00.0000000Z",
    "UnitPrice": "18.4", "BasePrice": "20.7", "MarketPrice": "23.0", "CurrencyCode": "EUR", "IncludedQuantity": "0",
    "OfferID": "MS-AZR-0017P", "Term": "", "PriceType": "Consumption",
}  # fmt: skip
MCA: dict[str, str] = {
    "billingAccountId": "aaaa:bbbb_2019-05-31", "billingAccountName": "Contoso", "billingProfileId": "PPPP-0000",
    "billingProfileName": "Contoso Profile", "serviceFamily": "Compute",
    "product": "Virtual Machines Dsv5 Series - D4s v5 - US East", "productId": "DZH318Z0XXXX", "skuId": "0001",
    "unitOfMeasure": "1 Hour", "meterId": "meter-d4s", "meterName": "D4s v5", "meterType": "1 Hour",
    "meterCategory": "Virtual Machines", "meterSubCategory": "Dsv5 Series", "meterRegion": "US East",
    "tierMinimumUnits": "0", "effectiveStartDate": "10/01/2026", "effectiveEndDate": "10/31/2026",
    "unitPrice": "0.18", "basePrice": "0.19", "marketPrice": "0.192", "currency": "USD", "billingCurrency": "EUR",
    "term": "", "priceType": "Consumption",
}  # fmt: skip
BLOB = {
    "meterId": "meter-blob", "meterName": "Hot LRS Data Stored", "meterCategory": "Storage", "serviceFamily": "Storage",
    "meterSubCategory": "Blob Storage", "product": "Blob Storage", "unitOfMeasure": "1 GB/Month",
}  # fmt: skip

SCOPE = "/providers/Microsoft.Billing/billingAccounts/100000/providers/Microsoft.CostManagement"


def content(base: dict[str, str], *rows: dict[str, str], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(base), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(base | row for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def load(tmp_path: Path, place: Path | str) -> IngestReport:
    report = ingest(tmp_path / "ws", "azure-price-sheet", str(place))
    publish_lake(Lake(tmp_path / "ws"))
    return report


def opened(tmp_path: Path) -> Database:
    return open_current(tmp_path / "ws")[1]


def loaded(tmp_path: Path, base: dict[str, str], *rows: dict[str, str], columns: str) -> list[tuple[Any, ...]]:
    place = tmp_path / "sheet.csv"
    place.write_bytes(content(base, *rows))
    assert load(tmp_path, place).exit_code == 0
    with opened(tmp_path) as db:
        return [tuple(row.values()) for row in db.rows(f"select {columns} from prices.history order by all")]


def test_an_ea_price_beats_the_list_price_of_its_machine_in_its_currency(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_bytes(content(EA, {}, {"CurrencyCode": "USD", "UnitPrice": "19.2"}))
    assert load(tmp_path, tmp_path / "sheet.csv").exit_code == 0
    with opened(tmp_path) as db:
        catalogue = Catalogue(db)
        eur = catalogue.price("azure", "westeurope", "Standard_D4s_v5", currency="EUR")
        usd = catalogue.price("azure", "westeurope", "Standard_D4s_v5")
    assert isinstance(eur, Offer)
    assert isinstance(usd, Offer)
    assert (eur.price, eur.unit, eur.confidence, eur.x_source) == (
        Decimal("0.184"), "hour", "contract", "azure-price-sheet",
    )  # fmt: skip
    assert (usd.price, usd.confidence) == (Decimal("0.192"), "contract")


def test_an_mca_sheet_has_tiers_reservations_and_savings_plans(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, MCA, {},
        {"priceType": "SavingsPlan", "term": "P1Y", "unitPrice": "0.13"},
        {"priceType": "ReservedInstance", "term": "P3Y", "unitPrice": "2628", "meterId": "meter-ri"},
        BLOB | {"unitPrice": "0.02"}, BLOB | {"unitPrice": "0.018", "tierMinimumUnits": "51200"},
        columns="instrument, term_months, price, unit, tier_from, tier_to, shape, region_id, service_code",
    )  # fmt: skip
    d4s = ("Standard_D4s_v5", "eastus", "Virtual Machines")
    assert found == [
        ("azure-reservation", 36, Decimal("0.1"), "hour", Decimal(0), None, *d4s),
        ("azure-sp", 12, Decimal("0.13"), "hour", Decimal(0), None, *d4s),
        ("ondemand", None, Decimal("0.018"), "GB-month", Decimal(51200), None, None, "eastus", "Storage"),
        ("ondemand", None, Decimal("0.02"), "GB-month", Decimal(0), Decimal(51200), None, "eastus", "Storage"),
        ("ondemand", None, Decimal("0.18"), "hour", Decimal(0), None, *d4s),
    ]


def test_what_a_meter_is_called_tells_the_machine(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, str], list[str | None]]] = [
        ({"meterName": "D2 v3/D2s v3"}, ["Standard_D2_v3", "Standard_D2s_v3"]),
        ({"meterName": "F2/F2s"}, ["Standard_F2", "Standard_F2s"]),
        ({"meterName": "B1s"}, ["Standard_B1s"]),
        ({"meterName": "NC24ads A100 v4"}, ["Standard_NC24ads_A100_v4"]),
        ({"meterName": "E96-48s v5"}, ["Standard_E96-48s_v5"]),
        ({"meterName": "M176ds-44 3 v3"}, ["Standard_M176ds-44_3_v3"]),
        ({"meterName": "DS2 v2 Promo"}, ["Standard_DS2_v2_Promo"]),
        ({"meterName": "A1", "meterSubCategory": "A Series Basic"}, ["Basic_A1"]),
        ({"meterName": "DSv3 Type1", "meterSubCategory": "DSv3 Series Dedicated Host"}, [None]),
        ({"meterName": "A2", "meterSubCategory": "Av2 Series Cloud Services"}, [None]),
        ({"meterName": "D2s v5", "meterCategory": "Virtual Machines Licenses"}, [None]),
        ({"meterName": "1-4 vCPU VM License"}, [None]),
    ]
    rows = [row | {"meterId": f"{number:02}"} for number, (row, _) in enumerate(cases)]
    found = loaded(tmp_path, MCA, *rows, columns="sku_id, shape")
    assert found == [(f"{number:02}", shape) for number, (_, shapes) in enumerate(cases) for shape in shapes]


@pytest.mark.shared
def test_the_names_of_azures_machines_lead_back_to_them(tmp_path: Path, shared_data: Path) -> None:
    import pandas as pd

    table = pd.read_parquet(shared_data / "prices" / "karpenter_azure.parquet")
    machines = sorted({name for name in table["type"] if re.fullmatch(r"Standard_\S+\d\S*", name)})
    rows = [{"meterId": name, "meterName": name.removeprefix("Standard_").replace("_", " ")} for name in machines]
    found = {shape for (shape,) in loaded(tmp_path, MCA, *rows, columns="shape") if shape}
    missing = [name for name in machines if name not in found]
    assert len(machines) > 1_700
    assert [name for name in missing if not name.endswith(("_ADHType1", "_AMD_IaaS"))] == []  # on dedicated hosts, SQL


@pytest.mark.shared
@pytest.mark.parametrize(("name", "base"), [("ea", EA), ("mca", MCA)])
def test_the_headers_are_those_of_the_published_schemas(shared_data: Path, name: str, base: dict[str, str]) -> None:
    path = shared_data / "azure" / "export_schemas" / f"pricesheet_2023-05-01_{name}.json"
    published = [m["source"]["name"].lower() for m in json.loads(path.read_text())["translator"]["mappings"]]
    assert [header.lower() for header in base] == published


def test_spot_windows_and_regions_are_told_by_names(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, str], tuple[str, str, str | None]]] = [
        ({"MeterName": "D4s v5 Spot"}, ("spot", "Linux", "westeurope")),
        ({"MeterSubCategory": "Dsv5 Series Windows"}, ("ondemand", "Windows", "westeurope")),
        ({"Product": "Virtual Machines Dsv5 Series Windows - D4s v5"}, ("ondemand", "Windows", "westeurope")),
        ({"MeterRegion": "AP Southeast"}, ("ondemand", "Linux", "southeastasia")),
        ({"MeterRegion": "Atlantis"}, ("ondemand", "Linux", None)),
    ]
    rows = [row | {"MeterID": str(number)} for number, (row, _) in enumerate(cases)]
    found = loaded(tmp_path, EA, *rows, columns="sku_id, instrument, os, region_id")
    assert found == [(str(number), *said) for number, (_, said) in enumerate(cases)]


def test_prices_are_per_unit(tmp_path: Path) -> None:
    cases = [
        ("1 Hour", "0.184", "hour", "0.184"),
        ("100 Hours", "18.4", "hour", "0.184"),
        ("100 GB/Month", "2", "GB-month", "0.02"),
        ("10K", "0.05", "10000", "0.05"),
        ("1M", "0.4", "1000000", "0.4"),
        ("1/Month", "5", "month", "5"),
        ("1 Hour", "9.6E-05", "hour", "0.000096"),
        ("1 Hour", "0", "hour", "0"),
        ("Each", "3", "Each", "3"),
    ]
    rows = [{"UnitOfMeasure": c[0], "UnitPrice": c[1], "MeterID": str(number)} for number, c in enumerate(cases)]
    found = loaded(tmp_path, EA, *rows, columns="sku_id, unit, price")
    assert found == [(str(number), unit, Decimal(price)) for number, (*_, unit, price) in enumerate(cases)]


def test_what_is_no_price_is_counted_and_never_zero(tmp_path: Path) -> None:
    place = tmp_path / "sheet.csv"
    rows = [
        {}, {}, {"UnitPrice": ""}, {"UnitPrice": "0,184"}, {"UnitPrice": "-1"}, {"OfferID": "MS-AZR-0148P"},
        {"MeterName": "D4s v5 Low Priority"}, {"PriceType": "Subscription"}, {"CurrencyCode": ""},
        {"EffectiveStartDate": "soon"}, {"PriceType": "ReservedInstance", "Term": "forever"}, {"MeterID": ""},
        {"MeterName": "D2 v3/D2s v3", "MeterID": "two"},
    ]  # fmt: skip
    place.write_bytes(content(EA, *rows, delimiter=";"))
    report = load(tmp_path, place)
    (period,) = report.periods
    item = period.item()
    assert (report.exit_code, item["rows_received"], item["rows_loaded"], item["rows_quarantined"]) == (5, 13, 2, 7)
    assert item["rows_dropped"] == {
        "low priority": 1, "price for tests": 1, "price type Subscription": 1, "repeated row": 1,
    }  # fmt: skip
    with opened(tmp_path) as db:
        reasons = {str(row["reason"]) for row in db.rows("select reason from lake.quarantine")}
        missing = Catalogue(db).price("azure", "westeurope", "Standard_D8s_v5", currency="EUR")
    assert reasons == {
        "UnitPrice is empty", "UnitPrice: '0,184' is not a number", "price is negative", "currency is empty",
        "EffectiveStartDate: 'soon' is not a day", "Term: 'forever' is not a term", "MeterId is empty",
    }  # fmt: skip
    assert isinstance(missing, Missing)


def test_a_newer_sheet_counts_and_the_older_stays_in_the_history(tmp_path: Path) -> None:
    november = {"EffectiveStartDate": "2026-11-01", "EffectiveEndDate": "2026-11-30", "UnitPrice": "17"}
    for name, row in (("november.csv", november), ("october.csv", {})):
        (tmp_path / name).write_bytes(content(EA, row))
        assert load(tmp_path, tmp_path / name).exit_code == 0
    with opened(tmp_path) as db:
        history = db.rows("select price, valid_from from prices.history order by all")
        found = Catalogue(db).price("azure", "westeurope", "Standard_D4s_v5", currency="EUR")
    assert [row["price"] for row in history] == [Decimal("0.17"), Decimal("0.184")]
    assert isinstance(found, Offer)
    assert found.price == Decimal("0.17")


def test_a_price_that_was_negotiated_is_no_doubt(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_bytes(content(MCA, {"unitPrice": "0.10"}))
    load(tmp_path, tmp_path / "sheet.csv")
    with opened(tmp_path) as db:
        of_this = [d for d in doubts(db) if (d.region_id, d.shape) == ("eastus", "Standard_D4s_v5")]
    assert of_this == []


@pytest.mark.parametrize("form", ["csv.gz", "zip", "parquet"])
def test_sheets_come_packed(tmp_path: Path, form: str) -> None:
    place, plain = tmp_path / f"sheet.{form}", content(MCA, {})
    if form == "csv.gz":
        place.write_bytes(gzip.compress(plain))
    elif form == "zip":
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("PriceSheet.csv", plain)
    else:
        import pandas as pd

        numbers = {name: [float(MCA[name])] for name in ("unitPrice", "basePrice", "marketPrice")}
        pd.DataFrame({name: [value] for name, value in MCA.items()} | numbers).to_parquet(place)
    assert load(tmp_path, place).exit_code == 0
    with opened(tmp_path) as db:
        assert [row["price"] for row in db.rows("select price from prices.history")] == [Decimal("0.18")]


def export(root: Path, run: str, submitted: str, *rows: dict[str, str]) -> None:
    folder = root / "prices" / "20261001-20261031" / run
    folder.mkdir(parents=True)
    data = gzip.compress(content(MCA, *rows))
    (folder / "part_0_0001.csv.gz").write_bytes(data)
    name = f"exports/prices/20261001-20261031/{run}/part_0_0001.csv.gz"
    (folder / "manifest.json").write_text(json.dumps({
        "blobCount": 1, "dataRowCount": len(rows),
        "blobs": [{"blobName": name, "byteCount": len(data), "dataRowCount": len(rows)}],
        "exportConfig": {"exportName": "prices", "type": "PriceSheet", "resourceId": f"{SCOPE}/exports/prices"},
        "runInfo": {
            "runId": run, "submittedTime": submitted, "startDate": "2026-10-01T00:00:00",
            "endDate": "2026-10-31T00:00:00",
        },
    }))  # fmt: skip


def test_the_newest_run_of_an_export_counts(tmp_path: Path) -> None:
    export(tmp_path / "in", "a", "2026-10-02T01:00:00Z", {"unitPrice": "0.17"})
    export(tmp_path / "in", "b", "2026-10-03T01:00:00Z", {"unitPrice": "0.16"})
    assert [p.action for p in load(tmp_path, tmp_path / "in").periods] == ["loaded"]
    assert [p.action for p in load(tmp_path, tmp_path / "in").periods] == ["unchanged"]
    with opened(tmp_path) as db:
        assert [row["price"] for row in db.rows("select price from prices.history")] == [Decimal("0.16")]
