"""Committed use discounts, applied hour by hour: resource-based ones first, flexible ones to what is left.

Order (Compute Engine documentation, "Committed use discounts"; read 2026-11): resource-based commitments of the
series and region, flexible commitments, sustained use discounts on the rest. Everything is shared over the billing
account. Machines take their share in the order of the estate (prioritised attribution), whole tenths of an hour at a
time; what is not used of an hour is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from costlab.simulate import prices as units
from costlab.simulate.gcp import prices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

TERM_HOURS: Final = {1: 8760, 3: 26_280}
TENTH: Final = units.QUANTITY // 10
"""A tenth of a unit: what hours of machines are counted in."""


@dataclass(frozen=True, slots=True)
class Cud:
    """A commitment: ``cores`` and ``memory`` (GiB) of a series and region, or ``covers`` USD per hour of list price.

    ``covers`` is a rate (1e-10 USD). ``start`` is an hour from the start of the simulation and may be negative.
    """

    id: str
    name: str
    project: int
    years: int
    start: int
    series: str = ""
    region: str = ""
    cores: int = 0
    memory: int = 0
    covers: int = 0

    @property
    def is_flexible(self) -> bool:
        """Whether it is spend-based."""
        return not self.series

    @property
    def instrument(self) -> str:
        """The name by which ``costlab rate`` knows it."""
        return "gcp-flex-cud" if self.is_flexible else "gcp-resource-cud"

    @property
    def stop(self) -> int:
        """The first hour after the term."""
        return self.start + TERM_HOURS[self.years]

    @property
    def keep(self) -> int:
        """What a flexible commitment's usage costs, in percent of the list price."""
        return 100 - prices.FLEXIBLE_CUD[self.years]

    @property
    def hourly(self) -> int:
        """The fee of an hour as a rate."""
        if self.is_flexible:
            return self.covers * self.keep // 100
        core, memory = prices.committed_rates(self.series, self.region, self.years)
        return core * self.cores + memory * self.memory

    def active(self, hours: Ints) -> NDArray[np.bool_]:
        """Return in which of the hours it is in force."""
        return (hours >= self.start) & (hours < self.stop)


@dataclass(slots=True)
class Budget:
    """What is left of each commitment in each hour: quantity of (vCPU, GiB), or money at list price."""

    hours: Ints
    left: list[tuple[Ints, Ints]]

    @classmethod
    def of(cls, commitments: Sequence[Cud], hours: Ints) -> Budget:
        """Return the whole of every commitment."""
        whole = []
        for owned in commitments:
            on = owned.active(hours).astype(np.int64)
            if owned.is_flexible:
                whole.append((on * units.money(units.QUANTITY, owned.covers), on * 0))
            else:
                whole.append((on * owned.cores * units.QUANTITY, on * owned.memory * units.QUANTITY))
        return cls(hours, whole)


def take(wanted: Ints, left: Ints) -> Ints:
    """Return what each row (machines x hours) gets of what is left in each hour, rows in order."""
    before = np.cumsum(wanted, axis=0) - wanted
    return np.clip(left - before, 0, wanted)


def cover(quantity: Ints, rates: Ints, left: Ints) -> Ints:
    """Return the quantity (rows x hours, whole tenths) that money ``left`` in each hour pays at list ``rates``."""
    amount = quantity * rates[:, None] // 100
    paid = take(amount, left)
    return np.where(paid == amount, quantity, paid * 100 // rates[:, None] // TENTH * TENTH)
