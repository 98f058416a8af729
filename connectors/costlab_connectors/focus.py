"""FOCUS 1.0 to 1.4 files of any provider: CSV, Parquet or JSON lines, gzipped or not.

Source: FOCUS specification 1.0 to 1.3 and the FOCUS 1.4 data model (FinOps Foundation, CC BY 4.0), read 2026-11.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from costlab.interfaces.connector import Column, Dataset, FileFormat, Snapshot, SourceFile
from costlab_connectors._aws_manifests import Delivery, find_deliveries, has_manifest
from costlab_connectors._file_sets import find_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.interfaces.connector import Transport
    from costlab.period import Month

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
    "x_service_code": ("x_ServiceCode", "x_SkuMeterCategory"),
    "x_usage_type": ("x_UsageType", "x_SkuMeterName"),
    "x_operation": ("x_Operation", "x_SkuMeterSubcategory"),
    "x_instance_type": ("x_InstanceType",),
    "x_family": ("x_Family", "x_InstanceFamily"),
}
IGNORED = ("id",)
"""Columns outside the specification that carry nothing: a row number in the public 1.0 sample."""


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _columns() -> Iterator[Column]:
    required = _REQUIRED.split()
    for kind, names in ((INSTANT, _INSTANTS), (MONEY, _AMOUNTS), (TEXT, _TEXTS), (OBJECT, _OBJECTS)):
        for name in names.split():
            yield Column(name, kind, (_snake(name),), required=name in required)
    for name, spellings in _OWN.items():
        yield Column(name, TEXT, spellings)
    yield Column("x_amortized_upfront", MONEY)
    yield Column("x_sku_details", OBJECT, ("x_SkuDetails",))


COLUMNS = tuple(_columns())


class Focus:
    """The connector ``focus``: the files given are one snapshot of every billing period in them."""

    name: ClassVar[str] = "focus"
    dataset: ClassVar[Dataset] = Dataset.FOCUS

    def snapshots(
        self, transport: Transport, uri: str, *, source: str, period: Month | None = None
    ) -> Iterator[Snapshot]:
        """Yield the deliveries of an AWS Data Export by period, or one snapshot of the files at ``uri``.

        Of files without a manifest the billing periods are found in the rows.

        Raises
        ------
        SourceError
            If there are no data files, files of several formats, or a manifest is broken.
        """
        if not has_manifest(transport, uri):
            found = find_files(transport, uri, formats=FileFormat)
            delivery = Delivery(None, found.snapshot_id, "", tuple(file.stored for file in found.files))
            yield _snapshot(delivery, source, found.format)
            return
        for delivery in find_deliveries(transport, uri, wanted=_is_focus, period=period):
            yield _snapshot(delivery, source, delivery.format)


def _is_focus(columns: frozenset[str]) -> bool:
    return not columns or "billedcost" in columns  # else it is a Cost and Usage Report


def _snapshot(delivery: Delivery, source: str, form: FileFormat) -> Snapshot:
    return Snapshot(
        source=source,
        connector=Focus.name,
        dataset=Focus.dataset,
        period=delivery.period,
        snapshot_id=delivery.snapshot_id,
        order=delivery.order,
        files=tuple(SourceFile(stored) for stored in delivery.files),
        format=form,
        staging="focus",
        columns=COLUMNS,
        nulls=NULLS,
        ignore=IGNORED,
        warnings=delivery.warnings,
        fault=delivery.fault,
        hint=delivery.hint,
    )


CONNECTOR = Focus()
