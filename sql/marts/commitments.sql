-- marts.commitments: one row per day and commitment: what it covered, what it wasted, what was paid for it
-- grain: ChargeDate, x_source, BillingPeriodStart, BillingCurrency, CommitmentDiscountId
-- materialized: per_revision
select
    cast(ChargePeriodStart as date) as ChargeDate,
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
    sum(case when CommitmentDiscountStatus = 'Used' then EffectiveCost else 0 end) as x_used_cost,
    sum(case when CommitmentDiscountStatus = 'Unused' then EffectiveCost else 0 end) as x_unused_cost,
    sum(case when ChargeCategory = 'Purchase' then BilledCost else 0 end) as x_billed_cost,
    sum(case when CommitmentDiscountStatus = 'Used' then CommitmentDiscountQuantity else 0 end) as x_used_quantity,
    sum(case when CommitmentDiscountStatus = 'Unused' then CommitmentDiscountQuantity else 0 end) as x_unused_quantity,
    sum(case when CommitmentDiscountStatus = 'Used' then ListCost else 0 end) as x_covered_list_cost
from focus.costs
where CommitmentDiscountId is not null
group by
    cast(ChargePeriodStart as date),
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    CommitmentDiscountId
