-- marts.daily_services: one row per day and service over all accounts; the smallest table for long windows by service
-- grain: ChargeDate, x_source, BillingPeriodStart, BillingCurrency, ServiceProviderName, ServiceCategory, ServiceName, ChargeCategory, ChargeClass, PricingCategory, CommitmentDiscountStatus
-- materialized: table
-- complete: BilledCost, EffectiveCost, ContractedCost, ListCost
select
    ChargeDate,
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    ServiceCategory,
    ServiceName,
    ChargeCategory,
    ChargeClass,
    PricingCategory,
    CommitmentDiscountStatus,
    sum(BilledCost) as BilledCost,
    sum(EffectiveCost) as EffectiveCost,
    sum(ContractedCost) as ContractedCost,
    sum(ListCost) as ListCost,
    cast(sum(x_rows) as bigint) as x_rows
from marts.daily_costs
group by
    ChargeDate,
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    ServiceCategory,
    ServiceName,
    ChargeCategory,
    ChargeClass,
    PricingCategory,
    CommitmentDiscountStatus
