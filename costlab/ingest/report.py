"""What one ingest did, one item per billing period."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from costlab.lake import Action

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.lake import Revision

COLUMNS = [
    "source", "connector", "billing_period", "snapshot_id", "action", "rows_received", "rows_loaded",
    "rows_quarantined", "rows_dropped", "billed_cost_received", "billed_cost_loaded", "effective_cost_loaded",
    "seconds",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """What became of one delivery of one billing period; counts and costs are those of the live revision."""

    source: str
    connector: str
    period: str
    snapshot_id: str
    action: Action
    seconds: float
    revision: Revision | None = None
    error: str = ""
    hint: str = ""

    @property
    def rows_loaded(self) -> int:
        """Rows received that are in ``focus.costs``; a row that was split in two counts once."""
        return self.revision.rows_loaded - self.revision.rows_split if self.revision else 0

    @property
    def reconciles(self) -> bool:
        """Whether the cost received was loaded; rows in quarantine explain a difference by themselves."""
        live = self.revision
        if live is None or live.rows_quarantined:
            return True
        received, loaded = (
            {c: a for c, a in costs.items() if a} for costs in (live.billed_cost_received, live.billed_cost_loaded)
        )
        return received == loaded

    def item(self) -> dict[str, Any]:
        """Return the JSON item; an amount in several currencies is an object with one entry for each."""
        live = self.revision
        return {
            "source": self.source,
            "connector": self.connector,
            "billing_period": self.period,
            "snapshot_id": self.snapshot_id,
            "action": str(self.action),
            "rows_received": live.rows_received if live else 0,
            "rows_loaded": self.rows_loaded,
            "rows_quarantined": live.rows_quarantined if live else 0,
            "rows_dropped": dict(live.rows_dropped) if live else {},
            "billed_cost_received": amount(live.billed_cost_received) if live else None,
            "billed_cost_loaded": amount(live.billed_cost_loaded) if live else None,
            "effective_cost_loaded": amount(live.effective_cost_loaded) if live else None,
            "seconds": round(self.seconds, 3),
            **({"error": self.error, "hint": self.hint} if self.error else {}),
        }


def amount(by_currency: dict[str, Decimal]) -> Decimal | dict[str, Decimal] | None:
    """Return the one amount, all of them by currency, or None when there is none."""
    return next(iter(by_currency.values()), None) if len(by_currency) <= 1 else dict(by_currency)


@dataclass(slots=True)
class IngestReport:
    """What an ingest did to the lake."""

    periods: list[PeriodReport] = field(default_factory=list[PeriodReport])
    warnings: list[str] = field(default_factory=list[str])

    @property
    def changed(self) -> bool:
        """Whether the lake is another than before."""
        return any(p.action in {Action.LOADED, Action.REPLACED} for p in self.periods)

    @property
    def rejected(self) -> list[PeriodReport]:
        """Deliveries that could not be used; nothing of them was changed."""
        return [p for p in self.periods if p.action is Action.REJECTED]

    @property
    def rows_quarantined(self) -> int:
        """Rows that could not be read, over what was loaded now."""
        fresh = (p for p in self.periods if p.action in {Action.LOADED, Action.REPLACED})
        return sum(p.revision.rows_quarantined for p in fresh if p.revision)

    @property
    def unreconciled(self) -> list[PeriodReport]:
        """Periods loaded now whose billed cost is not the one received, though no row is in quarantine."""
        fresh = (p for p in self.periods if p.action in {Action.LOADED, Action.REPLACED})
        return [p for p in fresh if not p.reconciles]

    @property
    def exit_code(self) -> int:
        """3 when something was rejected, 5 when rows are in quarantine or sums do not agree, else 0."""
        if self.rejected:
            return 3
        return 5 if self.rows_quarantined or self.unreconciled else 0
