"""AWS price lists: bulk offer files as CSV, and savings plan files as JSON.

An offer file begins with five lines about itself; its rows are price terms beside product attributes. Plain Linux is
tenancy Shared, no licence, nothing installed, capacity Used, market option OnDemand: any other mix is another price.

Source: AWS Price List user guide, "Reading the price list files" and "Reading the savings plan price list files",
read 2026-11.
"""

from __future__ import annotations

import csv
import itertools
import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

from costlab.errors import SourceError
from costlab.interfaces.connector import Dataset
from costlab_connectors._json_stream import entries
from costlab_connectors._price_files import files_at, offer, opened, opened_text, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month
    from costlab_connectors._price_files import Offer

_ABOUT: Final = 5
"""Lines of a CSV offer file before its header."""
_INSTANCE: Final = ("Compute Instance", "Compute Instance (bare metal)")
_MONTHS: Final = {"1yr": 12, "3yr": 36, "1 yr": 12, "3 yr": 36}
_PAYMENTS: Final = {"No Upfront": "none", "Partial Upfront": "partial", "All Upfront": "all"}
_TENANCIES: Final = {"Shared": "shared", "Dedicated": "dedicated", "Host": "host"}
_PLANS: Final = {
    "ComputeSavingsPlans": "compute-sp",
    "EC2InstanceSavingsPlans": "ec2-sp",
    "SageMakerSavingsPlans": "sagemaker-sp",
    "DatabaseSavingsPlans": "database-sp",
}
_UNITS: Final = {"Hrs": "hour", "hrs": "hour", "Hours": "hour", "GB-Mo": "GB-month", "GB": "GB"}
_OS_OF_OPERATION: Final = {"RunInstances": "Linux", "RunInstances:0002": "Windows", "RunInstances:0010": "RHEL"}
"""What the operation of a savings plan's rate says (EC2 user guide, "AMI billing information fields")."""
_ENDLESS: Final = ("", "Inf")

Row = dict[str, str]


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
        files = files_at(uri, "*.csv", "*.csv.gz", "*.json", "*.json.gz")
        yield snapshot(landing, source, self.name, itertools.chain.from_iterable(_offers(landing, f) for f in files))


def _offers(landing: Landing, uri: str) -> Iterator[Offer]:
    landing.tell(f"reading {uri.partition('?')[0]}")
    if ".json" in uri:
        return _savings_plan(landing, uri)
    return _offer_file(landing, uri)


def _offer_file(landing: Landing, uri: str) -> Iterator[Offer]:
    reserved: dict[tuple[str, str], Offer] = {}
    with opened_text(uri) as text:
        lines = itertools.islice(text, _ABOUT, None)
        rows = csv.DictReader(lines)
        if "RateCode" not in (rows.fieldnames or ()):
            raise SourceError(f"{uri} is not an AWS offer file", hint="Use the CSV of the AWS price list")
        for row in rows:
            if row["TermType"] == "Reserved":
                _add_reserved(landing, reserved, row)
            elif (found := _on_demand(landing, row)) is not None:
                yield found
    yield from reserved.values()


def _on_demand(landing: Landing, row: Row) -> Offer | None:
    if row["TermType"] != "OnDemand" or not row["PricePerUnit"]:
        return None
    about = _about(row)
    if about is None:
        return None
    return offer(
        landing, **about, unit=_UNITS.get(row["Unit"], row["Unit"]), price=row["PricePerUnit"],
        currency=row["Currency"], valid_from=row["EffectiveDate"], tier_from=row.get("StartingRange") or "0",
        tier_to=None if row.get("EndingRange", "") in _ENDLESS else row["EndingRange"],
    )  # fmt: skip


def _add_reserved(landing: Landing, reserved: dict[tuple[str, str], Offer], row: Row) -> None:
    """Add one half of a reservation's price: the hours, or the upfront part (unit ``Quantity``)."""
    about = _about(row)
    if about is None or row.get("OfferingClass") not in {"standard", "convertible", ""}:
        return
    key = (row["SKU"], row["OfferTermCode"])
    found = reserved.get(key)
    if found is None:
        instrument = "regional-ri" if row.get("OfferingClass") != "convertible" else "convertible-ri"
        found = reserved[key] = offer(
            landing, **about, instrument=instrument, unit="hour", price="0", currency=row["Currency"],
            term_months=_MONTHS.get(row["LeaseContractLength"]), payment=_PAYMENTS.get(row["PurchaseOption"]),
            valid_from=row["EffectiveDate"],
        )  # fmt: skip
    found["upfront" if row["Unit"] == "Quantity" else "price"] = row["PricePerUnit"]


def _about(row: Row) -> Offer | None:
    """Return what an offer is for; None for mixes that are no plain instance."""
    family = row.get("Product Family", "")
    common = {"provider": "aws", "service_code": row.get("serviceCode"), "region_id": _region(row)}
    more = {"usage_type": row.get("usageType"), "operation": row.get("operation"), "sku": row["SKU"]}
    if family not in _INSTANCE:
        kind = family.lower().replace(" ", "-") or "other"
        shape = row.get("Instance Type") or None
        return {
            **common, "resource_kind": kind, "sku_id": row["SKU"], "shape": shape, "family": _family(shape),
            "attributes": json.dumps({**more, "engine": row.get("Database Engine") or None}),
        }  # fmt: skip
    if not _is_plain(row):
        return None
    return {
        **common, "resource_kind": "instance", "shape": row["Instance Type"], "family": _family(row["Instance Type"]),
        "vcpu": row.get("vCPU") or None, "memory_gib": _gib(row.get("Memory", "")), "gpu_count": row.get("GPU") or None,
        "arch": "arm64" if "Graviton" in row.get("Physical Processor", "") else "x86_64",
        "os": row["Operating System"], "license": "none", "tenancy": _TENANCIES[row["Tenancy"]],
        "attributes": json.dumps(more),
    }  # fmt: skip


def _is_plain(row: Row) -> bool:
    return (
        row.get("Pre Installed S/W") == "NA"
        and row.get("CapacityStatus") == "Used"
        and row.get("License Model") == "No License required"
        and row.get("MarketOption", "OnDemand") in {"OnDemand", ""}
        and row.get("Tenancy") in _TENANCIES
        and row.get("Operating System", "NA") != "NA"
    )


def _region(row: Row) -> str | None:
    return row.get("Region Code") or None


def _family(shape: str | None) -> str | None:
    return shape.removeprefix("db.").removeprefix("cache.").partition(".")[0] if shape else None


def _gib(text: str) -> str | None:
    number = text.replace(",", "").removesuffix("GiB").strip()
    return number if number.replace(".", "", 1).isdigit() else None


def _savings_plan(landing: Landing, uri: str) -> Iterator[Offer]:
    """Yield the rates of EC2 instances in a savings plan file; its products (a plan each) come before its terms."""
    plans: dict[str, Mapping[str, Any]] = {}
    with opened(uri) as raw:
        for path, entry in entries(raw, {("products",), ("terms", "savingsPlan")}):
            if path == ("products",):
                plans[entry["sku"]] = entry
            else:
                yield from _rates(landing, entry, plans.get(entry["sku"], {}))


def _rates(landing: Landing, term: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[Offer]:
    attributes: Mapping[str, Any] = plan.get("attributes", {})
    instrument = _PLANS.get(plan.get("productFamily", ""), _PLANS.get(str(attributes.get("productFamily", ""))))
    length: Mapping[str, Any] = term.get("leaseContractLength", {})
    months = int(length.get("duration", 0)) * (12 if length.get("unit") == "year" else 1)
    payment = _PAYMENTS.get(str(attributes.get("purchaseOption", "")))
    for rate in term.get("rates", ()):
        shape, region = _shape_of(rate, attributes)
        os = _OS_OF_OPERATION.get(rate.get("discountedOperation", ""))
        if not (shape and os and instrument and months and payment):
            continue
        yield offer(
            landing, provider="aws", service_code="AmazonEC2", region_id=region, resource_kind="instance", shape=shape,
            family=_family(shape), os=os, license="none", tenancy="shared", instrument=instrument, term_months=months,
            payment=payment, unit="hour", price=rate["discountedRate"]["price"],
            currency=rate["discountedRate"]["currency"], valid_from=term.get("effectiveDate"),
            attributes=json.dumps({"sku": rate.get("discountedSku"), "usage_type": rate.get("discountedUsageType")}),
        )  # fmt: skip


def _shape_of(rate: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return shape and region of a rate of shared EC2 hardware (``USE1-BoxUsage:m5.large``), else nothing."""
    usage, _, shape = str(rate.get("discountedUsageType", "")).partition(":")
    if rate.get("discountedServiceCode") != "AmazonEC2" or usage.rpartition("-")[2] != "BoxUsage":
        return None, None
    return shape or None, rate.get("discountedRegionCode") or attributes.get("regionCode")


CONNECTOR = AwsPrices()
