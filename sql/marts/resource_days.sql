-- marts.resource_days: one row per day, resource and way of using it; charges without a resource and commitments themselves are left out
-- grain: ChargeDate, x_source, BillingPeriodStart, BillingCurrency, ServiceProviderName, BillingAccountId, SubAccountId, RegionId, ServiceName, ResourceId, x_service_code, x_usage_type, x_operation, x_instance_type, ChargeCategory, PricingCategory, CommitmentDiscountId, CommitmentDiscountStatus, PricingUnit
-- materialized: per_revision_files
select
    cast(ChargePeriodStart as date) as ChargeDate,
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    BillingAccountId,
    SubAccountId,
    max(SubAccountName) as SubAccountName,
    RegionId,
    max(ServiceCategory) as ServiceCategory,
    ServiceName,
    ResourceId,
    max(ResourceName) as ResourceName,
    max(ResourceType) as ResourceType,
    max(Tags) as Tags,
    x_service_code,
    x_usage_type,
    x_operation,
    x_instance_type,
    ChargeCategory,
    PricingCategory,
    CommitmentDiscountId,
    CommitmentDiscountStatus,
    PricingUnit,
    sum(BilledCost) as BilledCost,
    sum(EffectiveCost) as EffectiveCost,
    sum(ContractedCost) as ContractedCost,
    sum(ListCost) as ListCost,
    sum(PricingQuantity) as PricingQuantity,
    min(ChargePeriodStart) as x_first_start,
    max(ChargePeriodEnd) as x_last_end,
    count(*) as x_rows
from focus.costs
where
    ResourceId is not null
    -- an unused hour names the commitment as its resource; a purchase names what was bought
    and (CommitmentDiscountId is null or (ResourceId <> CommitmentDiscountId and ChargeCategory <> 'Purchase'))
group by
    cast(ChargePeriodStart as date),
    x_source,
    BillingPeriodStart,
    BillingCurrency,
    ServiceProviderName,
    BillingAccountId,
    SubAccountId,
    RegionId,
    ServiceName,
    ResourceId,
    x_service_code,
    x_usage_type,
    x_operation,
    x_instance_type,
    ChargeCategory,
    PricingCategory,
    CommitmentDiscountId,
    CommitmentDiscountStatus,
    PricingUnit
