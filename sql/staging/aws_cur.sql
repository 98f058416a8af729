-- staging.aws_cur: one row per line item of an AWS Cost and Usage Report, two for fees that also tell what was not used
-- grain: none (identical line items are legal)
-- source: raw, seeds.aws_services, seeds.aws_regions
with
-- one row per line item, with what later decisions need
line as not materialized (
    select
        *,
        line_item_line_item_type as x_type,
        coalesce(line_item_net_unblended_cost, line_item_unblended_cost) as x_cash,
        coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) as x_commitment_id,
        case when bill_billing_entity = 'AWS Marketplace' then line_item_legal_entity end as x_seller,
        line_item_line_item_type in ('RIFee', 'SavingsPlanRecurringFee') as x_is_fee,
        line_item_line_item_type in ('DiscountedUsage', 'SavingsPlanCoveredUsage') as x_is_covered,
        -- the one-time price of a commitment, and its refund
        line_item_line_item_type = 'SavingsPlanUpfrontFee'
        or (line_item_line_item_type = 'Fee' and reservation_reservation_a_r_n is not null)
        or (
            line_item_line_item_type = 'Refund'
            and line_item_line_item_description like 'Refund for one-time fee for Savings Plan ID%'
        ) as x_is_upfront,
        -- a discount row repeats what the net columns of the other rows contain
        line_item_line_item_type like '%Discount' and line_item_net_unblended_cost is not null as x_is_folded
    from raw
),

-- part 0 is the row itself; part 1 the unused share of a commitment, told by its fee
part as (
    select
        *,
        cast(0 as smallint) as x_part
    from line
    union all
    select
        *,
        cast(1 as smallint) as x_part
    from line
    where line_item_line_item_type in ('RIFee', 'SavingsPlanRecurringFee') and x_unreadable is null
),

-- what each part costs
charge as (
    select
        *,
        case
            when x_part = 1 and x_type = 'RIFee'
                then coalesce(
                    reservation_net_unused_amortized_upfront_fee_for_billing_period + reservation_net_unused_recurring_fee,
                    reservation_unused_amortized_upfront_fee_for_billing_period + reservation_unused_recurring_fee,
                    0
                )
            -- AWS tells the used commitment before the negotiated discount only: the discount is the fee's own
            when x_part = 1 and savings_plan_total_commitment_to_date <> 0
                then cast(
                    cast(savings_plan_total_commitment_to_date - savings_plan_used_commitment as double)
                    * cast(
                        coalesce(
                            savings_plan_net_amortized_upfront_commitment_for_billing_period
                            + savings_plan_net_recurring_commitment_for_billing_period,
                            savings_plan_total_commitment_to_date
                        ) as double
                    )
                    / cast(savings_plan_total_commitment_to_date as double) as decimal(38, 12)
                )
            when x_part = 1 or x_is_fee or x_is_upfront then 0
            when x_type = 'SavingsPlanCoveredUsage'
                then coalesce(savings_plan_net_savings_plan_effective_cost, savings_plan_savings_plan_effective_cost, 0)
            when x_type = 'DiscountedUsage'
                then coalesce(reservation_net_effective_cost, reservation_effective_cost, 0)
            else x_cash
        end as x_effective,
        case when x_part = 1 or x_is_covered then 0 else x_cash end as x_billed,
        case
            when x_part = 1 or x_type in ('Usage', 'FlatRateSubscription') or x_is_covered then 'Usage'
            when x_type in ('RIFee', 'Fee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee') then 'Purchase'
            when x_type = 'Tax' then 'Tax'
            when x_type = 'Credit' or x_type like '%Discount' then 'Credit'
            when x_type = 'Refund' then case when x_is_upfront then 'Purchase' else 'Usage' end
            else 'Adjustment'
        end as x_category
    from part
),

-- one row per charge with its service and region
described as (
    select
        charge.*,
        services.service_name as x_known_name,
        services.service_category as x_known_category,
        services.service_subcategory as x_known_subcategory,
        regions.region_name as x_region_name,
        charge.x_category = 'Usage' and charge.x_part = 0 as x_is_consumption,
        charge.line_item_usage_type like '%EBS:%' as x_is_block_storage,
        charge.line_item_usage_type like '%NatGateway%' as x_is_nat,
        -- FOCUS wants the user's keys as they are and the vendor's with its prefix
        replace(
            replace(
                replace(replace(charge.resource_tags, '{"user_', '{"'), ',"user_', ',"'), '{"aws_', '{"aws:'
            ),
            ',"aws_',
            ',"aws:'
        ) as x_tags
    from charge
    left join seeds.aws_services as services on charge.line_item_product_code = services.service_code
    left join seeds.aws_regions as regions on charge.product_region_code = regions.region_id
)

select
    cast(null as varchar) as AllocatedMethodDetails,
    case when split_line_item_parent_resource_id is not null then 'AWS split cost allocation data' end as AllocatedMethodId,
    case when split_line_item_parent_resource_id is not null then line_item_resource_id end as AllocatedResourceId,
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
    cast(null as varchar) as CapacityReservationId,
    cast(null as varchar) as CapacityReservationStatus,
    x_category as ChargeCategory,
    case when x_type = 'Refund' then 'Correction' end as ChargeClass,
    line_item_line_item_description as ChargeDescription,
    case
        when x_is_fee or x_type = 'FlatRateSubscription' then 'Recurring'
        when x_is_consumption and x_type <> 'Refund' then 'Usage-Based'
        when x_type = 'Tax' and line_item_resource_id is null then 'One-Time'
        else 'One-Time'
    end as ChargeFrequency,
    line_item_usage_end_date as ChargePeriodEnd,
    line_item_usage_start_date as ChargePeriodStart,
    case
        when x_commitment_id is null then null
        when savings_plan_savings_plan_a_r_n is not null then 'Spend'
        else 'Usage'
    end as CommitmentDiscountCategory,
    x_commitment_id as CommitmentDiscountId,
    case when x_commitment_id is not null then regexp_replace(x_commitment_id, '^.*/', '') end as CommitmentDiscountName,
    case
        when x_part = 1 and x_type = 'RIFee' then reservation_unused_normalized_unit_quantity
        when x_part = 1 then x_effective
        when x_type = 'DiscountedUsage' then coalesce(line_item_normalized_usage_amount, line_item_usage_amount)
        when x_type = 'SavingsPlanCoveredUsage' then x_effective
        when x_type = 'RIFee' then coalesce(line_item_normalized_usage_amount, line_item_usage_amount)
        when x_type in ('SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee') then x_cash
        when x_is_upfront then line_item_usage_amount
    end as CommitmentDiscountQuantity,
    case
        when x_part = 1 then 'Unused'
        when x_is_covered and x_commitment_id is not null then 'Used'
    end as CommitmentDiscountStatus,
    case
        when x_commitment_id is null then null
        when savings_plan_savings_plan_a_r_n is not null then 'Savings Plan'
        else 'Reserved Instance'
    end as CommitmentDiscountType,
    case
        when x_commitment_id is null then null
        when savings_plan_savings_plan_a_r_n is not null then line_item_currency_code
        else 'Normalized Hours'
    end as CommitmentDiscountUnit,
    cast(null as varchar) as CommitmentProgramEligibilityDetails,
    case when x_is_consumption and x_type <> 'Refund' then line_item_usage_amount end as ConsumedQuantity,
    case when x_is_consumption and x_type <> 'Refund' then pricing_unit end as ConsumedUnit,
    cast(null as varchar) as ContractApplied,
    case
        when x_part = 1 then 0
        when x_type = 'DiscountedUsage' then coalesce(pricing_public_on_demand_cost, 0)
        else x_cash
    end as ContractedCost,
    cast(null as decimal(38, 12)) as ContractedUnitPrice,
    x_effective as EffectiveCost,
    case when x_seller is null then 'AWS' end as HostProviderName,
    cast(null as varchar) as InvoiceDetailId,
    bill_invoice_id as InvoiceId,
    'AWS' as InvoiceIssuerName,
    case
        when x_part = 1 then 0
        when x_category = 'Usage' then coalesce(pricing_public_on_demand_cost, x_cash)
        else x_cash
    end as ListCost,
    case when x_is_consumption then pricing_public_on_demand_rate end as ListUnitPrice,
    case
        when x_category in ('Tax', 'Credit') then null
        when x_part = 1 or x_is_covered then 'Committed'
        when line_item_usage_type like '%SpotUsage%' then 'Dynamic'
        else 'Standard'
    end as PricingCategory,
    line_item_currency_code as PricingCurrency,
    cast(null as decimal(38, 12)) as PricingCurrencyContractedUnitPrice,
    x_effective as PricingCurrencyEffectiveCost,
    case when x_is_consumption then pricing_public_on_demand_rate end as PricingCurrencyListUnitPrice,
    case when x_part = 1 or x_category in ('Tax', 'Credit') then null else line_item_usage_amount end as PricingQuantity,
    case when x_part = 1 or x_category in ('Tax', 'Credit') then null else pricing_unit end as PricingUnit,
    'AWS' as ProviderName,
    coalesce(x_seller, 'AWS') as PublisherName,
    product_region_code as RegionId,
    case when product_region_code is not null then coalesce(x_region_name, product_region_code) end as RegionName,
    case
        when x_part = 1 or (x_category = 'Purchase' and x_commitment_id is not null) then x_commitment_id
        else line_item_resource_id
    end as ResourceId,
    case when x_part = 0 then tag(x_tags, 'Name') end as ResourceName,
    product_product_family as ResourceType,
    case
        when x_is_block_storage then 'Storage'
        when x_is_nat then 'Networking'
        else coalesce(x_known_category, 'Other')
    end as ServiceCategory,
    coalesce(product_product_name, x_known_name, line_item_product_code) as ServiceName,
    'AWS' as ServiceProviderName,
    case
        when x_is_block_storage then 'Block Storage'
        when x_is_nat then 'Network Infrastructure'
        else coalesce(x_known_subcategory, 'Other (Other)')
    end as ServiceSubcategory,
    case when x_category in ('Tax', 'Credit') then null else product_sku end as SkuId,
    case when x_category in ('Tax', 'Credit') then null else line_item_usage_type end as SkuMeter,
    cast(null as varchar) as SkuPriceDetails,
    case when x_category in ('Tax', 'Credit') then null else pricing_rate_code end as SkuPriceId,
    line_item_usage_account_id as SubAccountId,
    line_item_usage_account_name as SubAccountName,
    'Account' as SubAccountType,
    x_tags as Tags,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    case when bill_invoice_id is null then 'estimated' else 'final' end as x_data_status,
    x_type as x_line_item_type,
    line_item_product_code as x_service_code,
    line_item_usage_type as x_usage_type,
    line_item_operation as x_operation,
    product_instance_type as x_instance_type,
    regexp_replace(product_instance_type, '\.[^.]*$', '') as x_family,
    case
        when x_type = 'DiscountedUsage' then reservation_amortized_upfront_cost_for_usage
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
        else 'load'
    end as x_fate,
    x_part,
    case when x_part = 0 then x_cash end as x_source_cost
from described
