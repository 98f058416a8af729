"""What flexible commitments pay and sustained use takes off, per project and item, hour by hour.

A *share* is what one project uses of one item (vCPUs or memory of a series in a region). Flexible commitments pay the
items with the lowest price first (all have the same discount), and the projects of an item in proportion to what they
use of it. Sustained use is counted as Compute Engine does (documentation, "Sustained use discounts", read 2026-11):
the vCPUs and the memory of a series that a project runs in a region are combined, so that the k-th unit has run in
every hour in which at least k units ran, whichever machines they belonged to; what commitments pay does not count.

Everything is whole numbers: what a commitment pays of a share counts 1e-7 USD, so that even a whole-percent discount
on it needs no more than nine decimals, and a discount counts 1e-9 USD, the decimals of Google's FOCUS table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from costlab.simulate import prices as units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

STEP: Final = units.MONEY // 10**7
NANO: Final = units.MONEY // 10**9
QUARTERS: Final = 4


def take(wanted: Ints, left: Ints) -> Ints:
    """Return what each row (rows x hours) gets of what is left in each hour, rows in order."""
    before = np.cumsum(wanted, axis=0) - wanted
    return np.clip(left - before, 0, wanted)


def in_proportion(wanted: Ints, paid: Ints) -> Ints:
    """Return each row's part (rows x hours) of what is paid in each hour, in proportion to what it wants.

    Parts are whole steps of 1e-7 USD and add up to what is paid.
    """
    steps = np.cumsum(wanted // STEP, axis=0)
    upto = steps * (paid // STEP) // np.maximum(steps[-1], 1)
    parts: Ints = np.diff(upto, axis=0, prepend=0) * STEP
    return parts


def spend(wanted: Ints, items: Sequence[Sequence[int]], money: Ints) -> Ints:
    """Return what a commitment of some money per hour pays of each share (shares x hours) at list price.

    ``items`` are the rows of each item, in the order in which they are paid.
    """
    paid = np.zeros_like(wanted)
    left = money.copy()
    for rows in items:
        amount = np.minimum(wanted[rows].sum(axis=0), left)
        paid[rows] = in_proportion(wanted[rows], amount)
        left -= amount
    return paid


def sustained(rest: Ints, percents: Sequence[int], month_hours: int) -> Ints:
    """Return the sustained use discount of each hour of a month, as money.

    Parameters
    ----------
    rest
        List cost per hour of a share that no commitment pays.
    percents
        The discount in each quarter of the month, in hundredths of a percent.
    month_hours
        Hours of the whole month, also where ``rest`` ends before it.
    """
    steps = rest // STEP
    levels = np.unique(steps[steps > 0])
    widths = np.diff(levels, prepend=0)
    ran = steps[:, None] >= levels
    before: Ints = np.cumsum(ran, axis=0) - ran  # hours in which each level ran before
    rates = quarter_hours(percents, month_hours)
    hundredths = (ran * rates[before] * widths).sum(axis=1)
    per_nano = NANO * QUARTERS * 10_000 // STEP
    discount: Ints = (hundredths + per_nano // 2) // per_nano * NANO
    return discount


def quarter_hours(percents: Sequence[int], month_hours: int) -> Ints:
    """Return the discount of a unit's n-th hour in a month, summed over the quarters of that hour."""
    quarter = np.arange(QUARTERS * (month_hours + 1)) // month_hours
    of_quarter = np.asarray(percents, dtype=np.int64)[np.minimum(quarter, QUARTERS - 1)]
    rates: Ints = of_quarter.reshape(-1, QUARTERS).sum(axis=1)
    return rates


def split(discount: Ints, rest: Ints) -> Ints:
    """Return the discount of each row (rows x hours) of a share, in proportion to its list cost; adds up exactly."""
    upto = np.cumsum(rest, axis=0)
    part = np.rint(upto / np.maximum(upto[-1], 1) * (discount // NANO)).astype(np.int64)
    parts: Ints = np.diff(part, axis=0, prepend=0) * NANO
    return parts
