"""The charges of one bill, classified by how they can be computed again and added up to what calibration needs.

==============  ====================================================================================================
``covered``     usage that a commitment pays
``fee``         what a commitment's fee says was used of it, without usage of its own (Google)
``unused``      commitment that met no usage
``on_demand``   usage by the hour of a pool, at its price on demand: the rating engine computes it with commitments
``priced``      other usage: quantity times unit price
``taken_over``  no usage, or none with a price: taken over as billed, ``reason`` says why
==============  ====================================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from costlab.lab.calibration.pools import POOL

if TYPE_CHECKING:
    from pandas import DataFrame

    from costlab.period import Month
    from costlab.warehouse.relations import Database

TOLERANCE: Final = "0.000001"
"""What one line's cost may differ from quantity x price by: vendors round lines to at most six decimals."""

_LINES: Final = f"""
create temp table calibration_lines as
with charges as materialized (
    select
        ServiceProviderName as provider,
        BillingCurrency as currency,
        ServiceName as service,
        coalesce(SubAccountId, BillingAccountId) as account,
        coalesce(RegionId, '') as region,
        -- only AWS sells commitments for a zone
        case when ServiceProviderName = 'AWS' then coalesce(AvailabilityZone, '') else '' end as zone,
        {POOL} as pool,
        case
            when ChargeClass = 'Correction' then 'taken_over'
            when CommitmentDiscountStatus = 'Unused' then 'unused'
            when CommitmentDiscountStatus = 'Used' and PricingQuantity > 0 then 'covered'
            when CommitmentDiscountStatus = 'Used' then 'fee'
            when
                ChargeCategory = 'Usage' and PricingCategory = 'Standard' and CommitmentDiscountId is null
                and x_split_parent_resource_id is null and PricingQuantity > 0
                then 'priced'
            else 'taken_over'
        end as kind,
        case
            when ChargeClass = 'Correction' then 'correction'
            when ChargeCategory <> 'Usage' then lower(ChargeCategory)
            when x_split_parent_resource_id is not null then 'split cost'
            when PricingCategory = 'Dynamic' then 'spot'
            when coalesce(PricingQuantity, 0) <= 0 then 'no quantity'
            when PricingCategory is distinct from 'Standard' or CommitmentDiscountId is not null then 'other price'
            else 'no price'
        end as reason,
        regexp_matches(lower(coalesce(PricingUnit, '')), 'hour|hrs') and pool is not null as by_hour,
        x_instance_type is not null or ServiceCategory = 'Compute' as is_machine,
        case
            when ContractedUnitPrice is null and PricingQuantity > 0 and ContractedCost > 0
                then round(cast(ContractedCost as double) / cast(PricingQuantity as double), 8)
        end as quotient,
        CommitmentDiscountId as commitment,
        CommitmentDiscountType as commitment_type,
        CommitmentDiscountCategory as commitment_category,
        CommitmentDiscountUnit as commitment_unit,
        ChargeFrequency as frequency,
        coalesce(x_usage_type, SkuMeter) as meter,
        x_service_code as service_code,
        ChargePeriodStart as start,
        ChargePeriodEnd as stop,
        ListUnitPrice as list_price,
        ContractedUnitPrice as price,
        case
            when PricingQuantity > 0 and ContractedUnitPrice > 0 then
                case
                    when
                        abs(
                            cast(EffectiveCost as double)
                            - cast(PricingQuantity as double) * cast(ContractedUnitPrice as double)
                        ) <= {TOLERANCE}
                        then 1.0
                    else
                        round(
                            cast(EffectiveCost as double)
                            / (cast(PricingQuantity as double) * cast(ContractedUnitPrice as double)),
                            4
                        )
                end
        end as share,
        case
            when CommitmentDiscountStatus = 'Used' and PricingQuantity > 0
                then round(cast(EffectiveCost as double) / cast(PricingQuantity as double), 10)
        end as unit_cost,
        PricingQuantity as quantity,
        CommitmentDiscountQuantity as commitment_quantity,
        EffectiveCost as effective,
        BilledCost as billed
    from focus.costs
    where x_source = $source and BillingPeriodStart >= $start and BillingPeriodStart < $end
),
hourly as (
    select
        * replace (
            case
                when
                    kind = 'priced' and by_hour and coalesce(price, quotient) is not null
                    and (is_machine or pool in (select pool from charges where kind = 'covered'))
                    then 'on_demand'
                when kind = 'priced' and price is null then 'taken_over'
                else kind
            end as kind
        )
    from charges
)
select
    provider, currency, service, account, region, zone, pool, kind,
    case when kind = 'taken_over' then reason end as reason,
    commitment, commitment_type, commitment_category, commitment_unit, frequency,
    case when commitment is not null then meter end as meter,
    case when commitment is not null then service_code end as service_code,
    case when kind not in ('priced', 'taken_over') or commitment is not null then start end as start,
    case when kind not in ('priced', 'taken_over') or commitment is not null then stop end as stop,
    list_price, price, share, unit_cost,
    case when kind in ('covered', 'on_demand') then quotient end as quotient,
    sum(quantity) as quantity,
    sum(commitment_quantity) as commitment_quantity,
    sum(effective) as effective,
    sum(billed) as billed,
    count(*) as lines
from hourly
group by all
"""


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill: a source's billing period, of one provider in one currency."""

    source: str
    period: str
    provider: str
    currency: str


class Lines:
    """The classified charges of a source's billing period; a context manager that forgets them at its end."""

    def __init__(self, db: Database, source: str, period: Month) -> None:
        self._db = db.cursor()
        self.source, self.period = source, period
        self._db.result(_LINES, {"source": source, "start": period.start, "end": period.end})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.result("drop table calibration_lines")
        self._db.close()

    def bills(self) -> list[Bill]:
        """Return the providers and currencies in it."""
        rows = self._db.result("select distinct provider, currency from calibration_lines order by 1, 2").rows
        return [Bill(self.source, str(self.period), provider, currency) for provider, currency in rows]

    def rows(self, bill: Bill, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Return rows of a query over ``lines``, the charges of one bill; money as ``Decimal``."""
        return self._db.rows(_OF + sql, {"provider": bill.provider, "currency": bill.currency, **params})

    def frame(self, bill: Bill, sql: str, **params: Any) -> DataFrame:
        """Return the same as a DataFrame for numeric work; DECIMAL becomes float64."""
        return self._db.frame(_OF + sql, {"provider": bill.provider, "currency": bill.currency, **params})


_OF: Final = "with lines as (select * from calibration_lines where provider = $provider and currency = $currency) "
