"""Which sizes a machine can shrink to."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from costlab.analyzers.rightsize._shapes import PriceBook, smaller_types
from costlab.interfaces.analyzer import Context
from tests.analyzers.support import world


@pytest.fixture(scope="module")
def context() -> Context:
    return world([], [], now=datetime(2026, 3, 1))


def smaller(context: Context, name: str) -> list[tuple[str, Decimal]]:
    return [
        (t.instance_type, t.price_ratio)
        for t in smaller_types(name, ("", "", ""), PriceBook(context))
        if t.capacity_ratio == t.price_ratio
    ]


def test_azures_sizes_go_by_the_cores_in_their_names(context: Context) -> None:
    assert smaller(context, "Standard_D16s_v5") == [
        ("Standard_D2s_v5", Decimal("0.125")),
        ("Standard_D4s_v5", Decimal("0.25")),
        ("Standard_D8s_v5", Decimal("0.5")),
    ]
    assert smaller(context, "Standard_F4s_v2") == [("Standard_F2s_v2", Decimal("0.5"))]
    assert smaller(context, "Standard_E20ads_v5")[-1] == ("Standard_E16ads_v5", Decimal("0.8"))


SPECIAL = (
    *("Standard_D2s_v5", "Standard_DS3_v2", "Standard_D3_v2", "Standard_B2ms"),
    *("Standard_E4-2s_v5", "Standard_NC6s_v3", "GP_Gen5_4"),
)


@pytest.mark.parametrize("name", SPECIAL)
def test_the_smallest_numbered_burstable_and_special_sizes_stay(context: Context, name: str) -> None:
    assert smaller(context, name) == []
