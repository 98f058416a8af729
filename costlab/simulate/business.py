"""What the simulated company counts: orders and messages per day and team, with a weekly rhythm and growth."""

from __future__ import annotations

import csv
import math
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

_COUNTED = (("orders", "web", 1800.0), ("orders", "eu", 620.0), ("messages", "mobile", 41_000.0))
_GROWTH = 0.0011
_GAP = 40
"""The counter stood still on this day before the end: real ones do."""


def write_business_metrics(path: Path, *, seed: int, start: date, end: date) -> None:
    """Write ``date, metric, quantity, team`` for the days ``[start, end)``, the same for the same seed."""
    rng = np.random.default_rng([seed, 77])
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["date", "metric", "quantity", "team"])
        for offset in range((end - start).days):
            day = start + timedelta(days=offset)
            for metric, team, size in _COUNTED:
                rhythm = 1 + 0.18 * math.sin((day.weekday() - 2) / 7 * 2 * math.pi)
                quantity = size * rhythm * (1 + _GROWTH * offset) * rng.normal(1, 0.03)
                if (end - day).days != _GAP:
                    writer.writerow([day.isoformat(), metric, round(quantity), team])
