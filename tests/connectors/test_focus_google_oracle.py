"""Google's native FOCUS export, from BigQuery and from files of it, and Oracle's FOCUS reports."""

from __future__ import annotations

import csv
import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.ingest import ingest
from costlab.warehouse.connection import connect
from costlab_connectors import _bigquery
from tests.connectors.bigquery_server import BigQuery, Served, column, record
from tests.connectors.test_gcp_ingest import actions, loaded, write_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[str, Any]
NUMBERS = """
    BilledCost ConsumedQuantity ContractedCost ContractedUnitPrice EffectiveCost ListCost ListUnitPrice PricingQuantity
    PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice
    x_PriceEffectivePriceDefault x_PriceListPriceConsumptionModel x_CostAtEffectivePriceDefault
    x_CostAtListConsumptionModel
"""
INSTANTS = "BillingPeriodStart BillingPeriodEnd ChargePeriodStart ChargePeriodEnd x_ExportTime"
TEXTS = """
    AvailabilityZone BillingAccountId BillingAccountType BillingCurrency ChargeCategory ChargeClass ChargeDescription
    ConsumedUnit PricingCategory PricingCurrency PricingUnit ProviderName PublisherName RegionId RegionName ResourceId
    ResourceName ServiceName SkuId SkuPriceId SubAccountId SubAccountName x_CostType x_Location x_ServiceId
    x_SubscriptionInstanceId x_ConsumptionModelId x_ConsumptionModelDescription
"""
PAIR = (column("Key"), column("Value"))
SCHEMA = [
    *(column(name, "NUMERIC") for name in NUMBERS.split()),
    *(column(name, "TIMESTAMP") for name in INSTANTS.split()),
    *(column(name) for name in TEXTS.split()),
    column("x_CurrencyConversionRate", "FLOAT"),
    record(
        "x_Credits",
        column("Name"),
        column("Amount", "NUMERIC"),
        column("FullName"),
        column("Id"),
        column("Type"),
        repeated=True,
    ),
    record(
        "x_Project",
        column("Id"),
        column("Number"),
        column("Name"),
        column("AncestryNumbers"),
        record("Ancestors", column("ResourceName"), column("DisplayName"), repeated=True),
    ),
    *(record(name, *PAIR, repeated=True) for name in ("x_SystemLabels", "x_Labels", "x_ProjectLabels")),
    record("x_Tags", *PAIR, column("x_Inherited", "BOOLEAN"), column("x_Namespace"), repeated=True),
]
"""The 55 columns of the export, as people have found them in their own (2026)."""
CHARGE: Row = {
    "BilledCost": 0.089998,
    "EffectiveCost": 0.09,
    "ContractedCost": 0.1,
    "ListCost": 0.12,
    "BillingAccountId": "0A0A0A-0B0B0B-0C0C0C",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-03-01 00:00:00 UTC",
    "BillingPeriodEnd": "2026-04-01 00:00:00 UTC",
    "ChargePeriodStart": "2026-03-05 01:00:00 UTC",
    "ChargePeriodEnd": "2026-03-05 02:00:00 UTC",
    "ChargeCategory": "Usage",
    "ChargeDescription": "N2 Instance Core running in Iowa",
    "ServiceName": "Compute Engine",
    "SkuId": "CORE",
    "SubAccountId": "shop",
    "x_CostType": "regular",
    "x_ServiceId": "6F81-5844-456A",
    "x_ExportTime": "2026-03-06 07:00:00 UTC",
    "x_Credits": [{"Name": "Trial", "Amount": -0.010002, "FullName": "Free trial", "Id": "t", "Type": "PROMOTION"}],
    "x_Project": {"Id": "shop", "Number": "1", "Name": "Shop", "AncestryNumbers": "/1/", "Ancestors": []},
    "x_SystemLabels": [{"Key": "compute.googleapis.com/machine_spec", "Value": "n2-standard-4"}],
    "x_Labels": [{"Key": "team", "Value": "a"}, {"Key": "gpu", "Value": ""}],
    "x_ProjectLabels": [{"Key": "team", "Value": "b"}, {"Key": "cost-center", "Value": "7"}],
    "x_Tags": [{"Key": "env", "Value": "prod", "x_Inherited": True, "x_Namespace": "organizations/1"}],
}
TABLE = "acme-billing.gcp_billing_immutable_0A_eu.gcp_billing_export_focus_0A0A0A_0B0B0B_0C0C0C"
SHOWN = """
    BilledCost, EffectiveCost, ContractedCost, ListCost, BillingPeriodStart, ChargePeriodStart, ServiceCategory,
    ServiceSubcategory, ProviderName, InvoiceIssuerName, x_instance_type, x_service_code, x_usage_type,
    x_line_item_type, Tags, x_extra, SubAccountId
"""
REPORT: Row = {
    "AvailabilityZone": "",
    "BilledCost": "0.537",
    "BillingAccountId": "7001",
    "BillingCurrency": "EUR",
    "BillingPeriodStart": "2026-03-01T00:00Z",
    "BillingPeriodEnd": "2026-04-01T00:00Z",
    "ChargeCategory": "Usage",
    "ChargeSubcategory": "",
    "ChargePeriodStart": "2026-03-05T01:00Z",
    "ChargePeriodEnd": "2026-03-05T02:00Z",
    "EffectiveCost": "0",
    "InvoiceIssuer": "Oracle",
    "ListCost": "0.6",
    "Provider": "Oracle",
    "Publisher": "Oracle",
    "Region": "eu-frankfurt-1",
    "ServiceName": "COMPUTE",
    "UsageQuantity": "2",
    "UsageUnit": "ONE HOUR",
    "Tags": '{"team":"a"}',
    "oci_ReferenceNumber": "r-1",
    "oci_CompartmentId": "ocid1.compartment.oc1..a",
    "oci_CompartmentName": "shop",
    "oci_OverageFlag": "N",
    "oci_AttributedCost": "0.537",
    "oci_BackReferenceNumber": "",
}


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQuery]:
    monkeypatch.setattr(_bigquery, "PATIENCE", {"initial": 0.01, "maximum": 0.02, "multiplier": 1.0, "timeout": 0.3})
    with Served() as state:
        state.create(TABLE, SCHEMA)
        yield state


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


def parquet(path: Path, rows: list[Row]) -> Path:
    lines = write_lines(path.with_suffix(".scratch"), rows)
    casts = ", ".join(f"cast(replace({name}, ' UTC', '+00') as timestamptz) as {name}" for name in INSTANTS.split())
    con = connect()
    con.execute(f"copy (select * replace ({casts}) from read_json('{lines}', format='newline_delimited')) to '{path}'")
    con.close()
    lines.unlink()
    return path


def report(path: Path, *rows: Row) -> Path:
    with gzip.open(path, "wt", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(REPORT))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("connector", ["focus", "gcp-billing-export"])
def test_the_native_export_is_read_from_bigquery_and_costs_are_as_delivered(
    workspace: Path, google: BigQuery, connector: str
) -> None:
    google.insert(TABLE, [CHARGE, CHARGE | {"x_Credits": [], "x_Labels": [], "BilledCost": 1}], loaded="2026-03-06")
    uri = "bigquery://acme-billing/gcp_billing_immutable_0A_eu"
    given = {"endpoint": google.endpoint}
    done = ingest(workspace, connector, uri, source="gcp", options=given)
    assert (done.exit_code, done.warnings, actions(done)) == (0, [], [("2026-03", "loaded")])
    (item,) = [period.item() for period in done.periods]
    assert item["connector"] == connector
    assert item["billed_cost_received"] == item["billed_cost_loaded"] == Decimal("1.089998")
    assert item["effective_cost_loaded"] == Decimal("0.18")
    row = loaded(workspace, SHOWN)[0]
    assert json.loads(row["x_extra"]) == {
        "x_Credits": [{"Name": "Trial", "Amount": -0.010002, "FullName": "Free trial", "Id": "t", "Type": "PROMOTION"}]
    }
    assert actions(ingest(workspace, connector, uri, source="gcp", options=given)) == [("2026-03", "unchanged")]
    assert not any("x_Price" in sql or "x_Project`" in sql for sql in google.ran)


def test_files_of_the_native_export_give_the_same_charges(workspace: Path, tmp_path: Path, google: BigQuery) -> None:
    google.insert(TABLE, [CHARGE], loaded="2026-03-06")
    uri = f"bigquery://{TABLE.replace('.', '/')}"
    ingest(workspace, "focus", uri, source="gcp", options={"endpoint": google.endpoint})
    for source, path in {
        "lines": write_lines(tmp_path / "a.jsonl", [CHARGE]),
        "parquet": parquet(tmp_path / "a.parquet", [CHARGE]),
    }.items():
        done = ingest(workspace, "focus", str(path), source=source)
        assert (source, done.exit_code, done.warnings) == (source, 0, [])
        assert loaded(workspace, SHOWN, source=source) == loaded(workspace, SHOWN)


def test_what_google_leaves_out_is_told_by_its_own_columns(workspace: Path, tmp_path: Path) -> None:
    ingest(workspace, "focus", str(write_lines(tmp_path / "a.jsonl", [CHARGE])), source="gcp")
    (row,) = loaded(workspace, SHOWN)
    assert (row["ServiceCategory"], row["ProviderName"], row["InvoiceIssuerName"]) == (
        "Compute",
        "Google Cloud",
        "Google Cloud",
    )
    assert (row["x_instance_type"], row["x_service_code"]) == ("n2-standard-4", "6F81-5844-456A")
    assert (row["x_usage_type"], row["x_line_item_type"]) == (CHARGE["ChargeDescription"], "regular")
    assert json.loads(row["Tags"]) == {
        "team": "a",
        "gpu": True,
        "env": "prod",
        "cost-center": "7",
        "gcp:compute.googleapis.com/machine_spec": "n2-standard-4",
    }


@pytest.mark.parametrize(("key", "value"), [("key", "value"), ("Key", "Value")])
def test_tags_as_a_list_of_keys_and_values_become_an_object(
    workspace: Path, tmp_path: Path, key: str, value: str
) -> None:
    tags = [{key: "team", value: 'a"b'}, {key: "env", value: "prod", "x_type": "tag"}]
    ingest(workspace, "focus", str(write_lines(tmp_path / "a.jsonl", [CHARGE | {"Tags": tags}])), source="gcp")
    assert json.loads(loaded(workspace, "Tags")[0]["Tags"]) == {"team": 'a"b', "env": "prod"}


def test_the_native_export_only_grows_like_the_others(workspace: Path, tmp_path: Path) -> None:
    late = CHARGE | {"x_ExportTime": "2026-04-03 07:00:00 UTC"}
    ingest(workspace, "focus", str(write_lines(tmp_path / "1.jsonl", [CHARGE, CHARGE])), source="gcp")
    part = ingest(workspace, "focus", str(write_lines(tmp_path / "2.jsonl", [CHARGE, late])), source="gcp")
    assert actions(part) == [("2026-03", "rejected")]
    whole = ingest(workspace, "focus", str(write_lines(tmp_path / "3.jsonl", [CHARGE, CHARGE, late])), source="gcp")
    assert actions(whole) == [("2026-03", "replaced")]


def test_oracles_reports_have_their_older_names_and_no_effective_cost(workspace: Path, tmp_path: Path) -> None:
    corrected = REPORT | {"BilledCost": "-0.5", "oci_BackReferenceNumber": "r-1", "oci_ReferenceNumber": "r-2"}
    free = REPORT | {"BilledCost": "0", "oci_ReferenceNumber": "r-3"}
    done = ingest(workspace, "focus", str(report(tmp_path / "a.csv.gz", REPORT, corrected, free)), source="oci")
    assert done.warnings == ["2026-03: 2 rows: EffectiveCost of Oracle is 0, BilledCost is taken"]
    rows = loaded(
        workspace,
        "BilledCost, EffectiveCost, ListCost, ChargeClass, ProviderName, RegionId, ConsumedQuantity, x_extra, Tags",
        source="oci",
    )
    assert [row["EffectiveCost"] for row in rows] == [row["BilledCost"] for row in rows]
    assert {(row["ProviderName"], row["RegionId"], row["ConsumedQuantity"]) for row in rows} == {
        ("Oracle", "eu-frankfurt-1", Decimal(2))
    }
    assert sorted(row["ChargeClass"] or "" for row in rows) == ["", "", "Correction"]
    assert json.loads(rows[0]["x_extra"]) == {
        "oci_CompartmentId": "ocid1.compartment.oc1..a",
        "oci_CompartmentName": "shop",
    }


def test_a_few_of_oracles_reports_do_not_replace_a_month(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "FOCUS Reports"
    (folder / "2026" / "03").mkdir(parents=True)
    for number in (1, 2):
        report(folder / "2026" / "03" / f"000100000000000{number}.csv.gz", REPORT)
    assert actions(ingest(workspace, "focus", str(folder), source="oci")) == [("2026-03", "loaded")]
    later = report(tmp_path / "0001000000000003.csv.gz", REPORT)
    assert actions(ingest(workspace, "focus", str(later), source="oci")) == [("2026-03", "rejected")]
    later.rename(folder / later.name)
    assert actions(ingest(workspace, "focus", str(folder), source="oci")) == [("2026-03", "replaced")]


def test_an_effective_cost_of_nothing_elsewhere_stays_as_delivered(workspace: Path, tmp_path: Path) -> None:
    other = {k: v for k, v in REPORT.items() if not k.startswith("oci_")} | {"Provider": "AWS"}
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(other))
        writer.writeheader()
        writer.writerow(other)
    done = ingest(workspace, "focus", str(path), source="aws")
    assert done.warnings == []
    assert loaded(workspace, "EffectiveCost", source="aws") == [{"EffectiveCost": Decimal(0)}]
