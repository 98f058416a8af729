"""What the connectors of the clouds' own recommendations have in common: one record, one snapshot per look."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from costlab.interfaces.connector import Column, Dataset
from costlab_connectors._look import look

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from costlab.interfaces.connector import Landing, Snapshot

COLUMNS: Final = (
    Column("provider", required=True),
    Column("native_id"),
    Column("tool", required=True),
    Column("kind"),
    Column("action"),
    Column("resource_id"),
    Column("sub_account_id"),
    Column("region_id"),
    Column("from_shape"),
    Column("to_shape"),
    Column("monthly_saving", "DECIMAL(38,12)"),
    Column("currency"),
    Column("term_months", "DECIMAL(38,12)"),
    Column("payment"),
    Column("hourly_commitment", "DECIMAL(38,12)"),
    Column("detail", "JSON"),
    Column("native_type"),
    Column("observed_at", "TIMESTAMP", required=True),
)


@dataclass(frozen=True, slots=True)
class Advice:
    """One recommendation of a cloud's own tool; None where the tool does not say."""

    provider: str
    native_id: str
    tool: str
    kind: str | None
    """One of costlab's kinds; None when the type of recommendation is not known here."""
    native_type: str
    """What the tool calls the type, for those that are not known."""
    action: str
    resource_id: str | None = None
    """As in ``focus.costs``; None for a purchase."""
    sub_account_id: str | None = None
    region_id: str | None = None
    from_shape: str | None = None
    to_shape: str | None = None
    monthly_saving: Decimal | None = None
    currency: str | None = None
    term_months: int | None = None
    payment: str | None = None
    hourly_commitment: Decimal | None = None
    detail: Mapping[str, object] | None = None

    def record(self, observed_at: datetime) -> dict[str, object]:
        """Return the row that is landed."""
        known = {name: value for name, value in (self.detail or {}).items() if value is not None}
        text = json.dumps(known, ensure_ascii=False, sort_keys=True, default=str) if known else None
        return {**asdict(self), "detail": text, "observed_at": observed_at}


def number(value: object) -> Decimal | None:
    """Return an amount as the service wrote it; None for none."""
    return None if value is None or value == "" else Decimal(str(value))


def snapshot(landing: Landing, source: str, connector: str, found: Iterable[Advice]) -> Snapshot:
    """Return everything a service recommends now; a look that finds nothing says so with a row that is not shown."""
    nothing = {"provider": connector.partition("-")[0], "tool": connector}
    records = (advice.record(landing.now) for advice in found)
    return look(landing, source, connector, Dataset.ADVICE, COLUMNS, records, nothing)
