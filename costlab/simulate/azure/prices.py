"""List prices of the simulated Azure company, as dated constants, and its exchange rates.

USD, public pay-as-you-go list prices. Linux machines: Azure/karpenter-provider-azure @352646f5 (Apache-2.0), read
2026-11. Flexibility ratios, discounts of reservations and savings plans, and everything else: the vendor's public
price pages as of 2026-01, from general knowledge; good enough for a simulation, not a price catalogue.

Every amount is an integer: a *price* counts 1e-4 of the pricing currency per unit, a *quantity* 1e-4 units, *pricing
money* 1e-8, an *exchange rate* 1e-4, *money* 1e-12 of the billing currency. So quantity x price is pricing money and
that times the exchange rate is money, without ever rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from costlab.errors import UnknownValue

if TYPE_CHECKING:
    from costlab.period import Month

PRICE: Final = 10**4
"""Price units per unit of the pricing currency."""
QUANTITY: Final = 10**4
PRICING: Final = 10**8
FX: Final = 10**4
MONEY: Final = 10**12

REGIONS: Final = ("westeurope", "northeurope", "germanywestcentral", "eastus2")
REGION_NAMES: Final = {
    "westeurope": "West Europe",
    "northeurope": "North Europe",
    "germanywestcentral": "Germany West Central",
    "eastus2": "East US 2",
}
METER_REGIONS: Final = {
    "westeurope": "EU West",
    "northeurope": "EU North",
    "germanywestcentral": "DE West Central",
    "eastus2": "US East 2",
}
RATES: Final = {"EUR": 8800, "GBP": 7600, "CHF": 8600, "SEK": 96_000, "USD": FX}
"""About how many units of 1e-4 of a billing currency one USD costs."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A machine size: its flexibility group and ratio in it, what it has, its price in each of ``REGIONS``."""

    series: str
    ratio: int
    cpus: int
    gib: int
    prices: tuple[str, str, str, str]
    scale: int = 1
    """The prices are of a machine this many times smaller."""

    def price(self, region: str) -> int:
        """Return the pay-as-you-go price per hour."""
        return price(self.prices[REGIONS.index(region)]) * self.scale


_D5, _E5 = ("0.115", "0.107", "0.115", "0.096"), ("0.152", "0.141", "0.152", "0.126")
_F2, _D3 = ("0.097", "0.096", "0.097", "0.0846"), ("0.12", "0.107", "0.115", "0.096")
SHAPES: Final = {
    **{f"Standard_D{2 * n}s_v5": Shape("Dsv5", n, 2 * n, 8 * n, _D5, n) for n in (1, 2, 4, 8)},
    **{f"Standard_E{2 * n}s_v5": Shape("Esv5", n, 2 * n, 16 * n, _E5, n) for n in (1, 2, 4)},
    **{f"Standard_F{2 * n}s_v2": Shape("Fsv2", n, 2 * n, 4 * n, _F2, n) for n in (1, 2, 4)},
    **{f"Standard_D{2 * n}s_v3": Shape("Dsv3", n, 2 * n, 8 * n, _D3, n) for n in (1, 2)},
    "Standard_B2s": Shape("BS", 8, 2, 4, ("0.048", "0.045", "0.048", "0.0416")),
    "Standard_B2ms": Shape("BS High Memory", 4, 2, 8, ("0.096", "0.091", "0.096", "0.0832")),
    "Standard_B4ms": Shape("BS High Memory", 8, 4, 16, ("0.192", "0.182", "0.192", "0.1664")),
}
"""Machine sizes; prices are linear in the ratio within a series, but for the burstable ones."""

RESERVED: Final = {
    "Dsv5": (37, 57),
    "Esv5": (38, 59),
    "Fsv2": (34, 54),
    "Dsv3": (36, 56),
    "BS": (36, 57),
    "BS High Memory": (36, 57),
    "SQL": (21, 33),
}
"""Discount of a reservation in percent, for one and for three years."""
PLANNED: Final = {"Dsv5": 27, "Esv5": 28, "Fsv2": 31, "Dsv3": 25, "BS": 24, "BS High Memory": 24}
"""Discount of a one-year savings plan for compute in percent."""
LICENCE: Final = "0.046"
"""Windows Server, per virtual CPU and hour."""


def price(text: str) -> int:
    """Return a price; it must have at most four decimals."""
    value = Decimal(text) * PRICE
    if value != value.to_integral_value():
        raise ValueError(f"price {text} has more than four decimals")
    return int(value)


def less(list_price: int, percent: int) -> int:
    """Return a price less a whole-percent discount, rounded down to 1e-4 as price lists are."""
    return list_price * (100 - percent) // 100


def exchange_rate(month: Month, currency: str) -> int:
    """Return how many 1e-4 units of the billing currency a USD costs in a month's invoice.

    An invented, slow wave of two percent around a rate of early 2026.

    Raises
    ------
    UnknownValue
        If the currency has no rate.
    """
    if currency not in RATES:
        raise UnknownValue("billing currency", currency, tuple(RATES))
    base = RATES[currency]
    if base == FX:
        return FX
    number = month.year * 12 + month.month
    return base + round(base * 0.02 * math.sin(number * 0.7)) + number * 7 % 11
