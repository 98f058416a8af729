-- marts.daily_accounts: one row per day and account over all services; the smallest table for long windows by account
-- grain: ChargeDate, x_source, BillingPeriodStart, BillingCurrency, ServiceProviderName, BillingAccountId, SubAccountId, ChargeCategory
-- materialized: table
-- complete: BilledCost, EffectiveCost, ContractedCost, ListCost
select
    ChargeDate,
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    BillingAccountId,
    max(BillingAccountName) as BillingAccountName,
    SubAccountId,
    max(SubAccountName) as SubAccountName,
    ChargeCategory,
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
    BillingAccountId,
    SubAccountId,
    ChargeCategory
