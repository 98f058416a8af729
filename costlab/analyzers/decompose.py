"""Why a cost changed: exact parts of the change between two periods, or between actual and expected.

Per SKU (service, region, usage type, operation, unit) with quantity Q and cost C before commitments, P = C / Q::

    price       Q0 (P1 - P0)                       the same quantity at the new price
    quantity    group total: P1-cost of Q0 x (Q1 - Q0) / Q0
    mix         what is left of P1 (Q1 - Q0): dearer or cheaper SKUs took a larger share of the group
    new, ended  SKUs on one side only
    coverage    change of (EffectiveCost - cost before commitments), unused commitment included
    credits     change of credits, taxes, fees and adjustments
    restatement change of corrections

A group is a service in a region with one unit. The parts add up to the change exactly, in ``Decimal``: one product per
SKU is rounded to twelve places, every other part is a difference.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from costlab.analyzers.scope import condition
from costlab.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from costlab.interfaces.analyzer import Context
    from costlab.interfaces.finding import Scope

PARTS = ("price", "quantity", "mix", "new", "ended", "coverage", "credits", "restatement")
_PRECISION = 60


class LineClass(StrEnum):
    """What sort of charge a line is."""

    USAGE = "usage"
    OTHER = "other"
    """Credits, taxes, fees, purchases, adjustments."""
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class SkuLine:
    """The charges of one SKU in a period."""

    line_class: LineClass
    group: tuple[str, ...]
    """SKUs of one group can take each other's place: service, region, unit."""
    sku: tuple[str, ...]
    quantity: Decimal
    reference: Decimal
    """What it would have cost without commitments."""
    effective: Decimal

    @property
    def is_empty(self) -> bool:
        """Whether nothing was used and nothing was charged."""
        return self.quantity == 0 and self.reference == 0 and self.effective == 0


def decompose(before: Iterable[SkuLine], after: Iterable[SkuLine]) -> dict[str, Decimal]:
    """Return the parts of the change of EffectiveCost; they sum to it with ``==``. One entry per name of ``PARTS``."""
    with localcontext() as context:
        context.prec = _PRECISION
        parts: dict[str, Decimal] = dict.fromkeys(PARTS, ZERO)
        old, new = _by_sku(before), _by_sku(after)
        pairs: defaultdict[tuple[str, ...], list[tuple[SkuLine, SkuLine]]] = defaultdict(list)
        for key in sorted(old.keys() | new.keys()):
            a, b = old.get(key), new.get(key)
            some = b or a
            assert some is not None
            if some.line_class is not LineClass.USAGE:
                name = "restatement" if some.line_class is LineClass.CORRECTION else "credits"
                parts[name] += _effective(b) - _effective(a)
                continue
            parts["coverage"] += _coverage(b) - _coverage(a)
            if a is None:
                parts["new"] += some.reference
            elif b is None:
                parts["ended"] -= a.reference
            else:
                pairs[some.group].append((a, b))
        for group in sorted(pairs):
            _add_group(parts, pairs[group])
        return parts


def _by_sku(lines: Iterable[SkuLine]) -> dict[tuple[Any, ...], SkuLine]:
    found: dict[tuple[Any, ...], SkuLine] = {}
    for line in lines:
        key = (line.line_class.value, line.group, line.sku)
        if key in found:
            other = found[key]
            line = replace(
                line,
                quantity=other.quantity + line.quantity,
                reference=other.reference + line.reference,
                effective=other.effective + line.effective,
            )
        found[key] = line
    return {key: line for key, line in found.items() if not line.is_empty}


def _effective(line: SkuLine | None) -> Decimal:
    return line.effective if line else ZERO


def _coverage(line: SkuLine | None) -> Decimal:
    return line.effective - line.reference if line else ZERO


def _add_group(parts: dict[str, Decimal], pairs: Sequence[tuple[SkuLine, SkuLine]]) -> None:
    """Add price, quantity and mix of the SKUs of one group that are on both sides."""
    old_quantity = new_quantity = old_at_new_price = change = ZERO
    for a, b in pairs:
        if a.quantity > 0 and b.quantity > 0:
            at_new_price = exact(b.reference * a.quantity / b.quantity)
            parts["price"] += at_new_price - a.reference
            change += b.reference - at_new_price
            old_at_new_price += at_new_price
            old_quantity += a.quantity
            new_quantity += b.quantity
        elif a.quantity == b.quantity:
            # A flat fee without a quantity: its change is one of price.
            parts["price"] += b.reference - a.reference
        else:
            # A price needs a quantity on both sides; without one the change is of quantity.
            parts["quantity"] += b.reference - a.reference
    if old_quantity > 0:
        by_volume = exact(old_at_new_price * (new_quantity - old_quantity) / old_quantity)
        parts["quantity"] += by_volume
        parts["mix"] += change - by_volume


def scaled(lines: Sequence[SkuLine], total: Decimal) -> list[SkuLine]:
    """Return the lines with quantities and costs stretched so that EffectiveCost sums to ``total`` exactly.

    Used to turn a past period into an expected one. Lines that sum to 0 or less cannot be stretched: they come back
    as one usage line of ``total``, or as none when that is 0.
    """
    with localcontext() as context:
        context.prec = _PRECISION
        now = sum((line.effective for line in lines), ZERO)
        if now <= 0 or total < 0:
            return [SkuLine(LineClass.USAGE, ("",), ("expected",), ZERO, total, total)] if total else []
        factor = total / now
        stretched = [
            replace(
                line,
                quantity=exact(line.quantity * factor),
                reference=exact(line.reference * factor),
                effective=exact(line.effective * factor),
            )
            for line in lines
        ]
        rest = total - sum((line.effective for line in stretched), ZERO)
        largest = max(range(len(stretched)), key=lambda i: stretched[i].effective)
        line = stretched[largest]
        stretched[largest] = replace(line, reference=line.reference + rest, effective=line.effective + rest)
        return stretched


_SQL = """
select
    case
        when ChargeClass = 'Correction' then 'correction'
        when ChargeFrequency = 'Recurring' and CommitmentDiscountStatus is null then 'other'
        when ChargeCategory = 'Usage' then 'usage'
        else 'other'
    end as line_class,
    {by}
    coalesce(ServiceName, '') as service,
    coalesce(RegionId, '') as region,
    coalesce(PricingUnit, '') as unit,
    coalesce(x_usage_type, '') as usage_type,
    coalesce(x_operation, '') as operation,
    ChargeCategory as category,
    sum(case when CommitmentDiscountStatus = 'Unused' then 0 else coalesce(PricingQuantity, 0) end) as quantity,
    sum(
        case
            when CommitmentDiscountStatus = 'Unused' then 0
            when CommitmentDiscountStatus = 'Used' and ContractedCost <> 0 then ContractedCost
            when CommitmentDiscountStatus = 'Used' and ListCost <> 0 then ListCost
            else EffectiveCost
        end
    ) as reference,
    sum(EffectiveCost) as effective
from marts.daily_skus
where ChargeDate >= $start and ChargeDate < $end and BillingCurrency = $currency and {where}
group by all
"""


def load_lines(
    context: Context,
    *,
    start: date,
    end: date,
    currency: str,
    scope: Scope | None = None,
    by: Sequence[str] = (),
    only: str = "true",
) -> list[tuple[tuple[str, ...], SkuLine]]:
    """Return the SKU lines charged in [start, end), each with the values of the columns ``by``.

    ``only`` is SQL on ``marts.daily_skus`` that narrows what is read.
    """
    params: dict[str, object] = {"start": start, "end": end, "currency": currency}
    where = f"{condition(scope or {}, params)} and {only}"
    columns = "".join(f"coalesce({column}, '') as by_{i},\n    " for i, column in enumerate(by))
    rows = context.db.rows(_SQL.format(by=columns, where=where), params)
    return [(tuple(row[f"by_{i}"] for i in range(len(by))), _line(row)) for row in rows]


def _line(row: dict[str, Any]) -> SkuLine:
    return SkuLine(
        line_class=LineClass(row["line_class"]),
        group=(row["service"], row["region"], row["unit"]),
        sku=(row["usage_type"], row["operation"], row["category"]),
        quantity=row["quantity"],
        reference=row["reference"],
        effective=row["effective"],
    )


@dataclass(frozen=True, slots=True)
class Change:
    """The change of EffectiveCost of one group of charges, with its parts."""

    group: tuple[str, ...]
    currency: str
    before: Decimal
    after: Decimal
    parts: dict[str, Decimal]

    @property
    def change(self) -> Decimal:
        """``after - before``, which is the sum of the parts."""
        return self.after - self.before


def explain(
    context: Context, *, start: date, end: date, by: Sequence[str] = (), scope: Scope | None = None
) -> list[Change]:
    """Return what changed from the period of the same length just before ``start`` to [start, end).

    One record per currency and per combination of the columns ``by``, the largest change first.
    """
    earlier = start - (end - start)
    currencies = [
        row["currency"]
        for row in context.db.rows("select distinct BillingCurrency as currency from marts.daily_skus order by 1")
    ]
    changes: list[Change] = []
    for currency in currencies:
        old = load_lines(context, start=earlier, end=start, currency=currency, scope=scope, by=by)
        new = load_lines(context, start=start, end=end, currency=currency, scope=scope, by=by)
        for group in sorted({g for g, _ in old} | {g for g, _ in new}):
            before = [line for g, line in old if g == group]
            after = [line for g, line in new if g == group]
            changes.append(
                Change(
                    group=group,
                    currency=currency,
                    before=sum((line.effective for line in before), ZERO),
                    after=sum((line.effective for line in after), ZERO),
                    parts=decompose(before, after),
                )
            )
    return sorted(changes, key=lambda c: (-abs(c.change), c.group, c.currency))
