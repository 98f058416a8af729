"""Precision and recall of the anomaly detector on seeded synthetic estates.

``python -m tests.bench.bench_anomalies [--seeds test|train]`` prints JSON. Rules and limits were chosen with the
training seeds only. An incident is right when direction, days (as in docs/methods.md) and place (a common leaf) agree.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from costlab.analyzers.anomalies.incidents import Raw, Watch
from tests.bench.estates import DAYS, QUIET_START, Estate, Event, estate
from tests.bench.measure import Row

TITLE = "Anomalies"
TRAIN = range(1, 9)
TEST = range(1001, 1021)


@dataclass
class Tally:
    """Counts over estates."""

    events: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hits: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    delays: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    incidents: int = 0
    false: int = 0
    repeats: int = 0
    overlap: list[float] = field(default_factory=list[float])
    saved: float = 0.0
    excess: float = 0.0


def last_hit_day(event: Event) -> int:
    """Return the last day on which detecting an event still counts."""
    extra = {"spike": 1, "shift": 13 - (event.end - event.start), "new": 6 - (event.end - event.start)}
    return event.end + extra.get(event.kind, 0)


def matches(incident: Raw, event: Event, *, grace: int) -> bool:
    """Return whether an incident is about an event, detected up to ``grace`` days after it."""
    in_time = event.start <= incident.detected <= last_hit_day(event) + grace
    return in_time and incident.direction == event.direction and bool((incident.leaves & event.leaves).any())


def score(case: Estate, incidents: list[Raw], tally: Tally) -> None:
    """Add one estate's result to the tally."""
    for event in case.events:
        tally.events[event.kind] += 1
        hits = [i for i in incidents if matches(i, event, grace=0)]
        if hits:
            first = min(hits, key=lambda i: i.detected)
            tally.hits[event.kind] += 1
            tally.delays[event.kind].append(first.detected - event.start)
            tally.overlap.append(float((first.leaves & event.leaves).sum() / (first.leaves | event.leaves).sum()))
            tally.repeats += len(hits) - 1
        size = np.abs(event.excess[event.start : event.start + 30])
        tally.excess += float(size.sum())
        if hits:
            tally.saved += float(size[min(h.detected for h in hits) - event.start :].sum())
    for incident in incidents:
        if incident.detected < QUIET_START - 10:
            continue
        tally.incidents += 1
        grace = {"leak": 20, "new": 20}
        tally.false += not any(matches(incident, e, grace=grace.get(e.kind, 10)) for e in case.events)


def measure(seeds: range) -> dict[str, Any]:
    """Return the figures over the estates of these seeds."""
    tally, began = Tally(), time.process_time()
    scopes = 0
    for seed in seeds:
        case = estate(seed)
        watch = Watch(case.cube)
        scopes += sum(int(keep.sum()) for keep in watch.keep)
        score(case, watch.run(), tally)
    events, hits = sum(tally.events.values()), sum(tally.hits.values())
    precision, recall = 1 - tally.false / max(tally.incidents, 1), hits / max(events, 1)
    return {
        "estates": len(seeds),
        "series": scopes,
        "events": events,
        "incidents": tally.incidents,
        "precision": round(precision, 3),
        "recall": round(recall, 3),
        "f1": round(2 * precision * recall / max(precision + recall, 1e-9), 3),
        "false_per_estate_year": round(tally.false / len(seeds) * 365 / (DAYS - QUIET_START), 2),
        "false_per_series_year": round(tally.false / scopes * 365 / (DAYS - QUIET_START), 4),
        "repeats": tally.repeats,
        "mean_scope_overlap": round(float(np.mean(tally.overlap)), 3) if tally.overlap else None,
        "avoidable_share": round(tally.saved / tally.excess, 3),
        "recall_by_kind": {k: f"{tally.hits[k]}/{n}" for k, n in sorted(tally.events.items())},
        "mean_delay_by_kind": {k: round(float(np.mean(d)), 1) for k, d in sorted(tally.delays.items())},
        "cpu_seconds": round(time.process_time() - began, 1),
    }


def run() -> list[Row]:
    """Return the rows of the benchmark page, on the test seeds."""
    found = measure(TEST)
    events = found["events"]
    return [
        Row(
            f"incidents on {found['estates']} estates, {events} planted events: precision / recall / F1",
            f"{found['precision']} / {found['recall']} / {found['f1']}",
            "F1 >= 0.84",
            found["f1"] >= 0.84,
            found,
        ),
        Row(
            "false incidents per series and year",
            str(found["false_per_series_year"]),
            "<= 0.13",
            found["false_per_series_year"] <= 0.13,
        ),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", choices=["train", "test"], default="test")
    chosen = TRAIN if parser.parse_args().seeds == "train" else TEST
    json.dump(measure(chosen), sys.stdout, indent=2)
    sys.stdout.write("\n")
