"""Exact sums of many amounts: twelve decimals, held as whole millionths and millionths of these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from costlab.money import SCALE

if TYPE_CHECKING:
    from decimal import Decimal

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_MILLION = 10**6
_DIGITS = 15
"""Decimal digits that a double carries whatever its value."""
_DECIMALS = 12
_LARGE = 10.0 ** (_DIGITS - _DECIMALS)


class Fixed:
    """An array of amounts rounded to twelve decimals (fifteen digits where they are large), added up exactly.

    Each amount is ``high`` millionths and ``low`` millionths of a millionth; sums of either stay whole numbers.
    """

    __slots__ = ("high", "low")

    def __init__(self, high: Ints, low: Ints) -> None:
        self.high, self.low = high, low

    @classmethod
    def of(cls, values: Floats) -> Fixed:
        """Return the amounts rounded once."""
        high = np.floor(values * _MILLION)
        low = np.rint((values - high / _MILLION) * (_MILLION * _MILLION))
        large = np.flatnonzero(values >= _LARGE)
        if len(large):
            step = 10.0 ** (np.ceil(np.log10(values[large])) + _DECIMALS - _DIGITS)
            low[large] = np.rint(low[large] / step) * step
        return cls(high.astype(np.int64), low.astype(np.int64))

    @classmethod
    def zeros(cls, count: int) -> Fixed:
        """Return ``count`` times 0."""
        return cls(np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64))

    def add(self, places: Ints, other: Fixed) -> None:
        """Add amounts at these places, each of which stands there once."""
        self.high[places] += other.high
        self.low[places] += other.low

    def at(self, places: Ints | NDArray[np.bool_]) -> Fixed:
        """Return the amounts at these places."""
        return Fixed(self.high[places], self.low[places])

    def minus(self, other: Fixed) -> Fixed:
        """Return the differences, exactly."""
        return Fixed(self.high - other.high, self.low - other.low)

    def decimals(self) -> list[Decimal]:
        """Return the amounts as decimals."""
        return [(int(h) * _MILLION + int(x)) * SCALE for h, x in zip(self.high, self.low, strict=True)]

    def total(self) -> Decimal:
        """Return the exact sum."""
        return (int(self.high.sum()) * _MILLION + int(self.low.sum())) * SCALE
