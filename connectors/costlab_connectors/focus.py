"""FOCUS 1.0 to 1.4 files of any provider: CSV, Parquet or JSON lines, gzipped or not.

Source: FOCUS specification 1.0 to 1.3 and the FOCUS 1.4 data model (FinOps Foundation, CC BY 4.0), read 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from costlab.interfaces.connector import Column, Dataset, FileFormat, Snapshot, SourceFile
from costlab_connectors._aws_manifests import find_deliveries, has_manifest
from costlab_connectors._azure_manifests import Kind, newest_runs
from costlab_connectors._bigquery import OPTIONS
from costlab_connectors._bigquery_exports import Export, pull
from costlab_connectors._file_sets import find_files, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costlab.interfaces.connector import Landing, Transport
    from costlab.period import Month
    from costlab_connectors._aws_manifests import Delivery
    from costlab_connectors._azure_manifests import Run

MONEY = "DECIMAL(38,12)"
INSTANT = "TIMESTAMP"
TEXT = "VARCHAR"
OBJECT = "JSON"
NULLS = ("", "NULL", "Null", "null", "\\N")

_REQUIRED = """
    BilledCost BillingCurrency BillingPeriodStart ChargeCategory ChargePeriodEnd ChargePeriodStart EffectiveCost
"""
_INSTANTS = "BillingPeriodEnd BillingPeriodStart ChargePeriodEnd ChargePeriodStart"
_AMOUNTS = """
    BilledCost CommitmentDiscountQuantity ConsumedQuantity ContractedCost ContractedUnitPrice EffectiveCost ListCost
    ListUnitPrice PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice
    PricingQuantity
"""
_TEXTS = """
    AllocatedMethodId AllocatedResourceId AllocatedResourceName AvailabilityZone BillingAccountId BillingAccountName
    BillingAccountType BillingCurrency CapacityReservationId CapacityReservationStatus ChargeCategory ChargeClass
    ChargeDescription ChargeFrequency CommitmentDiscountCategory CommitmentDiscountId CommitmentDiscountName
    CommitmentDiscountStatus CommitmentDiscountType CommitmentDiscountUnit ConsumedUnit HostProviderName
    InvoiceDetailId InvoiceId InvoiceIssuerName PricingCategory PricingCurrency PricingUnit ProviderName PublisherName
    RegionId RegionName ResourceId ResourceName ResourceType ServiceCategory ServiceName ServiceProviderName
    ServiceSubcategory SkuId SkuMeter SkuPriceId SubAccountId SubAccountName SubAccountType
"""
_OBJECTS = """
    AllocatedMethodDetails AllocatedTags CommitmentProgramEligibilityDetails ContractApplied SkuPriceDetails Tags
"""
_OWN = {  # costlab's columns, by the spellings of AWS's and Microsoft's exports
    "x_data_status": (),
    "x_line_item_type": ("x_LineItemType",),
    "x_service_code": ("x_ServiceCode", "x_SkuMeterCategory", "x_ServiceId"),
    "x_usage_type": ("x_UsageType", "x_SkuMeterName"),
    "x_operation": ("x_Operation", "x_SkuMeterSubcategory"),
    "x_instance_type": ("x_InstanceType",),
    "x_family": ("x_Family", "x_InstanceFamily"),
}
_PAIRS = "RECORDS(Key, Value)"
_GOOGLE = (
    Column("x_cost_type", TEXT, ("x_CostType",)),
    Column("x_export_time", INSTANT, ("x_ExportTime",)),
    Column("x_credits", OBJECT),
    Column("x_labels", _PAIRS),
    Column("x_tags", _PAIRS),
    Column("x_project_labels", _PAIRS, ("x_ProjectLabels",)),
    Column("x_system_labels", _PAIRS, ("x_SystemLabels",)),
)
"""What Google's native export adds and the model reads; 55 columns in all, of FOCUS 1.2 those it can fill."""
_ORACLE = (
    Column("x_oci_reference", TEXT, ("oci_ReferenceNumber",)),
    Column("x_oci_corrected", TEXT, ("oci_BackReferenceNumber",)),
    Column("x_oci_compartment_id", TEXT, ("oci_CompartmentId",)),
    Column("x_oci_compartment_name", TEXT, ("oci_CompartmentName",)),
)
"""What Oracle's reports add and the model reads."""
_OLDER = {
    "ConsumedQuantity": ("UsageQuantity",),
    "ConsumedUnit": ("UsageUnit",),
    "InvoiceIssuerName": ("InvoiceIssuer",),
    "ProviderName": ("Provider",),
    "PublisherName": ("Publisher",),
    "RegionId": ("Region",),
}
"""Names before FOCUS 1.0; Oracle's reports have them still."""
IGNORED = (
    "id",  # a row number in the public 1.0 sample
    "x_CurrencyConversionRate",
    "x_Location",
    "x_Project",
    "x_Project?Id*",
    "x_Project?N*",
    "x_Project?Ancest*",
    "x_SubscriptionInstanceId",
    "x_Price*",
    "x_CostAt*",
    "x_ConsumptionModel*",
    "ChargeSubcategory",
    "oci_Overage*",
    "oci_UnitPriceOverage",
    "oci_BilledQuantityOverage",
    "oci_CostOverage",
    "oci_Attributed*",
)
"""Columns outside the specification that are understood and left aside."""


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _columns() -> Iterator[Column]:
    required = _REQUIRED.split()
    for kind, names in ((INSTANT, _INSTANTS), (MONEY, _AMOUNTS), (TEXT, _TEXTS), (OBJECT, _OBJECTS)):
        for name in names.split():
            yield Column(name, kind, (_snake(name), *_OLDER.get(name, ())), required=name in required)
    for name, spellings in _OWN.items():
        yield Column(name, TEXT, spellings)
    yield Column("x_amortized_upfront", MONEY)
    yield Column("x_sku_details", OBJECT, ("x_SkuDetails",))
    yield from _GOOGLE
    yield from _ORACLE


COLUMNS = tuple(_columns())


def _is_focus(columns: frozenset[str]) -> bool:
    return not columns or "billedcost" in columns  # else it is a Cost and Usage Report


def _of_aws(delivery: Delivery, source: str) -> Snapshot:
    files = tuple(SourceFile(stored) for stored in delivery.files)
    return _snapshot(
        source,
        files,
        delivery.format,
        period=delivery.period,
        snapshot_id=delivery.snapshot_id,
        order=delivery.order,
        warnings=delivery.warnings,
        fault=delivery.fault,
        hint=delivery.hint,
    )


def _of_microsoft(run: Run, source: str) -> Snapshot:
    return _snapshot(
        source,
        run.files,
        run.format,
        period=run.period,
        snapshot_id=run.run_id,
        order=run.submitted,
        rows=run.rows,
        fault=run.fault,
        hint=run.hint,
    )


_EMPTY = Snapshot(
    source="",
    connector="focus",
    dataset=Dataset.FOCUS,
    period=None,
    snapshot_id="",
    order="",
    files=(),
    format=FileFormat.CSV,
    staging="focus",
    columns=COLUMNS,
    nulls=NULLS,
    ignore=IGNORED,
)


GOOGLE_TABLE = Export(
    prefixes=("gcp_billing_export_focus_",),
    month="FORMAT_DATE('%Y%m', DATE(`BillingPeriodStart`))",
    order="x_ExportTime",
    snapshot=replace(_EMPTY, format=FileFormat.JSONL),
)


def _snapshot(source: str, files: tuple[SourceFile, ...], form: FileFormat, **given: Any) -> Snapshot:
    return replace(_EMPTY, source=source, files=files, format=form, **given)


class Focus:
    """The connector ``focus``: exports of AWS and Microsoft by period, other files as they are."""

    name: ClassVar[str] = "focus"
    dataset: ClassVar[Dataset] = Dataset.FOCUS
    schemes: ClassVar[tuple[str, ...]] = ("bigquery",)
    options: ClassVar[Mapping[str, str]] = OPTIONS

    def snapshots(
        self, transport: Transport, uri: str, *, source: str, period: Month | None = None
    ) -> Iterator[Snapshot]:
        """Yield the newest delivery of each period of an AWS or Microsoft export, read through its manifest.

        Files without one are one snapshot, whose billing periods are found in the rows.

        Raises
        ------
        SourceError
            If there are no data files, files of several formats, or a manifest is broken.
        """
        if has_manifest(transport, uri):
            for delivery in find_deliveries(transport, uri, wanted=_is_focus, period=period):
                yield _of_aws(delivery, source)
            return
        runs = newest_runs(transport, uri, kinds=(Kind.FOCUS,))
        for run in runs or ():
            if (run.files or run.fault) and (run.period is None or period in (None, run.period)):
                yield _of_microsoft(run, source)
        if runs is None:
            found = find_files(transport, uri, formats=FileFormat)
            files = tuple(numbered(file) for file in found.files)
            yield _snapshot(source, files, found.format, snapshot_id=found.snapshot_id)

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterator[Snapshot]:
        """Yield the months of Google's FOCUS export in BigQuery that changed, ``bigquery://PROJECT/DATASET/TABLE``.

        Raises
        ------
        UsageError, ConfigError, SourceError
            See :func:`costlab_connectors._bigquery_exports.pull`.
        """
        return pull(landing, uri, (GOOGLE_TABLE,), source=source, period=period)


CONNECTOR = Focus()
