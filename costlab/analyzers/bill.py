"""What each resource was charged in the window before the analysis, read from ``marts.resource_days``.

The window is the last 14 whole days of each source's bill (the whole bill where it is shorter). A charge that
reaches over the window's edge, as in bills with monthly rows, counts in proportion to time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costlab.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from costlab.interfaces.analyzer import Context

WINDOW_DAYS = 14
SOURCE = "marts.resource_days"
_HOUR = timedelta(hours=1)
_GONE_AFTER = timedelta(days=1)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of charge of a resource in the window: usage type x way of payment. Amounts are sums."""

    usage_type: str
    operation: str
    service_code: str
    instance_type: str
    charge_category: str
    pricing_category: str
    commitment_id: str
    commitment_status: str
    unit: str
    quantity: Decimal
    effective: Decimal
    listed: Decimal

    @property
    def is_covered(self) -> bool:
        """Whether a commitment pays for it, so that using less of it saves nothing now."""
        return bool(self.commitment_id) or self.pricing_category == "Committed"


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource with its charges in the window, for one provider, account and currency."""

    provider: str
    billing_account_id: str
    sub_account_id: str
    region_id: str
    service_name: str
    service_category: str
    resource_id: str
    resource_name: str
    currency: str
    start: datetime
    end: datetime
    """The part of the window in which the resource existed."""
    lines: tuple[Line, ...]

    @property
    def hours(self) -> Decimal:
        """The hours of the window in which the resource existed."""
        return Decimal((self.end - self.start) // timedelta(seconds=1)) / 3600

    @property
    def instance_type(self) -> str:
        """The instance type it cost most with, or ""."""
        typed = [line for line in self.lines if line.instance_type]
        return max(typed, key=lambda line: (line.listed, line.instance_type)).instance_type if typed else ""

    def hourly(self, amount: Decimal) -> Decimal:
        """Return an amount of the window per hour, at the twelve places money has."""
        return exact(amount / self.hours) if self.hours else ZERO

    def having(self, wanted: Callable[[Line], bool]) -> Resource:
        """Return the resource with only the lines that are ``wanted``."""
        return Resource(
            **{name: getattr(self, name) for name in self.__slots__ if name != "lines"},
            lines=tuple(line for line in self.lines if wanted(line)),
        )


_SQL = """
with ends as (
    select x_source, min(x_first_start) as first_start, least(max(x_last_end), $now) as last_end
    from marts.resource_days
    where x_first_start < $now
    group by x_source
),
windows as (
    select
        x_source,
        first_start,
        case when date_trunc('day', last_end) > first_start then date_trunc('day', last_end) else last_end end as w_end
    from ends
),
charges as (
    select
        r.*,
        w.w_end,
        greatest(w.w_end - to_days({days}), w.first_start) as w_start
    from marts.resource_days r
    join windows w on w.x_source = r.x_source
    where r.x_first_start < $now and r.x_last_end > w.w_end - to_days({days}) and r.ChargeCategory = 'Usage'
        and coalesce(r.CommitmentDiscountStatus, '') <> 'Unused'
        and lower(r.ResourceId) in (
            select lower(ResourceId) from marts.resource_days
            where regexp_matches(coalesce(x_usage_type, ''), $pattern) and {condition}
        )
)
select
    ServiceProviderName as provider,
    coalesce(BillingAccountId, '') as billing_account_id,
    coalesce(SubAccountId, '') as sub_account_id,
    ResourceId as resource_id,
    BillingCurrency as currency,
    w_start,
    w_end,
    coalesce(x_usage_type, '') as usage_type,
    coalesce(x_operation, '') as operation,
    coalesce(x_service_code, '') as service_code,
    coalesce(x_instance_type, '') as instance_type,
    ChargeCategory as charge_category,
    coalesce(PricingCategory, '') as pricing_category,
    coalesce(CommitmentDiscountId, '') as commitment_id,
    coalesce(CommitmentDiscountStatus, '') as commitment_status,
    coalesce(PricingUnit, '') as unit,
    case when x_first_start >= w_start and x_last_end <= w_end then null else x_first_start end as edge_start,
    case when x_first_start >= w_start and x_last_end <= w_end then null else x_last_end end as edge_end,
    max(coalesce(RegionId, '')) as region_id,
    max(ServiceName) as service_name,
    max(coalesce(ResourceName, '')) as resource_name,
    max(coalesce(ServiceCategory, '')) as service_category,
    min(x_first_start) as first_start,
    max(x_last_end) as last_end,
    sum(coalesce(PricingQuantity, 0)) as quantity,
    sum(EffectiveCost) as effective,
    sum(ListCost) as listed
from charges
group by
    provider, billing_account_id, sub_account_id, resource_id, currency, w_start, w_end, usage_type, operation,
    service_code, instance_type, charge_category, pricing_category, commitment_id, commitment_status, unit,
    edge_start, edge_end
"""


def resources(context: Context, pattern: str = "", *, condition: str = "true") -> list[Resource]:
    """Return the living resources with a charge whose usage type matches the regular expression ``pattern``.

    ``condition`` is SQL on ``marts.resource_days`` that such a charge meets as well. All usage lines of the resource
    are returned; it lives when it was charged on the window's last day. Sorted by provider, account and id. Azure
    compares ids without case and its bills spell one resource in several ways: they are one here, under the spelling
    that cost most.
    """
    sql = _SQL.format(days=WINDOW_DAYS, condition=condition)
    grouped: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in context.db.rows(sql, {"now": context.now, "pattern": pattern}):
        ids = [str(row[name]) for name in ("billing_account_id", "sub_account_id", "resource_id")]
        if row["provider"] == "Microsoft":
            ids = [text.lower() for text in ids]
        grouped[(str(row["provider"]), *ids, str(row["currency"]))].append(row)
    found = (_resource(rows) for _, rows in sorted(grouped.items()))
    return [resource for resource in found if resource is not None]


def _resource(rows: list[Row]) -> Resource | None:
    # A machine is of the service that rents it, whatever its traffic costs.
    first = max(rows, key=lambda row: (row["instance_type"] != "", row["listed"], row["usage_type"]))
    end: datetime = max(row["w_end"] for row in rows)
    start: datetime = min(row["w_start"] for row in rows)
    if max(row["last_end"] for row in rows) < end - _GONE_AFTER + _HOUR:
        return None
    seen: datetime = min(row["first_start"] for row in rows)
    # Charged from the first day on: it is older than the window, whatever hour its first charge has.
    start = start if seen < start + timedelta(days=1) else seen
    return Resource(
        provider=first["provider"],
        billing_account_id=first["billing_account_id"],
        sub_account_id=first["sub_account_id"],
        region_id=max(row["region_id"] for row in rows),
        service_name=first["service_name"],
        service_category=first["service_category"],
        resource_id=first["resource_id"],
        resource_name=max(row["resource_name"] for row in rows),
        currency=first["currency"],
        start=start,
        end=end,
        lines=tuple(sorted(_lines(rows), key=lambda line: (line.usage_type, line.commitment_id, line.operation))),
    )


def _lines(rows: Iterable[Row]) -> list[Line]:
    sums: dict[tuple[str, ...], tuple[Decimal, Decimal, Decimal]] = {}
    for row in rows:
        share = _share_in_window(row)
        key = tuple(row[name] for name in _LINE_KEYS)
        before = sums.get(key, (ZERO, ZERO, ZERO))
        quantity, effective, listed = (
            old + (row[name] if share == 1 else exact(row[name] * share))
            for old, name in zip(before, ("quantity", "effective", "listed"), strict=True)
        )
        sums[key] = (quantity, effective, listed)
    return [
        Line(**dict(zip(_LINE_KEYS, key, strict=True)), quantity=amounts[0], effective=amounts[1], listed=amounts[2])
        for key, amounts in sums.items()
    ]


_LINE_KEYS = (
    "usage_type",
    "operation",
    "service_code",
    "instance_type",
    "charge_category",
    "pricing_category",
    "commitment_id",
    "commitment_status",
    "unit",
)


def _share_in_window(row: Row) -> Decimal:
    if row["edge_start"] is None:
        return Decimal(1)
    start, end = row["edge_start"], row["edge_end"]
    inside = min(end, row["w_end"]) - max(start, row["w_start"])
    return Decimal(max(inside, timedelta(0)) // timedelta(seconds=1)) / Decimal((end - start) // timedelta(seconds=1))


def local_id(resource_id: str) -> str:
    """Return the last part of a resource name: ``vol-1`` of ``arn:aws:ec2:eu-west-1:1:volume/vol-1``."""
    return resource_id.replace(":", "/").rstrip("/").rsplit("/", 1)[-1]
