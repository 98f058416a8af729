"""What must hold for the charges of a bill, beyond what the official validator can see.

The validator reads one row at a time, loses some conditions (a status without a commitment, an effective cost on a
purchase) and knows nothing of sums. Here every rule is a predicate over a charge, or over what belongs together, and
the number of charges that break it is counted per source and billing period. Nothing is changed: it is the provider's
bill, and a rule that its own bill breaks is worth a question to the provider.

Source: FOCUS specification 1.2, normative requirements of the columns named; the identities of money are arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from costlab.focus.columns import FOCUS_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.interfaces.analyzer import Relations


class Weight(StrEnum):
    """What a breach means."""

    BROKEN = "broken"
    """The specification forbids it."""
    ODD = "odd"
    """Allowed, but known to make figures wrong: savings, prices, coverage."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that a charge breaks when ``broken_if`` (SQL over ``focus.costs``) is true."""

    id: str
    broken_if: str
    says: str
    weight: Weight = Weight.BROKEN


@dataclass(frozen=True, slots=True)
class Breach:
    """Charges of one source and billing period that break a rule, with what they cost together."""

    rule: Rule
    source: str
    billing_period_start: datetime
    currency: str
    charges: int
    effective_cost: Decimal

    def __str__(self) -> str:
        return f"{self.source} {self.billing_period_start:%Y-%m}: {self.charges:,} charges: {self.rule.says}"


_TOLERANCE = "1e-6"
_USED = "CommitmentDiscountStatus = 'Used'"
_UNUSED = "CommitmentDiscountStatus = 'Unused'"
_PRICED_USAGE = (
    "ChargeCategory = 'Usage' and ChargeClass is null and BilledCost >= 0 and EffectiveCost >= 0"
    " and coalesce(CommitmentDiscountStatus, '') <> 'Unused'"
)
_LISTED = {column.name: column.allowed for column in FOCUS_COLUMNS if column.allowed}
_MONTH_END = "date_trunc('month', BillingPeriodStart) + interval 1 month"


def _near(left: str, right: str) -> str:
    return f"abs({left} - ({right})) <= {_TOLERANCE} * greatest(abs({left}), 1)"


def _product(price: str, cost: str) -> str:
    product = f"cast({price} as double) * cast(PricingQuantity as double)"
    return (
        f"ChargeClass is null and {price} is not null and PricingQuantity is not null and not ({_near(cost, product)})"
    )


def _not_listed(column: str) -> Rule:
    values = ", ".join(f"'{value}'" for value in _LISTED[column])
    return Rule(
        f"{column}-listed",
        f"{column} is not null and {column} not in ({values})",
        f"{column} is none of {', '.join(_LISTED[column])}",
    )


def _never_null(column: str) -> Rule:
    return Rule(f"{column}-filled", f"{column} is null", f"{column} is empty")


RULES: tuple[Rule, ...] = (
    *(_never_null(c) for c in ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")),
    *(_never_null(c) for c in ("BillingAccountId", "ChargeCategory", "ServiceName", "ServiceProviderName")),
    *(_not_listed(column) for column in _LISTED),
    Rule(
        "BillingCurrency-code", "not regexp_full_match(BillingCurrency, '[A-Z]{3}')", "BillingCurrency is no ISO code"
    ),
    Rule("ChargePeriod-order", "ChargePeriodEnd <= ChargePeriodStart", "the charge period ends before it begins"),
    Rule("BillingPeriod-order", "BillingPeriodEnd <= BillingPeriodStart", "the billing period ends before it begins"),
    Rule(
        "BillingPeriod-month",
        "BillingPeriodEnd > BillingPeriodStart and"
        f" (BillingPeriodStart <> date_trunc('month', BillingPeriodStart) or BillingPeriodEnd <> {_MONTH_END})",
        "the billing period is no calendar month in UTC",
        Weight.ODD,
    ),
    Rule("Tags-object", "Tags is not null and coalesce(json_type(Tags), '') <> 'OBJECT'", "Tags is no JSON object"),
    # commitments: where the validator is blind
    Rule(
        "CommitmentDiscountStatus-usage",
        "CommitmentDiscountStatus is not null and (CommitmentDiscountId is null or ChargeCategory <> 'Usage')",
        "a commitment status without a commitment, or not on usage",
    ),
    Rule(
        "CommitmentDiscountId-status",
        "CommitmentDiscountId is not null and ChargeCategory = 'Usage' and ChargeClass is null"
        " and CommitmentDiscountStatus is null",
        "usage under a commitment without saying whether it was used",
    ),
    Rule(
        "CommitmentDiscountCategory-id",
        "(CommitmentDiscountId is null) <> (CommitmentDiscountCategory is null)"
        " or (CommitmentDiscountId is null) <> (CommitmentDiscountType is null)",
        "commitment id, category and type do not come together",
    ),
    Rule(
        "CommitmentDiscountUnit-quantity",
        "(CommitmentDiscountQuantity is null) <> (CommitmentDiscountUnit is null)",
        "a commitment quantity without a unit, or the other way round",
        Weight.ODD,
    ),
    Rule(
        "EffectiveCost-purchase",
        "ChargeCategory = 'Purchase' and CommitmentDiscountId is not null and EffectiveCost <> 0",
        "the purchase of a commitment has an effective cost: it is counted again with its usage",
    ),
    Rule("BilledCost-used", f"{_USED} and BilledCost <> 0", "usage paid by a commitment is billed again"),
    Rule("BilledCost-unused", f"{_UNUSED} and BilledCost <> 0", "the unused part of a commitment is billed again"),
    Rule("ConsumedQuantity-unused", f"{_UNUSED} and ConsumedQuantity is not null", "unused, but something consumed"),
    Rule(
        "PricingCategory-committed",
        f"(PricingCategory = 'Committed' and ChargeCategory <> 'Usage')"
        f" or ({_USED} and coalesce(PricingCategory, '') <> 'Committed')",
        "PricingCategory Committed and usage of a commitment do not come together",
    ),
    Rule(
        "CapacityReservationStatus-id",
        "CapacityReservationStatus is not null and CapacityReservationId is null",
        "a capacity reservation's status without its id",
    ),
    Rule(
        "CapacityReservationId-status",
        "CapacityReservationId is not null and ChargeCategory = 'Usage' and CapacityReservationStatus is null",
        "a capacity reservation without its status",
    ),
    # tax, units, prices
    Rule(
        "Tax-unpriced",
        "ChargeCategory = 'Tax' and coalesce(SkuId, SkuPriceId, PricingUnit, PricingCategory,"
        " cast(PricingQuantity as varchar), cast(ListUnitPrice as varchar)) is not null",
        "a tax has a SKU, a quantity or a price",
    ),
    Rule(
        "ConsumedQuantity-usage",
        "ConsumedQuantity is not null and ChargeCategory <> 'Usage'",
        "something consumed by what is no usage",
    ),
    Rule(
        "ConsumedUnit-quantity",
        "(ConsumedQuantity is null) <> (ConsumedUnit is null)",
        "a consumed quantity without a unit, or the other way round",
    ),
    Rule(
        "PricingUnit-quantity",
        "(PricingQuantity is null) <> (PricingUnit is null)",
        "a pricing quantity without a unit, or the other way round",
    ),
    Rule("ListUnitPrice-sign", "ListUnitPrice < 0", "a negative list price"),
    Rule("ContractedUnitPrice-sign", "ContractedUnitPrice < 0", "a negative contracted price"),
    Rule("ListCost-product", _product("ListUnitPrice", "ListCost"), "list price x quantity is not ListCost"),
    Rule(
        "ContractedCost-product",
        _product("ContractedUnitPrice", "ContractedCost"),
        "contracted price x quantity is not ContractedCost",
    ),
    Rule(
        "ChargeFrequency-purchase",
        "ChargeCategory = 'Purchase' and ChargeFrequency = 'Usage-Based'",
        "a usage-based purchase",
    ),
    Rule("Region-name", "RegionId is null and RegionName is not null", "a region's name without its id", Weight.ODD),
    # what makes savings wrong
    Rule(
        "ListCost-known",
        f"{_PRICED_USAGE} and coalesce(ListCost, 0) = 0 and EffectiveCost > 0",
        "usage that costs something has no list cost",
        Weight.ODD,
    ),
    Rule(
        "ContractedCost-known",
        f"{_PRICED_USAGE} and coalesce(ContractedCost, 0) = 0 and EffectiveCost > 0",
        "usage that costs something has no contracted cost",
        Weight.ODD,
    ),
    Rule(
        "ListCost-highest",
        f"{_PRICED_USAGE} and ListCost > 0 and ContractedCost > ListCost"
        f" and not ({_near('ContractedCost', 'ListCost')})",
        "the contracted cost is above the list cost",
        Weight.ODD,
    ),
    Rule(
        "EffectiveCost-lowest",
        f"{_PRICED_USAGE} and ContractedCost > 0 and EffectiveCost > ContractedCost"
        f" and not ({_near('EffectiveCost', 'ContractedCost')})",
        "the effective cost is above the contracted cost",
        Weight.ODD,
    ),
    Rule(
        "EffectiveCost-known",
        "ChargeCategory = 'Usage' and CommitmentDiscountId is null and BilledCost > 0 and EffectiveCost = 0",
        "usage that is billed has no effective cost",
        Weight.ODD,
    ),
    Rule(
        "PricingQuantity-known",
        "ChargeCategory = 'Usage' and ChargeClass is null and PricingQuantity = 0 and BilledCost <> 0",
        "usage that is billed has quantity 0",
        Weight.ODD,
    ),
)
"""Rules about single charges."""

PAID_IS_USED = Rule(
    "EffectiveCost-commitment",
    "paid - applied > 0.01 or (tells_upfront and applied - paid > 0.01)",
    "what a commitment's usage cost, used and unused, is not what was paid for it",
)
"""Invariant per commitment and billing period: used + unused = recurring fees + the amortised upfront part.

Where the bill does not tell the amortised part (a savings plan bought before the first bill loaded), used + unused may
be more than the fees, but never less. A month that usage does not reach the end of is left out: its first day already
holds the fees of all of it. Microsoft is left out: a monthly payment there is a twelfth of a year's hours, paid ahead
from the day of purchase, so that it is never what the hours of a billing period come to.
"""


def charges_sql(where: str = "true") -> str:
    """Return one row per source, billing period and currency with two columns per rule: charges and their cost."""
    counted = ",\n    ".join(
        f'count(*) filter (where {rule.broken_if}) as "{rule.id}",\n'
        f'    sum(EffectiveCost) filter (where {rule.broken_if}) as "{rule.id}/cost"'
        for rule in RULES
    )
    return (
        f"select x_source, BillingPeriodStart, BillingCurrency,\n    {counted}\nfrom focus.costs\nwhere {where}\n"
        "group by x_source, BillingPeriodStart, BillingCurrency"
    )


def commitments_sql(where: str = "true") -> str:
    """Return one row per source, billing period and currency: commitments that break :data:`PAID_IS_USED`."""
    return f"""
with whole_months as (
    select x_source, BillingPeriodStart
    from focus.costs
    where ChargeCategory = 'Usage' and ChargePeriodEnd <= ChargePeriodStart + to_days(1) and ({where})
    group by x_source, BillingPeriodStart
    having max(ChargePeriodEnd) > max(BillingPeriodEnd) - to_days(1)
)
select x_source, BillingPeriodStart, BillingCurrency, sum(charges) as charges, sum(applied) as cost
from (
    select
        x_source,
        BillingPeriodStart,
        BillingCurrency,
        CommitmentDiscountId,
        count(*) as charges,
        sum(EffectiveCost) filter (where CommitmentDiscountStatus is not null) as applied,
        sum(BilledCost) filter (where ChargeCategory = 'Purchase' and ChargeFrequency = 'Recurring')
            + coalesce(sum(x_amortized_upfront), 0) as paid,
        bool_or(x_amortized_upfront is not null) as tells_upfront
    from focus.costs
    where CommitmentDiscountId is not null and ChargeClass is null and ({where})
        and coalesce(ServiceProviderName, ProviderName, '') <> 'Microsoft'
    group by x_source, BillingPeriodStart, BillingCurrency, CommitmentDiscountId
)
join whole_months using (x_source, BillingPeriodStart)
where paid > 0 and applied is not null and ({PAID_IS_USED.broken_if})
group by x_source, BillingPeriodStart, BillingCurrency"""


def breaches(db: Relations, where: str = "true") -> list[Breach]:
    """Return the rules that charges of a catalogue break, one item per rule, source, period and currency.

    Parameters
    ----------
    where
        A condition over ``focus.costs``, written by costlab itself.

    Returns
    -------
    list of Breach
        Forbidden ones first, then by number of charges.
    """
    found = [*_of_charges(db, where), *_of_commitments(db, where)]
    return sorted(found, key=lambda b: (b.rule.weight is Weight.ODD, -b.charges, b.source, b.billing_period_start))


def _of_charges(db: Relations, where: str) -> Iterator[Breach]:
    for row in db.rows(charges_sql(where)):
        for rule in RULES:
            if row[rule.id]:
                yield _breach(rule, row, row[rule.id], row[f"{rule.id}/cost"])


def _of_commitments(db: Relations, where: str) -> Iterator[Breach]:
    for row in db.rows(commitments_sql(where)):
        yield _breach(PAID_IS_USED, row, row["charges"], row["cost"])


def _breach(rule: Rule, row: dict[str, object], charges: object, cost: object) -> Breach:
    start, currency = row["BillingPeriodStart"], row["BillingCurrency"]
    if not isinstance(start, datetime):
        raise TypeError(f"BillingPeriodStart is {start!r}")
    amount = cost if isinstance(cost, Decimal) else Decimal(0)
    return Breach(rule, str(row["x_source"]), start, str(currency), int(str(charges)), amount)
