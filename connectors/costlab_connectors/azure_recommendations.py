"""Azure Advisor's cost recommendations. Free. Advisor REST API 2025-01-01, read 2026-11.

Advisor states savings "based on retail rates", without what reservations, plans or agreements take off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from costlab.interfaces.connector import Dataset
from costlab.money import exact
from costlab_connectors import _azure_rest as rest
from costlab_connectors._advice import Advice, number, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from decimal import Decimal

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month

TOOL: Final = "azure-advisor"
_PERMISSION: Final = "Microsoft.Advisor/recommendations/read"
_MONTHS: Final = {"P1Y": 12, "P3Y": 36, "P5Y": 60}
_INSTRUMENTS: Final = {"virtualmachines": "azure-reservation"}


class AzureRecommendations:
    """The connector ``azure-recommendations``: what Advisor recommends now, for one, some or all subscriptions."""

    name: ClassVar[str] = "azure-recommendations"
    dataset: ClassVar[Dataset] = Dataset.ADVICE
    schemes: ClassVar[tuple[str, ...]] = ("azure",)
    permissions: ClassVar[tuple[str, ...]] = (
        "Microsoft.Advisor/recommendations/read",
        "Microsoft.Resources/subscriptions/read",
    )
    options: ClassVar[Mapping[str, str]] = rest.OPTIONS

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield one snapshot of all cost recommendations of ``azure://SUBSCRIPTION[,SUBSCRIPTION]`` or ``azure://``.

        Raises
        ------
        ConfigError
            If credentials are missing or lack ``Microsoft.Advisor/recommendations/read``.
        SourceError
            If Azure does not answer or throttles for too long.
        """
        del period  # recommendations are about now
        azure = rest.connect(landing)
        yield snapshot(landing, source, self.name, _found(azure, rest.subscriptions(azure, uri)))


def _found(azure: rest.Azure, subscriptions: Iterable[str]) -> Iterator[Advice]:
    for subscription in subscriptions:
        path = f"/subscriptions/{subscription}/providers/Microsoft.Advisor/recommendations"
        for item in azure.items(path, _PERMISSION, api_version="2025-01-01", odata_filter="Category eq 'Cost'"):
            yield _advice(subscription, item)


def _advice(subscription: str, item: Mapping[str, Any]) -> Advice:
    told: Mapping[str, Any] = item.get("properties") or {}
    more: Mapping[str, Any] = told.get("extendedProperties") or {}
    problem = str((told.get("shortDescription") or {}).get("problem", ""))
    kind, action = _kind(problem, str(told.get("impactedField", "")), more)
    resource = (told.get("resourceMetadata") or {}).get("resourceId")
    is_purchase = kind == "commitment"
    return Advice(
        provider="Microsoft",
        native_id=str(item["id"]),
        tool=TOOL,
        kind=kind,
        native_type=problem or str(told.get("recommendationTypeId", "")),
        action=action,
        resource_id=None if is_purchase or _is_subscription(resource) else resource,
        sub_account_id=more.get("subId") or subscription,
        region_id=more.get("region") or more.get("regionId") or more.get("location"),
        from_shape=more.get("currentSku"),
        to_shape=more.get("targetSku") or more.get("displaySKU") or more.get("sku"),
        monthly_saving=_monthly(more),
        currency=more.get("savingsCurrency"),
        term_months=_MONTHS.get(str(more.get("term"))),
        detail={
            "native_type": problem,
            "type_id": told.get("recommendationTypeId"),
            "saving_basis": "list price",
            "lookback_days": more.get("lookbackPeriod") or more.get("observationPeriod"),
            "impact": told.get("impact"),
            "quantity": more.get("qty") or more.get("displayQty"),
            "scope": more.get("scope"),
            "instrument": _instrument(problem, more) if is_purchase else None,
            "is_suppressed": bool(told.get("suppressionIds")) or None,
        },
    )


def _is_subscription(resource: str | None) -> bool:
    return resource is not None and resource.strip("/").count("/") < 2


def _monthly(more: Mapping[str, Any]) -> Decimal | None:
    annual = number(more.get("annualSavingsAmount"))
    return exact(annual / 12) if annual is not None else number(more.get("savingsAmount"))


def _kind(problem: str, field: str, more: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return costlab's kind and the deed; by what Advisor says, for its list of types grows."""
    text, field = problem.lower(), field.lower()
    if more.get("reservedResourceType") or "reserved" in text or "reservation" in text or "savings plan" in text:
        return "commitment", "purchase"
    told = str(more.get("recommendationType", "")).lower()
    if told == "shutdown":
        return "waste", "shut down"
    if told == "skuchange" or more.get("targetSku"):
        return ("storage", "convert") if field.endswith("/disks") else ("rightsize", "resize")
    if any(word in text for word in ("unattached", "not attached", "idle", "unused", "delete", "unprovisioned")):
        return "waste", "delete"
    if "right-size" in text or "resize" in text or "underutilized" in text:
        return "rightsize", "resize"
    if field.startswith("microsoft.storage") or field.endswith(("/disks", "/snapshots")):
        return "storage", "convert"
    return None, problem or "see Advisor"


def _instrument(problem: str, more: Mapping[str, Any]) -> str:
    if "savings plan" in problem.lower():
        return "azure-sp"
    kind = str(more.get("reservedResourceType", "")).lower()
    return _INSTRUMENTS.get(kind, f"azure-reservation-{kind}" if kind else "azure-reservation")


CONNECTOR = AzureRecommendations()
