"""What the simulated company counts: the same for the same seed, with one day on which the counter stood still."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from costlab.lab.allocation.metric_file import read_metrics
from costlab.simulate.business import write_business_metrics


def test_the_metrics_are_those_of_the_seed_and_one_day_is_missing(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.csv", "two.csv", "other.csv")]
    for path, seed in zip(files, (7, 7, 8), strict=True):
        write_business_metrics(path, seed=seed, start=date(2026, 5, 1), end=date(2026, 7, 1))
    assert files[0].read_bytes() == files[1].read_bytes() != files[2].read_bytes()
    found = read_metrics(files[0])
    assert found.dimensions == ("team",)
    days = {reading.at for reading in found.readings}
    assert len(days) == 60
    assert date(2026, 5, 22) not in days
    assert {(r.metric, r.values["team"]) for r in found.readings} == {
        ("orders", "web"), ("orders", "eu"), ("messages", "mobile"),
    }  # fmt: skip
    assert all(reading.quantity > 0 for reading in found.readings)
