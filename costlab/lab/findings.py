"""Recommendations and incidents: computed when data is published, so that every surface shows the same ones.

``recommend`` and ``anomalies`` without narrowing options read ``findings.*``; with options, or for a day in the
past, the same functions run again on the tables at hand.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costlab.errors import UnknownValue
from costlab.interfaces.analyzer import Context
from costlab.interfaces.finding import Kind
from costlab.lab.window import DATA_END
from costlab.money import ZERO
from costlab.period import utc_now
from costlab.warehouse.findings import ANOMALIES, RECOMMENDATIONS, Findings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from costlab.interfaces.finding import Incident
    from costlab.plan import Memory
    from costlab.warehouse.relations import Database

Items = list[dict[str, Any]]
_RECOMMEND, _ANOMALIES = "recommend", "anomalies"
_logger = logging.getLogger(__name__)
_SAVINGS = ("monthly_saving", "monthly_saving_list")


@dataclass(slots=True)
class Found:
    """Items with their totals."""

    columns: list[str]
    items: Items
    totals: dict[str, Any] = field(default_factory=dict[str, Any])
    currency: str | None = None


def context(db: Database, as_of: datetime | None) -> Context:
    """Return what analyzers may see: data up to the end of the last usage, or to ``as_of`` if that is earlier."""
    end: datetime | None = db.result(DATA_END).rows[0][0]
    known = [instant for instant in (end, as_of) if instant is not None]
    return Context(db, min(known, default=utc_now()))


def plan_now(
    db: Database, as_of: datetime | None, kinds: Sequence[str], memory: Mapping[str, Memory] | None = None
) -> Found:
    """Return the plan computed from the tables, only of these kinds (all when empty).

    Raises
    ------
    UnknownValue
        If there is no such kind.
    """
    from costlab.plan import recommend

    for kind in kinds:
        if kind not in set(Kind):
            raise UnknownValue("kind", kind, Kind)
    plan = recommend(context(db, as_of), kinds=kinds, memory=memory)
    totals = plan.totals()
    totals["not_assessed"] = {**_without_check(kinds), **totals.get("not_assessed", {})}
    return _found([item.to_item() for item in plan.items], totals)


def _without_check(kinds: Sequence[str]) -> dict[str, str]:
    """Return the kinds asked for that nothing looks at: that is not the same as nothing to save."""
    from costlab.analyzers.registry import checks

    known = {check.kind for check in checks()}
    return {
        str(kind): "this version has no check of this kind"
        for kind in Kind
        if kind in (kinds or Kind) and kind not in known
    }


def incidents_now(db: Database, as_of: datetime | None) -> Items:
    """Return all incidents computed from the tables."""
    from costlab.analyzers.anomalies import detect

    return [item_of(incident) for incident in detect(context(db, as_of))]


def item_of(incident: Incident) -> dict[str, Any]:
    """Return the JSON item of an incident."""
    return asdict(incident) | {"causes": [asdict(cause) for cause in incident.causes]}


def published_plan(db: Database) -> Found:
    """Return the plan as it was computed when the data was published."""
    items = stored(db, "findings.recommendations")
    items.sort(key=lambda item: item.get("rank") or 0)
    details = db.rows("select details from findings.runs where name = ? order by started_at desc", [_RECOMMEND])
    totals: dict[str, Any] = json.loads(details[0]["details"])["totals"] if details else {}
    return _found(items, _with_decimals(totals))


def incidents(db: Database, as_of: datetime | None, *, days: int | None) -> Found:
    """Return all incidents, largest impact first; with ``days`` those open or ended so shortly before the end."""
    items = incidents_now(db, as_of) if as_of else [_incident(item) for item in stored(db, "findings.anomalies")]
    since = (context(db, as_of).now - timedelta(days=days)).date() if days is not None else date.min
    recent = [item for item in items if item["end"] is None or item["end"] >= since]
    recent.sort(key=lambda item: (-abs(item["impact"]), item["start"], item["id"]))
    return _found(recent, {}, ANOMALIES)


def at_least(found: Found, minimum: Decimal) -> Found:
    """Return the items that save at least so much, with the totals of those."""
    items = [item for item in found.items if item["monthly_saving"] >= minimum]
    totals = dict(found.totals)
    if totals.get("monthly_saving") is not None:
        totals["monthly_saving"] = sum((item["monthly_saving"] for item in items), ZERO)
        chosen = [item["monthly_saving_list"] for item in items if item["monthly_saving"]]
        totals["monthly_saving_list"] = sum(chosen, ZERO)
    return _found(items, totals)


def memory_of(db: Database) -> dict[str, Memory]:
    """Return what is known of the published items, for the next night."""
    from costlab.plan import Memory

    rows = db.rows("select id, first_seen, status from findings.recommendations where first_seen is not null")
    return {row["id"]: Memory(row["first_seen"], row["status"]) for row in rows}


def findings_of(db: Database, memory: Mapping[str, Memory]) -> Findings:
    """Return everything the analyzers find in a catalogue, for its tables ``findings.*``.

    An analyzer that fails does not keep the bill from being published: its run says so, and so does ``doctor``.
    """
    plan, planned = _attempt(_RECOMMEND, lambda: plan_now(db, None, (), memory))
    found, watched = _attempt(_ANOMALIES, lambda: _found(incidents_now(db, None), {}, ANOMALIES))
    return Findings(plan.items, found.items, [planned, watched])


def failures(db: Database) -> dict[str, str]:
    """Return the analyzers that failed when the data was published, with the reason."""
    rows = db.rows("select name, error from findings.runs where error is not null order by name")
    return {row["name"]: row["error"] for row in rows}


def _attempt(name: str, work: Callable[[], Found]) -> tuple[Found, dict[str, Any]]:
    run: dict[str, Any] = {"name": name, "started_at": utc_now()}
    clock = time.perf_counter()
    try:
        found = work()
    except Exception as error:
        _logger.exception("%s failed", name)
        found = Found([], [])
        run["error"] = f"{type(error).__name__}: {error}"
    not_assessed = json.dumps(found.totals.get("not_assessed", {}))
    run |= {"seconds": time.perf_counter() - clock, "items": len(found.items), "not_assessed": not_assessed}
    return found, {**run, "totals": found.totals}


def stored(db: Database, table: str) -> Items:
    """Return the rows of a findings table as the items they were made of."""
    items: Items = []
    for row in db.rows(f"select * from {table}"):
        item = {name: _restored(value) for name, value in row.items()}
        details = item.pop("details", None)
        items.append({**item, **(details or {})})
    return items


def _incident(item: dict[str, Any]) -> dict[str, Any]:
    """Return a stored incident with the money of its causes and parts as ``Decimal`` again."""
    causes = [{**cause, "impact": Decimal(cause["impact"])} for cause in item["causes"] or []]
    parts = {name: Decimal(value) for name, value in (item["parts"] or {}).items()}
    return {**item, "causes": causes, "parts": parts}


def _restored(value: Any) -> Any:
    """Return nested values, which are kept as JSON text, as they were; money in them stays text."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _found(items: Items, totals: dict[str, Any], fields: Mapping[str, str] = RECOMMENDATIONS) -> Found:
    names = [name for name in fields if name != "details"]
    more = sorted({name for item in items for name in item} - set(names))
    currencies = {item["currency"] for item in items}
    whole = [{name: item.get(name) for name in names} | {n: item[n] for n in more if n in item} for item in items]
    return Found([*names, *more], whole, totals, next(iter(currencies)) if len(currencies) == 1 else None)


def _with_decimals(totals: dict[str, Any]) -> dict[str, Any]:
    def decimals(amounts: dict[str, Any]) -> dict[str, Any]:
        return {k: Decimal(v) if k in _SAVINGS and v is not None else v for k, v in amounts.items()}

    found = decimals(totals)
    if "by_currency" in found:
        found["by_currency"] = {currency: decimals(amounts) for currency, amounts in found["by_currency"].items()}
    return found
