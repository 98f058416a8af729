"""The nightly run: load, publish, detect, report. Safe to run twice, to kill at any moment, and to run late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from costlab.errors import ConfigError
from costlab.lab.facade import Lab
from costlab.lab.loading import Load, load_and_publish
from costlab.lab.publishing import is_published
from costlab.lab.reporting import build_report
from costlab.lab.sources import GAPS, LATE, NEVER, QUARANTINE
from costlab.lake import Action
from costlab.report.document import FileType, render_document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from costlab.answer import Answer
    from costlab.settings import Settings

REPORTS = "reports"
_INCOMPLETE = frozenset({LATE, GAPS, QUARANTINE, NEVER})
_CHANGES = frozenset({Action.LOADED, Action.REPLACED, Action.REJECTED})


@dataclass(frozen=True, slots=True)
class Night:
    """What one run did: the answer to print, its exit code, the report as text by file, and whether anything is new."""

    answer: Answer
    exit_code: int
    load: Load
    reports: dict[Path, str]
    is_news: bool


def run(settings: Settings, progress: Callable[[str], None]) -> Night:
    """Load every configured source, publish, and make the daily report.

    A source that fails does not stop the others: what is there is published and reported, and the exit code says so.

    Raises
    ------
    ConfigError
        If no source is configured.
    SourceError
        If nothing could be loaded, now or before.
    """
    if not settings.sources:
        raise ConfigError("no source is configured", hint="Write [[sources]] in costlab.toml (`costlab init`)")
    load = load_and_publish(settings, settings.sources, progress=progress)
    if not is_published(settings) and load.errors:
        raise load.errors[0]
    progress("writing the report")
    with Lab.open(settings) as lab:
        health = lab.ask_sources()
        last_day = (lab.data_end() - timedelta(microseconds=1)).date()
        new = [item for item in lab.ask_anomalies().items if item["detected_on"] >= last_day]
        document = build_report(lab, "daily")
        saving = lab.ask_recommend().totals.get("monthly_saving")
    folder = settings.workspace / REPORTS
    reports = {
        folder / f"daily-{last_day}.{form}": render_document(document, form)
        for form in (FileType.HTML, FileType.MARKDOWN)
    }
    incomplete = [item["source"] for item in health.items if item["status"] in _INCOMPLETE]
    answer = _answer(load, health, new, reports, saving)
    code = load.exit_code or (5 if incomplete else 0)
    changed = any(item["action"] in _CHANGES for item in load.items)
    return Night(answer, code, load, reports, is_news=changed or bool(new) or code != 0)


def _answer(load: Load, health: Answer, new: list[dict[str, Any]], reports: dict[Path, str], saving: Any) -> Answer:
    answer = load.answer()
    answer.name = "nightly"
    answer.totals |= {
        "new_incidents": len(new),
        "monthly_saving": saving,
        "incomplete_sources": [item["source"] for item in health.items if item["status"] in _INCOMPLETE],
        "reports": [str(path) for path in reports],
    }
    answer.warnings += [
        *health.warnings,
        *(f"new incident {item['id']}: {item['kind']} of {item['scope']}, impact {item['impact']:.2f}" for item in new),
    ]
    return answer
