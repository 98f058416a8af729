"""What changed between two revisions of a billing period, and whether lake, manifest and marts agree."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costlab.errors import UnknownValue
from costlab.focus.columns import COLUMN_TYPES
from costlab.period import Month
from costlab.warehouse.connection import connect
from costlab.warehouse.parquet import identifier, typed_select
from costlab.warehouse.relations import Database

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from costlab.interfaces.analyzer import Relations
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


@dataclass(frozen=True, slots=True)
class Amounts:
    """Rows and exact sums by currency, as one stage of the chain has them."""

    rows: int
    billed: dict[str, Decimal]
    effective: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One revision as the manifest promises it, as its files are, and as the published mart adds it up."""

    source: str
    period: str
    revision: str
    manifest: Amounts
    lake: Amounts
    mart: Amounts

    @property
    def equal(self) -> bool:
        """Whether all three agree exactly."""
        return self.manifest == self.lake == self.mart


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


def reconcile(workspace: Path, db: Relations, revisions: Iterable[Revision]) -> list[Reconciled]:
    """Return, per revision of a bill, rows and sums of the manifest, the files read again, and the published mart.

    Nothing is taken from the manifest that can be counted: the files are scanned. ``db`` is the published catalogue.
    """
    con = connect(search_path=workspace)
    try:
        files = Database(con)
        return [
            Reconciled(
                revision.source,
                revision.period,
                revision.revision,
                Amounts(revision.rows_loaded, dict(revision.billed_cost_loaded), dict(revision.effective_cost_loaded)),
                _lake_amounts(files, typed_select(con, [([f.path for f in revision.files], "")], _SUMMED)),
                _mart_amounts(db, revision),
            )
            for revision in revisions
            if revision.dataset == "focus"
        ]
    finally:
        con.close()


_SUMMED = {name: COLUMN_TYPES[name] for name in ("BillingCurrency", *MEASURES)}
_SUMS = "sum(BilledCost) as billed, sum(EffectiveCost) as effective"


def _lake_amounts(db: Relations, select: str) -> Amounts:
    return _amounts(db.rows(f"select BillingCurrency, count(*) as n, {_SUMS} from ({select}) group by BillingCurrency"))


def _mart_amounts(db: Relations, revision: Revision) -> Amounts:
    month = Month.parse(revision.period)
    return _amounts(
        db.rows(
            f"select BillingCurrency, cast(sum(x_rows) as bigint) as n, {_SUMS} from marts.daily_costs "
            "where x_source = ? and BillingPeriodStart >= ? and BillingPeriodStart < ? group by BillingCurrency",
            [revision.source, month.start, month.end],
        )
    )


def _amounts(rows: list[dict[str, Any]]) -> Amounts:
    return Amounts(
        sum(row["n"] for row in rows),
        {row["BillingCurrency"]: row["billed"] for row in rows},
        {row["BillingCurrency"]: row["effective"] for row in rows},
    )
