"""The questions about the data itself: sources, doctor, reconcile, restatements.

They also answer about a workspace in which nothing is published yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costlab.answer import Answer
from costlab.errors import CostlabError, DataError, UnknownValue
from costlab.lab import doctor, reconcile, restatements
from costlab.lab import sources as source_states
from costlab.lab.permissions import refused
from costlab.lab.status import COMPLETE, EMPTY, PARTIAL
from costlab.lake import Lake
from costlab.lake import restatements as pairs_of
from costlab.period import Month, midnight, parse_day, utc_now
from costlab.warehouse.catalogue import current, open_current
from costlab.warehouse.connection import Error

if TYPE_CHECKING:
    from datetime import date, datetime

    from costlab.lake import Revision
    from costlab.settings import Settings
    from costlab.warehouse.relations import Database


def ask_sources(settings: Settings, db: Database | None, as_of: datetime | None = None) -> Answer:
    """Return one item per source that is configured or loaded; its problems are also the warnings."""
    now = as_of or utc_now()
    states = source_states.source_states(settings, _live(settings, as_of), db, now)
    items = [state.item() for state in states]
    warnings = [f"{state.name}: {problem}" for state in states for problem in state.problems.values()]
    status = EMPTY if not items else PARTIAL if warnings else COMPLETE
    return _answer("sources", source_states.COLUMNS, items, now, data_status=status, warnings=warnings)


def ask_doctor(settings: Settings, *, permissions: bool = False) -> Answer:
    """Return one item per thing looked at: ``check, status (ok|note|data|config), detail, fix``.

    ``permissions``: only the least permissions of every configured source, whether something is missing or not.
    """
    missing = _refused(settings)
    if permissions:
        return _diagnosed(list(doctor.permissions(settings.sources, missing)))
    found = [
        *doctor.installation(),
        *doctor.workspace(settings),
        *doctor.configuration(settings),
        *doctor.allocation(settings),
        *doctor.locations(settings),
        *doctor.paid_requests(settings),
    ]
    if settings.sources or current(settings.workspace):
        found += _look_at_data(settings)
    found += doctor.permissions(doctor.troubled(settings, found, missing), missing)
    return _diagnosed(found)


def _diagnosed(found: list[doctor.Diagnosis]) -> Answer:
    items = [diagnosis.item() for diagnosis in found]
    bad = sum(item["status"] in {doctor.Level.DATA, doctor.Level.CONFIG} for item in items)
    status = PARTIAL if bad else COMPLETE
    return _answer("doctor", doctor.COLUMNS, items, utc_now(), data_status=status, totals={"problems": bad})


def _refused(settings: Settings) -> dict[str, list[str]]:
    """Return source -> permissions that its last load found missing; {} where nothing is published."""
    db = published(settings)
    if db is None:
        return {}
    try:
        return refused(db)
    except Error:  # a catalogue of an older version has no inventory
        return {}
    finally:
        db.close()


def _look_at_data(settings: Settings) -> list[doctor.Diagnosis]:
    db = published(settings)
    try:
        states = source_states.source_states(settings, _live(settings, None), db, utc_now())
        found = list(doctor.data(states))
        if db is None:
            return found
        return [
            *found,
            *doctor.double_counts(db),
            *doctor.analyzers(db),
            *doctor.rules_of_focus(db),
            *doctor.calibration(db),
        ]
    except (Error, CostlabError) as error:
        reason = str(error).splitlines()[0]
        return [doctor.Diagnosis("data", doctor.Level.DATA, f"cannot be read: {reason}", "See the other lines")]
    finally:
        if db is not None:
            db.close()


def ask_reconcile(settings: Settings, db: Database, *, source: str | None = None, period: str | None = None) -> Answer:
    """Return one item per live snapshot: rows and sums from the file received to the marts.

    Raises
    ------
    UnknownValue
        If nothing of that source or period is loaded.
    """
    live = Lake(settings.workspace).current().revisions
    _known("source", source, [r.source for r in live])
    _known("period", str(Month.parse(period)) if period else None, [r.period for r in live])
    chosen = [r for r in live if source in (None, r.source) and period in (None, r.period)]
    items = [reconcile.reconcile_revision(settings.workspace, db, revision) for revision in chosen]
    broken = [item for item in items if item["status"] != reconcile.RECONCILED]
    warnings = [
        f"{item['source']} {item['billing_period']}: {problem}" for item in broken for problem in item["problems"]
    ]
    status = EMPTY if not items else PARTIAL if broken else COMPLETE
    return _answer(
        "reconcile",
        reconcile.COLUMNS,
        items,
        utc_now(),
        data_status=status,
        totals=reconcile.totals(chosen, items),
        warnings=warnings,
        currency=_only([currency for r in chosen for currency in r.billed_cost_received]),
    )


def ask_restatements(settings: Settings, *, source: str | None = None, since: date | str | None = None) -> Answer:
    """Return one item per service and account that a later revision of a period changed.

    ``since`` leaves out revisions loaded before 00:00 UTC of that day.
    """
    lake = Lake(settings.workspace)
    _known("source", source, [r.source for r in lake.revisions()])
    day = parse_day(since, what="--since") if isinstance(since, str) else since
    items: list[dict[str, Any]] = []
    warnings: list[str] = []
    for pair in pairs_of(lake, source=source, since=midnight(day) if day else None):
        found = restatements.changes(settings.workspace, pair.older, pair.newer)
        if found is None:
            old = pair.older
            warnings.append(f"{old.source} {old.period}: the files of snapshot {old.snapshot_id} were removed")
        items += found or []
    currency = _only([item["BillingCurrency"] for item in items])
    names = ("billed_cost_change", "effective_cost_change")
    totals = {name: sum((item[name] for item in items), start=0) for name in names} if currency else {}
    return _answer(
        "restatements", restatements.COLUMNS, items, utc_now(), totals=totals, warnings=warnings, currency=currency
    )


def published(settings: Settings) -> Database | None:
    """Return the published catalogue, or None when there is none."""
    try:
        return open_current(settings.workspace)[1]
    except DataError:
        return None


def _live(settings: Settings, as_of: datetime | None) -> list[Revision]:
    lake = Lake(settings.workspace)
    if as_of is None:
        return list(lake.current().revisions)
    return [known.revision for known in lake.known_at(as_of)]


def _known(what: str, name: str | None, valid: list[str]) -> None:
    if name is not None and name not in valid:
        raise UnknownValue(what, name, set(valid))


def _only(values: list[str]) -> str | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _answer(name: str, columns: list[str], items: list[dict[str, Any]], as_of: datetime, **fields: Any) -> Answer:
    return Answer(name, columns, items, generated_at=utc_now(), as_of=as_of, **fields)
