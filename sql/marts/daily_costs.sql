-- marts.daily_costs: one row per day, account, service and kind of charge; adds up to focus.costs exactly
-- grain: ChargeDate, x_source, BillingPeriodStart, BillingCurrency, ServiceProviderName, BillingAccountId, SubAccountId, ServiceCategory, ServiceName, ChargeCategory, ChargeClass, PricingCategory, CommitmentDiscountStatus
-- materialized: per_revision
-- complete: BilledCost, EffectiveCost, ContractedCost, ListCost
select
    cast(ChargePeriodStart as date) as ChargeDate,
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    BillingAccountId,
    max(BillingAccountName) as BillingAccountName,
    SubAccountId,
    max(SubAccountName) as SubAccountName,
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
    count(*) as x_rows
from focus.costs
group by
    cast(ChargePeriodStart as date),
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    BillingAccountId,
    SubAccountId,
    ServiceCategory,
    ServiceName,
    ChargeCategory,
    ChargeClass,
    PricingCategory,
    CommitmentDiscountStatus
