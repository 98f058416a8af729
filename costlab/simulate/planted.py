"""What was planted on purpose: waste, over-sized machines, anomalies, each with its price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costlab.simulate.estate import Resource


@dataclass(frozen=True, slots=True)
class Waste:
    """Something that should not be paid for as it is."""

    kind: str
    resource: int
    resource_id: str
    action: str
    target: str = ""
    """The shape it should have instead, for machines that should be changed."""

    @classmethod
    def simple(cls, kind: str, index: int, resource: Resource, action: str) -> Waste:
        """Return waste of anything but a machine."""
        return cls(kind, index, resource.id, action)

    @classmethod
    def of_machine(cls, kind: str, index: int, resource: Resource, target: str) -> Waste:
        """Return waste of a machine: resize it, or terminate it when there is no target."""
        return cls(kind, index, resource.id, "resize" if target else "terminate", target)


@dataclass(frozen=True, slots=True)
class Effect:
    """An anomaly of some meters on the days ``[start, stop)``.

    The quantity is multiplied by ``factor + slope x (days since start)``; with ``base`` 0 nothing at all was
    expected (a new service). The expected quantity is what the meters would have counted without it.
    """

    kind: str
    why: str
    meters: tuple[int, ...]
    start: int
    stop: int
    factor: float
    slope: float = 0.0
    base: float = 1.0
    instances: tuple[int, ...] = ()
    """Machines that should not be there at all; then there are no meters."""
