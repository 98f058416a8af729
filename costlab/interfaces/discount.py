"""Negotiated discounts: what a contract makes of list prices, a share off (AWS EDP, PPA) or a price of one's own.

Source of what they apply to: AWS takes an agreement's discount off on-demand usage and off the fees of reservations and
savings plans alike (CUR 2.0 table dictionary: ``reservation_net_*`` and ``savings_plan_net_*`` are those fees after
discounts; read 2026-11). For other clouds a percentage holds for usage on demand, unless ``instruments`` names more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, cast

from costlab.errors import UnknownValue, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDERS: Final = ("aws", "azure", "gcp")
LISTS: Final = ("services", "except_services", "regions", "families", "shapes", "skus", "os", "instruments")
KEYS: Final = ("name", "provider", "percent", "price", "unit", "currency", "from", "to", *LISTS)
_WHAT: Final = 'Write percent = 6, or price = "0.17" with shapes or skus'
_ON_DEMAND: Final = ("ondemand",)


@dataclass(frozen=True, slots=True)
class Discount:
    """One agreement: ``percent`` off list prices, or a ``price`` per ``unit``; an empty list of names means any.

    It holds from ``start`` to ``end`` (not included), None for no bound.
    """

    name: str
    provider: str
    percent: Decimal | None = None
    price: Decimal | None = None
    unit: str = "hour"
    currency: str = "USD"
    start: date | None = None
    end: date | None = None
    services: tuple[str, ...] = ()
    except_services: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    os: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()

    def holds(self, day: date) -> bool:
        """Return whether the agreement is in force on a day."""
        return (self.start is None or self.start <= day) and (self.end is None or day < self.end)


def discount_of(table: Mapping[str, Any]) -> Discount:
    """Return the discount that a table of ``costlab.toml`` describes.

    Raises
    ------
    UsageError
        If a key is unknown or missing, or a value is not what it must be.
    """
    for key in table:
        if key not in KEYS:
            raise UnknownValue("key", key, KEYS)
    percent, price = (_number(table, key) for key in ("percent", "price"))
    names = {key: _names(table, key) for key in LISTS}
    provider = _text(table, "provider")
    if provider not in PROVIDERS:
        raise UnknownValue("provider", provider, PROVIDERS)
    if (percent is None) == (price is None) or (price is not None and not (names["shapes"] or names["skus"])):
        raise UsageError("a discount needs either a percent, or the price of named shapes or skus", hint=_WHAT)
    if percent is not None and not 0 < percent <= 100:
        raise UsageError(f"percent is {percent}", hint="It is more than 0 and at most 100")
    if price is not None and price < 0:
        raise UsageError(f"price is {price}", hint="It is 0 or more")
    if not names["instruments"] and (price is not None or provider != "aws"):
        names["instruments"] = _ON_DEMAND
    return Discount(
        _text(table, "name"),
        provider,
        percent,
        price,
        _text(table, "unit", "hour"),
        _text(table, "currency", "USD").upper(),
        _day(table, "from"),
        _day(table, "to"),
        **names,
    )


def _text(table: Mapping[str, Any], key: str, default: str = "") -> str:
    value = table.get(key, default)
    if not isinstance(value, str) or not value:
        raise UsageError(f"a discount needs {key!r} (text)", hint=f"Its keys: {', '.join(KEYS)}")
    return value


def _number(table: Mapping[str, Any], key: str) -> Decimal | None:
    value = table.get(key)
    if value is None:
        return None
    try:
        number = Decimal("nan") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise UsageError(f"{key} is {value!r}, not a number", hint=_WHAT)
    return number


def _names(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list):
        raise UsageError(f"{key} must be a list of texts", hint=f'Write {key} = ["..."]')
    names = cast("list[object]", value)
    if not all(isinstance(name, str) and name and "|" not in name for name in names):
        raise UsageError(f"{key} must be a list of texts", hint=f'Write {key} = ["..."]')
    return tuple(cast("list[str]", names))


def _day(table: Mapping[str, Any], key: str) -> date | None:
    value = table.get(key)
    if isinstance(value, datetime) or not isinstance(value, date | None):
        raise UsageError(f"{key} is {value!r}, not a day", hint=f"Write {key} = 2026-01-01, without quotes")
    return value
