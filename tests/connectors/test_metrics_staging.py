"""What becomes of a metric sample: kept as it is, or put aside when it says nothing about a resource."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from costlab_connectors.metrics_file import COLUMNS
from tests.connectors.support import Row, staged

SAMPLE: Row = {
    "provider": "aws",
    "resource_id": "i-1",
    "metric": "cpu_percent",
    "ts": "2026-03-05 01:00:00",
    "avg": 3.5,
    "max": 9.0,
    "shape": "m5.large",
    "region": "us-east-1",
}


def one(**given: Any) -> Row:
    return staged("metrics", COLUMNS, SAMPLE | given)[0]


def test_a_sample_is_loaded_as_it_is() -> None:
    assert one() == SAMPLE | {
        "ts": datetime(2026, 3, 5, 1),
        "x_source": "bill",
        "x_snapshot_id": "s1",
        "x_fate": "load",
        "x_part": 0,
    }


def test_a_sample_needs_no_maximum_shape_or_region() -> None:
    row = one(max=None, shape=None, region=None)
    assert row["x_fate"] == "load"
    assert row["max"] is None


@pytest.mark.parametrize("column", ["provider", "resource_id", "metric", "ts", "avg"])
def test_a_sample_of_nothing_goes_to_quarantine(column: str) -> None:
    assert one(**{column: None})["x_fate"] == f"quarantine: {column} is empty"


@pytest.mark.parametrize("column", ["avg", "max"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_no_number_goes_to_quarantine(column: str, value: float) -> None:
    assert one(**{column: value})["x_fate"] == f"quarantine: {column} is not a finite number"
