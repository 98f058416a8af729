"""What staging models read besides a delivery: facts about vendors as tables, listed types and macros."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.paths import shipped
from costlab.warehouse.parquet import identifier, literal

if TYPE_CHECKING:
    from costlab.warehouse.connection import Connection

_SERVICES: Final = ("aws_services", "azure_services", "gcp_services")
_KINDS: Final = {
    "service_category": ("Networking", "Other", "Storage"),
    "service_subcategory": ("Block Storage", "Network Connectivity", "Network Infrastructure", "Other (Other)"),
}
"""What models name besides what the tables of services have: values of an enumeration are written to Parquet several
times faster than texts."""


def create_seeds(con: Connection) -> None:
    """Make the tables, types and macros of ``sql/seeds`` for the staging models, in the schema ``seeds``."""
    con.execute("create schema seeds")
    for path in sorted((shipped("sql") / "seeds").glob("*.csv")):
        columns = f"read_csv({literal(str(path))}, header=true, all_varchar=true)"
        con.execute(f"create table seeds.{identifier(path.stem)} as select * from {columns}")
    for kind, named in _KINDS.items():
        known = " union ".join(f"select {kind} as kind from seeds.{table}" for table in _SERVICES)
        names = ", ".join(literal(name) for name in named)
        con.execute(
            f"create type seeds.{kind} as enum (select kind from ({known} union select unnest([{names}])) "
            "where kind is not null order by kind)"
        )
    for path in sorted((shipped("sql") / "seeds").glob("*.sql")):
        con.execute(path.read_text(encoding="utf-8"))
