"""AWS costs from the Cost Explorer API, by day, service and account: for those without a Cost and Usage Report.

Every request costs money, so nothing is asked unless the user allowed it. Sources: AWS Cost Explorer API reference,
GetCostAndUsage; record types are the values of its RECORD_TYPE dimension; read 2026-11.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from costlab.errors import SourceError
from costlab.interfaces.connector import PAID_OPTIONS, Column, Dataset, FileFormat, Snapshot
from costlab.period import Month
from costlab_connectors import _aws_billing as aws
from costlab_connectors._aws_paid import PRICE, ask, explorer
from costlab_connectors._recent import recent_months

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.connector import Landing

_METRICS: Final = ("UnblendedCost", "AmortizedCost", "NetAmortizedCost")
_OLDEST: Final = 14
"""Months that Cost Explorer keeps by day."""
RECORD_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "Purchase": (
        "Fee", "Recurring", "RIFee", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee", "Upfront",
    ),
    "Tax": ("Tax",),
    "Credit": (
        "Credit", "Bundled Discount", "BundledDiscount", "Discount", "Distributor Discount", "EdpDiscount",
        "Enterprise Discount Program Discount", "Private Rate Card Discount", "PrivateRateDiscount",
        "Solution Provider Program Discount", "SppDiscount",
    ),
    "Refund": ("Refund",),
}  # fmt: skip
"""Charges that are asked for on their own; all others together are usage."""
USAGE: Final = "Usage"

COLUMNS: Final = (
    Column("day", "TIMESTAMP", required=True),
    Column("period", "TIMESTAMP", required=True),
    Column("payer", required=True),
    Column("account"),
    Column("account_name"),
    Column("service"),
    Column("charges", required=True),
    Column("currency", required=True),
    Column("unblended", "DECIMAL(38,12)", required=True),
    Column("amortized", "DECIMAL(38,12)"),
    Column("net_amortized", "DECIMAL(38,12)"),
    Column("estimated"),
)


class AwsCostExplorer:
    """The connector ``aws-cost-explorer``: one snapshot per month, five requests each unless they were kept."""

    name: ClassVar[str] = "aws-cost-explorer"
    dataset: ClassVar[Dataset] = Dataset.FOCUS
    schemes: ClassVar[tuple[str, ...]] = ("aws",)
    permissions: ClassVar[tuple[str, ...]] = ("ce:GetCostAndUsage",)
    options: ClassVar[Mapping[str, str]] = {
        **PAID_OPTIONS,
        **aws.OPTIONS,
        "months": "how many months, the current one included (default: 3, at most 14)",
    }

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield the months, oldest first, once all of them were asked for.

        Raises
        ------
        ConfigError
            If paid requests are not allowed, the cap is reached, or credentials lack ``ce:GetCostAndUsage``.
        SourceError
            If Cost Explorer is not enabled, or does not answer.
        """
        del uri  # there is one Cost Explorer
        months = [period] if period else recent_months(landing, _OLDEST)
        account = aws.payer(landing)
        payer = account.id
        asked = [(month, charges, _request(landing, month, charges)) for month in months for charges in _charges()]
        missing = sum(not _is_kept(landing, payer, request) for _, _, request in asked)
        landing.announce(missing, PRICE)
        service = explorer(account)
        answers = [(month, charges, _answer(landing, service, payer, request)) for month, charges, request in asked]
        for month in months:
            yield _snapshot(landing, source, payer, month, {c: pages for m, c, pages in answers if m == month})


def _charges() -> tuple[str, ...]:
    return (USAGE, *RECORD_TYPES)


def _request(landing: Landing, month: Month, charges: str) -> dict[str, Any]:
    """Return the request for one month's charges of one kind."""
    today = landing.now.date()
    if month.first_day > today:
        raise SourceError(f"{month} has not begun", hint="Choose an earlier --period")
    if month < Month.of(today).plus(1 - _OLDEST):
        raise SourceError(f"Cost Explorer keeps {_OLDEST} months by day, not {month}", hint="Choose a later --period")
    named = RECORD_TYPES.get(charges) or tuple(name for names in RECORD_TYPES.values() for name in names)
    types = {"Dimensions": {"Key": "RECORD_TYPE", "Values": sorted(named)}}
    end = min(month.end.date(), today + timedelta(days=1))
    return {
        "TimePeriod": {"Start": month.first_day.isoformat(), "End": end.isoformat()},
        "Granularity": "DAILY",
        "Metrics": list(_METRICS),
        "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}, {"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"}],
        "Filter": {"Not": types} if charges == USAGE else types,
    }


def _key(payer: str, request: Mapping[str, Any]) -> str:
    return f"ce:GetCostAndUsage {payer} {json.dumps(request, sort_keys=True)}"


def _is_kept(landing: Landing, payer: str, request: dict[str, Any]) -> bool:
    """Return whether the whole answer is here already: for good, or all of its pages since this morning."""
    if landing.kept(_key(payer, request)) is not None:
        return True
    page = landing.kept(_page_key(payer, request))
    while page is not None and page.get("NextPageToken"):
        page = landing.kept(_page_key(payer, {**request, "NextPageToken": page["NextPageToken"]}))
    return page is not None


def _page_key(payer: str, request: Mapping[str, Any]) -> str:
    return f"page {_key(payer, request)}"


def _answer(landing: Landing, service: Any, payer: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all pages of an answer; once no day in them is an estimate any more they are kept for good."""
    key = _key(payer, request)
    kept: list[dict[str, Any]] | None = landing.kept(key)
    if kept is not None:
        return kept
    pages = list(_pages(landing, service, payer, request))
    days = [day for page in pages for day in page["ResultsByTime"]]
    if days and not any(day.get("Estimated") for day in days):
        landing.keep(key, pages)
    return pages


def _pages(landing: Landing, service: Any, payer: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    token: str | None = ""
    while token is not None:
        page_request = {**request, "NextPageToken": token} if token else request
        key = _page_key(payer, page_request)
        page = ask(landing, key, service, "get_cost_and_usage", page_request)
        yield page
        token = page.get("NextPageToken") or None


def _snapshot(
    landing: Landing, source: str, payer: str, month: Month, answers: Mapping[str, list[dict[str, Any]]]
) -> Snapshot:
    rows = [row for charges, pages in answers.items() for row in _rows(payer, month, charges, pages)]
    file = landing.write(f"{month}", rows)
    return Snapshot(
        source=source,
        connector=AwsCostExplorer.name,
        dataset=AwsCostExplorer.dataset,
        period=month,
        snapshot_id=file.stored.version,
        order="",
        files=(file,) if rows else (),
        format=FileFormat.JSONL,
        staging="aws_cost_explorer",
        columns=COLUMNS,
    )


def _rows(payer: str, month: Month, charges: str, pages: Iterable[dict[str, Any]]) -> Iterator[dict[str, object]]:
    """Yield one row per day, service and account."""
    for page in pages:
        names = {
            a["Value"]: a.get("Attributes", {}).get("description") for a in page.get("DimensionValueAttributes", ())
        }
        for day in page["ResultsByTime"]:
            for group in day.get("Groups", ()):
                service, account = group["Keys"]
                metrics = group["Metrics"]
                yield {
                    "day": day["TimePeriod"]["Start"],
                    "period": str(month.first_day),
                    "payer": payer,
                    "account": account or None,
                    "account_name": names.get(account),
                    "service": service or None,
                    "charges": charges,
                    "currency": metrics["UnblendedCost"]["Unit"],
                    "unblended": metrics["UnblendedCost"]["Amount"],
                    "amortized": metrics.get("AmortizedCost", {}).get("Amount"),
                    "net_amortized": metrics.get("NetAmortizedCost", {}).get("Amount"),
                    "estimated": "yes" if day.get("Estimated") else "no",
                }


CONNECTOR = AwsCostExplorer()
