"""AWS Cost and Usage Report: CUR 2.0 (Data Exports) and the legacy report, as CSV, CSV.gz or Parquet.

Data files are those the export's manifest names, never those that happen to lie there. Layouts (AWS Data Exports User
Guide, "Understanding export delivery", and Cost and Usage Reports User Guide, "Organization of reports", read 2026-11):

- CUR 2.0: ``<export>/metadata/BILLING_PERIOD=YYYY-MM/[<execution>/]<export>-Manifest.json``; in create-new mode every
  execution has a subfolder and the newest counts.
- legacy: ``<report>/YYYYMMDD-YYYYMMDD/<report>-Manifest.json``; copies lie in the assemblies' folders, the one in the
  period's folder is live.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from costlab.errors import SourceError
from costlab.interfaces.connector import Column, Dataset, FileFormat, Gather, Snapshot, SourceFile, StoredObject
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from costlab.interfaces.connector import Transport

_DECIMAL = "DECIMAL(38,12)"
_TIMESTAMP = "TIMESTAMP"
_MANIFEST = re.compile(r"-Manifest\.json$")
_EXPORT_PERIOD = re.compile(r"/metadata/BILLING_PERIOD=(\d{4}-\d{2})/(?:([^/]+)/)?[^/]+$")
_LEGACY_PERIOD = re.compile(r"/(\d{4})(\d{2})01-\d{8}/(?:([^/]+)/)?[^/]+$")
_DATA = re.compile(r"\.(parquet|csv|csv\.gz)$", re.IGNORECASE)
_STALE_HINT = "Wait until AWS has delivered the export completely, or copy it again"


def _text(name: str, legacy: str, *more: str, required: bool = False) -> Column:
    return Column(name, "VARCHAR", (legacy, *more), required=required)


def _amount(name: str, legacy: str, *, required: bool = False) -> Column:
    return Column(name, _DECIMAL, (legacy,), required=required)


def _instant(name: str, legacy: str, *, required: bool = False) -> Column:
    return Column(name, _TIMESTAMP, (legacy,), required=required)


COLUMNS = (
    _text("bill_billing_entity", "bill/BillingEntity"),
    _instant("bill_billing_period_start_date", "bill/BillingPeriodStartDate", required=True),
    _instant("bill_billing_period_end_date", "bill/BillingPeriodEndDate", required=True),
    _text("bill_invoice_id", "bill/InvoiceId"),
    _text("bill_payer_account_id", "bill/PayerAccountId", required=True),
    _text("bill_payer_account_name", "bill/PayerAccountName"),
    _text("line_item_availability_zone", "lineItem/AvailabilityZone"),
    _text("line_item_currency_code", "lineItem/CurrencyCode", required=True),
    _text("line_item_legal_entity", "lineItem/LegalEntity"),
    _text("line_item_line_item_description", "lineItem/LineItemDescription"),
    _text("line_item_line_item_type", "lineItem/LineItemType", required=True),
    _amount("line_item_net_unblended_cost", "lineItem/NetUnblendedCost"),
    _amount("line_item_normalized_usage_amount", "lineItem/NormalizedUsageAmount"),
    _text("line_item_operation", "lineItem/Operation"),
    _text("line_item_product_code", "lineItem/ProductCode", required=True),
    _text("line_item_resource_id", "lineItem/ResourceId"),
    _amount("line_item_unblended_cost", "lineItem/UnblendedCost", required=True),
    _text("line_item_usage_account_id", "lineItem/UsageAccountId", required=True),
    _text("line_item_usage_account_name", "lineItem/UsageAccountName"),
    _amount("line_item_usage_amount", "lineItem/UsageAmount"),
    _instant("line_item_usage_start_date", "lineItem/UsageStartDate", required=True),
    _instant("line_item_usage_end_date", "lineItem/UsageEndDate", required=True),
    _text("line_item_usage_type", "lineItem/UsageType"),
    _amount("pricing_public_on_demand_cost", "pricing/publicOnDemandCost"),
    _amount("pricing_public_on_demand_rate", "pricing/publicOnDemandRate"),
    _text("pricing_rate_code", "pricing/RateCode"),
    _text("pricing_unit", "pricing/unit"),
    _text("product_instance_type", "product/instanceType", "product[instance_type]"),
    _text("product_product_family", "product/productFamily", "product[product_family]"),
    _text("product_product_name", "product/ProductName", "product[product_name]"),
    _text("product_region_code", "product/regionCode", "product_region", "product/region", "product[region]"),
    _text("product_sku", "product/sku"),
    _amount("reservation_amortized_upfront_cost_for_usage", "reservation/AmortizedUpfrontCostForUsage"),
    _amount("reservation_effective_cost", "reservation/EffectiveCost"),
    _amount("reservation_net_effective_cost", "reservation/NetEffectiveCost"),
    _amount(
        "reservation_net_unused_amortized_upfront_fee_for_billing_period",
        "reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod",
    ),
    _amount("reservation_net_unused_recurring_fee", "reservation/NetUnusedRecurringFee"),
    _text("reservation_reservation_a_r_n", "reservation/ReservationARN"),
    _amount(
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
    ),
    _amount("reservation_unused_normalized_unit_quantity", "reservation/UnusedNormalizedUnitQuantity"),
    _amount("reservation_unused_recurring_fee", "reservation/UnusedRecurringFee"),
    Column("resource_tags", "JSON"),
    _amount(
        "savings_plan_amortized_upfront_commitment_for_billing_period",
        "savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod",
    ),
    _amount(
        "savings_plan_net_amortized_upfront_commitment_for_billing_period",
        "savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod",
    ),
    _amount(
        "savings_plan_net_recurring_commitment_for_billing_period",
        "savingsPlan/NetRecurringCommitmentForBillingPeriod",
    ),
    _amount("savings_plan_net_savings_plan_effective_cost", "savingsPlan/NetSavingsPlanEffectiveCost"),
    _text("savings_plan_offering_type", "savingsPlan/OfferingType"),
    _text("savings_plan_savings_plan_a_r_n", "savingsPlan/SavingsPlanARN"),
    _amount("savings_plan_savings_plan_effective_cost", "savingsPlan/SavingsPlanEffectiveCost"),
    _amount("savings_plan_total_commitment_to_date", "savingsPlan/TotalCommitmentToDate"),
    _amount("savings_plan_used_commitment", "savingsPlan/UsedCommitment"),
    _text("split_line_item_parent_resource_id", "splitLineItem/ParentResourceId"),
    _amount("split_line_item_split_cost", "splitLineItem/SplitCost"),
    _amount("split_line_item_net_split_cost", "splitLineItem/NetSplitCost"),
    _amount("split_line_item_unused_cost", "splitLineItem/UnusedCost"),
    _amount("split_line_item_net_unused_cost", "splitLineItem/NetUnusedCost"),
)
GATHER = (
    Gather("resource_tags", "resourceTags/user:"),
    Gather("resource_tags", "resourceTags/aws:", "aws:"),
    Gather("resource_tags", "resource_tags_user_"),
    Gather("resource_tags", "resource_tags_aws_", "aws:"),
)
IGNORE = (
    *("identity*", "product*", "cost_category*", "costCategory*", "discount*", "capacity_reservation*"),
    *(
        "bill_*",
        "bill/*",
        "pricing_*",
        "pricing/*",
        "reservation_*",
        "reservation/*",
        "savings_plan_*",
        "savingsPlan/*",
    ),
    *("split_line_item_*", "splitLineItem/*", "line_item_*blended*", "lineItem/*lended*", "line_item_tax_type"),
    *("lineItem/TaxType", "line_item_normalization_factor", "lineItem/NormalizationFactor", "line_item_iam_principal"),
    *("line_item_user_identifier", "BILLING_PERIOD", "year", "month", "resource_tags*"),
)
"""Columns of the report that are understood and left aside; any other is kept in ``x_extra`` and reported."""


@dataclass(frozen=True, slots=True)
class _Manifest:
    stored: StoredObject
    period: Month
    execution: str
    """The execution's or assembly's subfolder; "" for the manifest in the period's own folder."""
    legacy: bool

    @property
    def rank(self) -> tuple[bool, str]:
        """Order of the manifests of a period: legacy takes the period's own, exports the newest execution."""
        return (self.execution == "") == self.legacy, self.execution


class AwsCur:
    """Reads AWS Cost and Usage Reports; one snapshot per billing period."""

    name: ClassVar[str] = "aws-cur"
    dataset: ClassVar[Dataset] = Dataset.FOCUS

    def snapshots(
        self, transport: Transport, uri: str, *, source: str, period: Month | None = None
    ) -> Iterable[Snapshot]:
        """Yield the newest snapshot of each billing period below ``uri``, oldest period first."""
        found = transport.list(uri)
        manifests = [m for stored in found if _MANIFEST.search(stored.uri) if (m := _manifest(stored))]
        if not manifests:
            yield _bare(found, uri, source)
            return
        newest: dict[Month, _Manifest] = {}
        for manifest in sorted(manifests, key=lambda m: m.rank):
            newest[manifest.period] = manifest
        for month, manifest in sorted(newest.items()):
            if period in (None, month):
                yield _from_manifest(transport, uri, source, manifest)


def _manifest(stored: StoredObject) -> _Manifest | None:
    path = stored.uri.replace("\\", "/")
    if match := _EXPORT_PERIOD.search(path):
        return _Manifest(stored, Month.parse(match[1]), match[2] or "", legacy=False)
    if match := _LEGACY_PERIOD.search(path):
        return _Manifest(stored, Month.parse(f"{match[1]}-{match[2]}"), match[3] or "", legacy=True)
    return None


def _from_manifest(transport: Transport, uri: str, source: str, manifest: _Manifest) -> Snapshot:
    content = _read(transport, manifest.stored)
    keys = _keys(content, manifest.stored.uri)
    base = uri if transport.stat(uri) is None else _root_of(manifest)
    files = tuple(SourceFile(_resolved(transport, base, key, manifest)) for key in keys)
    identity = content.get("assemblyId") or content.get("executionId") or manifest.execution
    fingerprint = _fingerprint(f.stored for f in files)
    return Snapshot(
        source=source,
        connector=AwsCur.name,
        dataset=AwsCur.dataset,
        period=manifest.period,
        snapshot_id=str(identity or fingerprint),
        order=_order(content, manifest),
        files=files,
        format=_format([f.stored.uri for f in files], manifest.stored.uri),
        staging="aws_cur",
        columns=COLUMNS,
        gather=GATHER,
        ignore=IGNORE,
    )


def _root_of(manifest: _Manifest) -> str:
    """Return the folder above the period, when the manifest itself was given."""
    parts = manifest.stored.uri.rsplit("/", 5)
    up = 3 + bool(manifest.execution) if not manifest.legacy else 2 + bool(manifest.execution)
    return "/".join(parts[: max(1, len(parts) - up)])


def _read(transport: Transport, stored: StoredObject) -> dict[str, Any]:
    with transport.open(stored.uri) as stream:
        raw = stream.read()
    try:
        content = json.loads(raw)
        if not isinstance(content, dict):
            raise TypeError
    except (ValueError, TypeError):
        raise SourceError(f"{stored.uri} is not a JSON manifest", hint=_STALE_HINT) from None
    return content


def _keys(content: dict[str, Any], where: str) -> list[str]:
    """Return the data files a manifest names (``reportKeys`` legacy, ``dataFiles`` Data Exports)."""
    for field in ("reportKeys", "dataFiles"):
        value = content.get(field)
        if isinstance(value, list) and value and all(isinstance(key, str) for key in value):
            return value
    raise SourceError(f"{where} names no data files", hint=_STALE_HINT)


def _resolved(transport: Transport, base: str, key: str, manifest: _Manifest) -> StoredObject:
    found = transport.resolve(base, key)
    if found is None:
        raise SourceError(f"{manifest.stored.uri} names {key!r}, which is not below {base}", hint=_STALE_HINT)
    return found


def _order(content: dict[str, Any], manifest: _Manifest) -> str:
    """Return when AWS made the delivery, where it says so."""
    for field in ("executionTime", "lastUpdated", "createdAt", "submittedTime"):
        if isinstance(content.get(field), str):
            return str(content[field])
    return "" if manifest.legacy else manifest.execution


def _format(uris: list[str], where: str) -> FileFormat:
    kinds = {FileFormat.PARQUET if uri.lower().endswith(".parquet") else FileFormat.CSV for uri in uris}
    if len(kinds) > 1:
        raise SourceError(f"{where} mixes Parquet and CSV files", hint=_STALE_HINT)
    return kinds.pop()


def _bare(found: list[StoredObject], uri: str, source: str) -> Snapshot:
    """Return a snapshot of data files that come without a manifest."""
    data = [stored for stored in found if _DATA.search(stored.uri)]
    if not data:
        raise SourceError(
            f"{uri}: no Cost and Usage Report here", hint="Give the folder that holds the export's metadata and data"
        )
    return Snapshot(
        source=source,
        connector=AwsCur.name,
        dataset=AwsCur.dataset,
        period=None,
        snapshot_id=_fingerprint(data),
        order="",
        files=tuple(SourceFile(stored) for stored in data),
        format=_format([stored.uri for stored in data], uri),
        staging="aws_cur",
        columns=COLUMNS,
        gather=GATHER,
        ignore=IGNORE,
        warnings=(f"{uri} has no manifest: every data file there was read, also stale ones",),
    )


def _fingerprint(files: Iterable[StoredObject]) -> str:
    return hashlib.sha256("\n".join(_identity(files)).encode()).hexdigest()[:32]


def _identity(files: Iterable[StoredObject]) -> Iterator[str]:
    for stored in sorted(files, key=lambda f: f.uri):
        yield f"{stored.uri.rsplit('/', 1)[-1]} {stored.version}"


CONNECTOR = AwsCur()
