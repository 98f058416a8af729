-- marts.daily_skus: one row per day and way of using a service (usage type, operation, price); adds up to focus.costs exactly
-- grain: ChargeDate, x_source, BillingPeriodStart, BillingCurrency, ServiceProviderName, BillingAccountId, SubAccountId, ServiceName, RegionId, x_usage_type, x_operation, ChargeCategory, ChargeClass, ChargeFrequency, PricingCategory, CommitmentDiscountStatus, PricingUnit
-- materialized: per_revision_files
-- complete: BilledCost, EffectiveCost, ContractedCost, ListCost
select
    cast(ChargePeriodStart as date) as ChargeDate,
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    BillingAccountId,
    SubAccountId,
    ServiceName,
    RegionId,
    x_usage_type,
    x_operation,
    ChargeCategory,
    ChargeClass,
    ChargeFrequency,
    PricingCategory,
    CommitmentDiscountStatus,
    PricingUnit,
    sum(BilledCost) as BilledCost,
    sum(EffectiveCost) as EffectiveCost,
    sum(ContractedCost) as ContractedCost,
    sum(ListCost) as ListCost,
    sum(PricingQuantity) as PricingQuantity,
    sum(x_amortized_upfront) as x_amortized_upfront,
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
    ServiceName,
    RegionId,
    x_usage_type,
    x_operation,
    ChargeCategory,
    ChargeClass,
    ChargeFrequency,
    PricingCategory,
    CommitmentDiscountStatus,
    PricingUnit
