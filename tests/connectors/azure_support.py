"""Cost Management exports as Azure writes them, in miniature."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Row = dict[str, str]

ACCOUNT = "/providers/Microsoft.Billing/billingAccounts/8611537"
RESERVATION = "/providers/Microsoft.Capacity/reservationOrders/aaa/reservations/bbb"
PLAN = "/providers/Microsoft.BillingBenefits/savingsPlanOrders/ccc/savingsPlans/ddd"

USAGE: Row = {
    "BillingAccountId": "8611537",
    "BillingAccountName": "Contoso",
    "BillingPeriodStartDate": "09/01/2026",
    "BillingPeriodEndDate": "09/30/2026",
    "SubscriptionId": "00aa",
    "SubscriptionName": "shop",
    "Date": "09/21/2026",
    "ProductName": "Virtual Machines Dsv5 Series - D4s v5 - UK South",
    "MeterId": "m-1",
    "MeterCategory": "Virtual Machines",
    "MeterSubCategory": "Dsv5 Series",
    "MeterName": "D4s v5",
    "Quantity": "24",
    "UnitPrice": "0.2",
    "PayGPrice": "0.25",
    "CostInBillingCurrency": "4.8",
    "BillingCurrencyCode": "USD",
    "ResourceLocation": "UK South",
    "ConsumedService": "Microsoft.Compute",
    "ResourceId": "/subscriptions/00aa/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-1",
    "Tags": '"team": "a"',
    "AdditionalInfo": "",
    "UnitOfMeasure": "1 Hour",
    "PublisherType": "Azure",
    "PublisherName": "Microsoft",
    "ChargeType": "Usage",
    "Frequency": "UsageBased",
    "PricingModel": "OnDemand",
    "PartNumber": "AAA-1",
    "ReservationId": "",
    "benefitId": "",
    "benefitName": "",
}
"""A machine for a day under an Enterprise Agreement: 0.25 list, 0.20 agreed."""

_RESERVED = {"PricingModel": "Reservation", "benefitId": RESERVATION, "benefitName": "web"}
_PLANNED = {"PricingModel": "SavingsPlan", "benefitId": PLAN, "benefitName": "plan"}
_UNPRICED = {"UnitPrice": "0", "PayGPrice": "0"}
_MARKET = USAGE | {
    "ChargeType": "Purchase", "Frequency": "Recurring", "PricingModel": "", "CostInBillingCurrency": "30",
    "Quantity": "1", "UnitPrice": "0", "PayGPrice": "0", "PublisherType": "Marketplace", "PublisherName": "Vendor",
    "UnitOfMeasure": "1", "ConsumedService": "Microsoft.SaaS", "ResourceId": "", "MeterCategory": "SaaS",
}  # fmt: skip
_TAX = USAGE | {
    "ChargeType": "Tax", "Frequency": "OneTime", "PricingModel": "", "CostInBillingCurrency": "3.5", "Quantity": "",
    "UnitPrice": "", "PayGPrice": "", "UnitOfMeasure": "", "ConsumedService": "", "ResourceId": "",
    "MeterCategory": "", "MeterName": "",
}  # fmt: skip
COMMON = (USAGE, _MARKET, _TAX)
"""Charges that both exports of a pair hold."""


def _fee(kind: str, frequency: str, cost: str) -> Row:
    priced = {"Quantity": "1", "UnitPrice": cost, "PayGPrice": "0", "CostInBillingCurrency": cost}
    place = {"ResourceId": "", "ConsumedService": "Microsoft.Capacity"}
    return {"ChargeType": kind, "Frequency": frequency} | priced | place


ACTUAL: tuple[Row, ...] = (
    *COMMON,
    USAGE | _RESERVED | {"CostInBillingCurrency": "0"},
    USAGE | _PLANNED | {"CostInBillingCurrency": "0"},
    # a reservation paid monthly, 3 an hour for a day; one paid upfront for three days; 1.5 of it given back
    USAGE | _RESERVED | _fee("Purchase", "Recurring", "72"),
    USAGE | _PLANNED | _fee("Purchase", "OneTime", "36"),
    USAGE | _RESERVED | _fee("Refund", "OneTime", "-1.5"),
)
AMORTIZED: tuple[Row, ...] = (
    *COMMON,
    USAGE | _RESERVED | {"CostInBillingCurrency": "3"},
    USAGE | _RESERVED | _UNPRICED | {"ChargeType": "UnusedReservation", "CostInBillingCurrency": "69"},
    USAGE | _PLANNED | {"CostInBillingCurrency": "3.6"},
    USAGE | _PLANNED | _UNPRICED | {"ChargeType": "UnusedSavingsPlan", "CostInBillingCurrency": "8.4"},
)
"""The pair for one day: the reservation's 72 are 3 used and 69 not, a third of the plan's 36 are 3.6 and 8.4."""

KINDS = {"actual": "ActualCost", "amortized": "AmortizedCost", "focus": "FocusCost"}


def csv_text(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return "\ufeff" + out.getvalue()


def export(
    container: Path,
    kind: str,
    rows: Sequence[Row],
    *,
    submitted: str = "2026-10-02T04:05:06.1234567Z",
    span: tuple[str, str] = ("2026-09-01", "2026-09-30"),
    parts: int = 1,
    suffix: str = ".csv",
    scope: str = ACCOUNT,
    **changed: Any,
) -> Path:
    """Write a run of an export below ``container`` and return its folder; ``changed`` fields of the manifest."""
    days = "-".join(day.replace("-", "") for day in span)
    run = f"{kind}-{submitted[:16]}".replace(":", "")
    folder = f"root/{kind}/{days}/{submitted[:16].translate({45: None, 58: None, 84: None})}/{run}"
    (container / folder).mkdir(parents=True)
    blobs: list[dict[str, Any]] = []
    for number in range(parts if rows else 0):
        held = rows[number::parts]
        path = container / folder / f"part_{number}_0001{suffix}"
        content = csv_text(held).encode()
        path.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
        name = f"{folder}/{path.name}"
        blobs.append({"blobName": name, "byteCount": path.stat().st_size, "dataRowCount": len(held)})
    manifest: dict[str, Any] = {
        "manifestVersion": "2024-04-01",
        "blobCount": len(blobs),
        "dataRowCount": len(rows),
        "exportConfig": {
            "exportName": f"daily-{kind}",
            "resourceId": f"{scope}/providers/Microsoft.CostManagement/exports/daily-{kind}",
            "type": KINDS.get(kind, kind),
            "timeFrame": "MonthToDate",
        },
        "runInfo": {
            "runId": run,
            "submittedTime": submitted,
            "startDate": f"{span[0]}T00:00:00",
            "endDate": f"{span[1]}T00:00:00",
        },
        "blobs": blobs,
    }
    (container / folder / "manifest.json").write_text(json.dumps(manifest | changed), encoding="utf-8")
    return container / folder
