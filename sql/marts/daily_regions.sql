-- marts.daily_regions: one row per day, sub account, service and region; adds up to focus.costs exactly
-- grain: ChargeDate, x_source, BillingPeriodStart, BillingCurrency, ServiceProviderName, SubAccountId, ServiceName, RegionId, ChargeCategory
-- materialized: per_revision
-- complete: BilledCost, EffectiveCost, ContractedCost, ListCost
select
    cast(ChargePeriodStart as date) as ChargeDate,
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    SubAccountId,
    ServiceName,
    RegionId,
    max(RegionName) as RegionName,
    ChargeCategory,
    sum(BilledCost) as BilledCost,
    sum(EffectiveCost) as EffectiveCost,
    sum(ContractedCost) as ContractedCost,
    sum(ListCost) as ListCost,
    count(*) as x_rows
from focus.costs
group by
    cast(ChargePeriodStart as date),
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    SubAccountId,
    ServiceName,
    RegionId,
    ChargeCategory
