"""What an analyzer is: relations and a clock in, findings out, so that any night can be replayed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pandas import DataFrame

    from costlab.interfaces.finding import Kind, Recommendation


class Relations(Protocol):
    """Read access to the published tables (``focus.*``, ``marts.*``, ``metrics.*``, ``inventory.*``)."""

    def rows(self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a query; money as ``Decimal``, instants as naive UTC."""
        ...

    def frame(self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> DataFrame:
        """Return the rows of a query as a DataFrame for numeric work; DECIMAL becomes float64."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What an analyzer may see: the tables, the clock, and nothing else."""

    db: Relations
    now: datetime
    """The end of the data that may be used (exclusive): the as-of instant or the end of the last charge."""


@dataclass(slots=True)
class Assessment:
    """What a check found, and what it could not look at (``not_assessed``: reason, else "")."""

    items: list[Recommendation] = field(default_factory=list["Recommendation"])
    not_assessed: str = ""


class Check(Protocol):
    """One recommendation rule. The class docstring is its user documentation; its first line is the title."""

    id: ClassVar[str]
    kind: ClassVar[Kind]
    needs: ClassVar[frozenset[str]]
    """What it reads beyond the bill: metric names like ``cpu_percent``."""

    def assess(self, context: Context) -> Assessment:
        """Return the findings in the window before ``context.now``."""
        ...
