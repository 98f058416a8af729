-- marts.daily_tags: one row per day, sub account, service, tag key and value; untagged cost has a NULL value, so each key adds up to focus.costs
-- grain: ChargeDate, x_source, BillingPeriodStart, BillingCurrency, SubAccountId, ServiceName, ChargeCategory, x_tag_key, x_tag_value
-- materialized: per_revision
-- complete per x_tag_key: BilledCost, EffectiveCost, ContractedCost, ListCost
with
-- one row per day, sub account, service and set of tags: far fewer JSON texts to read than charges
tagged as (
    select
        cast(ChargePeriodStart as date) as ChargeDate,
        x_source,
        BillingPeriodStart,
        BillingCurrency,
        SubAccountId,
        ServiceName,
        ChargeCategory,
        Tags,
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
        SubAccountId,
        ServiceName,
        ChargeCategory,
        Tags
)

select
    tagged.ChargeDate,
    tagged.x_source,
    tagged.BillingPeriodStart,
    tagged.BillingCurrency,
    tagged.SubAccountId,
    tagged.ServiceName,
    tagged.ChargeCategory,
    keys.x_tag_key,
    tag(tagged.Tags, keys.x_tag_key) as x_tag_value,
    sum(tagged.BilledCost) as BilledCost,
    sum(tagged.EffectiveCost) as EffectiveCost,
    sum(tagged.ContractedCost) as ContractedCost,
    sum(tagged.ListCost) as ListCost,
    cast(sum(tagged.x_rows) as bigint) as x_rows
from tagged
cross join settings.tag_keys as keys
group by
    tagged.ChargeDate,
    tagged.x_source,
    tagged.BillingPeriodStart,
    tagged.BillingCurrency,
    tagged.SubAccountId,
    tagged.ServiceName,
    tagged.ChargeCategory,
    keys.x_tag_key,
    tag(tagged.Tags, keys.x_tag_key)
