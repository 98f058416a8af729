-- marts.commitment_hours: one row per hour and pool of demand that a commitment can cover, split into covered and uncovered
-- grain: ChargePeriodStart, x_source, BillingPeriodStart, BillingCurrency, ServiceProviderName, BillingAccountId, RegionId, ServiceCategory, x_family, x_instance_type
-- materialized: per_revision_files
-- Eligible: usage at on-demand or committed price of Compute, of Databases with an instance type, and of ML instances
-- (SageMaker savings plans). Spot (Dynamic) and unused hours are not demand. Exports by day have one row per day with x_hours = 24.
select
    date_trunc('hour', ChargePeriodStart) as ChargePeriodStart,
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    BillingAccountId,
    RegionId,
    ServiceCategory,
    x_family,
    x_instance_type,
    sum(ListCost) as ListCost,
    sum(ContractedCost) as ContractedCost,
    sum(EffectiveCost) as EffectiveCost,
    sum(case when CommitmentDiscountStatus = 'Used' then ListCost else 0 end) as x_covered_list_cost,
    sum(case when CommitmentDiscountStatus is null then ListCost else 0 end) as x_uncovered_list_cost,
    sum(case when CommitmentDiscountStatus is null then EffectiveCost else 0 end) as x_uncovered_cost,
    sum(PricingQuantity) as x_quantity,
    max(date_diff('hour', ChargePeriodStart, ChargePeriodEnd)) as x_hours
from focus.costs
where
    ChargeCategory = 'Usage'
    and (
        (PricingCategory = 'Standard' and CommitmentDiscountStatus is null)
        or (PricingCategory = 'Committed' and CommitmentDiscountStatus = 'Used')
    )
    and (
        ServiceCategory = 'Compute'
        or (ServiceCategory = 'Databases' and x_instance_type is not null)
        or x_instance_type like 'ml.%'
    )
group by
    date_trunc('hour', ChargePeriodStart),
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    BillingAccountId,
    RegionId,
    ServiceCategory,
    x_family,
    x_instance_type
