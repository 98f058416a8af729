"""Anomalies: days on which cost was not what its past lets expect, gathered into incidents with causes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from costlab.analyzers.anomalies.cube import load_cubes
from costlab.analyzers.anomalies.incidents import Watch
from costlab.analyzers.anomalies.report import incident_of

if TYPE_CHECKING:
    from datetime import date

    from costlab.interfaces.analyzer import Context
    from costlab.interfaces.finding import Incident


def detect(context: Context) -> list[Incident]:
    """Return every incident in the 400 days before ``context.now``, in the order in which they were detected.

    Causal: an incident's ``scope``, ``direction``, ``start`` and ``detected_on`` depend on nothing after
    ``detected_on``; the rest is as last known. Amounts of different currencies are looked at apart.
    """
    return [
        incident_of(context, cube, watch, raw)
        for cube in load_cubes(context)
        for watch in [Watch(cube)]
        for raw in watch.run()
    ]


def replay(context: Context, *, start: date, end: date) -> list[Incident]:
    """Return the incidents as they would have been raised day by day from ``start`` to ``end``, both inclusive.

    ``scope``, ``direction`` and ``detected_on`` are as first raised, the rest as last known at ``context.now``. The
    history before ``start`` is learnt from; an incident that was raised before it is not raised again.
    """
    raised: list[Incident] = []
    for cube in load_cubes(context):
        watch = Watch(cube)
        found = [raw for raw in watch.run() if start <= cube.days[raw.detected] <= end]
        raised.extend(replace(incident_of(context, cube, watch, raw), scope=raw.first_scope) for raw in found)
    return raised
