"""What every question is asked of: one published sequence of a workspace's data, and the clock it is seen by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costlab.answer import Answer
from costlab.lab import findings
from costlab.lab.window import Window, last_full_month, parse_window
from costlab.period import utc_now

if TYPE_CHECKING:
    from datetime import date, datetime

    from costlab.period import Month
    from costlab.settings import Settings
    from costlab.warehouse.relations import Database


class View:
    """A catalogue with the settings and the instant it is looked at; ``clipped_at`` is None for the present."""

    def __init__(self, settings: Settings, db: Database, seq: int, *, as_of: datetime | None) -> None:
        self.settings = settings
        self.db = db
        self.seq = seq
        self.clipped_at = as_of
        self.opened_at = utc_now()
        self.as_of: datetime = as_of or self.opened_at

    def answer(self, name: str, columns: list[str], items: list[dict[str, Any]], **fields: Any) -> Answer:
        """Return an Answer stamped with this view's clock."""
        return Answer(name, columns, items, generated_at=utc_now(), as_of=self.as_of, **fields)

    def window(self, start: date | str | None = None, end: date | str | None = None) -> Window:
        """Return the days a question is about; the last full month with data when neither end is given."""
        return parse_window(self.db, start, end, as_of=self.as_of)

    def data_end(self) -> datetime:
        """Return the instant up to which there is usage, or the as-of instant if that is earlier."""
        return findings.context(self.db, self.clipped_at).now

    def last_full_month(self) -> Month:
        """Return the last complete month with data."""
        return last_full_month(self.db, as_of=self.as_of)
