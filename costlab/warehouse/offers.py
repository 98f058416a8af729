"""The prices that come with costlab, as a table every workspace has: dated facts, each with its source.

``data/prices/compute.parquet`` (made by ``scripts/build-default-prices``) and ``data/prices/services.csv`` become one
Parquet file in the lake, so that the catalogue's views read nothing outside the workspace.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from costlab.interfaces.connector import Dataset
from costlab.interfaces.datasets import OFFER_TYPES
from costlab.paths import shipped
from costlab.warehouse.connection import connect
from costlab.warehouse.parquet import file_list, identifier, literal

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_SOURCE: Final = "default"
_SERVICES: Final = """
select
    provider,
    service_code,
    sku as sku_id,
    region_id,
    resource_kind,
    'ondemand' as instrument,
    'none' as payment,
    unit,
    price,
    'USD' as currency,
    coalesce(tier_from, 0) as tier_from,
    tier_to,
    valid_from,
    'low' as confidence,
    source
from read_csv({path}, header = true, types = {{
    'price': 'DECIMAL(38,12)', 'tier_from': 'DECIMAL(38,12)', 'tier_to': 'DECIMAL(38,12)', 'valid_from': 'TIMESTAMP'
}})
"""
_COMPUTE: Final = """
select
    provider,
    case provider when 'aws' then 'AmazonEC2' when 'azure' then 'Virtual Machines' else 'Compute Engine' end
        as service_code,
    region_id,
    'instance' as resource_kind,
    shape,
    family,
    'Linux' as os,
    'none' as license,
    'shared' as tenancy,
    instrument,
    term_months,
    payment,
    'hour' as unit,
    price,
    'USD' as currency,
    0 as tier_from,
    valid_from,
    confidence,
    source
from read_parquet({path})
"""


def default_offers(workspace: Path) -> str:
    """Return a SELECT of the default offers, from a file in the workspace that is made when it is not there."""
    folder = shipped("prices")
    compute, services = folder / "compute.parquet", folder / "services.csv"
    digest = hashlib.sha256(compute.read_bytes() + services.read_bytes()).hexdigest()[:12]
    relative = f"lake/{Dataset.PRICES}/default-{digest}.parquet"
    if not (workspace / relative).is_file():
        _write(compute, services, workspace / relative)
    columns = ", ".join(identifier(name) for name in OFFER_TYPES)
    return f"select {columns} from {file_list([relative])}"


def _write(compute: Path, services: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".tmp")
    parts = [_COMPUTE.format(path=literal(str(compute))), _SERVICES.format(path=literal(str(services)))]
    rows = " union all by name ".join(parts)
    made = {
        "attributes": "to_json({'source': source})",
        "x_source": literal(DEFAULT_SOURCE),
        "observed_at": "valid_from",
    }
    given = {
        "provider", "service_code", "sku_id", "region_id", "resource_kind", "shape", "family", "os", "license",
        "tenancy", "instrument", "term_months", "payment", "unit", "price", "currency", "tier_from", "tier_to",
        "valid_from", "confidence",
    }  # fmt: skip
    columns = ", ".join(
        f"cast({made.get(name, identifier(name) if name in given else 'null')} as {kind}) as {identifier(name)}"
        for name, kind in OFFER_TYPES.items()
    )
    con = connect()
    try:
        con.execute(
            f"copy (select {columns} from ({rows}) order by provider, region_id, resource_kind, shape, instrument) "
            f"to {literal(str(temporary))} (format parquet, compression zstd, row_group_size 8192)"
        )
    finally:
        con.close()
    temporary.replace(target)
