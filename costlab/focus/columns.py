"""The columns of ``focus.costs``: the superset of FOCUS 1.0 to 1.4, then costlab's own ``x_`` columns.

Source: FOCUS specification 1.0 to 1.3 and the FOCUS 1.4 data model (FinOps Foundation, CC BY 4.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """FOCUS data types."""

    TEXT = "text"
    DECIMAL = "decimal"
    INSTANT = "instant"
    JSON = "json"

    @property
    def duckdb(self) -> str:
        """The DuckDB type it is stored with; an instant is naive and means UTC, JSON is kept as text."""
        return {"decimal": "DECIMAL(38,12)", "instant": "TIMESTAMP"}.get(self.value, "VARCHAR")


@dataclass(frozen=True, slots=True)
class FocusColumn:
    """One column: its type, the version that brought it, and what the specification demands of it.

    ``level`` is M (mandatory), C (conditional) or R (recommended) in the version that has it last.
    """

    name: str
    kind: Kind
    since: str
    nullable: bool = True
    level: str = "C"
    allowed: tuple[str, ...] = ()
    until: str = "1.4"


FOCUS_COLUMNS: tuple[FocusColumn, ...] = (
    FocusColumn("AllocatedMethodDetails", Kind.JSON, "1.3", level="R"),
    FocusColumn("AllocatedMethodId", Kind.TEXT, "1.3"),
    FocusColumn("AllocatedResourceId", Kind.TEXT, "1.3"),
    FocusColumn("AllocatedResourceName", Kind.TEXT, "1.3"),
    FocusColumn("AllocatedTags", Kind.JSON, "1.3"),
    FocusColumn("AvailabilityZone", Kind.TEXT, "0.5", level="R"),
    FocusColumn("BilledCost", Kind.DECIMAL, "0.5", nullable=False, level="M"),
    FocusColumn("BillingAccountId", Kind.TEXT, "0.5", nullable=False, level="M"),
    FocusColumn("BillingAccountName", Kind.TEXT, "0.5", level="M"),
    FocusColumn("BillingAccountType", Kind.TEXT, "1.2", nullable=False),
    FocusColumn("BillingCurrency", Kind.TEXT, "0.5", nullable=False, level="M"),
    FocusColumn("BillingPeriodEnd", Kind.INSTANT, "0.5", nullable=False, level="M"),
    FocusColumn("BillingPeriodStart", Kind.INSTANT, "0.5", nullable=False, level="M"),
    FocusColumn("CapacityReservationId", Kind.TEXT, "1.1"),
    FocusColumn("CapacityReservationStatus", Kind.TEXT, "1.1", allowed=("Used", "Unused")),
    FocusColumn(
        "ChargeCategory",
        Kind.TEXT,
        "0.5",
        nullable=False,
        level="M",
        allowed=("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    ),
    FocusColumn("ChargeClass", Kind.TEXT, "1.0", level="M", allowed=("Correction",)),
    FocusColumn("ChargeDescription", Kind.TEXT, "1.0", level="M"),
    FocusColumn(
        "ChargeFrequency", Kind.TEXT, "1.0", nullable=False, level="R", allowed=("One-Time", "Recurring", "Usage-Based")
    ),
    FocusColumn("ChargePeriodEnd", Kind.INSTANT, "0.5", nullable=False, level="M"),
    FocusColumn("ChargePeriodStart", Kind.INSTANT, "0.5", nullable=False, level="M"),
    FocusColumn("CommitmentDiscountCategory", Kind.TEXT, "1.0", allowed=("Spend", "Usage")),
    FocusColumn("CommitmentDiscountId", Kind.TEXT, "1.0"),
    FocusColumn("CommitmentDiscountName", Kind.TEXT, "1.0"),
    FocusColumn("CommitmentDiscountQuantity", Kind.DECIMAL, "1.1"),
    FocusColumn("CommitmentDiscountStatus", Kind.TEXT, "1.0", allowed=("Used", "Unused")),
    FocusColumn("CommitmentDiscountType", Kind.TEXT, "1.0"),
    FocusColumn("CommitmentDiscountUnit", Kind.TEXT, "1.1"),
    FocusColumn("CommitmentProgramEligibilityDetails", Kind.JSON, "1.4"),
    FocusColumn("ConsumedQuantity", Kind.DECIMAL, "1.0"),
    FocusColumn("ConsumedUnit", Kind.TEXT, "1.0"),
    FocusColumn("ContractApplied", Kind.JSON, "1.3"),
    FocusColumn("ContractedCost", Kind.DECIMAL, "1.0", nullable=False, level="M"),
    FocusColumn("ContractedUnitPrice", Kind.DECIMAL, "1.0"),
    FocusColumn("EffectiveCost", Kind.DECIMAL, "0.5", nullable=False, level="M"),
    FocusColumn("HostProviderName", Kind.TEXT, "1.3", level="M"),
    FocusColumn("InvoiceDetailId", Kind.TEXT, "1.4"),
    FocusColumn("InvoiceId", Kind.TEXT, "1.2"),
    FocusColumn("InvoiceIssuerName", Kind.TEXT, "0.5", nullable=False, level="M"),
    FocusColumn("ListCost", Kind.DECIMAL, "1.0", nullable=False, level="M"),
    FocusColumn("ListUnitPrice", Kind.DECIMAL, "1.0"),
    FocusColumn("PricingCategory", Kind.TEXT, "1.0", allowed=("Standard", "Dynamic", "Committed", "Other")),
    FocusColumn("PricingCurrency", Kind.TEXT, "1.2", nullable=False),
    FocusColumn("PricingCurrencyContractedUnitPrice", Kind.DECIMAL, "1.2"),
    FocusColumn("PricingCurrencyEffectiveCost", Kind.DECIMAL, "1.2", nullable=False),
    FocusColumn("PricingCurrencyListUnitPrice", Kind.DECIMAL, "1.2"),
    FocusColumn("PricingQuantity", Kind.DECIMAL, "1.0", level="M"),
    FocusColumn("PricingUnit", Kind.TEXT, "1.0", level="M"),
    FocusColumn("ProviderName", Kind.TEXT, "0.5", nullable=False, level="M", until="1.3"),
    FocusColumn("PublisherName", Kind.TEXT, "0.5", nullable=False, level="M", until="1.3"),
    FocusColumn("RegionId", Kind.TEXT, "1.0"),
    FocusColumn("RegionName", Kind.TEXT, "1.0"),
    FocusColumn("ResourceId", Kind.TEXT, "0.5"),
    FocusColumn("ResourceName", Kind.TEXT, "0.5"),
    FocusColumn("ResourceType", Kind.TEXT, "1.0"),
    FocusColumn("ServiceCategory", Kind.TEXT, "0.5", nullable=False, level="M"),
    FocusColumn("ServiceName", Kind.TEXT, "0.5", nullable=False, level="M"),
    FocusColumn("ServiceProviderName", Kind.TEXT, "1.3", nullable=False, level="M"),
    FocusColumn("ServiceSubcategory", Kind.TEXT, "1.1", nullable=False, level="R"),
    FocusColumn("SkuId", Kind.TEXT, "1.0"),
    FocusColumn("SkuMeter", Kind.TEXT, "1.1"),
    FocusColumn("SkuPriceDetails", Kind.JSON, "1.1"),
    FocusColumn("SkuPriceId", Kind.TEXT, "1.0"),
    FocusColumn("SubAccountId", Kind.TEXT, "0.5"),
    FocusColumn("SubAccountName", Kind.TEXT, "0.5"),
    FocusColumn("SubAccountType", Kind.TEXT, "1.2"),
    FocusColumn("Tags", Kind.JSON, "1.0"),
)

X_COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("x_source", Kind.TEXT),  # the source's name in costlab.toml
    ("x_snapshot_id", Kind.TEXT),  # the delivery the row came with
    ("x_data_status", Kind.TEXT),  # estimated | final (the vendor has issued the invoice)
    ("x_line_item_type", Kind.TEXT),  # the vendor's own charge type, unchanged
    ("x_service_code", Kind.TEXT),  # the vendor's service code (AmazonEC2)
    ("x_usage_type", Kind.TEXT),  # the vendor's usage type (USE1-BoxUsage:m5.large)
    ("x_operation", Kind.TEXT),  # the vendor's operation (RunInstances)
    ("x_instance_type", Kind.TEXT),  # m5.large
    ("x_family", Kind.TEXT),  # m5
    ("x_amortized_upfront", Kind.DECIMAL),  # the part of EffectiveCost that was paid upfront
    ("x_split_parent_resource_id", Kind.TEXT),  # split cost allocation: the instance that is split
    ("x_split_cost", Kind.DECIMAL),  # allocated to this row; not part of any total
    ("x_split_unused_cost", Kind.DECIMAL),
    ("x_extra", Kind.JSON),  # columns the connector does not know, as a JSON object
)

COLUMN_TYPES: dict[str, str] = {c.name: c.kind.duckdb for c in FOCUS_COLUMNS} | {n: k.duckdb for n, k in X_COLUMNS}
"""Every column of ``focus.costs`` with its DuckDB type, in order."""

COSTS: tuple[str, ...] = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
VERSIONS: tuple[str, ...] = ("1.0", "1.2", "1.3", "1.4")
"""Versions that can be exported."""


def columns_of(version: str) -> list[FocusColumn]:
    """Return the columns of a FOCUS version, alphabetically as the specification lists them."""

    def number(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split("."))

    wanted = number(version)
    return [c for c in FOCUS_COLUMNS if number(c.since) <= wanted <= number(c.until)]
