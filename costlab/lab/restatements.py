"""What a vendor changed after the fact: consecutive revisions of a period, compared by service and account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costlab.warehouse.restatements import Change, restatement

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.lake import Revision

COLUMNS = [
    "source", "billing_period", "loaded_at", "ServiceName", "SubAccountId", "BillingCurrency",
    "billed_cost_before", "billed_cost_after", "billed_cost_change",
    "effective_cost_before", "effective_cost_after", "effective_cost_change", "rows_before", "rows_after",
    "snapshot_before", "snapshot_after",
]  # fmt: skip


def changes(workspace: Path, before: Revision, after: Revision) -> list[dict[str, Any]] | None:
    """Return one item per service, account and currency whose cost or rows changed; None if files were removed."""
    if any(not (workspace / file.path).is_file() for r in (before, after) for file in r.files):
        return None
    return [_item(before, after, change) for change in restatement(workspace, before, after)]


def _item(before: Revision, after: Revision, change: Change) -> dict[str, Any]:
    return {
        "source": after.source,
        "billing_period": after.period,
        "loaded_at": after.loaded_at,
        **change.group,
        "billed_cost_before": change.billed_before,
        "billed_cost_after": change.billed_after,
        "billed_cost_change": change.billed_change,
        "effective_cost_before": change.effective_before,
        "effective_cost_after": change.effective_after,
        "effective_cost_change": change.effective_change,
        "rows_before": change.rows_before,
        "rows_after": change.rows_after,
        "snapshot_before": before.snapshot_id,
        "snapshot_after": after.snapshot_id,
    }
