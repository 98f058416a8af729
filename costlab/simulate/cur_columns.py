"""The columns of an AWS Cost and Usage Report and the SQL that fills each from the line items.

Names are those of CUR 2.0 (Data Exports table dictionary, COST_AND_USAGE_REPORT, read 2026-11); the legacy names
follow from them. In the SQL ``f`` is the line item, ``s`` its priced item, ``r`` its resource, ``a`` its account,
``c`` its commitment, ``k`` its type, ``p`` its pod; ``$names`` are filled in by the rendering.
"""

# ruff: noqa: E501 - tables of data and SQL read best with one entry on a line

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from costlab.simulate.facts import CODE, Line


@dataclass(frozen=True, slots=True)
class CurColumn:
    """A column: its CUR 2.0 name, type (text, number, instant or map) and SQL."""

    name: str
    type: str
    sql: str
    net: bool = False
    """Only there when the company has a discount programme."""


def of(*lines: Line) -> str:
    """Return the SQL condition that a line item is of one of these types."""
    return f"f.kind in ({', '.join(str(CODE[line]) for line in lines)})"


RI = of(Line.DISCOUNTED_USAGE, Line.RI_FEE)
RI_ROWS = f"(c.com is not null and not c.is_plan and {of(Line.DISCOUNTED_USAGE, Line.RI_FEE, Line.FEE)})"
PLAN = of(Line.COVERED_USAGE, Line.NEGATION, Line.PLAN_FEE, Line.PLAN_UPFRONT)
USED = of(Line.USAGE, Line.DISCOUNTED_USAGE, Line.COVERED_USAGE)
PRICED = f"({USED} or {of(Line.SPLIT)})"
MACHINE = f"({USED} and s.factor is not null)"
WHOLE = of(Line.TAX, Line.FEE, Line.CREDIT, Line.REFUND)
POD = "'arn:aws:eks:us-east-1:' || a.id || ':pod/main/' || p.pod || '/' || substr(md5(p.pod || r.id), 1, 8)"

RESOURCE = f"""case when {of(Line.SPLIT)} then {POD}
    when {of(Line.RI_FEE, Line.PLAN_FEE, Line.PLAN_UPFRONT, Line.NEGATION)} or {RI_ROWS} and r.id is null then c.id
    else r.id end"""
USAGE_TYPE = """case when p.pod is not null then 'USE1-EKS-EC2-vCPU-Hours' else s.usage_type end"""
TERM = f"case when {RI_ROWS} then 'Reserved' when s.usage_type like '%SpotUsage%' then 'Spot' when {PRICED} then 'OnDemand' end"
DESCRIPTION = f"""case when {of(Line.NEGATION)} then 'SavingsPlanNegation used by AccountId : ' || a.id || ' and UsageSku : ' || s.sku_id
    when {of(Line.EDP)} then 'Enterprise Discount Program Discount'
    when {of(Line.CREDIT)} then 'AWS Promotional Credit'
    when {of(Line.REFUND)} then 'Refund for AWS usage of an earlier month, ' || s.service
    when {of(Line.PLAN_UPFRONT)} then 'One-time fee for Savings Plan ID: ' || split_part(c.id, '/', 2)
    when {of(Line.SPLIT)} then 'Split cost of ' || p.pod
    when {of(Line.FEE)} and c.com is not null then 'Sign up charge for subscription: ' || regexp_extract(c.id, '[^/:]+$')
    else s.description end"""


def _text(name: str, sql: str) -> CurColumn:
    return CurColumn(name, "text", sql)


def _usd(name: str, column: str, when: str = "") -> CurColumn:
    value = f"$usd({column})"
    return CurColumn(name, "number", f"case when {when} then {value} end" if when else value)


def _number(name: str, sql: str) -> CurColumn:
    return CurColumn(name, "number", sql)


def _instant(name: str, sql: str) -> CurColumn:
    return CurColumn(name, "instant", sql)


def _net(name: str, column: str, when: str = "") -> CurColumn:
    plain = _usd(name, column, when)
    return CurColumn(plain.name, plain.type, plain.sql, net=True)


_NULL = "cast(null as varchar)"
_UNUSED = "f.commit - f.used"
_UNUSED_UP = "f.commit_up - f.used_up"
_FEE = of(Line.RI_FEE)
_PLAN_FEE = of(Line.PLAN_FEE)
_COVERED = of(Line.COVERED_USAGE)
_DISCOUNTED = of(Line.DISCOUNTED_USAGE)
_SPLIT = of(Line.SPLIT)

CUR_COLUMNS: Final[tuple[CurColumn, ...]] = (
    _text("bill_bill_type", f"case when {of(Line.REFUND)} then 'Refund' when {of(Line.FEE, Line.PLAN_UPFRONT)} then 'Purchase' else 'Anniversary' end"),
    _text("bill_billing_entity", "case when f.invoice = 1 then 'AWS Marketplace' else 'AWS' end"),
    _instant("bill_billing_period_end_date", "$period_end"),
    _instant("bill_billing_period_start_date", "$period_start"),
    _text("bill_invoice_id", "case when f.invoice = 1 then $marketplace_invoice else $invoice end"),
    _text("bill_invoicing_entity", "case when f.invoice = 1 then s.seller else 'Amazon Web Services, Inc.' end"),
    _text("bill_payer_account_id", "$payer_id"),
    _text("bill_payer_account_name", "$payer_name"),
    CurColumn("cost_category", "map", "cast(null as map(varchar, varchar))"),
    CurColumn("discount", "number_map", f"case when {PRICED} and f.unb <> f.net then map {{'total_discount': $usd(f.net - f.unb)}} end"),
    _number("discount_bundled_discount", "case when f.unb <> f.net then 0.0 end"),
    _usd("discount_total_discount", "f.net - f.unb", f"f.unb <> f.net and not {of(Line.EDP)}"),
    _text("identity_line_item_id", "md5($month || ':' || f.line)"),
    _text("identity_time_interval", "strftime($at(f.h0), '%Y-%m-%dT%H:%M:%SZ') || '/' || strftime($at(f.h1), '%Y-%m-%dT%H:%M:%SZ')"),
    _text("line_item_availability_zone", f"case when {MACHINE} then r.zone end"),
    _usd("line_item_blended_cost", "f.unb"),
    _number("line_item_blended_rate", f"case when not {of(Line.EDP, Line.TAX)} then $rate(f.rate) end"),
    _text("line_item_currency_code", "'USD'"),
    _text("line_item_legal_entity", "coalesce(s.seller, 'Amazon Web Services, Inc.')"),
    _text("line_item_line_item_description", DESCRIPTION),
    _text("line_item_line_item_type", "k.line_type"),
    _net("line_item_net_unblended_cost", "f.net"),
    CurColumn("line_item_net_unblended_rate", "number", f"case when {USED} and f.q > 0 then $usd(f.net) / $quantity(f.q) end", net=True),
    _number("line_item_normalization_factor", f"case when {MACHINE} then s.factor::double when {_FEE} then c.units / c.count end"),
    _number("line_item_normalized_usage_amount", f"case when {MACHINE} then s.factor * $quantity(f.q) when {_FEE} then c.units / c.count * $quantity(f.q) end"),
    _text("line_item_operation", f"case when {_SPLIT} then 'EKSPod-EC2' else s.operation end"),
    _text("line_item_product_code", f"case when {_SPLIT} then 'AmazonEKS' else s.code end"),
    _text("line_item_resource_id", RESOURCE),
    _text("line_item_tax_type", f"case when {of(Line.TAX)} then case when a.name = 'eu-prod' then 'VAT' else 'USSalesTax' end end"),
    _usd("line_item_unblended_cost", "f.unb"),
    _number("line_item_unblended_rate", f"case when not {of(Line.EDP, Line.TAX)} then $rate(f.rate) end"),
    _text("line_item_usage_account_id", "a.id"),
    _text("line_item_usage_account_name", "a.name"),
    _number("line_item_usage_amount", f"case when {_SPLIT} then $quantity(f.split_q * 100) * s.vcpus else $quantity(f.q) end"),
    _instant("line_item_usage_end_date", "$at(f.h1)"),
    _instant("line_item_usage_start_date", "$at(f.h0)"),
    _text("line_item_usage_type", USAGE_TYPE),
    _text("pricing_currency", f"case when not {of(Line.TAX)} then 'USD' end"),
    _text("pricing_lease_contract_length", f"case when {RI_ROWS} then c.years || 'yr' end"),
    _text("pricing_offering_class", f"case when {RI_ROWS} and s.code = 'AmazonEC2' then 'standard' end"),
    _usd("pricing_public_on_demand_cost", "f.od", PRICED),
    _number("pricing_public_on_demand_rate", f"case when {USED} then $rate(s.list_rate) end"),
    _text("pricing_purchase_option", f"case when {RI_ROWS} then c.payment end"),
    _text("pricing_rate_code", f"case when {USED} or {RI} then s.rate_code end"),
    _text("pricing_rate_id", f"case when {USED} or {RI} then s.rate_id end"),
    _text("pricing_term", TERM),
    _text("pricing_unit", f"case when {_SPLIT} then 'vCPU-Hours' when {WHOLE} or {of(Line.EDP)} then null else s.unit end"),
    CurColumn("product", "map", "s.product"),
    _text("product_comment", _NULL),
    _text("product_fee_code", _NULL),
    _text("product_fee_description", _NULL),
    _text("product_from_location", "case when s.product_family = 'Data Transfer' then s.region_name end"),
    _text("product_from_location_type", "case when s.product_family = 'Data Transfer' then 'AWS Region' end"),
    _text("product_from_region_code", "case when s.product_family = 'Data Transfer' then s.region end"),
    _text("product_instance_family", "case when s.vcpus is null then null when s.instance_type like 'c%' then 'Compute optimized' when s.instance_type like 'r%' then 'Memory optimized' else 'General purpose' end"),
    _text("product_instance_type", "s.instance_type"),
    _text("product_instancesku", _NULL),
    _text("product_location", "s.region_name"),
    _text("product_location_type", "case when s.region is not null then 'AWS Region' end"),
    _text("product_operation", "s.operation"),
    _text("product_pricing_unit", _NULL),
    _text("product_product_family", "s.product_family"),
    _text("product_region_code", "s.region"),
    _text("product_servicecode", "s.code"),
    _text("product_sku", "case when s.usage_type is not null then s.sku_id end"),
    _text("product_to_location", "case when s.usage_type like '%DataTransfer-Out%' then 'External' end"),
    _text("product_to_location_type", "case when s.usage_type like '%DataTransfer-Out%' then 'Other' end"),
    _text("product_to_region_code", _NULL),
    _text("product_usagetype", "s.usage_type"),
    _usd("reservation_amortized_upfront_cost_for_usage", "f.up", _DISCOUNTED),
    _usd("reservation_amortized_upfront_fee_for_billing_period", "f.commit_up", _FEE),
    _text("reservation_availability_zone", f"case when {RI_ROWS} then c.zone end"),
    _usd("reservation_effective_cost", "f.eff", _DISCOUNTED),
    _text("reservation_end_time", f"case when {RI_ROWS} then c.ends end"),
    _text("reservation_modification_status", f"case when {RI_ROWS} then 'Original' end"),
    _net("reservation_net_amortized_upfront_cost_for_usage", "f.up", _DISCOUNTED),
    _net("reservation_net_amortized_upfront_fee_for_billing_period", "f.commit_up", _FEE),
    _net("reservation_net_effective_cost", "f.eff_net", _DISCOUNTED),
    _net("reservation_net_recurring_fee_for_usage", "f.eff_net - f.up", _DISCOUNTED),
    _net("reservation_net_unused_amortized_upfront_fee_for_billing_period", _UNUSED_UP, _FEE),
    _net("reservation_net_unused_recurring_fee", "f.commit_net - f.used_net - (f.commit_up - f.used_up)", _FEE),
    _net("reservation_net_upfront_value", "c.upfront // c.count", _FEE),
    _text("reservation_normalized_units_per_reservation", f"case when {RI_ROWS} then (c.units / c.count)::varchar end"),
    _text("reservation_number_of_reservations", f"case when {RI_ROWS} then c.count::varchar end"),
    _usd("reservation_recurring_fee_for_usage", "f.eff - f.up", _DISCOUNTED),
    _text("reservation_reservation_a_r_n", f"case when {RI_ROWS} then c.id when {PLAN} then '' end"),
    _text("reservation_start_time", f"case when {RI_ROWS} then c.begins end"),
    _text("reservation_subscription_id", f"case when {RI_ROWS} then c.subscription end"),
    _text("reservation_total_reserved_normalized_units", f"case when {_FEE} then (c.units * (f.h1 - f.h0))::varchar end"),
    _text("reservation_total_reserved_units", f"case when {_FEE} then (c.count * (f.h1 - f.h0))::varchar end"),
    _text("reservation_units_per_reservation", f"case when {RI_ROWS} then '1' end"),
    _usd("reservation_unused_amortized_upfront_fee_for_billing_period", _UNUSED_UP, _FEE),
    _number("reservation_unused_normalized_unit_quantity", f"case when {_FEE} then $quantity(f.unused_q) / 4 end"),
    _number("reservation_unused_quantity", f"case when {_FEE} then $quantity(f.unused_q) / 4 / (c.units / c.count) end"),
    _usd("reservation_unused_recurring_fee", f"{_UNUSED} - ({_UNUSED_UP})", _FEE),
    _usd("reservation_upfront_value", "c.upfront // c.count", _FEE),
    CurColumn("resource_tags", "map", "case when f.res >= 0 then r.user_tags end"),
    _usd("savings_plan_amortized_upfront_commitment_for_billing_period", "f.commit_up", _PLAN_FEE),
    _text("savings_plan_end_time", f"case when {PLAN} then c.ends end"),
    _text("savings_plan_instance_type_family", f"case when {PLAN} then c.family end"),
    _net("savings_plan_net_amortized_upfront_commitment_for_billing_period", "f.commit_up", _PLAN_FEE),
    _net("savings_plan_net_recurring_commitment_for_billing_period", "f.commit_net - f.commit_up", _PLAN_FEE),
    _net("savings_plan_net_savings_plan_effective_cost", "f.eff_net", _COVERED),
    _text("savings_plan_offering_type", f"case when {PLAN} then c.offering end"),
    _text("savings_plan_payment_option", f"case when {PLAN} then c.payment end"),
    _text("savings_plan_purchase_term", f"case when {PLAN} then c.years || 'yr' end"),
    _usd("savings_plan_recurring_commitment_for_billing_period", "f.commit - f.commit_up", _PLAN_FEE),
    _text("savings_plan_region", f"case when {PLAN} then coalesce(c.region, 'Any') end"),
    _text("savings_plan_savings_plan_a_r_n", f"case when {PLAN} then c.id when {RI_ROWS} then '' end"),
    _usd("savings_plan_savings_plan_effective_cost", "f.eff", _COVERED),
    _number("savings_plan_savings_plan_rate", f"case when {_COVERED} and f.q > 0 then $usd(f.eff) / $quantity(f.q) end"),
    _text("savings_plan_start_time", f"case when {PLAN} then c.begins end"),
    _usd("savings_plan_total_commitment_to_date", "f.commit", _PLAN_FEE),
    _usd("savings_plan_used_commitment", "f.used", _PLAN_FEE),
    _number("split_line_item_actual_usage", f"case when {_SPLIT} then $quantity(f.split_q * 70) * s.vcpus end"),
    _net("split_line_item_net_split_cost", "f.split_net", _SPLIT),
    _net("split_line_item_net_unused_cost", "f.split_unused_net", _SPLIT),
    _text("split_line_item_parent_resource_id", f"case when {_SPLIT} then r.id end"),
    _usd("split_line_item_public_on_demand_split_cost", "f.od", f"{_SPLIT} and false"),
    _usd("split_line_item_public_on_demand_unused_cost", "f.od", f"{_SPLIT} and false"),
    _number("split_line_item_reserved_usage", f"case when {_SPLIT} then $quantity(f.split_q * 100) * s.vcpus end"),
    _usd("split_line_item_split_cost", "f.split", _SPLIT),
    _number("split_line_item_split_usage", f"case when {_SPLIT} then $quantity(f.split_q * 100) * s.vcpus end"),
    _number("split_line_item_split_usage_ratio", f"case when {_SPLIT} then f.split_q / 100.0::double end"),
    _usd("split_line_item_unused_cost", "f.split_unused", _SPLIT),
)  # fmt: skip

JOINS: Final = """facts as f
    join kinds as k on k.kind = f.kind
    left join skus as s on s.sku = f.sku
    left join resources as r on r.res = f.res
    join accounts as a on a.acc = f.acc
    left join commitments as c on c.com = f.com
    left join pods as p on p.parent = f.parent"""
