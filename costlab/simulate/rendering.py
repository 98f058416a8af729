"""What all renderings share: the period they deliver, and how their SQL gets its functions and constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from costlab.period import Month
    from costlab.warehouse.connection import Connection

BUCKET: Final = "quillfish-billing"
PREFIX: Final = "exports"


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period as it is delivered; without invoice ids while it is open."""

    month: Month
    payer_id: str
    payer_name: str
    invoice: str
    marketplace_invoice: str
    execution: str
    """The vendor's id of the delivery."""


class Rendering(Protocol):
    """Writes line items in a vendor's format."""

    def write(self, con: Connection, period: Period, part: int) -> None:
        """Write the line items in the relation ``facts`` as one part of the period."""
        ...

    def finish(self, period: Period) -> None:
        """Write what comes after the last part."""
        ...


def filled(sql: str, period: Period, *, exact: bool = False) -> str:
    """Return a column's SQL with the rendering's functions and the period's values in place.

    Amounts come as doubles, as the vendor's Parquet has them, or with ``exact`` as decimals for text formats.
    """
    suffix = "_exact" if exact else ""
    marks = {
        "$marketplace_invoice": literal(period.marketplace_invoice),
        "$invoice": literal(period.invoice),
        "$period_start": f"timestamp '{period.month.start}'",
        "$period_end": f"timestamp '{period.month.end}'",
        "$payer_id": literal(period.payer_id),
        "$payer_name": literal(period.payer_name),
        "$month": literal(str(period.month)),
        "$at(": "at_hour(",
        "$usd(": f"usd{suffix}(",
        "$rate(": f"per_unit{suffix}(",
        "$quantity(": f"units{suffix}(",
    }
    for mark, value in marks.items():
        sql = sql.replace(mark, value)
    return sql


def literal(text: str) -> str:
    """Return a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def stamp(instant: datetime) -> str:
    """Return an instant as AWS manifests write it: ``20260101T000000.000Z``."""
    return f"{instant:%Y%m%dT%H%M%S}.000Z"
