-- marts.charge_reach: one row per billing period and month of charges: up to when there is usage, so that nobody has to look through the charges for it
-- grain: x_source, BillingPeriodStart, ChargeMonth
-- materialized: per_revision
-- Charges of a whole month are written on its first day: only those of a day or less say how far the usage goes.
select
    x_source,
    BillingPeriodStart,
    date_trunc('month', ChargePeriodStart) as ChargeMonth,
    max(
        case
            when ChargeCategory = 'Usage' and ChargePeriodEnd <= ChargePeriodStart + interval 1 day then ChargePeriodEnd
        end
    ) as x_usage_end,
    max(least(ChargePeriodEnd, BillingPeriodEnd)) as x_charge_end
from focus.costs
group by
    x_source,
    BillingPeriodStart,
    date_trunc('month', ChargePeriodStart)
