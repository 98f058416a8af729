"""The bill beside what was computed again: the difference per service, and what explains it.

What explains a difference, in the order in which it is looked for; the amounts add up to the whole difference.

==================  ==================================================================================================
``rounding``        the vendor rounds quantities and costs of its lines
``daily_grain``     a bill by the day does not tell hours: spread evenly, a day's usage meets more of a commitment
``scope_or_order``  a commitment met other usage than in the bill, at the same charge: its scope, or the order in
                    which it was applied, is not told
``sustained_use``   Google's discount of usage that runs all month, computed for all machines of a pool together
``uneven_discount`` lines of one item pay different shares of the same unit price
``no_price``        the bill does not tell what usage costs without its commitment
``unexplained``     the rest
==================  ==================================================================================================
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from costlab.lab.calibration.prices import STEP
from costlab.money import ZERO, exact
from costlab.rating.sustained import tiers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.lab.calibration.billed import Billed, Group
    from costlab.lab.calibration.compute import Computed, Place
    from costlab.lab.calibration.learn import Learned

ROUNDING, DAILY, SCOPE, SUSTAINED, UNEVEN, NO_PRICE, UNEXPLAINED = (
    "rounding", "daily_grain", "scope_or_order", "sustained_use", "uneven_discount", "no_price", "unexplained",
)  # fmt: skip
CLASSES: Final = (ROUNDING, DAILY, SCOPE, SUSTAINED, UNEVEN, NO_PRICE, UNEXPLAINED)
PARTS: Final = ("covered", "on_demand", "unused")
LINE: Final = Decimal("0.000001")
"""What the cost of one line is rounded to at worst."""
_STEP: Final = Decimal(repr(STEP))
_DAY: Final = 24


@dataclass(slots=True)
class Side:
    """A service: as billed and as computed, by part, and the difference by what explains it."""

    billed: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(PARTS, ZERO))
    computed: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(PARTS, ZERO))
    because: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    is_computed: bool = False

    def add(self, part: str, billed: Decimal, computed: Decimal, because: dict[str, Decimal]) -> None:
        """Add charges of a part; what ``because`` leaves of their difference stays unexplained."""
        self.is_computed = True
        self.billed[part] += billed
        self.computed[part] += computed
        for name, amount in because.items():
            self.because[name] += amount
        self.because[UNEXPLAINED] += computed - billed - sum(because.values(), ZERO)


@dataclass(frozen=True, slots=True)
class Shift:
    """How a commitment was applied otherwise than in the bill."""

    why: str
    """The class of what moved between usage and waste; ``unexplained`` where money is missing in the bill."""
    moved: Decimal
    """Money computed as used and billed as unused; negative the other way round."""
    tolerance: Decimal


def compared(learned: Learned, billed: Billed, computed: Computed) -> dict[str, Side]:
    """Return the sides of each service."""
    return _Comparison(learned, billed, computed).run()


class _Comparison:
    def __init__(self, learned: Learned, billed: Billed, computed: Computed) -> None:
        self.billed, self.computed = billed, computed
        self.sides: dict[str, Side] = defaultdict(Side)
        self.homes = _homes(billed)
        prices = learned.charges.groupby(["account", "pool"], observed=True)["paid"].agg(["min", "max"]).dropna()
        rows = prices.reset_index().to_dict("records")
        self.paid = {(str(row["account"]), str(row["pool"])): Decimal(repr(float(row["max"]))) for row in rows}
        self.mixed = {(str(row["account"]), str(row["pool"])) for row in rows if row["min"] != row["max"]}
        self.owned_by = {one.id: one.home for one in learned.computed}
        self.names = list(self.owned_by)
        self.shifts = {name: self._shift(name) for name in self.names}

    def run(self) -> dict[str, Side]:
        """Fill in all services."""
        for name in self.names:
            self._commitment(name)
        for place in {**self.billed.on_demand, **self.computed.on_demand}:
            self._on_demand(place)
        for service, (billed, computed, uneven) in self.billed.priced.items():
            rest = computed - billed - uneven
            self.sides[service].add("on_demand", billed, computed, {UNEVEN: uneven, ROUNDING: rest})
        for side in self.sides.values():
            if abs(side.because[UNEXPLAINED]) < LINE:
                side.because[ROUNDING] += side.because.pop(UNEXPLAINED)
        return self.sides

    def _shift(self, name: str) -> Shift:
        groups = [group for found in self.billed.covered[name].values() for group in found]
        lost = self.billed.unused[name]
        used = _cost(self.computed.covered[name].values()) - _effective(groups)
        unused = self.computed.unused.get(name, ZERO) - _effective(lost)
        lines = sum(group.lines for group in [*groups, *lost])
        tolerance = lines * (LINE + _STEP * self._rate(groups))
        moved = min(abs(used), abs(unused)) * (1 if used > 0 else -1) if used * unused < 0 else ZERO
        daily = any(group.hours >= _DAY for group in groups if group.quantity)
        if abs(used + unused) > tolerance:
            why = UNEXPLAINED
        elif abs(moved) <= tolerance:
            why = ROUNDING
        else:
            why = DAILY if daily else SCOPE
        return Shift(why, moved, tolerance)

    @staticmethod
    def _rate(groups: list[Group]) -> Decimal:
        """Return the highest average price of what a commitment covered."""
        return max((group.effective / group.quantity for group in groups if group.quantity), default=ZERO)

    def _commitment(self, name: str) -> None:
        """Compare what a commitment covered and what it lost, per service."""
        shift = self.shifts[name]
        places = self.billed.covered[name]
        billed: dict[str, Decimal] = defaultdict(Decimal)
        computed: dict[str, Decimal] = defaultdict(Decimal)
        for groups in places.values():
            for group in groups:
                billed[group.service] += group.effective
        for place, (_, cost) in self.computed.covered[name].items():
            for service, amount in self._split(place, cost, places.get(place, [])):
                computed[service] += amount
        # money without usage of its own (a fee) and the usage it pays are one service's
        for service in {**billed, **computed}:
            self._part(service, "covered", billed[service], computed[service], shift, shift.moved)
        lost = self.billed.unused[name]
        home = lost[0].service if lost else self.owned_by[name] or self._home(name)
        amounts: dict[str, Decimal] = defaultdict(Decimal, {home: ZERO})
        for group in lost:
            amounts[group.service] += group.effective
        rest = self.computed.unused.get(name, ZERO) - sum(amounts.values(), ZERO)
        for service, amount in amounts.items():
            expected = amount + (rest if service == home else ZERO)
            self._part(service, "unused", amount, expected, shift, -shift.moved)

    def _part(self, service: str, part: str, billed: Decimal, computed: Decimal, shift: Shift, moved: Decimal) -> None:
        """Add one part of a commitment; what moved is explained, what is within the rounding of its lines, too."""
        because: dict[str, Decimal] = {}
        difference = computed - billed
        if abs(difference) <= shift.tolerance:
            because[ROUNDING] = difference
        elif shift.why != UNEXPLAINED:
            because[shift.why] = difference
        elif moved and difference * moved > 0:
            because[SCOPE] = moved if abs(moved) < abs(difference) else difference
        self.sides[service].add(part, billed, computed, because)

    def _home(self, name: str) -> str:
        """Return the service of a commitment without charges of its own: where its usage is."""
        services = [group.service for groups in self.billed.covered[name].values() for group in groups]
        return max(services, key=services.count) if services else ""

    def _on_demand(self, place: Place) -> None:
        groups = self.billed.on_demand.get(place, [])
        quantity, cost = self.computed.on_demand.get(place, (ZERO, ZERO))
        billed = sum((group.effective for group in groups), ZERO)
        if cost is None:
            for service, amount in self._split(place, billed, groups):
                self.sides[service].add("on_demand", amount, ZERO, {NO_PRICE: -amount})
            return
        because = self._reasons(place, groups, quantity, cost - billed)
        own: dict[str, Decimal] = defaultdict(Decimal)
        for group in groups:
            own[group.service] += group.effective
        # a pool of two services: the difference is split as the usage is
        for service, part in self._split(place, cost - billed, []):
            share = part / (cost - billed) if cost != billed else ZERO
            shares = {name: exact(amount * share) for name, amount in because.items()}
            self.sides[service].add("on_demand", own[service], own[service] + part, shares)

    def _reasons(self, place: Place, groups: list[Group], quantity: Decimal, difference: Decimal) -> dict[str, Decimal]:
        """Return what explains the difference of usage on demand: other coverage, then other prices."""
        because: dict[str, Decimal] = defaultdict(Decimal)
        lines, price = self._lines(place, groups), self.paid.get(place, ZERO)
        more = quantity - sum((group.quantity for group in groups), ZERO)
        other = DAILY if any(group.hours >= _DAY for group in groups) else SCOPE
        for why, part in self._coverage(place, lines, more, other):
            because[why] += part * price
        if place in self.mixed and abs(more) > lines * _STEP:
            # several prices (of regions): which of them the other coverage is of is not told by quantities alone
            price = difference / more
            because = defaultdict(Decimal, {why: amount / self.paid[place] * price for why, amount in because.items()})
        rest = difference - more * price
        if tiers_of(place[1]) and abs(rest) > lines * LINE:
            credited = exact(Decimal(repr(sum(group.credited for group in groups))))
            because[UNEVEN] += credited
            because[SUSTAINED] += rest - credited
        elif abs(rest) <= lines * LINE:
            because[ROUNDING] += rest
        elif all(group.effective <= group.quantity * price for group in groups):
            because[UNEVEN] += rest
        unexplained = because.pop(UNEXPLAINED, ZERO)
        return because if unexplained or because else {}

    def _lines(self, place: Place, groups: list[Group]) -> int:
        """Return the lines that tell a place's quantities, covered ones included."""
        covered = [group for found in self.billed.covered.values() for group in found.get(place, [])]
        return sum(group.lines for group in [*groups, *covered])

    def _coverage(self, place: Place, lines: int, more: Decimal, other: str) -> Iterator[tuple[str, Decimal]]:
        """Yield the quantity that is on demand because a commitment covers another one, by class."""
        if abs(more) <= lines * _STEP:
            yield ROUNDING, more
            return
        names = [name for name, places in self.billed.covered.items() if place in places or name in self.shifts]
        less = {
            name: sum((g.quantity for g in self.billed.covered[name].get(place, [])), ZERO)
            - self.computed.covered[name].get(place, (ZERO, ZERO))[0]
            for name in {*self.names, *names}
        }
        total = sum(less.values(), ZERO)
        for name, part in less.items():
            if part and total:
                shift = self.shifts.get(name, Shift(ROUNDING, ZERO, ZERO))
                small = abs(part) * self.paid.get(place, ZERO) <= shift.tolerance
                yield (other if shift.why == ROUNDING and not small else shift.why), part * more / total

    def _split(self, place: Place, amount: Decimal, groups: list[Group]) -> list[tuple[str, Decimal]]:
        """Return an amount of a place by service: as billed, and what is left in proportion to usage."""
        homes = self.homes.get(place) or {"": Decimal(1)}
        total = sum(homes.values(), ZERO)
        own: dict[str, Decimal] = defaultdict(Decimal)
        for group in groups:
            own[group.service] += group.effective
        rest = amount - sum(own.values(), ZERO)
        shares = {service: exact(rest * weight / total) for service, weight in homes.items()}
        first = next(iter(shares))
        shares[first] += rest - sum(shares.values(), ZERO)
        return [(service, own.get(service, ZERO) + part) for service, part in shares.items()]


def _homes(billed: Billed) -> dict[Place, dict[str, Decimal]]:
    """Return per account and pool the services that use it, and how much."""
    homes: dict[Place, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for places in (billed.on_demand, *billed.covered.values()):
        for place, groups in places.items():
            for group in groups:
                if group.quantity:
                    homes[place][group.service] += group.quantity
    return homes


def _cost(found: Any) -> Decimal:
    return sum((cost for _, cost in found), ZERO)


def _effective(groups: list[Group]) -> Decimal:
    return sum((group.effective for group in groups), ZERO)
