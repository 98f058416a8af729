"""Whether the data behind an answer is all there: quarantined rows and missing months, said with every number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.period import Month

if TYPE_CHECKING:
    from costlab.lab.window import Window
    from costlab.warehouse.relations import Database

COMPLETE, PARTIAL, EMPTY = "complete", "partial", "empty"
_QUARANTINED = (
    "select source, billing_period, rows_quarantined from lake.revisions "
    "where dataset = 'focus' and rows_quarantined > 0 order by source, billing_period"
)
_PERIODS = "select source, billing_period from lake.revisions where dataset = 'focus' order by source, billing_period"


def data_status(db: Database, window: Window, *, has_items: bool) -> tuple[str, list[str]]:
    """Return the status of the data in a window, and a warning for each reason why it is not complete."""
    first, last = str(Month.of(window.start)), str(Month.of(window.end))
    warnings = [
        f"{source} {period}: {rows} rows are quarantined and not in this answer (costlab sources)"
        for source, period, rows in db.result(_QUARANTINED).rows
        if first <= period <= last
    ]
    for source, months in gaps(db).items():
        inside = [str(month) for month in months if first <= str(month) <= last]
        if inside:
            warnings.append(f"{source}: no data for {', '.join(inside)}")
    if not has_items:
        return EMPTY, [*warnings, f"no charges in {window}"]
    return (PARTIAL if warnings else COMPLETE), warnings


def gaps(db: Database) -> dict[str, list[Month]]:
    """Return, per source of costs, the months without data between its first and its last."""
    loaded: dict[str, set[Month]] = {}
    for source, period in db.result(_PERIODS).rows:
        loaded.setdefault(source, set()).add(Month.parse(period))
    return {source: missing for source, months in loaded.items() if (missing := missing_months(months))}


def missing_months(months: set[Month]) -> list[Month]:
    """Return the months between the first and the last that are not there."""
    month, last, missing = min(months), max(months), list[Month]()
    while month < last:
        month = month.plus(1)
        if month not in months:
            missing.append(month)
    return missing
