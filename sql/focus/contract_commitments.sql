-- focus.contract_commitments: one row per reservation, savings plan or committed use discount, as FOCUS 1.3 describes it
-- grain: x_source, ContractCommitmentId, BillingCurrency
-- materialized: table
-- Derived from the charges: the periods run from the first to the last charge seen (an upfront purchase spans its term).
-- ContractCommitmentCost (Spend) and ContractCommitmentQuantity (Usage) are what was committed in the hours seen, used or not.
with
commitments as (
    select
        x_source,
        CommitmentDiscountId,
        BillingCurrency,
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
        min(x_first_seen) as x_first_seen,
        max(x_last_seen) as x_last_seen,
        sum(x_upfront_cost) as x_upfront_cost,
        sum(x_recurring_cost) as x_recurring_cost,
        sum(x_applied_cost) as x_applied_cost,
        sum(x_applied_quantity) as x_applied_quantity,
        sum(x_amortized_upfront) as x_amortized_upfront,
        sum(x_applied_hours) as x_applied_hours
    from focus.commitment_periods
    group by
        x_source,
        CommitmentDiscountId,
        BillingCurrency
)

select
    CommitmentDiscountId as ContractId,
    x_first_seen as ContractPeriodStart,
    x_last_seen as ContractPeriodEnd,
    CommitmentDiscountId as ContractCommitmentId,
    CommitmentDiscountType as ContractCommitmentType,
    CommitmentDiscountCategory as ContractCommitmentCategory,
    x_first_seen as ContractCommitmentPeriodStart,
    x_last_seen as ContractCommitmentPeriodEnd,
    BillingCurrency,
    case when CommitmentDiscountCategory = 'Spend' then x_applied_cost end as ContractCommitmentCost,
    case when CommitmentDiscountCategory = 'Usage' then x_applied_quantity end as ContractCommitmentQuantity,
    CommitmentDiscountUnit as ContractCommitmentUnit,
    CommitmentDiscountName as ContractCommitmentDescription,
    x_source,
    ServiceProviderName as x_provider,
    BillingAccountId as x_billing_account_id,
    SubAccountId as x_sub_account_id,
    CommitmentDiscountType as x_offering,
    case
        when x_upfront_cost > 0 and x_recurring_cost > 0 then 'Partial Upfront'
        when x_amortized_upfront > 0 and x_amortized_upfront < x_applied_cost then 'Partial Upfront'
        when x_upfront_cost > 0 or x_amortized_upfront > 0 then 'All Upfront'
        when x_recurring_cost > 0 then 'No Upfront'
    end as x_payment_option,
    case when x_min_region = x_max_region then x_min_region end as x_region_id,
    case when x_min_family = x_max_family then x_min_family end as x_family,
    case
        when x_applied_hours > 0
            then cast(cast(x_applied_cost as double) / cast(x_applied_hours as double) as decimal(38, 12))
    end as x_hourly_commitment,
    x_first_seen,
    x_last_seen
from commitments
