-- focus.commitment_periods: one row per commitment and billing period: its attributes, cash, amortised cost and hours seen
-- grain: x_source, BillingPeriodStart, BillingCurrency, CommitmentDiscountId
-- materialized: per_revision
with
-- one row per commitment, charge period and whether it is a purchase or an hour used or unused
charges as (
    select
        x_source,
        BillingPeriodStart,
        BillingCurrency,
        CommitmentDiscountId,
        ChargePeriodStart,
        ChargePeriodEnd,
        case when CommitmentDiscountStatus is null then 'Purchase' else 'Applied' end as x_side,
        max(CommitmentDiscountType) as CommitmentDiscountType,
        max(CommitmentDiscountCategory) as CommitmentDiscountCategory,
        max(CommitmentDiscountName) as CommitmentDiscountName,
        max(CommitmentDiscountUnit) as CommitmentDiscountUnit,
        max(ServiceProviderName) as ServiceProviderName,
        max(BillingAccountId) as BillingAccountId,
        max(SubAccountId) as SubAccountId,
        min(RegionId) as x_min_region,
        max(RegionId) as x_max_region,
        min(x_family) as x_min_family,
        max(x_family) as x_max_family,
        sum(case when ChargeCategory = 'Purchase' and ChargeFrequency = 'One-Time' then BilledCost else 0 end) as x_upfront_cost,
        sum(case when ChargeCategory = 'Purchase' and ChargeFrequency <> 'One-Time' then BilledCost else 0 end) as x_recurring_cost,
        sum(case when CommitmentDiscountStatus is null then 0 else EffectiveCost end) as x_applied_cost,
        sum(case when CommitmentDiscountStatus is null then 0 else CommitmentDiscountQuantity end) as x_applied_quantity,
        sum(case when CommitmentDiscountStatus is null then 0 else x_amortized_upfront end) as x_amortized_upfront
    from focus.costs
    where CommitmentDiscountId is not null
    group by
        x_source,
        BillingPeriodStart,
        BillingCurrency,
        CommitmentDiscountId,
        ChargePeriodStart,
        ChargePeriodEnd,
        case when CommitmentDiscountStatus is null then 'Purchase' else 'Applied' end
)

select
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    CommitmentDiscountId,
    max(CommitmentDiscountType) as CommitmentDiscountType,
    max(CommitmentDiscountCategory) as CommitmentDiscountCategory,
    max(CommitmentDiscountName) as CommitmentDiscountName,
    max(CommitmentDiscountUnit) as CommitmentDiscountUnit,
    max(ServiceProviderName) as ServiceProviderName,
    max(BillingAccountId) as BillingAccountId,
    max(SubAccountId) as SubAccountId,
    min(x_min_region) as x_min_region,
    max(x_max_region) as x_max_region,
    min(x_min_family) as x_min_family,
    max(x_max_family) as x_max_family,
    min(ChargePeriodStart) as x_first_seen,
    max(ChargePeriodEnd) as x_last_seen,
    sum(x_upfront_cost) as x_upfront_cost,
    sum(x_recurring_cost) as x_recurring_cost,
    sum(x_applied_cost) as x_applied_cost,
    sum(x_applied_quantity) as x_applied_quantity,
    sum(x_amortized_upfront) as x_amortized_upfront,
    cast(
        sum(case when x_side = 'Applied' then date_diff('hour', ChargePeriodStart, ChargePeriodEnd) else 0 end) as bigint
    ) as x_applied_hours
from charges
group by
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    CommitmentDiscountId
