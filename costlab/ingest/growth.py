"""Tables that only grow: a later delivery of a month must hold the rows that are live already.

A table's files may hold any part of it. Rows carry the instant at which the vendor wrote them (``x_order`` of the
staging model); those up to the newest live one were all there when the live revision was taken. A delivery with fewer
of them, and other costs, is a part of the month and would silently lose the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from costlab.errors import SourceError, UsageError
from costlab.money import ZERO, plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from costlab.lake import Revision

OPTION: Final = "accept_fewer"
"""The option of any source with which the user says that fewer rows are right."""


@dataclass(frozen=True, slots=True)
class Known:
    """Rows of a delivery that the vendor wrote up to an instant, without those in quarantine; costs by currency."""

    rows: int
    costs: Mapping[str, Decimal]


def is_accepted(options: Mapping[str, str]) -> bool:
    """Return what the option says.

    Raises
    ------
    UsageError
        If it is neither yes nor no.
    """
    said = options.get(OPTION, "no")
    if said not in {"yes", "no"}:
        raise UsageError(f"option {OPTION} is {said!r}", hint="It is yes or no")
    return said == "yes"


def part_of_month(live: Revision, known: Known) -> SourceError | None:
    """Return why a delivery is not the whole month, None when it holds what is live."""
    rows = live.rows_received - live.rows_quarantined
    costs = {code: cost - live.quarantined_cost.get(code, ZERO) for code, cost in live.billed_cost_received.items()}
    differ = [code for code in sorted({*costs, *known.costs}) if costs.get(code, ZERO) != known.costs.get(code, ZERO)]
    if known.rows >= rows or not differ:
        return None
    told = ", ".join(f"{plain(known.costs.get(c, ZERO))} of {plain(costs.get(c, ZERO))} {c}" for c in differ)
    return SourceError(
        f"{live.source} {live.period}: of the {rows} rows written up to {live.order} only {known.rows} are there "
        f"({told})",
        hint="Give all files of the month; if these are all of them, add --option accept_fewer=yes",
    )
