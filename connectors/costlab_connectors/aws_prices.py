"""AWS price lists: bulk offer files as CSV, and savings plan files as JSON.

An offer file begins with five lines about itself; its rows are price terms beside product attributes, which
``sql/staging/prices_aws.sql`` reads. The rates of savings plan files are landed as rows of the same columns.

Source: AWS Price List user guide, "Reading the price list files" and "Reading the savings plan price list files",
read 2026-11.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from costlab.errors import SourceError
from costlab.interfaces.connector import Column, Dataset, FileFormat, Snapshot
from costlab_connectors._json_stream import entries
from costlab_connectors._price_files import files_at, opened, prefixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from costlab.interfaces.connector import Landing, SourceFile
    from costlab.period import Month

_ABOUT: Final = 5
"""Lines of a CSV offer file before its header."""
_PATTERNS: Final = ("*.csv", "*.csv.gz", "*.json", "*.json.gz")
_HEADERS: Final = {
    "sku": "SKU", "offer_term": "OfferTermCode", "term_type": "TermType", "lease_length": "LeaseContractLength",
    "purchase_option": "PurchaseOption", "offering_class": "OfferingClass", "vendor_unit": "Unit",
    "vendor_currency": "Currency", "product_family": "Product Family", "service_code": "serviceCode",
    "region_code": "Region Code", "instance_type": "Instance Type", "vcpus": "vCPU", "memory": "Memory", "gpus": "GPU",
    "physical_processor": "Physical Processor", "operating_system": "Operating System", "vendor_tenancy": "Tenancy",
    "license_model": "License Model", "capacity_status": "CapacityStatus", "installed": "Pre Installed S/W",
    "market_option": "MarketOption", "usage_type": "usageType", "operation": "operation",
    "database_engine": "Database Engine",
}  # fmt: skip
_COLUMNS: Final = (
    *(Column(name, aliases=(header,)) for name, header in _HEADERS.items()),
    Column("PricePerUnit", "DECIMAL(38,12)"),
    Column("StartingRange", "DECIMAL(38,12)"),
    Column("EndingRange", "DECIMAL(38,12)"),
    Column("EffectiveDate", "TIMESTAMP"),
)
_NULLS: Final = ("", "Inf")
_PLANS: Final = ("ComputeSavingsPlans", "EC2InstanceSavingsPlans", "SageMakerSavingsPlans", "DatabaseSavingsPlans")


class AwsPrices:
    """The connector ``aws-prices``: on-demand and reserved prices of any service, savings plan rates of EC2."""

    name: ClassVar[str] = "aws-prices"
    dataset: ClassVar[Dataset] = Dataset.PRICES
    schemes: ClassVar[tuple[str, ...]] = ("https", "http")
    permissions: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[Mapping[str, str]] = {}

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield one snapshot of all offers in the files: ``*.csv``, ``*.csv.gz``, ``*.json``, ``*.json.gz``.

        Raises
        ------
        SourceError
            If a file is missing, cut, or not a price list.
        """
        del period  # prices are about now
        seen_at = str(landing.now)
        files = [replace(_landed(landing, place), label=seen_at) for place in files_at(uri, *_PATTERNS)]
        if not any(file.rows != 0 for file in files):
            raise SourceError(f"{source}: no offer that costlab knows is there", hint="Check --from and the options")
        yield Snapshot(
            source=source,
            connector=self.name,
            dataset=self.dataset,
            period=None,
            snapshot_id=_identity(landing, files),
            order="",
            files=tuple(files),
            format=FileFormat.CSV,
            staging="prices_aws",
            columns=_COLUMNS,
            nulls=_NULLS,
            ignore=("*",),  # products have a hundred more attributes
        )


def _identity(landing: Landing, files: Sequence[SourceFile]) -> str:
    """Return what is equal for equal files of one month: prices seen again in the next one are observed anew."""
    told = [f"{landing.now:%Y-%m}", *(file.stored.version for file in files)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _landed(landing: Landing, uri: str) -> SourceFile:
    landing.tell(f"reading {uri.partition('?')[0]}")
    if ".json" in uri:
        return landing.write(uri, _savings_plan(uri))
    return _offer_file(landing, uri)


def _offer_file(landing: Landing, uri: str) -> SourceFile:
    """Land the rows of an offer file with their header, without the lines before it."""
    with opened(uri) as raw:
        for _ in range(_ABOUT):
            raw.readline()
        header, first = raw.readline(), raw.readline()
        if "RateCode" not in next(csv.reader([header.decode()]), ()):
            raise SourceError(f"{uri} is not an AWS offer file", hint="Use the CSV of the AWS price list")
        file = landing.receive(uri, prefixed(header + first, raw))
    return file if first.strip() else replace(file, rows=0)


def _savings_plan(uri: str) -> Iterator[dict[str, Any]]:
    """Yield the rates of EC2 instances in a savings plan file; its products (a plan each) come before its terms."""
    plans: dict[str, Mapping[str, Any]] = {}
    with opened(uri) as raw:
        for path, entry in entries(raw, {("products",), ("terms", "savingsPlan")}):
            if path == ("products",):
                plans[entry["sku"]] = entry
            else:
                yield from _rates(entry, plans.get(entry["sku"], {}))


def _rates(term: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rates of shared EC2 hardware as rows of an offer file."""
    attributes: Mapping[str, Any] = plan.get("attributes", {})
    length: Mapping[str, Any] = term.get("leaseContractLength", {})
    families = (plan.get("productFamily", ""), str(attributes.get("productFamily", "")))
    about = {
        "TermType": "SavingsPlan", "Product Family": next((family for family in families if family in _PLANS), None),
        "LeaseContractLength": f"{length.get('duration')}{'yr' if length.get('unit') == 'year' else ''}",
        "PurchaseOption": attributes.get("purchaseOption"), "EffectiveDate": term.get("effectiveDate"),
    }  # fmt: skip
    for rate in term.get("rates", ()):
        usage = str(rate.get("discountedUsageType", ""))
        kind = usage.partition(":")[0].rpartition("-")[2]
        if rate.get("discountedServiceCode") == "AmazonEC2" and kind == "BoxUsage":
            yield about | {
                "SKU": rate.get("discountedSku"), "usageType": usage, "operation": rate.get("discountedOperation"),
                "serviceCode": "AmazonEC2", "Unit": rate.get("unit"), "PricePerUnit": rate["discountedRate"]["price"],
                "Currency": rate["discountedRate"]["currency"],
                "Region Code": rate.get("discountedRegionCode") or attributes.get("regionCode"),
            }  # fmt: skip


CONNECTOR = AwsPrices()
