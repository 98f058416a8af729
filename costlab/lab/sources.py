"""What is configured and what is loaded: per source its months, gaps, freshness and quarantine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from costlab.interfaces.connector import Dataset
from costlab.interfaces.datasets import INSTANTS, OBSERVATIONS, RELATIONS, STATES
from costlab.lab.status import missing_months
from costlab.lab.window import DATA_END_BY_SOURCE
from costlab.period import Month
from costlab.report.text import redacted

if TYPE_CHECKING:
    from costlab.lake import Revision
    from costlab.settings import Settings, Source
    from costlab.warehouse.relations import Database

COLUMNS = [
    "source", "connector", "dataset", "from", "first_period", "last_period", "periods", "gaps", "last_charge",
    "loaded_at", "rows_loaded", "rows_quarantined", "quarantine", "status", "problems",
]  # fmt: skip
_LAST = " union all ".join(
    f"select x_source, max({INSTANTS[dataset]}) from {relation} group by x_source"
    for dataset, relation in {**RELATIONS, Dataset.INVENTORY: OBSERVATIONS}.items()
)
_QUARANTINE = "select source, reason, sum(rows) from lake.quarantine group by source, reason order by source, reason"
OK, LATE, GAPS, QUARANTINE, NEVER = "ok", "late", "gaps", "quarantine", "never loaded"


@dataclass(slots=True)
class SourceState:
    """One source as it is configured and loaded."""

    name: str
    connector: str
    dataset: str
    uri: str | None
    revisions: list[Revision] = field(default_factory=list["Revision"])
    last: datetime | None = None
    quarantine: dict[str, int] = field(default_factory=dict[str, int])
    problems: dict[str, str] = field(default_factory=dict[str, str])
    """Kind of problem (``late``, ``gaps``, ...) -> what is wrong."""

    @property
    def gaps(self) -> list[Month]:
        """The months without data between the first and the last; how things are now has none."""
        if self.dataset in STATES:
            return []
        months = {Month.parse(r.period) for r in self.revisions}
        return missing_months(months) if months else []

    @property
    def counting(self) -> list[Revision]:
        """The revisions whose rows count now: of what shows a state only the newest period's."""
        newest = max((r.period for r in self.revisions), default="")
        return [r for r in self.revisions if r.period == newest] if self.dataset in STATES else self.revisions

    def item(self) -> dict[str, Any]:
        """Return the JSON item of ``costlab sources``."""
        periods = sorted(r.period for r in self.revisions)
        return {
            "source": self.name,
            "connector": self.connector,
            "dataset": self.dataset,
            "from": redacted(self.uri) if self.uri else None,
            "first_period": periods[0] if periods else None,
            "last_period": periods[-1] if periods else None,
            "periods": len(periods),
            "gaps": [str(month) for month in self.gaps],
            "last_charge": self.last,
            "loaded_at": max((r.loaded_at for r in self.revisions), default=None),
            "rows_loaded": sum(r.rows_loaded for r in self.revisions),
            "rows_quarantined": sum(r.rows_quarantined for r in self.revisions),
            "quarantine": self.quarantine,
            "status": next(iter(self.problems), OK),
            "problems": list(self.problems.values()),
        }


def source_states(
    settings: Settings, revisions: list[Revision], db: Database | None, now: datetime
) -> list[SourceState]:
    """Return every source that is configured or loaded, by name, with what is wrong with it."""
    states = {source.name: _configured(source) for source in settings.sources}
    for revision in revisions:
        state = states.setdefault(
            revision.source, SourceState(revision.source, revision.connector, revision.dataset, None)
        )
        state.dataset = state.dataset or revision.dataset
        state.revisions.append(revision)
    if db is not None:
        for name, last in (*db.result(DATA_END_BY_SOURCE).rows, *db.result(_LAST).rows):
            if name in states:
                states[name].last = last
        for name, reason, rows in db.result(_QUARANTINE).rows:
            states[name].quarantine[reason] = int(rows)
    for state in states.values():
        _judge(state, settings, now)
    return sorted(states.values(), key=lambda state: state.name)


def _configured(source: Source) -> SourceState:
    return SourceState(source.name, source.connector, "", source.uri)


def _judge(state: SourceState, settings: Settings, now: datetime) -> None:
    if not state.revisions:
        state.problems[NEVER] = "configured but never loaded"
        return
    if state.gaps and state.dataset == Dataset.FOCUS:
        state.problems[GAPS] = f"no data for {', '.join(map(str, state.gaps))}"
    rows = sum(r.rows_quarantined for r in state.revisions)
    if rows:
        state.problems[QUARANTINE] = f"{rows} rows are quarantined: {_reasons(state.quarantine)}"
    # a file somebody loaded once is never late: only what is configured is expected to come again
    if state.uri and state.last and now - state.last > timedelta(hours=settings.late_after_hours):
        hours = (now - state.last) // timedelta(hours=1)
        state.problems[LATE] = f"the newest data is {hours} hours old, expected within {settings.late_after_hours}"


def _reasons(quarantine: dict[str, int]) -> str:
    shown = [f"{reason} ({rows})" for reason, rows in list(quarantine.items())[:3]]
    return "; ".join([*shown, *(["..."] if len(quarantine) > len(shown) else [])]) or "see lake.quarantine"
