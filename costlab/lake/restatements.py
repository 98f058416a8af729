"""What a vendor changed after the fact: the chain of revisions of each period, in pairs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from costlab.lake.store import Lake, chains_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from costlab.lake.manifest import Revision


@dataclass(frozen=True, slots=True)
class Restatement:
    """Two consecutive revisions of a billing period, as the manifest adds them up.

    What differs by service or account is computed from the files of both (``costlab.warehouse.restatements``).
    """

    older: Revision
    newer: Revision

    @property
    def loaded_at(self) -> datetime:
        """When the change arrived."""
        return self.newer.loaded_at

    @property
    def rows_change(self) -> int:
        """Rows loaded, after minus before."""
        return self.newer.rows_loaded - self.older.rows_loaded

    @property
    def billed_change(self) -> dict[str, Decimal]:
        """BilledCost after minus before, per currency."""
        return _difference(self.older.billed_cost_loaded, self.newer.billed_cost_loaded)

    @property
    def effective_change(self) -> dict[str, Decimal]:
        """EffectiveCost after minus before, per currency."""
        return _difference(self.older.effective_cost_loaded, self.newer.effective_cost_loaded)


def restatements(
    lake: Lake, *, dataset: str = "focus", source: str | None = None, since: datetime | None = None
) -> list[Restatement]:
    """Return the pairs of consecutive revisions that are kept, by source, period and time.

    Parameters
    ----------
    source
        Only this source's.
    since
        Only changes loaded at or after this instant.
    """
    chains = chains_of([r for r in lake.revisions() if r.dataset == dataset and source in (None, r.source)])
    pairs = (Restatement(older, newer) for chain in chains.values() for older, newer in pairwise(chain))
    return [pair for pair in pairs if since is None or pair.loaded_at >= since]


def _difference(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> dict[str, Decimal]:
    currencies = sorted({*before, *after})
    return {c: after.get(c, Decimal(0)) - before.get(c, Decimal(0)) for c in currencies}
