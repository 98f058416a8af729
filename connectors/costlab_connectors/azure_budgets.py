"""Azure's cost budgets and when they alert. Free. Consumption budgets API 2023-05-01, read 2026-11."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from costlab.interfaces.connector import Dataset
from costlab_connectors import _azure_rest as rest
from costlab_connectors._advice import number
from costlab_connectors._budgets import ACTUAL, FORECAST, Budget, Threshold, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month

_PERMISSION: Final = "Microsoft.Consumption/budgets/read"
_CADENCES: Final = {
    "monthly": "monthly", "quarterly": "quarterly", "annually": "annual",
    "billingmonth": "monthly", "billingquarter": "quarterly", "billingannual": "annual",
}  # fmt: skip
_COLUMNS: Final = {"SubscriptionId": "SubAccountId", "ServiceName": "ServiceName", "ResourceId": "ResourceId"}


class AzureBudgets:
    """The connector ``azure-budgets``: budgets of subscriptions or of a billing scope."""

    name: ClassVar[str] = "azure-budgets"
    dataset: ClassVar[Dataset] = Dataset.BUDGETS
    schemes: ClassVar[tuple[str, ...]] = ("azure",)
    permissions: ClassVar[tuple[str, ...]] = (
        "Microsoft.Consumption/budgets/read",
        "Microsoft.Resources/subscriptions/read",
    )
    options: ClassVar[Mapping[str, str]] = rest.OPTIONS

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield one snapshot of the budgets of ``azure://SUBSCRIPTION``, ``azure://`` or a billing scope.

        Raises
        ------
        ConfigError
            If credentials are missing or lack ``Microsoft.Consumption/budgets/read``.
        SourceError
            If Azure does not answer or throttles for too long.
        """
        del period  # budgets are about now
        azure = rest.connect(landing)
        found = (budget for scope in rest.scopes(azure, uri) for budget in _found(azure, scope))
        yield snapshot(landing, source, self.name, "Microsoft", found)


def _found(azure: rest.Azure, scope: str) -> Iterator[Budget]:
    for item in azure.items(f"{scope}/providers/Microsoft.Consumption/budgets", _PERMISSION, api_version="2023-05-01"):
        told: Mapping[str, Any] = item.get("properties") or {}
        if str(told.get("category", "Cost")) == "Cost":
            yield _budget(scope, item, told)


def _budget(scope: str, item: Mapping[str, Any], told: Mapping[str, Any]) -> Budget:
    return Budget(
        provider="Microsoft",
        budget_id=str(item["id"]),
        name=str(item.get("name", "")),
        billing_account_id=rest.billing_account(scope),
        scope=_scope(scope, told.get("filter") or {}),
        amount=number(told.get("amount")),
        currency=(told.get("currentSpend") or {}).get("unit"),
        cadence=_CADENCES.get(str(told.get("timeGrain", "")).lower(), "custom"),
        thresholds=tuple(_threshold(n) for n in (told.get("notifications") or {}).values() if n.get("enabled", True)),
    )


def _scope(scope: str, given: Mapping[str, Any]) -> dict[str, object]:
    parts = scope.strip("/").split("/")
    found: dict[str, object] = {"SubAccountId": [parts[1]]} if parts[0].lower() == "subscriptions" else {}
    dimension: Mapping[str, Any] = given.get("dimensions") or {}
    if set(given) == {"dimensions"} and dimension.get("name") in _COLUMNS and dimension.get("operator") == "In":
        found[_COLUMNS[dimension["name"]]] = list(dimension.get("values", ()))
    elif given:
        found["x_filter"] = given
    return found


def _threshold(notification: Mapping[str, Any]) -> Threshold:
    forecast = str(notification.get("thresholdType", "Actual")).lower() == "forecasted"
    return Threshold(Decimal(str(notification["threshold"])) / 100, FORECAST if forecast else ACTUAL)


CONNECTOR = AzureBudgets()
