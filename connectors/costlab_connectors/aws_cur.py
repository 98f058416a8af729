"""AWS Cost and Usage Report: CUR 2.0 (Data Exports) and the legacy report, as CSV, CSV.gz or Parquet.

Data files are those the export's manifest names, never those that happen to lie there. Layouts (AWS Data Exports User
Guide, "Understanding export delivery", and Cost and Usage Reports User Guide, "Organization of reports", read 2026-11):

- CUR 2.0: ``<export>/metadata/BILLING_PERIOD=YYYY-MM/[<execution>/]<export>-Manifest.json``; in create-new mode every
  execution has a subfolder and the newest counts.
- legacy: ``<report>/YYYYMMDD-YYYYMMDD/<report>-Manifest.json``; copies lie in the assemblies' folders, the one in the
  period's folder is live.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from costlab.interfaces.connector import Column, Dataset, Gather, Snapshot, SourceFile
from costlab_connectors._aws_manifests import Delivery, find_deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.interfaces.connector import Transport
    from costlab.period import Month

_DECIMAL = "DECIMAL(38,12)"
_TIMESTAMP = "TIMESTAMP"


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
    _text("capacity_reservation_capacity_reservation_arn", "capacityReservation/CapacityReservationArn"),
    _text("capacity_reservation_capacity_reservation_status", "capacityReservation/CapacityReservationStatus"),
    Column("has_net_costs", "PRESENCE", ("line_item_net_unblended_cost", "lineItem/NetUnblendedCost")),
    _text("line_item_availability_zone", "lineItem/AvailabilityZone"),
    _text("line_item_currency_code", "lineItem/CurrencyCode", required=True),
    _text("line_item_legal_entity", "lineItem/LegalEntity"),
    _text("line_item_line_item_description", "lineItem/LineItemDescription"),
    _text("line_item_line_item_type", "lineItem/LineItemType", required=True),
    _amount("line_item_net_unblended_cost", "lineItem/NetUnblendedCost"),
    _amount("line_item_net_unblended_rate", "lineItem/NetUnblendedRate"),
    _amount("line_item_normalized_usage_amount", "lineItem/NormalizedUsageAmount"),
    _text("line_item_operation", "lineItem/Operation"),
    _text("line_item_product_code", "lineItem/ProductCode", required=True),
    _text("line_item_resource_id", "lineItem/ResourceId"),
    _amount("line_item_unblended_cost", "lineItem/UnblendedCost", required=True),
    _amount("line_item_unblended_rate", "lineItem/UnblendedRate"),
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
    _amount("reservation_net_amortized_upfront_cost_for_usage", "reservation/NetAmortizedUpfrontCostForUsage"),
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
    _amount("reservation_unused_quantity", "reservation/UnusedQuantity"),
    _amount("reservation_unused_recurring_fee", "reservation/UnusedRecurringFee"),
    Column("resource_tags", "OBJECT"),
    Column("tag_columns", "OBJECT"),
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
    Gather("tag_columns", "resourceTags/user:"),
    Gather("tag_columns", "resourceTags/aws:", "aws:"),
    Gather("tag_columns", "resource_tags_user_"),
    Gather("tag_columns", "resource_tags_aws_", "aws:"),
)
IGNORE = (
    *(
        "identity*",
        "product*",
        "cost_category*",
        "costCategory*",
        "discount*",
        "capacity_reservation*",
        "capacityReservation/*",
    ),
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


class AwsCur:
    """Reads AWS Cost and Usage Reports; one snapshot per billing period, from the manifest that is live for it."""

    name: ClassVar[str] = "aws-cur"
    dataset: ClassVar[Dataset] = Dataset.FOCUS

    def snapshots(
        self, transport: Transport, uri: str, *, source: str, period: Month | None = None
    ) -> Iterator[Snapshot]:
        """Yield the newest snapshot of each billing period below ``uri``, oldest period first.

        ``uri`` is a bucket's root, an export's folder, a billing period's folder, a manifest, or data files
        themselves (then with a warning, and the last ones ingested win).

        Raises
        ------
        SourceError
            If there is no report, or more than one.
        """
        for delivery in find_deliveries(transport, uri, wanted=_is_cur, period=period):
            yield _snapshot(delivery, source)


def _is_cur(columns: frozenset[str]) -> bool:
    return "billedcost" not in columns  # that is AWS's FOCUS export, for the connector "focus"


def _snapshot(delivery: Delivery, source: str) -> Snapshot:
    return Snapshot(
        source=source,
        connector=AwsCur.name,
        dataset=AwsCur.dataset,
        period=delivery.period,
        snapshot_id=delivery.snapshot_id,
        order=delivery.order,
        files=tuple(SourceFile(stored) for stored in delivery.files),
        format=delivery.format,
        staging="aws_cur",
        columns=COLUMNS,
        nulls=("", "NULL"),
        gather=GATHER,
        ignore=IGNORE,
        warnings=delivery.warnings,
        fault=delivery.fault,
        hint=delivery.hint,
    )


CONNECTOR = AwsCur()
