"""The simulator's DuckDB session: the estate as small tables that lines are joined with."""

# ruff: noqa: E501 - tables of data and SQL read best with one entry on a line

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from costlab.period import midnight
from costlab.simulate import prices as units
from costlab.simulate.gcp import items, prices
from costlab.simulate.gcp.closing import NOTES
from costlab.simulate.gcp.company import ACCOUNT, FOLDERS, ORGANISATION, PROJECTS
from costlab.simulate.gcp.rows import Model
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from costlab.simulate.estate import Sku
    from costlab.simulate.gcp.bill import Biller
    from costlab.simulate.gcp.commitments import Cud
    from costlab.simulate.gcp.company import Company
    from costlab.warehouse.connection import Connection

MICROSECONDS_PER_MINUTE: Final = 60_000_000
MODELS: Final = {  # ids as Google's documentation of the newer model names them
    Model.DEFAULT: ("7754-699E-0EBF", "Default"),
    Model.FLEXIBLE_1Y: ("D97B-0795-975B", "Compute Flexible CUDs - 1 Year"),
    Model.FLEXIBLE_3Y: ("70D7-D1AB-12A4", "Compute Flexible CUDs - 3 Year"),
}
PAIRS: Final = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
TAGS: Final = pa.list_(
    pa.struct([("key", pa.string()), ("value", pa.string()), ("inherited", pa.bool_()), ("namespace", pa.string())])
)

JOINS: Final = """facts as f
    join skus as s on s.sku = f.sku
    join models as m on m.model = f.model
    left join projects as p on p.acc = f.acc
    left join resources as r on r.res = f.res
    left join commitments as c on c.com = f.com
    left join notes as n on n.note = f.note
    left join skus as o on o.sku = f.origin"""
"""Small tables only: DuckDB keeps the order of ``facts``."""


def open_store(biller: Biller) -> Connection:
    """Return a session with the estate's tables and macros for instants and amounts.

    Macros: ``at_hour(h)``, ``at_minute(m)`` instants; ``usd(money)``, ``per_unit(rate)``, ``units(q)`` doubles;
    ``exact(money)`` a
    DECIMAL(38,12), ``numeric_usd(money)``, ``price(rate)`` NUMERIC as BigQuery has it, ``quantity(q)`` a decimal. The session has one thread: files are the same byte for byte each time.
    """
    con = connect()
    con.execute("set threads = 1")
    con.execute("set preserve_insertion_order = true")
    origin = int((midnight(biller.company.estate.start) - midnight(_EPOCH)) / timedelta(microseconds=1))
    con.execute(f"create macro at_minute(m) as make_timestamp({origin} + m::bigint * {MICROSECONDS_PER_MINUTE})")
    con.execute("create macro at_hour(h) as at_minute(h::bigint * 60)")
    con.execute(f"create macro usd(m) as m / {units.MONEY}.0::double")
    con.execute(f"create macro per_unit(r) as r / {units.RATE}.0::double")
    con.execute(f"create macro units(q) as q / {units.QUANTITY}.0::double")
    con.execute("create macro exact(m) as (m::decimal(26, 0) * 0.000000000001::decimal(12, 12))::decimal(38, 12)")
    con.execute("create macro numeric_usd(m) as (m::decimal(26, 0) * 0.000000000001::decimal(12, 12))::decimal(38, 9)")
    con.execute("create macro price(r) as (r::decimal(20, 0) * 0.0000000001::decimal(10, 10))::decimal(38, 9)")
    con.execute("create macro quantity(q) as q::decimal(24, 0) * 0.0001::decimal(4, 4)")
    for name, table in {
        "skus": _skus(biller),
        "projects": _projects(),
        "resources": _resources(biller),
        "watched": pa.table({"res": pa.array(watched(biller.company), pa.int32())}),
        "switch": pa.table({"hour": [biller.calendar.switch]}),
        "commitments": _commitments(biller.company.commitments),
        "models": pa.table({"model": pa.array([int(m) for m in MODELS], pa.int8()), "id": [i for i, _ in MODELS.values()],
                            "description": [d for _, d in MODELS.values()]}),
        "notes": pa.table({"note": pa.array(range(len(NOTES)), pa.int8()),
                           **{k: [n[i] for n in NOTES] for i, k in enumerate(("id", "description", "mode", "type"))}}),
    }.items():  # fmt: skip
        con.register("incoming", table)
        con.execute(f"create table {name} as select * from incoming")
        con.unregister("incoming")
    return con


def _skus(biller: Biller) -> Any:
    rows = []
    for index, sku in enumerate(biller.company.estate.skus):
        unit, factor = items.UNITS[sku.unit] if sku.unit else (None, None)
        rows.append(
            {
                "sku": index, "id": items.sku_id(sku), "name": sku.usage_type, "service_id": sku.code, "service": sku.service,
                "unit": sku.unit or None, "usage_unit": unit, "factor": factor, "list_rate": sku.list_rate,
                "region": sku.region or None, "kind": sku.product_family, "series": sku.instance_type or None,
                "seller": sku.seller or None, "pool": _pool(sku),
            }
        )  # fmt: skip
    return pa.Table.from_pylist(rows)


def _pool(sku: Sku) -> str | None:
    """Return the name under which ``costlab rate`` counts what commitments cover; spot machines are not covered."""
    if sku.product_family not in ("core", "ram") or sku.usage_type.startswith("Spot"):
        return None
    return f"{sku.instance_type}-{'cpu' if sku.product_family == 'core' else 'ram'}"


def _projects() -> Any:
    ancestors = [
        [
            {"resource_name": f"projects/{project.number}", "display_name": project.name},
            {"resource_name": f"folders/{FOLDERS[project.folder]}", "display_name": project.folder},
            {"resource_name": f"organizations/{ORGANISATION}", "display_name": "quillfish.example"},
        ]
        for project in PROJECTS
    ]
    return pa.table(
        {
            "acc": pa.array(range(len(PROJECTS)), pa.int32()),
            "id": [p.id for p in PROJECTS],
            "number": [p.number for p in PROJECTS],
            "name": [p.name for p in PROJECTS],
            "ancestry": [f"/{ORGANISATION}/{FOLDERS[p.folder]}/" for p in PROJECTS],
            "ancestors": ancestors,
            "labels": pa.array([_pairs(p.labels) for p in PROJECTS], PAIRS),
            "tags": pa.array(
                [
                    [
                        {"key": "stage", "value": p.folder, "inherited": True, "namespace": ORGANISATION},
                        {"key": "owner", "value": p.labels[1][1], "inherited": False, "namespace": ORGANISATION},
                    ]
                    for p in PROJECTS
                ],
                TAGS,
            ),
        }
    )


def _resources(biller: Biller) -> Any:
    owned = biller.company.estate.resources
    return pa.table(
        {
            "res": pa.array(range(len(owned)), pa.int32()),
            "id": [r.id for r in owned],
            "name": [r.name for r in owned],
            "kind": [r.kind for r in owned],
            "region": [r.region for r in owned],
            "zone": [r.zone or None for r in owned],
            "shape": [r.shape for r in owned],
            "start": [r.start for r in owned],
            "stop": [r.stop for r in owned],
            "owner": [r.account for r in owned],
            "labels": pa.array([_pairs(r.tags) for r in owned], PAIRS),
            "system_labels": pa.array([_system(r.kind, r.shape) for r in owned], PAIRS),
        }
    )


def watched(company: Company) -> list[int]:
    """Return the resources that anomalies were planted in."""
    estate = company.estate
    meters = {estate.meters[m].resource for effect in company.effects for m in effect.meters}
    machines = {estate.instances[i].resource for effect in company.effects for i in effect.instances}
    return sorted(meters | machines)


def _system(kind: str, shape: str) -> list[dict[str, str]]:
    if kind != "instance":
        return []
    _, cores, memory = prices.SHAPES[shape]
    spec = {"cores": str(cores), "machine_spec": shape, "memory": str(memory * 1024)}
    return [{"key": f"compute.googleapis.com/{key}", "value": value} for key, value in spec.items()]


def _pairs(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in pairs]


def _commitments(owned: list[Cud]) -> Any:
    return pa.Table.from_pylist(
        [
            {
                "com": index, "id": c.id, "name": c.name, "instrument": c.instrument, "is_flexible": c.is_flexible,
                "owner": c.project, "years": c.years, "region": c.region or None, "series": c.series or None,
                "cores": c.cores, "memory": c.memory, "shared": c.shared, "covers": c.covers, "start": c.start, "stop": c.stop,
                "hourly": c.hourly, "keep": c.keep if c.is_flexible else None, "core_rate": rates[0],
                "memory_rate": rates[1], "account": ACCOUNT,
            }
            for index, c in enumerate(owned)
            for rates in [(0, 0) if c.is_flexible else prices.committed_rates(c.series, c.region, c.years)]
        ]
    )  # fmt: skip


_EPOCH = date(1970, 1, 1)
