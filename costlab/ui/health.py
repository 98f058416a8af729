"""Whether the numbers can be trusted: what the last load counted, and the chain from the files to the screen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costlab.money import ZERO

if TYPE_CHECKING:
    from costlab.answer import Answer
    from costlab.lab import Lab
    from costlab.ui.facts import Facts

_REVISIONS = """
select
    source, billing_period, connector, snapshot_id, loaded_at, rows_received, rows_loaded, rows_split,
    rows_quarantined, rows_dropped, billed_cost_received, billed_cost_loaded, quarantined_cost, new_columns,
    missing_columns
from lake.revisions
where dataset = 'focus'
order by billing_period desc, source
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """One billing period of a source as its load counted it: what came in and where every row and amount went."""

    source: str
    period: str
    connector: str
    snapshot: str
    loaded_at: Any
    received: int
    loaded: int
    """Received rows that are in the numbers; a row that was split counts once."""
    quarantined: int
    dropped: dict[str, int]
    billed_received: dict[str, Decimal]
    billed_loaded: dict[str, Decimal]
    billed_quarantined: dict[str, Decimal]
    new_columns: list[str]
    missing_columns: list[str]

    @property
    def difference(self) -> dict[str, Decimal]:
        """Received minus loaded minus quarantined, per currency, where it is not zero."""
        currencies = {*self.billed_received, *self.billed_loaded, *self.billed_quarantined}
        rest = {
            c: self.billed_received.get(c, ZERO)
            - self.billed_loaded.get(c, ZERO)
            - self.billed_quarantined.get(c, ZERO)
            for c in sorted(currencies)
        }
        return {currency: amount for currency, amount in rest.items() if amount}

    @property
    def is_reconciled(self) -> bool:
        """Whether every row and every amount received is accounted for."""
        accounted = self.loaded + self.quarantined + sum(self.dropped.values())
        return self.received == accounted and not self.difference


@dataclass(frozen=True, slots=True)
class Health:
    """All loaded periods of costs; newest first."""

    periods: tuple[Loaded, ...]

    @property
    def broken(self) -> list[Loaded]:
        """The periods that do not add up."""
        return [period for period in self.periods if not period.is_reconciled]

    @property
    def quarantined(self) -> int:
        """Rows that are set aside."""
        return sum(period.quarantined for period in self.periods)


def load_health(lab: Lab, facts: Facts) -> Health:  # noqa: ARG001 - every loader is called alike
    """Return what the loads counted; quick, as nothing is read again."""
    return Health(tuple(_loaded(row) for row in lab.db.rows(_REVISIONS)))


def load_sources(lab: Lab, facts: Facts) -> Answer:  # noqa: ARG001
    """Return :meth:`Lab.ask_sources`."""
    return lab.ask_sources()


def load_restatements(lab: Lab, facts: Facts) -> Answer:  # noqa: ARG001
    """Return :meth:`Lab.ask_restatements`."""
    return lab.ask_restatements()


def load_chain(lab: Lab, facts: Facts) -> Answer:  # noqa: ARG001
    """Return :meth:`Lab.ask_reconcile`: every file is read and checked again, which takes its time."""
    return lab.ask_reconcile()


def load_quarantine(lab: Lab, facts: Facts) -> Answer:  # noqa: ARG001
    """Return the reasons for which rows are set aside."""
    return lab.ask_query("select source, billing_period, reason, rows, cost from lake.quarantine order by rows desc")


def _loaded(row: dict[str, Any]) -> Loaded:
    return Loaded(
        source=row["source"],
        period=row["billing_period"],
        connector=row["connector"],
        snapshot=row["snapshot_id"],
        loaded_at=row["loaded_at"],
        received=row["rows_received"],
        loaded=row["rows_loaded"] - row["rows_split"],
        quarantined=row["rows_quarantined"],
        dropped=json.loads(row["rows_dropped"]),
        billed_received=_amounts(row["billed_cost_received"]),
        billed_loaded=_amounts(row["billed_cost_loaded"]),
        billed_quarantined=_amounts(row["quarantined_cost"]),
        new_columns=json.loads(row["new_columns"]),
        missing_columns=json.loads(row["missing_columns"]),
    )


def _amounts(text: str) -> dict[str, Decimal]:
    return {currency: Decimal(amount) for currency, amount in json.loads(text).items()}
