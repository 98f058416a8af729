"""Which table answers a question about cost: the smallest rollup that has every column, else the charges.

Every mart that says ``complete`` in its header adds up to ``focus.costs`` exactly, so the route changes the speed
and never the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from costlab.warehouse.parquet import identifier, literal

if TYPE_CHECKING:
    from costlab.warehouse.relations import Database

CHARGES = "focus.costs"


@dataclass(frozen=True, slots=True)
class Route:
    """A table, how it writes the day of a charge and a tag, and the rows of it that count."""

    table: str
    day: str
    tag: str | None = None
    """The one tag key this route can read (rollup by tag); None: any key, from the charges."""

    def tag_sql(self, key: str) -> str:
        """Return the SQL that reads a tag."""
        return "x_tag_value" if self.tag is not None else f"tag(Tags, {literal(key)})"

    @property
    def condition(self) -> str:
        """The SQL condition that picks the rows of the route; "" = all."""
        return f"x_tag_key = {literal(self.tag)}" if self.tag is not None else ""


@dataclass(frozen=True, slots=True)
class Mart:
    """A rollup that adds up to the charges: its grain, its measures, and whether it does so once per tag key."""

    name: str
    grain: frozenset[str]
    measures: frozenset[str]
    per_tag: bool


def route(db: Database, columns: frozenset[str], tags: frozenset[str], metric: str) -> Route:
    """Return the route for a question that reads these columns, tag keys and one metric."""
    for mart in complete_marts(db):
        if not columns <= mart.grain or metric not in mart.measures or mart.per_tag != bool(tags):
            continue
        if not tags:
            return Route(mart.name, "ChargeDate")
        key = next(iter(tags))
        if len(tags) == 1 and db.rows("select 1 from settings.tag_keys where x_tag_key = ?", [key]):
            return Route(mart.name, "ChargeDate", key)
    return Route(CHARGES, "cast(ChargePeriodStart as date)")


def quoted(name: str) -> str:
    """Return a name as a SQL identifier."""
    return identifier(name)


def complete_marts(db: Database) -> list[Mart]:
    """Return the complete marts of a catalogue, the one with the fewest rows first."""
    rows = db.rows(
        "select name, grain, complete, complete_per from settings.models where complete <> '' order by rows, name"
    )
    return [_mart(row) for row in rows]


def _mart(row: dict[str, str]) -> Mart:
    grain, measures = (frozenset(row[key].split(", ")) for key in ("grain", "complete"))
    # names in a mart that are not in its grain are picked from several rows, and so cannot be grouped by
    return Mart(row["name"], grain - {"ChargeDate"}, measures, row["complete_per"] != "")
