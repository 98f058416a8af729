"""What the connectors of the clouds' own budgets have in common: one record, one snapshot per look."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from costlab.interfaces.connector import Column, Dataset
from costlab_connectors._look import look

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from costlab.interfaces.connector import Landing, Snapshot

COLUMNS: Final = (
    Column("provider", required=True),
    Column("budget_id"),
    Column("name"),
    Column("billing_account_id"),
    Column("scope", "JSON"),
    Column("amount", "DECIMAL(38,12)"),
    Column("currency"),
    Column("cadence"),
    Column("thresholds", "JSON"),
    Column("observed_at", "TIMESTAMP", required=True),
)
ACTUAL: Final = "actual"
FORECAST: Final = "forecast"


@dataclass(frozen=True, slots=True)
class Threshold:
    """When a budget alerts: at this part of its amount, of actual or forecast cost."""

    ratio: Decimal
    basis: str


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget of a cloud; None where it is not told."""

    provider: str
    budget_id: str
    name: str
    billing_account_id: str | None
    scope: Mapping[str, object]
    """FOCUS column -> values; what has none is under ``x_filter`` as the vendor writes it. {}: everything."""
    amount: Decimal | None
    """Per cadence; None when it follows past cost."""
    currency: str | None
    cadence: str
    """daily, monthly, quarterly, annual or custom."""
    thresholds: tuple[Threshold, ...] = ()

    def record(self, observed_at: datetime) -> dict[str, object]:
        """Return the row that is landed."""
        thresholds = [{"ratio": _plain(t.ratio), "basis": t.basis} for t in self.thresholds]
        return {
            "provider": self.provider,
            "budget_id": self.budget_id,
            "name": self.name,
            "billing_account_id": self.billing_account_id,
            "scope": json.dumps(self.scope, ensure_ascii=False, sort_keys=True, default=str),
            "amount": self.amount,
            "currency": self.currency,
            "cadence": self.cadence,
            "thresholds": json.dumps(thresholds, sort_keys=True),
            "observed_at": observed_at,
        }


def snapshot(landing: Landing, source: str, connector: str, provider: str, found: Iterable[Budget]) -> Snapshot:
    """Return all budgets as they are now; a look that finds none says so with a row that is not loaded."""
    records = (budget.record(landing.now) for budget in found)
    return look(landing, source, connector, Dataset.BUDGETS, COLUMNS, records, {"provider": provider})


def _plain(ratio: Decimal) -> str:
    return format(ratio.normalize(), "f")
