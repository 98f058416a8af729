"""The simulator's DuckDB session: the estate as small tables that line items are joined with."""

# ruff: noqa: E501 - tables of data read best with one entry on a line

from __future__ import annotations

from datetime import date, timedelta
from hashlib import md5, sha256
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from costlab.period import midnight
from costlab.simulate import pools, prices
from costlab.simulate.charges import POD_WEIGHTS
from costlab.simulate.commitments import Instrument
from costlab.simulate.facts import Line
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from costlab.simulate.charges import Biller
    from costlab.simulate.estate import Sku
    from costlab.warehouse.connection import Connection

MICROSECONDS_PER_HOUR = 3_600_000_000
PODS = ("shop/cart", "shop/catalog", "kube-system/metrics")


def sku_id(sku: Sku) -> str:
    """Return the vendor-like id of a priced item: sixteen capital letters and digits."""
    digest = sha256(f"{sku.code}|{sku.usage_type}|{sku.operation}|{sku.region}".encode()).digest()
    alphabet = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
    return "".join(alphabet[byte % len(alphabet)] for byte in digest[:16])


CATEGORIES = {  # service code: FOCUS service category and subcategory
    "AmazonEC2": ("Compute", "Virtual Machines"),
    "ComputeSavingsPlans": ("Compute", "Other (Compute)"),
    "AWSLambda": ("Compute", "Serverless Compute"),
    "AmazonECS": ("Compute", "Containers"),
    "AmazonEKS": ("Compute", "Containers"),
    "AmazonS3": ("Storage", "Object Storage"),
    "AmazonRDS": ("Databases", "Relational Databases"),
    "AmazonElastiCache": ("Databases", "Caching"),
    "AmazonRedshift": ("Databases", "Data Warehouses"),
    "AmazonSageMaker": ("AI and Machine Learning", "Machine Learning"),
    "MachineLearningSavingsPlans": ("AI and Machine Learning", "Other (AI and Machine Learning)"),
    "DatabaseSavingsPlans": ("Databases", "Other (Databases)"),
    "AmazonDynamoDB": ("Databases", "NoSQL Databases"),
    "AmazonES": ("Analytics", "Search"),
    "AmazonVPC": ("Networking", "Network Infrastructure"),
    "AWSELB": ("Networking", "Application Networking"),
    "AWSDataTransfer": ("Networking", "Network Infrastructure"),
    "AmazonCloudWatch": ("Management and Governance", "Observability"),
    "AWSSupportBusiness": ("Other", "Other (Other)"),
}


def _category(sku: Sku) -> tuple[str, str]:
    """Return the FOCUS category and subcategory of a priced item; disks and gateways are not compute."""
    if sku.product_family.startswith(("Storage", "System Operation")) and sku.code == "AmazonEC2":
        return "Storage", "Block Storage"
    if sku.product_family == "NAT Gateway":
        return "Networking", "Network Infrastructure"
    return CATEGORIES.get(sku.code, ("Other", "Other (Other)"))


def _columns(rows: list[dict[str, Any]]) -> Any:
    return pa.Table.from_pylist(rows)


def open_store(biller: Biller) -> Connection:
    """Return a session with tables ``kinds, skus, accounts, resources, commitments, pods`` and time macros.

    Macros: ``at_hour(h)`` the instant of an hour, ``usd(money)`` a double, ``exact(money)`` a DECIMAL(38,12).
    """
    con = connect()
    con.execute("set preserve_insertion_order = true")
    origin = int((midnight(biller.company.estate.start) - midnight(_EPOCH)) / timedelta(microseconds=1))
    con.execute(f"create macro at_hour(h) as make_timestamp({origin} + h::bigint * {MICROSECONDS_PER_HOUR})")
    con.execute(f"create macro usd(m) as m / {prices.MONEY}.0::double")
    con.execute("create macro per_unit_exact(r) as r::decimal(20, 0) * 0.0000000001::decimal(10, 10)")
    con.execute("create macro units_exact(q) as q::decimal(24, 0) * 0.0001::decimal(4, 4)")
    con.execute(f"create macro per_unit(r) as r / {prices.RATE}.0::double")
    con.execute(f"create macro units(q) as q / {prices.QUANTITY}.0::double")
    con.execute("create macro exact(m) as (m::decimal(26, 0) * 0.000000000001::decimal(12, 12))::decimal(38, 12)")
    con.execute("create macro usd_exact(m) as exact(m)")
    for name, table in {
        "kinds": _kinds(),
        "skus": _skus(biller),
        "accounts": _columns(
            [{"acc": i, "id": a.id, "name": a.name} for i, a in enumerate(biller.company.estate.accounts)]
        ),
        "resources": _resources(biller),
        "commitments": _commitments(biller),
        "pods": _columns([{"parent": i, "pod": pod} for i, pod in enumerate(PODS[: len(POD_WEIGHTS)])]),
    }.items():
        con.register("incoming", table)
        con.execute(f"create table {name} as select * from incoming")
        con.unregister("incoming")
    return con


def _kinds() -> Any:
    return _columns(
        [{"kind": i, "line_type": "Usage" if line is Line.SPLIT else str(line)} for i, line in enumerate(Line)]
    )


def _skus(biller: Biller) -> Any:
    rows = []
    for index, sku in enumerate(biller.company.estate.skus):
        family = pools.family(sku.instance_type) if "." in sku.instance_type else ""
        machine = sku.product_family == "Compute Instance" and sku.code == "AmazonEC2"
        shape = prices.shape(sku.instance_type) if machine else None
        product = {"product_name": sku.service, "region": sku.region, "servicename": sku.service}
        if shape:
            product |= {"vcpu": str(shape[0]), "memory": f"{shape[1]} GiB", "operating_system": "Linux",
                        "tenancy": "Shared", "capacitystatus": "Used"}  # fmt: skip
        rows.append(
            {
                "sku": index, "code": sku.code, "service": sku.service, "usage_type": sku.usage_type or None,
                "operation": sku.operation or None, "unit": sku.unit or None, "list_rate": sku.list_rate,
                "region": sku.region or None, "region_name": prices.REGION_NAMES.get(sku.region),
                "product_family": sku.product_family or None, "instance_type": sku.instance_type or None,
                "family": family or None, "description": sku.description, "seller": sku.seller or None, "category": _category(sku)[0],
                "subcategory": _category(sku)[1],
                "sku_id": sku_id(sku), "rate_id": _number(sku_id(sku), 10), "rate_code": f"{sku_id(sku)}.JRTCKXETXF.6YS6EN2CT7", "factor": _factor(sku, machine=machine),
                "vcpus": shape[0] if shape else None,
                "product": [(k, v) for k, v in sorted(product.items()) if v],
            }
        )  # fmt: skip
    maps = pa.array([row.pop("product") for row in rows], pa.map_(pa.string(), pa.string()))
    return _columns(rows).append_column("product", maps)


def _number(text: str, digits: int) -> str:
    """Return a number that is an id: the first hexadecimal digits of a text's hash."""
    return str(int(md5(text.encode(), usedforsecurity=False).hexdigest()[:digits], 16))


def _factor(sku: Sku, *, machine: bool) -> float | None:
    """Return the normalised units of an hour; None of what no size-flexible reservation covers."""
    if machine or pools.service(sku.pool) in {"db", "cache"}:
        return pools.units(sku.pool or sku.instance_type) / 4
    return None


def _resources(biller: Biller) -> Any:
    owned = biller.company.estate.resources
    tags = [list(r.tags) for r in owned]
    return pa.table(
        {
            "res": pa.array(range(len(owned)), pa.int32()),
            "id": [r.id for r in owned],
            "name": [r.name for r in owned],
            "resource_kind": [r.kind for r in owned],
            "zone": [r.zone or None for r in owned],
            "shape": [r.shape for r in owned],
            "region": [r.region for r in owned],
            "start": [r.start for r in owned],
            "stop": [r.stop for r in owned],
            "owner": [r.account for r in owned],
            "tags": pa.array([t or None for t in tags], pa.map_(pa.string(), pa.string())),
            "user_tags": pa.array(
                [[(_cur_key(k), v) for k, v in t] or None for t in tags], pa.map_(pa.string(), pa.string())
            ),
        }
    )


def _cur_key(key: str) -> str:
    """Return how CUR 2.0 spells a tag key: ``user_name`` for ``Name``, ``aws_created_by`` for the vendor's own."""
    return "aws_created_by" if key == "aws:createdBy" else "user_" + key.lower().replace("-", "_")


_OFFERINGS = {
    Instrument.EC2_PLAN: "EC2InstanceSavingsPlans",
    Instrument.COMPUTE_PLAN: "ComputeSavingsPlans",
    Instrument.SAGEMAKER_PLAN: "SageMakerSavingsPlans",
    Instrument.DATABASE_PLAN: "DatabaseSavingsPlans",
}


def _commitments(biller: Biller) -> Any:
    origin = midnight(biller.company.estate.start)

    def instant(hour: int) -> str:
        return f"{origin + timedelta(hours=hour):%Y-%m-%dT%H:%M:%S}.000Z"

    rows = []
    for index, owned in enumerate(biller.company.commitments):
        rows.append(
            {
                "com": index, "id": owned.id, "instrument": str(owned.instrument), "is_plan": owned.is_plan,
                "owner": owned.account, "payment": owned.payment, "years": owned.years, "region": owned.region or None,
                "family": owned.family or None, "pool": owned.pool or None, "instance_type": pools.kind(owned.pool) or None, "zone": owned.zone or None,
                "sharing": owned.sharing,
                "group": ";".join(biller.company.estate.accounts[a].id for a in owned.group) or None,
                "count": owned.count, "units": owned.units / 4 if not owned.is_plan else None, "start": owned.start,
                "stop": owned.stop, "begins": instant(owned.start), "ends": instant(owned.stop),
                "subscription": _number(owned.id, 8), "hourly": owned.hourly, "upfront": owned.upfront,
                "offering": _OFFERINGS.get(owned.instrument),
            }
        )  # fmt: skip
    return _columns(rows)


_EPOCH = date(1970, 1, 1)
