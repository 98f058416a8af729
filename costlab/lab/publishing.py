"""Publish what the lake holds: build the catalogue, let the analyzers look at it, flip the pointer, tidy up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import costlab
from costlab.errors import DataError, Locked
from costlab.lab.findings import findings_of, memory_of
from costlab.lake import Lake, Retention, writing
from costlab.period import utc_now
from costlab.warehouse.catalogue import current, generations, open_current, publish
from costlab.warehouse.findings import Findings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from costlab.plan import Memory
    from costlab.settings import Settings
    from costlab.warehouse.catalogue import Generation
    from costlab.warehouse.relations import Database

_RUN = "publish"


def retention(settings: Settings) -> Retention:
    """Return how long the lake keeps the past."""
    return Retention(revisions=settings.keep_revisions, days=settings.keep_days)


def publish_workspace(settings: Settings, progress: Callable[[str], None] | None = None) -> Generation | None:
    """Publish the live revisions with their findings; return the new generation, or None if it would be the same.

    Readers see the old generation until the new one is whole; a crash leaves the old one.

    Raises
    ------
    ModelError
        If a SQL model is wrong.
    """
    lake = Lake(settings.workspace)
    manifest = lake.current()
    stamp = {"version": costlab.__version__, "tag_keys": list(settings.tag_keys)}
    today = utc_now().date()
    if agreed := [str(discount) for discount in settings.discounts if discount.holds(today)]:
        stamp["discounts"] = agreed
    memory: dict[str, Memory] = {}
    before = _opened(settings.workspace)
    if before is not None:
        seq, db = before
        with db:
            memory = memory_of(db)
            if seq == manifest.seq and _stamp_of(db) == stamp:
                return None
    if progress:
        progress("building the catalogue, looking for savings and incidents")
    generation, _ = publish(
        settings.workspace,
        manifest.seq,
        lake.live(manifest),
        tag_keys=settings.tag_keys,
        discounts=settings.discounts,
        findings_of=lambda db: _with_stamp(findings_of(db, memory), stamp),
    )
    _tidy(settings)
    return generation


def is_published(settings: Settings) -> bool:
    """Return whether the published catalogue shows what the lake holds."""
    generation = current(settings.workspace)
    return generation is not None and generation.seq >= Lake(settings.workspace).current().seq


def _opened(workspace: Path) -> tuple[int, Database] | None:
    try:
        return open_current(workspace)
    except DataError:
        return None


def _stamp_of(db: Database) -> dict[str, Any]:
    rows = db.rows("select details from findings.runs where name = ?", [_RUN])
    stamp: dict[str, Any] = json.loads(rows[0]["details"])["stamp"] if rows else {}
    return stamp


def _with_stamp(findings: Findings, stamp: dict[str, Any]) -> Findings:
    run = {"name": _RUN, "started_at": utc_now(), "seconds": 0.0, "items": 0, "stamp": stamp}
    return Findings(findings.recommendations, findings.anomalies, [*findings.runs, run])


def _tidy(settings: Settings) -> None:
    """Remove what no kept catalogue and no kept manifest reads; left for the next night if somebody is writing."""
    try:
        with writing(settings.workspace, retention=retention(settings)) as writer:
            writer.collect(in_use={generation.seq for generation in generations(settings.workspace)})
    except Locked:
        return
