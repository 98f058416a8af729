"""What a vendor changed after the fact: consecutive revisions of a period, compared by service and account."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from costlab.interfaces.connector import Dataset
from costlab.warehouse.restatements import Change, restatement

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from costlab.lake import Revision

COLUMNS = [
    "source", "billing_period", "loaded_at", "ServiceName", "SubAccountId", "BillingCurrency",
    "billed_cost_before", "billed_cost_after", "billed_cost_change",
    "effective_cost_before", "effective_cost_after", "effective_cost_change", "rows_before", "rows_after",
    "snapshot_before", "snapshot_after",
]  # fmt: skip


def revision_pairs(
    revisions: Iterable[Revision], *, source: str | None, since: datetime | None
) -> list[tuple[Revision, Revision]]:
    """Return (before, after) pairs of consecutive revisions of the same period, oldest first."""
    chains: dict[tuple[str, str, str], list[Revision]] = {}
    for revision in revisions:
        if revision.dataset == Dataset.FOCUS and source in (None, revision.source):
            chains.setdefault(revision.key, []).append(revision)
    pairs = [pair for chain in chains.values() for pair in pairwise(sorted(chain, key=lambda r: r.loaded_at))]
    return sorted((p for p in pairs if since is None or p[1].loaded_at >= since), key=lambda p: p[1].loaded_at)


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
