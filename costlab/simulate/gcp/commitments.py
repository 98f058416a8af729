"""Committed use discounts, applied hour by hour: resource-based ones first, flexible ones to what is left.

Order (Compute Engine documentation, "Committed use discounts"; read 2026-11): resource-based commitments of the
series and region, flexible commitments, sustained use discounts on the rest. Flexible commitments are shared over the
billing account; resource-based ones cover their own project, unless sharing was turned on. What is not used of an hour
is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from costlab.simulate import prices as units
from costlab.simulate.gcp import prices

if TYPE_CHECKING:
    import numpy as np
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
    shared: bool = True
    """Whether it covers other projects than its own. The company shares where only one project has such machines."""

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

    def covers_project(self, project: int) -> bool:
        """Return whether machines of a project are in its scope."""
        return self.shared or project == self.project

    def active(self, hours: Ints) -> NDArray[np.bool_]:
        """Return in which of the hours it is in force."""
        return (hours >= self.start) & (hours < self.stop)
