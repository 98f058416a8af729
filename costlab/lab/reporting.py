"""The daily, weekly and monthly report, made of the same answers as every other surface."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from costlab.errors import UnknownValue
from costlab.lab.movement import NOW, movers
from costlab.lab.window import Window
from costlab.report.document import Document, Section
from costlab.report.text import amount

if TYPE_CHECKING:
    from costlab.answer import Answer
    from costlab.lab.facade import Lab

EFFECTIVE, BILLED = "EffectiveCost", "BilledCost"


class Span(StrEnum):
    """What a report is about: the last day, the last seven days, or the last full month with data."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


def build_report(lab: Lab, span: str) -> Document:
    """Return the report; its totals are those of :meth:`Lab.ask_cost` over the same days.

    Raises
    ------
    UnknownValue
        If ``span`` is not daily, weekly or monthly.
    """
    if span not in set(Span):
        raise UnknownValue("report", span, Span)
    window = report_window(lab, Span(span))
    top = lab.settings.report_top
    moved = movers(lab, ["ServiceName", "SubAccountId", "SubAccountName"], window, metric=EFFECTIVE)
    return Document(
        title=f"Cloud cost, {span}: {window}",
        subtitle=f"Compared with {window.before()}. EffectiveCost unless said otherwise; days are UTC.",
        sections=(
            _totals(lab, window),
            Section("What moved most", _changed(moved), _first(moved, top)),
            _services(lab, window, top),
            _incidents(lab, window, top),
            _plan(lab, top),
            _health(lab),
        ),
        data=moved,
        warnings=tuple(lab.ask_cost(start=window.start, end=window.end).warnings),
    )


def report_window(lab: Lab, span: Span) -> Window:
    """Return the days a report is about."""
    if span is Span.MONTHLY:
        return lab.window()
    end = lab.data_end()
    last = (end - timedelta(microseconds=1)).date()
    return Window(last - timedelta(days=0 if span is Span.DAILY else 6), last + timedelta(days=1))


def _totals(lab: Lab, window: Window) -> Section:
    items: list[dict[str, Any]] = []
    for metric in (EFFECTIVE, BILLED):
        moved = movers(lab, ["BillingCurrency"], window, metric=metric)
        for currency, sums in (moved.totals.get("by_currency") or {moved.currency: moved.totals}).items():
            items.append({"metric": metric, "currency": currency, **sums})
    table = lab.answer("totals", ["metric", "currency", "before", "now", "change"], items)
    return Section("Total", (), table)


def _changed(moved: Answer) -> tuple[str, ...]:
    sums = moved.totals.get("by_currency") or ({moved.currency: moved.totals} if moved.currency else {})
    return tuple(
        f"{currency}: {amount(values['before'])} before, {amount(values['now'])} now, change {amount(values['change'])}"
        for currency, values in sums.items()
    )


def _services(lab: Lab, window: Window, top: int) -> Section:
    answer = movers(lab, ["ServiceName"], window, metric=EFFECTIVE)
    largest = sorted(answer.items, key=lambda item: -item[NOW])
    note = (f"The {top} largest of {len(largest)} services.",) if len(largest) > top else ()
    return Section("Where the money goes", note, _first(replace(answer, items=largest), top))


def _first(answer: Answer, top: int) -> Answer:
    """Return the first rows; without totals, which would look like those of the rows shown."""
    return replace(answer, items=answer.items[:top], totals={})


def _incidents(lab: Lab, window: Window, top: int) -> Section:
    answer = lab.ask_anomalies()
    day = window.start.isoformat()
    recent = [item for item in answer.items if item["end"] is None or str(item["end"]) >= day]
    if not recent:
        return Section("Incidents", (f"None open or ended since {day}.",))
    table = _first(replace(answer, items=recent), top)
    return Section("Incidents", (f"{len(recent)} open, or ended since {day}.",), table)


def _plan(lab: Lab, top: int) -> Section:
    answer = lab.ask_recommend()
    saving = answer.totals.get("monthly_saving")
    notes = (
        [f"The whole plan of {len(answer.items)} items saves {amount(saving)} {answer.currency} a month, net."]
        if saving
        else []
    )
    notes += [f"Not assessed, {kind}: {why}" for kind, why in answer.totals.get("not_assessed", {}).items()]
    return Section("What can be saved", tuple(notes) or ("Nothing found.",), _first(answer, top))


def _health(lab: Lab) -> Section:
    answer = lab.ask_sources()
    return Section("Data", tuple(answer.warnings) or ("Complete.",), answer)
