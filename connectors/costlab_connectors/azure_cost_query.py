"""Azure costs from the Cost Management Query API, by day, subscription, service and kind of charge.

For those without an export. Free of charge, but throttled (12 query units per 10 seconds, 60 per minute, 600 per hour
and scope; Microsoft Learn, "Manage costs with automation", read 2026-11). Query API 2025-03-01.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from costlab.errors import SourceError
from costlab.interfaces.connector import Column, Dataset, FileFormat, Snapshot
from costlab_connectors import _azure_rest as rest
from costlab_connectors._recent import recent_months

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.connector import Landing
    from costlab.period import Month

_PERMISSION: Final = "Microsoft.CostManagement/query/action"
_GROUPS: Final = ("SubscriptionId", "ServiceName", "ChargeType")
_TYPES: Final = ("ActualCost", "AmortizedCost")
_OLDEST: Final = 13
_SETTLES: Final = timedelta(days=5)
"""After a month Azure still changes it for up to five days (72 hours for pay-as-you-go)."""

COLUMNS: Final = (
    Column("day", "TIMESTAMP", required=True),
    Column("period", "TIMESTAMP", required=True),
    Column("billing_account", required=True),
    Column("account"),
    Column("service"),
    Column("charge_type"),
    Column("currency", required=True),
    Column("actual", "DECIMAL(38,12)"),
    Column("amortized", "DECIMAL(38,12)"),
    Column("estimated"),
)
_Key = tuple[date, str, str, str, str]


class AzureCostQuery:
    """The connector ``azure-cost-query``: one snapshot per month, of actual and amortized cost."""

    name: ClassVar[str] = "azure-cost-query"
    dataset: ClassVar[Dataset] = Dataset.FOCUS
    schemes: ClassVar[tuple[str, ...]] = ("azure",)
    permissions: ClassVar[tuple[str, ...]] = ("Microsoft.CostManagement/query/action",)
    options: ClassVar[Mapping[str, str]] = {
        **rest.OPTIONS,
        "months": f"how many months, the current one included (default: 3, at most {_OLDEST})",
    }

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield the months of ``azure://SUBSCRIPTION[,SUBSCRIPTION]``, ``azure://`` or a billing scope, oldest first.

        Raises
        ------
        ConfigError
            If credentials are missing or lack ``Microsoft.CostManagement/query/action``.
        SourceError
            If Azure does not answer, throttles for too long, or answers in another shape.
        """
        months = [period] if period else recent_months(landing, _OLDEST)
        if months[0].first_day > landing.now.date():
            raise SourceError(f"{months[0]} has not begun", hint="Choose an earlier --period")
        azure = rest.connect(landing)
        scopes = rest.scopes(azure, uri)
        landing.tell(f"{2 * len(scopes) * len(months)} queries or more: free, but Azure throttles them")
        for month in months:
            yield _snapshot(azure, source, scopes, month)


def _snapshot(azure: rest.Azure, source: str, scopes: Iterable[str], month: Month) -> Snapshot:
    landing = azure.landing
    estimated = "yes" if landing.now < month.end + _SETTLES else "no"
    rows = [row for scope in scopes for row in _rows(azure, scope, month, estimated)]
    file = landing.write(str(month), rows)
    return Snapshot(
        source=source,
        connector=AzureCostQuery.name,
        dataset=AzureCostQuery.dataset,
        period=month,
        snapshot_id=file.stored.version,
        order="",
        files=(file,) if rows else (),
        format=FileFormat.JSONL,
        staging="azure_cost_query",
        columns=COLUMNS,
    )


def _rows(azure: rest.Azure, scope: str, month: Month, estimated: str) -> Iterator[dict[str, object]]:
    """Yield one row per day, subscription, service and kind of charge; a cost that is not told is none."""
    costs: defaultdict[_Key, dict[str, Decimal]] = defaultdict(dict)
    for kind in _TYPES:
        for key, cost in _answers(azure, scope, month, kind):
            costs[key][kind] = costs[key].get(kind, Decimal(0)) + cost
    for (day, account, service, charge_type, currency), told in sorted(costs.items()):
        yield {
            "day": day.isoformat(),
            "period": month.first_day.isoformat(),
            "billing_account": rest.billing_account(scope) or account,
            "account": account or None,
            "service": service or None,
            "charge_type": charge_type or None,
            "currency": currency,
            "actual": told.get("ActualCost", Decimal(0)),
            "amortized": told.get("AmortizedCost", Decimal(0)),
            "estimated": estimated,
        }


def _answers(azure: rest.Azure, scope: str, month: Month, kind: str) -> Iterator[tuple[_Key, Decimal]]:
    path = f"{scope}/providers/Microsoft.CostManagement/query"
    for page in azure.post(path, _PERMISSION, _query(month, kind), api_version="2025-03-01"):
        told: Mapping[str, Any] = (page or {}).get("properties") or {}
        names = [str(column["name"]) for column in told.get("columns", ())]
        for values in told.get("rows", ()):
            yield _read(dict(zip(names, values, strict=True)), scope)


def _query(month: Month, kind: str) -> dict[str, Any]:
    from azure.mgmt.costmanagement import models

    asked: dict[str, Any] = models.QueryDefinition(
        type=kind,
        timeframe="Custom",
        time_period=models.QueryTimePeriod(
            from_property=datetime.combine(month.first_day, datetime.min.time(), UTC),
            to=datetime.combine(month.plus(1).first_day, datetime.min.time(), UTC) - timedelta(seconds=1),
        ),
        dataset=models.QueryDataset(
            granularity="Daily",
            aggregation={"totalCost": models.QueryAggregation(name="Cost", function="Sum")},
            grouping=[models.QueryGrouping(type="Dimension", name=name) for name in _GROUPS],
        ),
    ).as_dict()
    return asked


def _read(row: Mapping[str, Any], scope: str) -> tuple[_Key, Decimal]:
    """Return key and cost of a row; the column of the cost is called as the aggregation or as what it adds up."""
    try:
        cost = row["totalCost"] if "totalCost" in row else row["Cost"]
        day = date.fromisoformat(f"{row['UsageDate']}"[:10].replace("-", ""))
        account = str(row.get("SubscriptionId") or _subscription(scope))
        key = (day, account, str(row.get("ServiceName") or ""), str(row.get("ChargeType") or ""), str(row["Currency"]))
        return key, Decimal(str(cost))
    except (KeyError, ValueError, ArithmeticError):
        raise SourceError(
            f"Azure's answer has columns {', '.join(row)}: not what was asked for", hint="Please report it"
        ) from None


def _subscription(scope: str) -> str:
    parts = scope.strip("/").split("/")
    return parts[1] if parts[0].lower() == "subscriptions" else ""


CONNECTOR = AzureCostQuery()
