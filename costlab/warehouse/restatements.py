"""What a vendor changed between two revisions of a billing period."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costlab.errors import UnknownValue
from costlab.focus.columns import COLUMN_TYPES
from costlab.warehouse.connection import connect
from costlab.warehouse.parquet import identifier, typed_select

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from costlab.lake import Revision

MEASURES = ("BilledCost", "EffectiveCost")


@dataclass(frozen=True, slots=True)
class Change:
    """How the cost of one group differs between two revisions; None: the group is not in that revision."""

    group: dict[str, Any]
    rows_before: int
    rows_after: int
    billed_before: Decimal | None
    billed_after: Decimal | None
    effective_before: Decimal | None
    effective_after: Decimal | None

    @property
    def billed_change(self) -> Decimal:
        """BilledCost after minus before."""
        return (self.billed_after or Decimal(0)) - (self.billed_before or Decimal(0))

    @property
    def effective_change(self) -> Decimal:
        """EffectiveCost after minus before."""
        return (self.effective_after or Decimal(0)) - (self.effective_before or Decimal(0))


def restatement(
    workspace: Path,
    older: Revision,
    newer: Revision,
    *,
    by: Sequence[str] = ("ServiceName", "SubAccountId"),
) -> list[Change]:
    """Return the groups whose rows or cost differ between two revisions of a period, largest change first.

    Parameters
    ----------
    by
        Columns of ``focus.costs``; BillingCurrency is always among them, as currencies are never added.

    Raises
    ------
    UnknownValue
        If ``by`` names no such column.
    """
    for name in by:
        if name not in COLUMN_TYPES:
            raise UnknownValue("column", name, COLUMN_TYPES)
    keys = list(dict.fromkeys([*by, "BillingCurrency"]))
    types = {name: COLUMN_TYPES[name] for name in [*keys, *MEASURES]}
    columns = ", ".join(identifier(name) for name in keys)
    con = connect(search_path=workspace)
    try:
        before, after = (
            typed_select(con, [([file.path for file in revision.files], "")], types) for revision in (older, newer)
        )
        rows = con.execute(
            f"""
            with sides as (
                select *, true as is_new from ({after})
                union all
                select *, false as is_new from ({before})
            )
            select {columns},
                count(*) filter (where not is_new) as rows_before,
                count(*) filter (where is_new) as rows_after,
                sum(BilledCost) filter (where not is_new) as billed_before,
                sum(BilledCost) filter (where is_new) as billed_after,
                sum(EffectiveCost) filter (where not is_new) as effective_before,
                sum(EffectiveCost) filter (where is_new) as effective_after
            from sides
            group by {columns}
            having rows_before <> rows_after
                or billed_before is distinct from billed_after
                or effective_before is distinct from effective_after
            order by abs(coalesce(effective_after, 0) - coalesce(effective_before, 0)) desc,
                abs(coalesce(billed_after, 0) - coalesce(billed_before, 0)) desc, {columns}
            """
        ).fetchall()
    finally:
        con.close()
    return [Change(dict(zip(keys, row, strict=False)), *row[len(keys) :]) for row in rows]
