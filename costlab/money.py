"""Exact money: DECIMAL(38,12) from the bill to the report, never a float.

Amounts are :class:`decimal.Decimal`. Costs from bills are not rounded except for display; a saving is
rounded half-up to cents once per item (a month in a recommendation is 730 hours).
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HOURS_PER_MONTH = 730
SCALE = Decimal("0.000000000001")
CENT = Decimal("0.01")
ZERO = Decimal(0)
MONEY_TYPE = "DECIMAL(38,12)"
_PRECISION = 60


def exact(value: Decimal | int | str) -> Decimal:
    """Return ``value`` at the twelve decimal places money is stored with (half-even)."""
    with localcontext() as context:
        context.prec = _PRECISION
        return Decimal(value).quantize(SCALE, rounding=ROUND_HALF_EVEN)


def cents(value: Decimal) -> Decimal:
    """Return ``value`` rounded half-up to two places."""
    with localcontext() as context:
        context.prec = _PRECISION
        return value.quantize(CENT, rounding=ROUND_HALF_UP)


def monthly(hourly: Decimal) -> Decimal:
    """Return the monthly amount of an hourly one: 730 hours, rounded half-up to cents."""
    with localcontext() as context:
        context.prec = _PRECISION
        return cents(hourly * HOURS_PER_MONTH)


def split(amount: Decimal, weights: Sequence[Decimal | int]) -> list[Decimal]:
    """Split ``amount`` in proportion to ``weights`` so that the shares add up to it exactly.

    Largest-remainder method on twelve decimal places; ties go to the earlier share.

    Raises
    ------
    ValueError
        If a weight is negative or all weights are zero.

    >>> [str(x) for x in split(Decimal(10), [1, 1, 1])]
    ['3.333333333334', '3.333333333333', '3.333333333333']
    """
    total = sum((Decimal(w) for w in weights), ZERO)
    if total <= 0 or any(w < 0 for w in weights):
        raise ValueError(f"weights must be non-negative and not all zero, got {list(weights)}")
    with localcontext() as context:
        context.prec = _PRECISION
        amount = exact(amount)
        ideal = [amount * Decimal(w) / total for w in weights]
        shares = [x.quantize(SCALE, rounding=ROUND_DOWN) for x in ideal]
        left = int((amount - sum(shares, ZERO)) / SCALE)
        step = SCALE if left >= 0 else -SCALE
        by_remainder = sorted(range(len(shares)), key=lambda i: -abs(ideal[i] - shares[i]))
        for i in by_remainder[: abs(left)]:
            shares[i] += step
    return shares


def plain(value: Decimal) -> str:
    """Return the amount as an unrounded decimal string without exponent or trailing zeros.

    >>> plain(Decimal("10.500000000000")), plain(Decimal("0E-12")), plain(Decimal("1E+3"))
    ('10.5', '0', '1000')
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
