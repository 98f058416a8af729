"""Google Cloud's budgets of a billing account. Free. Cloud Billing Budget API v1, read 2026-11."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from costlab.errors import UsageError
from costlab.interfaces.connector import Dataset
from costlab_connectors import _gcp_rest as rest
from costlab_connectors._budgets import ACTUAL, FORECAST, Budget, Threshold, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month

_ADDRESS: Final = "https://billingbudgets.googleapis.com"
_CADENCES: Final = {"MONTH": "monthly", "QUARTER": "quarterly", "YEAR": "annual"}


class GcpBudgets:
    """The connector ``gcp-budgets``: the budgets of billing accounts."""

    name: ClassVar[str] = "gcp-budgets"
    dataset: ClassVar[Dataset] = Dataset.BUDGETS
    schemes: ClassVar[tuple[str, ...]] = ("gcp",)
    permissions: ClassVar[tuple[str, ...]] = ("billing.budgets.list",)
    options: ClassVar[Mapping[str, str]] = rest.OPTIONS

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield one snapshot of the budgets of ``gcp://BILLING_ACCOUNT[,BILLING_ACCOUNT]``.

        Raises
        ------
        UsageError
            If the URI names no billing account.
        ConfigError
            If credentials are missing, lack ``billing.budgets.list``, or the API is not enabled.
        SourceError
            If Google does not answer or throttles for too long.
        """
        del period  # budgets are about now
        named = [part.strip() for part in uri.partition("://")[2].strip("/").split(",") if part.strip()]
        accounts = [part.removeprefix("billingAccounts/") for part in named]
        if not accounts:
            raise UsageError(f"{uri} names no billing account", hint="--from gcp://012345-6789AB-CDEF01")
        google = rest.connect(landing, _ADDRESS)
        found = (budget for account in accounts for budget in _found(google, account))
        yield snapshot(landing, source, self.name, "Google Cloud", found)


def _found(google: rest.Google, account: str) -> Iterator[Budget]:
    for item in google.items(f"/v1/billingAccounts/{account}/budgets", "budgets", "billing.budgets.list"):
        given: Mapping[str, Any] = item.get("budgetFilter") or {}
        amount: Mapping[str, Any] = (item.get("amount") or {}).get("specifiedAmount") or {}
        yield Budget(
            provider="Google Cloud",
            budget_id=str(item["name"]),
            name=str(item.get("displayName", "")),
            billing_account_id=account,
            scope=_scope(given),
            amount=rest.money(amount),
            currency=amount.get("currencyCode"),
            cadence="custom"
            if "customPeriod" in given
            else _CADENCES.get(given.get("calendarPeriod", "MONTH"), "monthly"),
            thresholds=tuple(_threshold(rule) for rule in item.get("thresholdRules", ())),
        )


def _scope(given: Mapping[str, Any]) -> dict[str, object]:
    scope: dict[str, object] = {}
    if given.get("projects"):
        scope["SubAccountId"] = [str(name).removeprefix("projects/") for name in given["projects"]]
    rest_of_it = {
        name: value
        for name, value in given.items()
        if name not in {"projects", "calendarPeriod", "customPeriod"} and value
    }
    if rest_of_it:
        scope["x_filter"] = rest_of_it
    return scope


def _threshold(rule: Mapping[str, Any]) -> Threshold:
    """Return a rule; Google's thresholdPercent is a ratio: 0.5 is half of the budget."""
    forecast = rule.get("spendBasis") == "FORECASTED_SPEND"
    return Threshold(Decimal(str(rule["thresholdPercent"])), FORECAST if forecast else ACTUAL)


CONNECTOR = GcpBudgets()
