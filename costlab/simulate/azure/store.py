"""The simulator's DuckDB session: the estate as small tables that charges are joined with."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pyarrow as pa

from costlab.simulate.azure import prices
from costlab.simulate.azure.facts import Kind
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from costlab.simulate.azure.charges import Biller
    from costlab.simulate.azure.commitments import Commitment
    from costlab.simulate.azure.estate import Item
    from costlab.simulate.estate import Resource
    from costlab.warehouse.connection import Connection

_DRIFT: Final = 13
"""Of so many resources one is spelled in lower case on some days, as Azure's ids are compared without case."""

KINDS: Final = {  # kind: charge type, pricing model, frequency, in the actual export, in the amortized one
    Kind.USAGE: ("Usage", "OnDemand", "UsageBased", True, True),
    Kind.SPOT: ("Usage", "Spot", "UsageBased", True, True),
    Kind.RESERVED: ("Usage", "Reservation", "UsageBased", True, True),
    Kind.PLANNED: ("Usage", "SavingsPlan", "UsageBased", True, True),
    Kind.UNUSED_RESERVATION: ("UnusedReservation", "Reservation", "UsageBased", False, True),
    Kind.UNUSED_PLAN: ("UnusedSavingsPlan", "SavingsPlan", "UsageBased", False, True),
    Kind.RESERVATION: ("Purchase", "Reservation", "", True, False),
    Kind.PLAN: ("Purchase", "SavingsPlan", "", True, False),
    Kind.RETURN: ("Refund", "Reservation", "OneTime", True, False),
    Kind.PURCHASE: ("Purchase", "OnDemand", "Recurring", True, True),
    Kind.REFUND: ("Refund", "OnDemand", "OneTime", True, True),
    Kind.CREDIT: ("Credit", "", "OneTime", True, True),
    Kind.ROUNDING: ("RoundingAdjustment", "", "OneTime", True, True),
}
CATEGORIES: Final = {"Refund": "Purchase", "Credit": "Credit", "RoundingAdjustment": "Adjustment",
                     "Purchase": "Purchase"}  # fmt: skip
"""FOCUS's charge category of a charge type; any other is Usage."""


FOCUS_UNITS: Final = {
    "1": "Units", "1 Hour": "Hours", "1/Month": "Units/Month", "1 GB/Month": "GB/Month", "1 GB": "GB",
    "10K": "Units", "10K/Month": "Units/Month", "1M": "Units", "100 GB Seconds": "GB Seconds",
}  # fmt: skip
"""What FOCUS calls a unit of measure."""


def block_size(unit: str) -> int:
    """Return how many units a price is for.

    >>> block_size("10K/Month"), block_size("100 GB Seconds"), block_size("1/Month"), block_size("")
    (10000, 100, 1, 1)
    """
    head = re.match(r"(\d+)([KM]?)", unit)
    return 1 if head is None else int(head[1]) * {"": 1, "K": 1000, "M": 1_000_000}[head[2]]


def digest(*parts: str) -> bytes:
    """Return bytes that look random and depend on the texts only."""
    return sha256("|".join(parts).encode()).digest()


def open_store(biller: Biller) -> Connection:
    """Return a session with tables ``kinds, items, subscriptions, resources, commitments`` and macros.

    Macros: ``on_day(d)`` and ``at_hour(h)`` instants; ``money(m)``, ``pricing(p)`` and ``fourth(x)`` (of prices,
    quantities and rates) exact decimals of the simulator's integers.
    """
    con = connect()
    con.execute("set preserve_insertion_order = true")
    con.execute(f"create macro on_day(d) as date '{biller.company.estate.start}' + d::integer")
    con.execute(f"create macro at_hour(h) as timestamp '{biller.company.estate.start}' + to_hours(h::bigint)")
    con.execute("create macro money(m) as (m::decimal(26, 0) * 0.000000000001::decimal(12, 12))::decimal(38, 12)")
    con.execute("create macro pricing(p) as (p::decimal(26, 0) * 0.00000001::decimal(8, 8))::decimal(38, 8)")
    con.execute("create macro fourth(p) as (p::decimal(24, 0) * 0.0001::decimal(4, 4))::decimal(28, 4)")
    company = biller.company
    marked = {company.estate.meters[m].resource for effect in company.effects for m in effect.meters}
    tables = {
        "kinds": [_kind(code, kind) for code, kind in enumerate(Kind)],
        "items": [_item(number, item) for number, item in enumerate(company.estate.items)],
        "subscriptions": [{"acc": i, "id": a.id, "name": a.name} for i, a in enumerate(company.estate.accounts)],
        "resources": [
            _resource(number, r, drifts=number % _DRIFT == 5 and number not in marked)
            for number, r in enumerate(company.estate.resources)
        ],
        "commitments": [_commitment(number, c, biller) for number, c in enumerate(company.commitments)],
    }
    for name, rows in tables.items():
        empty_is_null = [{key: None if value == "" else value for key, value in row.items()} for row in rows]
        con.register("incoming", pa.Table.from_pylist(empty_is_null))
        con.execute(f"create table {name} as select * from incoming")
        con.unregister("incoming")
    return con


def _kind(code: int, kind: Kind) -> dict[str, Any]:
    charge_type, model, frequency, actual, amortized = KINDS[kind]
    return {
        "kind": code, "charge_type": charge_type, "model": model, "frequency": frequency, "in_actual": actual,
        "in_amortized": amortized, "category": CATEGORIES.get(charge_type, "Usage"),
        "is_usage": charge_type == "Usage", "is_unused": charge_type.startswith("Unused"),
        "is_covered": kind in (Kind.RESERVED, Kind.PLANNED), "is_fee": not amortized,
        "is_priced": kind not in (Kind.CREDIT, Kind.ROUNDING),
        "is_fully_priced": kind in (Kind.USAGE, Kind.SPOT, Kind.RESERVED, Kind.PLANNED),
    }  # fmt: skip


def _item(number: int, item: Item) -> dict[str, Any]:
    shape = prices.SHAPES.get(item.instance_type)
    seed = digest(item.code, item.operation, item.usage_type, item.region)
    letters = "ABCDEFGHJKMNPQRSTUVWXYZ0123456789"
    return {
        "item": number, "code": item.code, "service": item.service, "meter": item.usage_type, "sub": item.operation,
        "unit": item.unit, "region": item.region, "region_name": prices.REGION_NAMES.get(item.region, ""),
        "meter_region": prices.METER_REGIONS.get(item.region, ""), "family": item.product_family,
        "shape": item.instance_type, "product": item.description, "seller": item.seller, "consumed": item.consumed,
        "category": item.category, "subcategory": item.subcategory, "ratio": item.ratio, "flex": item.group,
        "block": block_size(item.unit), "focus_unit": FOCUS_UNITS.get(item.unit, ""),
        "list_price": item.list_price, "plan_price": item.plan_price,
        "cpus": shape.cpus if shape else None, "meter_id": str(UUID(bytes=seed[:16], version=4)) if item.unit else "",
        "product_id": "DZH318Z0" + "".join(letters[b % 32] for b in seed[:8]) if item.unit else "",
        "part": f"AA{letters[seed[8] % 24]}-{10_000 + int.from_bytes(seed[9:11], 'big')}" if item.unit else "",
        "series": item.operation.removesuffix(" Series") if item.code == "Virtual Machines" else "",
    }  # fmt: skip


def _resource(number: int, owned: Resource, *, drifts: bool) -> dict[str, Any]:
    parts = owned.id.split("/")
    kind = parts[parts.index("providers") + 1 :]
    return {
        "res": number, "id": owned.id, "name": owned.name, "resource_kind": owned.kind, "owner": owned.account,
        "resource_group": parts[4] if len(parts) > 4 and parts[3] == "resourceGroups" else "", "region": owned.region,
        "zone": owned.zone, "shape": owned.shape, "start": owned.start, "stop": owned.stop,
        "tags": json.dumps(dict(owned.tags)) if owned.tags else "", "drifts": drifts,
        "resource_type": "/".join([kind[0], *kind[1::2]]).lower(),
    }  # fmt: skip


def _commitment(number: int, owned: Commitment, biller: Biller) -> dict[str, Any]:
    start = biller.company.estate.start + timedelta(hours=owned.start)
    order = owned.id.split("/")[-3]
    return {
        "com": number, "id": owned.id, "name": owned.name, "is_plan": owned.is_plan, "owner": owned.owner,
        "shared": owned.shared, "years": owned.years, "upfront": owned.upfront, "start": owned.start,
        "stop": owned.stop, "day": start, "order_id": order, "count": owned.count, "hourly": owned.price,
        "unit_price": owned.unit_price, "budget": owned.budget, "product": biller.company.estate.items[
            biller.fee_item[number]].description, "region": owned.item.region if owned.item else "",
        "shape": owned.item.instance_type if owned.item else "", "group": owned.item.group if owned.item else "",
        "ratio": owned.item.ratio if owned.item else 1,
        "frequency": "OneTime" if owned.upfront else "Recurring", "term": owned.years * 12,
    }  # fmt: skip
