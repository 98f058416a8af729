"""The one shape in which every question is answered: items, totals, warnings.

The command line prints it, the dashboard shows it, a notebook gets it as a DataFrame: same question, same
answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costlab.money import plain
from costlab.period import iso

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(slots=True)
class Answer:
    """The answer to one question.

    ``name`` gives the JSON schema ``costlab/<name>/1``. ``columns`` are the keys of the items in display order.
    ``currency`` is None when there is none or more than one. ``data_status`` is ``complete``, ``partial`` (late,
    quarantined or not reconciling) or ``empty``.
    """

    name: str
    columns: list[str]
    items: list[dict[str, Any]]
    generated_at: datetime
    as_of: datetime
    currency: str | None = None
    data_status: str = "complete"
    totals: dict[str, Any] = field(default_factory=dict[str, Any])
    warnings: list[str] = field(default_factory=list[str])

    def payload(self) -> dict[str, Any]:
        """Return the JSON object that users build on; money as decimal strings, instants as ISO 8601 UTC."""
        return {
            "schema": f"costlab/{self.name}/1",
            "generated_at": iso(self.generated_at),
            "as_of": iso(self.as_of),
            "currency": self.currency,
            "data_status": self.data_status,
            "items": [jsonable(item) for item in self.items],
            "totals": jsonable(self.totals),
            "warnings": self.warnings,
        }

    def frame(self) -> DataFrame:
        """Return the items as a DataFrame, one row per item; money stays ``Decimal`` (object columns)."""
        import pandas as pd

        return pd.DataFrame(self.items, columns=pd.Index(self.columns))


def jsonable(value: Any) -> Any:
    """Return ``value`` in JSON's own types: Decimal as text, dates and instants as ISO 8601."""
    match value:
        case Decimal():
            return plain(value)
        case datetime():
            return iso(value)
        case date():
            return value.isoformat()
        case dict():
            return {str(key): jsonable(inner) for key, inner in value.items()}
        case list() | tuple():
            return [jsonable(inner) for inner in value]
        case _:
            return value
