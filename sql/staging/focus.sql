-- staging.focus: one row per charge of a FOCUS 1.0 to 1.4 file, as received
-- grain: none
-- source: raw, seeds.gcp_services
-- It is the provider's bill: amounts are never changed, not even where they break the specification's rules; those
-- are counted by costlab.focus.conformance. Mended is only what is certain: the case of listed values, provider names
-- of older and newer versions, a price in the place of a zone, the notation of tags; what Google leaves out because its
-- own columns say it; the EffectiveCost of 0 in Oracle's reports, which is said. Google's x_Credits are part of its costs already.
with
-- one row per charge, with what the provider is
delivered as (
    select
        *,
        coalesce(ServiceProviderName, ProviderName, InvoiceIssuerName, '') like 'Google%'
        or x_cost_type is not null as is_google,
        x_oci_reference is not null
        and lower(ChargeCategory) <> 'purchase'
        and EffectiveCost = 0
        and BilledCost <> 0 as is_without_effective_cost,
        list_transform(x_labels, lambda l: l.Key) as label_keys,
        list_transform(x_tags, lambda l: l.Key) as tag_keys,
        -- of one column each: DuckDB computes such once per value of a Parquet file's dictionary, not once per row
        case when json_valid(Tags) then json_type(Tags) end as tags_type,
        seeds.machine_in(SkuMeter) as meter_machine,
        seeds.machine_in(x_usage_type) as usage_machine,
        -- Microsoft's meter says D4s v5 for Standard_D4s_v5
        case
            when regexp_matches(SkuMeter, '^[A-Z]+[0-9]+[a-z0-9-]*( [A-Z]+[0-9]+)?( v[0-9]+)?$')
                then 'Standard_' || replace(SkuMeter, ' ', '_')
        end as azure_machine
    from raw
),

-- one row per charge; Google's lists of labels as one object, in the order in which they count
labelled as (
    select
        *,
        array_to_string(
            list_concat(
                list_transform(
                    list_concat(
                        list_concat(
                            x_labels,
                            list_filter(x_tags, lambda l: not coalesce(list_contains(label_keys, l.Key), false))
                        ),
                        list_filter(
                            x_project_labels,
                            lambda l: not coalesce(list_contains(label_keys, l.Key), false)
                            and not coalesce(list_contains(tag_keys, l.Key), false)
                        )
                    ),
                    lambda l: to_json(l.Key) || ':' || case when l.Value <> '' then to_json(l.Value) else 'true' end
                ),
                list_transform(
                    x_system_labels,
                    lambda l: to_json('gcp:' || l.Key) || ':'
                    || case when l.Value <> '' then to_json(l.Value) else 'true' end
                )
            ),
            ','
        ) as labels_text,
        nullif(
            array_to_string(
                list_transform(
                    list_filter(x_system_labels, lambda l: l.Key = 'compute.googleapis.com/machine_spec'),
                    lambda l: l.Value
                ),
                ''
            ),
            ''
        ) as machine_label
    from delivered
),

-- one row per charge, names of listed values as the specification writes them
charges as (
    select
        *,
        case lower(ChargeCategory)
            when 'usage' then 'Usage'
            when 'purchase' then 'Purchase'
            when 'tax' then 'Tax'
            when 'credit' then 'Credit'
            when 'adjustment' then 'Adjustment'
            else ChargeCategory
        end as charge_category,
        case
            when lower(ChargeClass) = 'correction' or x_oci_corrected is not null then 'Correction'
            else ChargeClass
        end as charge_class,
        case lower(ChargeFrequency)
            when 'usage-based' then 'Usage-Based'
            when 'one-time' then 'One-Time'
            when 'recurring' then 'Recurring'
            else ChargeFrequency
        end as charge_frequency,
        case lower(PricingCategory)
            when 'standard' then 'Standard'
            when 'dynamic' then 'Dynamic'
            when 'committed' then 'Committed'
            when 'other' then 'Other'
            else PricingCategory
        end as pricing_category,
        case lower(CommitmentDiscountStatus)
            when 'used' then 'Used'
            when 'unused' then 'Unused'
            else CommitmentDiscountStatus
        end as commitment_status,
        case lower(CommitmentDiscountCategory)
            when 'spend' then 'Spend'
            when 'usage' then 'Usage'
            else CommitmentDiscountCategory
        end as commitment_category,
        case lower(CapacityReservationStatus)
            when 'used' then 'Used'
            when 'unused' then 'Unused'
            else CapacityReservationStatus
        end as capacity_status,
        -- costlab's own exports give charges that are not invoiced yet a provisional invoice
        case
            when InvoiceId not like 'provisional-%' then InvoiceId
            when InvoiceId = 'provisional-' || BillingAccountId || '-' || left(cast(BillingPeriodStart as varchar), 7)
                then null
            else InvoiceId
        end as invoice_id,
        -- notations that are not JSON: "a": "b" of Microsoft's older exports, {'a': 'b'} of Python, {a=b} of Athena;
        -- a list of keys and values of BigQuery
        case
            when Tags is null and labels_text <> '' then '{' || labels_text || '}'
            when tags_type = 'ARRAY'
                then
                    '{'
                    || array_to_string(
                        list_transform(
                            from_json(Tags, '["JSON"]'),
                            lambda t: to_json(coalesce(json_extract_string(t, '$.key'), json_extract_string(t, '$.Key')))
                            || ':'
                            || to_json(coalesce(json_extract_string(t, '$.value'), json_extract_string(t, '$.Value')))
                        ),
                        ','
                    )
                    || '}'
            when tags_type is not null or Tags is null then Tags
            when json_valid('{' || Tags || '}') then '{' || Tags || '}'
            when json_valid(regexp_replace(replace(Tags, '''', '"'), ': *None *([,}])', ': null\1', 'g'))
                then regexp_replace(replace(Tags, '''', '"'), ': *None *([,}])', ': null\1', 'g')
            when regexp_matches(Tags, '^[{][^={},"]+=[^={},"]*(, [^={},"]+=[^={},"]*)*[}]$')
                then regexp_replace(replace(replace(Tags, '=', '":"'), ', ', '","'), '^[{](.*)[}]$', '{"\1"}')
            else '{"x_unparsed":' || cast(to_json(Tags) as varchar) || '}'
        end as tag_object,
        case when json_valid(SkuPriceDetails) then SkuPriceDetails end as price_details,
        case when json_valid(x_sku_details) then x_sku_details end as sku_details
    from labelled
),

-- one row per charge with its instance type
machines as (
    select
        *,
        coalesce(
            x_instance_type,
            machine_label,
            json_extract_string(price_details, '$.InstanceType'),
            meter_machine,
            usage_machine,
            case when ServiceName like 'Virtual Machine%' then azure_machine end,
            json_extract_string(sku_details, '$.ServiceType')
        ) as machine,
        case when is_google then 'Google Cloud' end as google,
        services.service_category as google_category,
        services.service_subcategory as google_subcategory
    from charges
    -- at most one row
    left join seeds.gcp_services as services on charges.is_google and charges.ServiceName = services.service_description
)

select
    AllocatedMethodDetails,
    AllocatedMethodId,
    AllocatedResourceId,
    AllocatedResourceName,
    AllocatedTags,
    -- Microsoft's exports of 2024 have the unit price here; its zones are whole numbers from 1
    case
        when AvailabilityZone = '0' or regexp_matches(AvailabilityZone, '^[0-9]*[.][0-9]+$') then null
        else AvailabilityZone
    end as AvailabilityZone,
    BilledCost,
    BillingAccountId,
    BillingAccountName,
    BillingAccountType,
    upper(BillingCurrency) as BillingCurrency,
    BillingPeriodEnd,
    BillingPeriodStart,
    CapacityReservationId,
    capacity_status as CapacityReservationStatus,
    charge_category as ChargeCategory,
    charge_class as ChargeClass,
    ChargeDescription,
    charge_frequency as ChargeFrequency,
    ChargePeriodEnd,
    ChargePeriodStart,
    commitment_category as CommitmentDiscountCategory,
    CommitmentDiscountId,
    CommitmentDiscountName,
    CommitmentDiscountQuantity,
    commitment_status as CommitmentDiscountStatus,
    CommitmentDiscountType,
    CommitmentDiscountUnit,
    CommitmentProgramEligibilityDetails,
    ConsumedQuantity,
    ConsumedUnit,
    ContractApplied,
    ContractedCost,
    ContractedUnitPrice,
    case when is_without_effective_cost then BilledCost else EffectiveCost end as EffectiveCost,
    HostProviderName,
    InvoiceDetailId,
    invoice_id as InvoiceId,
    coalesce(InvoiceIssuerName, google) as InvoiceIssuerName,
    ListCost,
    ListUnitPrice,
    pricing_category as PricingCategory,
    PricingCurrency,
    PricingCurrencyContractedUnitPrice,
    PricingCurrencyEffectiveCost,
    PricingCurrencyListUnitPrice,
    PricingQuantity,
    PricingUnit,
    coalesce(ProviderName, ServiceProviderName, google) as ProviderName,
    coalesce(PublisherName, ServiceProviderName, ProviderName, google) as PublisherName,
    RegionId,
    RegionName,
    ResourceId,
    ResourceName,
    ResourceType,
    coalesce(ServiceCategory, google_category, case when is_google then 'Other' end) as ServiceCategory,
    ServiceName,
    coalesce(ServiceProviderName, ProviderName, google) as ServiceProviderName,
    coalesce(ServiceSubcategory, google_subcategory, case when is_google then 'Other (Other)' end) as ServiceSubcategory,
    SkuId,
    SkuMeter,
    SkuPriceDetails,
    SkuPriceId,
    SubAccountId,
    SubAccountName,
    SubAccountType,
    case
        when tags_type is not null and tags_type not in ('OBJECT', 'ARRAY') then null
        when tag_object = '{}' then null
        when tags_type = 'OBJECT' or json_type(tag_object) = 'OBJECT' then tag_object
    end as Tags,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    -- an invoice number is there once the invoice is issued
    coalesce(x_data_status, case when invoice_id is not null then 'final' end) as x_data_status,
    coalesce(x_line_item_type, x_cost_type, charge_category) as x_line_item_type,
    x_service_code,
    coalesce(x_usage_type, SkuMeter, case when is_google then ChargeDescription end) as x_usage_type,
    x_operation,
    machine as x_instance_type,
    -- m5.large: m5; db.r5.large: db.r5; n2-standard-4: n2; Standard_D4s_v5: Dsv5;
    -- db-custom-4-16384: db-custom; GP_Gen5_4: GP_Gen5
    coalesce(
        x_family,
        case
            when machine like 'Standard\_%' escape '\' or machine like 'Basic\_%' escape '\'
                then
                    replace(
                        regexp_replace(machine, '^(?:Standard|Basic)_([A-Z]+)[0-9]+(?:-[0-9]+)?', '\1'), '_', ''
                    )
            when machine like '%.%' then regexp_replace(machine, '[.][a-z0-9-]+(?:[.]search)?$', '')
            when machine like '%-%' then regexp_extract(machine, '^(?:db-[a-z]+|[a-z0-9]+)')
            when machine like '%\_Gen%' escape '\' then regexp_extract(machine, '^[A-Z]+_Gen[0-9]+')
        end,
        json_extract_string(price_details, '$.InstanceSeries')
    ) as x_family,
    x_amortized_upfront,
    cast(null as varchar) as x_split_parent_resource_id,
    cast(null as decimal(38, 12)) as x_split_cost,
    cast(null as decimal(38, 12)) as x_split_unused_cost,
    case
        when x_credits is not null and x_credits not in ('[]', 'null')
            then cast(json_merge_patch(coalesce(x_extra, '{}'), '{"x_Credits":' || x_credits || '}') as varchar)
        when x_oci_compartment_id is not null
            then
                cast(
                    json_merge_patch(
                        coalesce(x_extra, '{}'),
                        '{"oci_CompartmentId":' || to_json(x_oci_compartment_id)
                        || coalesce(',"oci_CompartmentName":' || to_json(x_oci_compartment_name), '') || '}'
                    ) as varchar
                )
        else x_extra
    end as x_extra,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when BilledCost is null then 'quarantine: BilledCost is empty'
        when BillingCurrency is null then 'quarantine: BillingCurrency is empty'
        when BillingPeriodStart is null then 'quarantine: BillingPeriodStart is empty'
        when ChargePeriodStart is null then 'quarantine: ChargePeriodStart is empty'
        when ChargePeriodEnd is null then 'quarantine: ChargePeriodEnd is empty'
        when is_without_effective_cost then 'load: EffectiveCost of Oracle is 0, BilledCost is taken'
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part,
    BilledCost as x_source_cost,
    -- Google's table and Oracle's reports only grow; of others a month is replaced by what is delivered last
    case
        when is_google then cast(x_export_time as varchar)
        when x_oci_reference is not null then nullif(x_label, '')
    end as x_order
from machines
