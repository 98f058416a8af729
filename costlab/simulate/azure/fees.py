"""The items that purchases, refunds, credits and rounding are billed under."""

# ruff: noqa: E501 - tables of data read best with one entry on a line

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.simulate.azure import prices
from costlab.simulate.azure.estate import Item

if TYPE_CHECKING:
    from costlab.simulate.azure.commitments import Commitment


def fee_item(commitment: Commitment) -> Item:
    """Return the item a commitment is paid under, and what is left of it unused."""
    term = f"{commitment.years} Year" + ("s" if commitment.years > 1 else "")
    if commitment.item is None:
        return Item("Savings Plan", "Azure Savings Plan for Compute", "Compute Savings Plan", "", "1 Hour", 0, "", "Compute",
                    description=f"Compute Savings Plan, {term}", consumed="Microsoft.BillingBenefits", category="Compute",
                    subcategory="Other (Compute)")  # fmt: skip
    of = commitment.item
    kind = "Reserved VM Instance" if of.code == "Virtual Machines" else "SQL Database Reserved Capacity"
    place = prices.METER_REGIONS[of.region]
    return Item(of.code, "Azure Reservations", of.usage_type, of.operation, "1 Hour", 0, of.region, of.product_family,
                of.instance_type, f"{kind}, {of.instance_type}, {place}, {term}", consumed="Microsoft.Capacity",
                category="Management and Governance", subcategory="Cost Management", group=of.group,
                ratio=of.ratio)  # fmt: skip


def extra_items() -> dict[str, Item]:
    """Return the items of charges that are no usage, by a short name."""
    return {
        "support": Item("Support", "Support", "Standard Support Plan", "", "1", 0, "", "Azure Support",
                        description="Azure Standard Support", consumed="Microsoft.Support"),
        "market": Item("SaaS", "Azure Marketplace", "Lamplight Observe", "", "1", 0, "", "SaaS",
                       description="Lamplight Observe, monthly", seller="Lamplight Ltd", consumed="Microsoft.SaaS"),
        "credit": Item("", "Microsoft", "", "", "", 0, "", "", description="Azure credit", consumed=""),
        "rounding": Item("", "Azure", "", "", "", 0, "", "", description="", consumed=""),
        "refund": Item("Storage", "Storage Accounts", "Hot LRS Data Stored", "Tiered Block Blob", "1 GB/Month", 0,
                       "westeurope", "Storage", description="Goodwill for an outage of storage",
                       consumed="Microsoft.Storage", category="Storage", subcategory="Storage Platforms"),
    }  # fmt: skip
