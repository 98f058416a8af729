-- staging.aws_cur: one row per line item of an AWS Cost and Usage Report, two for fees that also tell what was not used
-- grain: none (identical line items are legal)
-- source: raw, seeds.aws_services, seeds.aws_regions
-- What each line item type becomes: docs/sources.md. AWS CUR data dictionary, read 2026-11; FOCUS 1.3.
with
-- the types of line items; part 1 is the unused share of a commitment, told by its fee
line_types as (
    select
        cast(t.line_item_type as varchar) as line_item_type,
        cast(t.part as smallint) as part,
        cast(t.category as varchar) as category,
        cast(t.frequency as varchar) as frequency,
        cast(t.status as varchar) as status,
        cast(t.pricing as varchar) as pricing
    from (
        values
        ('Usage', 0, 'Usage', 'Usage-Based', null, 'Standard'),
        ('DiscountedUsage', 0, 'Usage', 'Usage-Based', 'Used', 'Committed'),
        ('SavingsPlanCoveredUsage', 0, 'Usage', 'Usage-Based', 'Used', 'Committed'),
        ('SavingsPlanNegation', 0, 'Usage', 'Usage-Based', null, null),
        ('RIFee', 0, 'Purchase', 'Recurring', null, 'Standard'),
        ('RIFee', 1, 'Usage', 'Usage-Based', 'Unused', 'Committed'),
        ('SavingsPlanRecurringFee', 0, 'Purchase', 'Recurring', null, 'Standard'),
        ('SavingsPlanRecurringFee', 1, 'Usage', 'Usage-Based', 'Unused', 'Committed'),
        ('SavingsPlanUpfrontFee', 0, 'Purchase', 'One-Time', null, 'Standard'),
        ('Fee', 0, 'Purchase', 'One-Time', null, 'Standard'),
        ('FlatRateSubscription', 0, 'Usage', 'Recurring', null, 'Standard'),
        ('Refund', 0, 'Usage', 'One-Time', null, 'Standard'),
        ('Credit', 0, 'Credit', 'One-Time', null, null),
        ('Tax', 0, 'Tax', 'One-Time', null, null),
        ('EdpDiscount', 0, 'Credit', 'One-Time', null, null),
        ('PrivateRateDiscount', 0, 'Credit', 'One-Time', null, null),
        ('BundledDiscount', 0, 'Credit', 'One-Time', null, null),
        ('Discount', 0, 'Credit', 'One-Time', null, null)
    ) as t (line_item_type, part, category, frequency, status, pricing)
),

-- one row per charge, with what later decisions need
charge as (
    select
        raw.*,
        raw.line_item_line_item_type as x_type,
        coalesce(line_types.part, cast(0 as smallint)) as x_part,
        coalesce(
            line_types.category, case when raw.line_item_line_item_type like '%Discount' then 'Credit' end
        ) as x_known_category,
        line_types.frequency as x_frequency,
        line_types.status as x_status,
        line_types.pricing as x_pricing,
        coalesce(raw.line_item_net_unblended_cost, raw.line_item_unblended_cost) as x_cash,
        coalesce(raw.savings_plan_savings_plan_a_r_n, raw.reservation_reservation_a_r_n) as x_commitment_id,
        raw.savings_plan_savings_plan_a_r_n is not null as x_is_plan,
        case when raw.bill_billing_entity = 'AWS Marketplace' then raw.line_item_legal_entity end as x_seller,
        raw.split_line_item_parent_resource_id is not null as x_is_split,
        coalesce(
            raw.product_region_code,
            nullif(regexp_extract(raw.line_item_availability_zone, '^[a-z]+(-[a-z]+)+-[0-9]+'), '')
        ) as x_region,
        coalesce(
            raw.product_instance_type,
            case when raw.line_item_usage_type like '%Usage:%' then split_part(raw.line_item_usage_type, ':', 2) end
        ) as x_machine,
        -- a discount row repeats what the net columns of the other rows contain, and has no net cost of its own
        raw.line_item_line_item_type like '%Discount'
        and raw.has_net_costs
        and coalesce(raw.line_item_net_unblended_cost, 0) = 0 as x_is_folded,
        -- the one-time price of a commitment, and its refund
        raw.line_item_line_item_type = 'SavingsPlanUpfrontFee'
        or (
            raw.line_item_line_item_type in ('Fee', 'Refund')
            and (
                raw.reservation_reservation_a_r_n is not null
                or raw.line_item_line_item_description like 'Refund for one-time fee for Savings Plan ID%'
            )
        ) as x_is_upfront,
        case
            when coalesce(line_types.part, 0) = 0 then null
            when raw.line_item_line_item_type = 'RIFee'
                then coalesce(
                    raw.reservation_net_unused_amortized_upfront_fee_for_billing_period
                    + raw.reservation_net_unused_recurring_fee,
                    raw.reservation_unused_amortized_upfront_fee_for_billing_period
                    + raw.reservation_unused_recurring_fee,
                    0
                )
            -- AWS tells the used commitment before the negotiated discount only: the discount is the fee's own
            when raw.savings_plan_total_commitment_to_date <> 0
                then cast(
                    cast(raw.savings_plan_total_commitment_to_date - raw.savings_plan_used_commitment as double)
                    * cast(
                        coalesce(
                            raw.savings_plan_net_amortized_upfront_commitment_for_billing_period
                            + raw.savings_plan_net_recurring_commitment_for_billing_period,
                            raw.savings_plan_total_commitment_to_date
                        ) as double
                    )
                    / cast(raw.savings_plan_total_commitment_to_date as double) as decimal(38, 12)
                )
            else 0
        end as x_unused_cost
    from raw
    -- no row of line_types, one, or the two parts of a fee
    left join line_types on raw.line_item_line_item_type = line_types.line_item_type
),

-- one row per charge: what it costs, and its service and region
described as (
    select
        charge.*,
        case when charge.x_part = 1 or charge.x_type = 'SavingsPlanCoveredUsage' then 0 else charge.x_cash end as x_billed,
        case
            when charge.x_part = 1 then charge.x_unused_cost
            when charge.x_is_split then charge.x_cash
            when charge.x_type = 'SavingsPlanCoveredUsage'
                then coalesce(
                    charge.savings_plan_net_savings_plan_effective_cost,
                    charge.savings_plan_savings_plan_effective_cost,
                    0
                )
            when charge.x_type = 'DiscountedUsage'
                then coalesce(charge.reservation_net_effective_cost, charge.reservation_effective_cost, charge.x_cash)
            when charge.x_is_upfront or charge.x_type in ('RIFee', 'SavingsPlanRecurringFee') then 0
            else charge.x_cash
        end as x_effective,
        case
            when charge.x_known_category is null then 'Adjustment'
            when charge.x_type = 'Refund' and charge.x_is_upfront then 'Purchase'
            else charge.x_known_category
        end as x_category,
        charge.x_known_category = 'Usage' and charge.x_part = 0 and charge.x_type <> 'Refund' as x_is_consumption,
        charge.line_item_usage_type like '%EBS:%' as x_is_block_storage,
        charge.line_item_usage_type like '%NatGateway%' as x_is_nat,
        services.service_name as x_service_name,
        services.service_category as x_service_category,
        services.service_subcategory as x_service_subcategory,
        regions.region_name as x_region_name,
        -- FOCUS wants the user's keys as they are and the vendor's with its prefix; after { or , stands a key
        coalesce(
            charge.tag_columns,
            nullif(
                case
                    when charge.resource_tags like '%"aws_%'
                        then replace(
                            replace(
                                replace(replace(charge.resource_tags, '{"user_', '{"'), ',"user_', ',"'),
                                '{"aws_', '{"aws:'
                            ),
                            ',"aws_', ',"aws:'
                        )
                    else replace(replace(charge.resource_tags, '{"user_', '{"'), ',"user_', ',"')
                end,
                '{}'
            )
        ) as x_tags
    from charge
    -- at most one row each
    left join seeds.aws_services as services on charge.line_item_product_code = services.service_code
    left join seeds.aws_regions as regions on charge.x_region = regions.region_id
)

select
    cast(null as varchar) as AllocatedMethodDetails,
    case when x_is_split then 'AWS split cost allocation data' end as AllocatedMethodId,
    case when x_is_split then line_item_resource_id end as AllocatedResourceId,
    cast(null as varchar) as AllocatedResourceName,
    cast(null as varchar) as AllocatedTags,
    line_item_availability_zone as AvailabilityZone,
    x_billed as BilledCost,
    bill_payer_account_id as BillingAccountId,
    bill_payer_account_name as BillingAccountName,
    'Management Account' as BillingAccountType,
    line_item_currency_code as BillingCurrency,
    bill_billing_period_end_date as BillingPeriodEnd,
    bill_billing_period_start_date as BillingPeriodStart,
    case when capacity_reservation_capacity_reservation_status in ('Used', 'Unused') then capacity_reservation_capacity_reservation_arn end as CapacityReservationId,
    case
        when capacity_reservation_capacity_reservation_arn is not null
            and capacity_reservation_capacity_reservation_status in ('Used', 'Unused')
            then capacity_reservation_capacity_reservation_status
    end as CapacityReservationStatus,
    -- a listed value is written much faster than a text
    cast(x_category as enum('Adjustment', 'Credit', 'Purchase', 'Tax', 'Usage')) as ChargeCategory,
    case when x_type = 'Refund' then 'Correction' end as ChargeClass,
    line_item_line_item_description as ChargeDescription,
    cast(
        case
            when x_type = 'Fee' and not x_is_upfront and line_item_usage_end_date >= line_item_usage_start_date + interval '28' day
                then 'Recurring'
            else coalesce(x_frequency, 'One-Time')
        end
        as enum('One-Time', 'Recurring', 'Usage-Based')
    ) as ChargeFrequency,
    line_item_usage_end_date as ChargePeriodEnd,
    line_item_usage_start_date as ChargePeriodStart,
    case when x_commitment_id is null then null when x_is_plan then 'Spend' else 'Usage' end as CommitmentDiscountCategory,
    x_commitment_id as CommitmentDiscountId,
    case when x_commitment_id is not null then regexp_replace(x_commitment_id, '^.*/', '') end as CommitmentDiscountName,
    case
        when x_commitment_id is null then null
        when x_part = 1 and x_type = 'RIFee'
            then coalesce(reservation_unused_normalized_unit_quantity, reservation_unused_quantity)
        when x_part = 1 or x_type = 'SavingsPlanCoveredUsage' then x_effective
        when x_type in ('SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee') then x_cash
        when x_type in ('DiscountedUsage', 'RIFee') then coalesce(line_item_normalized_usage_amount, line_item_usage_amount)
        when x_is_upfront then line_item_usage_amount
    end as CommitmentDiscountQuantity,
    case when x_commitment_id is not null then x_status end as CommitmentDiscountStatus,
    case when x_commitment_id is null then null when x_is_plan then 'Savings Plan' else 'Reserved Instance' end as CommitmentDiscountType,
    case
        when x_commitment_id is null then null
        when x_is_plan then line_item_currency_code
        else 'Normalized Hours'
    end as CommitmentDiscountUnit,
    cast(null as varchar) as CommitmentProgramEligibilityDetails,
    case when x_is_consumption then line_item_usage_amount end as ConsumedQuantity,
    case when x_is_consumption then pricing_unit end as ConsumedUnit,
    cast(null as varchar) as ContractApplied,
    case
        when x_part = 1 then 0
        when x_type = 'DiscountedUsage' and not x_is_split then coalesce(pricing_public_on_demand_cost, 0)
        else x_cash
    end as ContractedCost,
    case
        when not x_is_consumption or x_is_split then null
        when x_type = 'DiscountedUsage' then pricing_public_on_demand_rate
        else coalesce(line_item_net_unblended_rate, line_item_unblended_rate)
    end as ContractedUnitPrice,
    x_effective as EffectiveCost,
    cast(case when x_seller is null then 'AWS' end as enum('AWS')) as HostProviderName,
    cast(null as varchar) as InvoiceDetailId,
    bill_invoice_id as InvoiceId,
    'AWS' as InvoiceIssuerName,
    case
        when x_part = 1 then 0
        when x_category = 'Usage' and not x_is_split then coalesce(pricing_public_on_demand_cost, x_cash)
        else x_cash
    end as ListCost,
    case when x_is_consumption then pricing_public_on_demand_rate end as ListUnitPrice,
    cast(
        case
            when x_pricing = 'Standard' and line_item_usage_type like '%SpotUsage%' then 'Dynamic'
            when x_known_category is null then 'Standard'
            else x_pricing
        end
        as enum('Committed', 'Dynamic', 'Standard')
    ) as PricingCategory,
    line_item_currency_code as PricingCurrency,
    case
        when not x_is_consumption or x_is_split then null
        when x_type = 'DiscountedUsage' then pricing_public_on_demand_rate
        else coalesce(line_item_net_unblended_rate, line_item_unblended_rate)
    end as PricingCurrencyContractedUnitPrice,
    x_effective as PricingCurrencyEffectiveCost,
    case when x_is_consumption then pricing_public_on_demand_rate end as PricingCurrencyListUnitPrice,
    case when x_part = 0 and x_category not in ('Tax', 'Credit') and pricing_unit is not null
        then line_item_usage_amount end as PricingQuantity,
    case when x_part = 0 and x_category not in ('Tax', 'Credit') then pricing_unit end as PricingUnit,
    'AWS' as ProviderName,
    coalesce(x_seller, 'AWS') as PublisherName,
    x_region as RegionId,
    coalesce(x_region_name, x_region) as RegionName,
    case
        when x_part = 1 or (x_category = 'Purchase' and x_commitment_id is not null) then x_commitment_id
        else line_item_resource_id
    end as ResourceId,
    case when x_part = 0 and x_tags like '%"Name":%' then tag(x_tags, 'Name') end as ResourceName,
    product_product_family as ResourceType,
    cast(
        case
            when x_is_block_storage then 'Storage'
            when x_is_nat then 'Networking'
            else coalesce(x_service_category, 'Other')
        end
        as seeds.service_category
    ) as ServiceCategory,
    case
        when x_seller is not null then coalesce(product_product_name, line_item_product_code)
        else coalesce(x_service_name, product_product_name, line_item_product_code)
    end as ServiceName,
    'AWS' as ServiceProviderName,
    cast(
        case
            when x_is_block_storage then 'Block Storage'
            when x_is_nat then 'Network Infrastructure'
            else coalesce(x_service_subcategory, 'Other (Other)')
        end
        as seeds.service_subcategory
    ) as ServiceSubcategory,
    case when x_category not in ('Tax', 'Credit') then product_sku end as SkuId,
    case when x_category not in ('Tax', 'Credit') then line_item_usage_type end as SkuMeter,
    case when x_machine is not null then '{"InstanceType":"' || x_machine || '"}' end as SkuPriceDetails,
    case when x_category not in ('Tax', 'Credit') then pricing_rate_code end as SkuPriceId,
    line_item_usage_account_id as SubAccountId,
    line_item_usage_account_name as SubAccountName,
    'Account' as SubAccountType,
    x_tags as Tags,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    cast(case when bill_invoice_id is null then 'estimated' else 'final' end as enum('estimated', 'final')) as x_data_status,
    x_type as x_line_item_type,
    line_item_product_code as x_service_code,
    line_item_usage_type as x_usage_type,
    line_item_operation as x_operation,
    x_machine as x_instance_type,
    regexp_replace(x_machine, '[.][^.]*$', '') as x_family,
    case
        when x_type = 'DiscountedUsage'
            then coalesce(reservation_net_amortized_upfront_cost_for_usage, reservation_amortized_upfront_cost_for_usage)
        when x_part = 1 and x_type = 'RIFee'
            then coalesce(
                reservation_net_unused_amortized_upfront_fee_for_billing_period,
                reservation_unused_amortized_upfront_fee_for_billing_period
            )
    end as x_amortized_upfront,
    split_line_item_parent_resource_id as x_split_parent_resource_id,
    coalesce(split_line_item_net_split_cost, split_line_item_split_cost) as x_split_cost,
    coalesce(split_line_item_net_unused_cost, split_line_item_unused_cost) as x_split_unused_cost,
    x_extra,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when x_type = 'SavingsPlanNegation' then 'drop: SavingsPlanNegation'
        when x_is_folded then 'drop: ' || x_type
        when x_known_category is null then 'load: line item type ' || x_type || ' is not known, taken as Adjustment'
        else 'load'
    end as x_fate,
    x_part,
    case when x_part = 1 then null when x_is_folded then coalesce(line_item_net_unblended_cost, 0) else x_cash end as x_source_cost
from described
