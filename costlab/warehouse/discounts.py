"""The table ``prices.discounts``: the negotiated discounts in force, in the form ``sql/prices/offers.sql`` joins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from costlab.money import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from costlab.interfaces.discount import Discount
    from costlab.warehouse.connection import Connection

_NAMES: Final = ("services", "except_services", "regions", "families", "shapes", "skus", "os", "instruments")
DISCOUNT_TYPES: Final = {
    "name": "VARCHAR", "provider": "VARCHAR", "rate": "DECIMAL(9,8)", "price": "DECIMAL(38,12)", "unit": "VARCHAR",
    "currency": "VARCHAR", **{f"{name}_": "VARCHAR" for name in _NAMES}, "reason": "VARCHAR",
}  # fmt: skip
"""Lists of names are texts: ``|AmazonEC2|AmazonRDS|``, NULL for any. ``rate`` is what is left of the list price."""


def write_discounts(con: Connection, discounts: Sequence[Discount], day: date) -> None:
    """Create ``prices.discounts`` of those that hold on a day; none are a view that costs queries nothing."""
    rows = [_row(discount) for discount in discounts if discount.holds(day)]
    if not rows:
        empty = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in DISCOUNT_TYPES.items())
        con.execute(f"create view prices.discounts as select {empty} where false")
        return
    columns = ", ".join(f'"{name}" {kind}' for name, kind in DISCOUNT_TYPES.items())
    con.execute(f"create table prices.discounts ({columns})")
    marks = ", ".join("?" for _ in DISCOUNT_TYPES)
    con.executemany(f"insert into prices.discounts values ({marks})", rows)


def _row(discount: Discount) -> list[Any]:
    rate = None if discount.percent is None else 1 - discount.percent / 100
    lists = [_joined(getattr(discount, name)) for name in _NAMES]
    return [
        discount.name, discount.provider, rate, discount.price, discount.unit, discount.currency, *lists,
        reason(discount),
    ]  # fmt: skip


def _joined(names: tuple[str, ...]) -> str | None:
    return f"|{'|'.join(names)}|" if names else None


def reason(discount: Discount) -> str:
    """Return the agreement as a JSON object: what ``attributes`` of its offers show."""
    told: dict[str, Any] = {"discount": discount.name}
    told |= {key: plain(value) for key in ("percent", "price") if (value := getattr(discount, key)) is not None}
    if discount.price is not None:
        told |= {"unit": discount.unit, "currency": discount.currency}
    told |= {key: str(value) for key in ("start", "end") if (value := getattr(discount, key)) is not None}
    return json.dumps(told | {name: list(value) for name in _NAMES if (value := getattr(discount, name))})
