"""Load sources into the lake and publish what changed: what ``ingest``, ``nightly`` and ``demo`` have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from costlab.answer import Answer
from costlab.errors import ConfigError, CostlabError, Locked, SourceError, UsageError
from costlab.ingest import COLUMNS, ingest
from costlab.lab.publishing import publish_workspace, retention
from costlab.lab.status import COMPLETE, PARTIAL
from costlab.lake import Action
from costlab.period import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from costlab.ingest import IngestReport
    from costlab.period import Month
    from costlab.settings import Settings, Source

    Progress = Callable[[str], None]


@dataclass(slots=True)
class Load:
    """What became of every source, and the exit code that says so."""

    items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    warnings: list[str] = field(default_factory=list[str])
    errors: list[CostlabError] = field(default_factory=list[CostlabError])
    rows_quarantined: int = 0
    unreconciled: int = 0
    """Billing periods whose billed cost is not the one received."""

    @property
    def exit_code(self) -> int:
        """3 when something was rejected, 4 when it is the configuration, 5 when data is incomplete, else 0."""
        codes = {error.exit_code for error in self.errors}
        for code in (SourceError.exit_code, ConfigError.exit_code):
            if code in codes:
                return code
        return 5 if self.rows_quarantined or self.unreconciled else 0

    def answer(self) -> Answer:
        """Return the JSON of ``costlab ingest``: one item per billing period."""
        now = utc_now()
        columns = [*COLUMNS, *(["error", "hint"] if self.errors else [])]
        rows = ("rows_received", "rows_loaded", "rows_quarantined")
        return Answer(
            "ingest",
            columns,
            self.items,
            generated_at=now,
            as_of=now,
            data_status=PARTIAL if self.exit_code else COMPLETE,
            totals={name: sum(item[name] for item in self.items) for name in rows},
            warnings=self.warnings,
        )


def load(settings: Settings, sources: Sequence[Source], *, period: Month | None, progress: Progress) -> Load:
    """Load the sources one after the other; one that fails does not stop the others. Nothing is published yet.

    Raises
    ------
    UsageError
        If a connector or a source's name is unknown.
    Locked
        If another process is writing.
    """
    done = Load()
    for source in sources:
        try:
            report = ingest(
                settings.workspace,
                source.connector,
                source.uri,
                source=source.name,
                options=dict(source.options),
                period=period,
                progress=progress,
                retention=retention(settings),
            )
        except (UsageError, Locked):
            raise
        except CostlabError as error:
            done.errors.append(error)
            done.items.append(_rejected(source, period, error))
        else:
            _add(done, report)
    return done


def load_and_publish(
    settings: Settings, sources: Sequence[Source], *, period: Month | None = None, progress: Progress
) -> Load:
    """Load the sources, then publish; also what an earlier run loaded and could not publish."""
    done = load(settings, sources, period=period, progress=progress)
    if any(item["action"] != Action.REJECTED for item in done.items):
        publish_workspace(settings, progress)
    return done


def _add(done: Load, report: IngestReport) -> None:
    done.items += [period.item() for period in report.periods]
    done.warnings += report.warnings
    done.errors += [SourceError(p.error, hint=p.hint) for p in report.rejected]
    done.rows_quarantined += report.rows_quarantined
    done.unreconciled += len(report.unreconciled)


def _rejected(source: Source, period: Month | None, error: CostlabError) -> dict[str, Any]:
    counts = dict.fromkeys(("rows_received", "rows_loaded", "rows_quarantined"), 0)
    return {
        **dict.fromkeys(COLUMNS),
        **counts,
        "source": source.name,
        "connector": source.connector,
        "billing_period": str(period) if period else None,
        "action": str(Action.REJECTED),
        "rows_dropped": {},
        "seconds": 0.0,
        "error": error.message,
        "hint": error.hint,
    }
