"""What checks share: looping over resources, saying what could not be looked at."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from costlab.analyzers.bill import resources
from costlab.analyzers.propose import GONE, propose
from costlab.analyzers.stock import INVENTORY, load_stock
from costlab.analyzers.usage import load_usage
from costlab.interfaces.analyzer import Assessment
from costlab.interfaces.finding import Kind

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.analyzers.bill import Line, Resource
    from costlab.analyzers.propose import Advice
    from costlab.analyzers.stock import Item
    from costlab.analyzers.usage import Usage, UsageTable
    from costlab.interfaces.analyzer import Context


class BillCheck(ABC):
    """A check that the bill alone answers."""

    id: ClassVar[str]
    kind: ClassVar[Kind] = Kind.WASTE
    needs: ClassVar[frozenset[str]] = frozenset()
    pattern: ClassVar[str]
    """Regular expression on the usage types that make a resource one of its kind."""

    def assess(self, context: Context) -> Assessment:
        """Return one item per resource the check has advice for."""
        items = [
            propose(resource, advice, kept=partial(self.kept, resource))
            for resource in resources(context, self.pattern)
            if (advice := self.advise(resource)) is not None
        ]
        return Assessment(items)

    @abstractmethod
    def advise(self, resource: Resource) -> Advice | None:
        """Return the advice, or None when there is nothing to do."""

    def kept(self, resource: Resource, line: Line) -> Decimal | None:
        """Return the share of a charge that remains; None leaves it alone. By default matching charges go."""
        return GONE if re.search(self.pattern, line.usage_type) else None


class StockCheck(BillCheck):
    """A check that the bill answers, and that an inventory answers better where it knows the resource."""

    stocked: ClassVar[str]
    """The kind of resource in the inventory."""
    condition: ClassVar[str] = "true"
    """SQL on ``marts.resource_days`` that narrows what is read."""

    def assess(self, context: Context) -> Assessment:
        """Return one item per resource the check has advice for; without an inventory it may not be assessed."""
        subjects = resources(context, self.pattern, condition=self.condition)
        if not subjects:
            return Assessment()
        stock = load_stock(context, self.stocked)
        result, unknown = Assessment(), 0
        for resource in subjects:
            item = stock.of(resource)
            unknown += item is None
            advice = self.advise(resource) if item is None else self.observed(resource, item)
            if advice is not None:
                result.items.append(propose(resource, advice, kept=partial(self.kept, resource)))
        if unknown and INVENTORY in self.needs:
            result.not_assessed = f"{unknown} of {len(subjects)} resources are in no inventory"
        return result

    def advise(self, resource: Resource) -> Advice | None:
        """Return the advice on a resource that no inventory shows; by default the bill does not tell."""
        del resource
        return None

    @abstractmethod
    def observed(self, resource: Resource, item: Item) -> Advice | None:
        """Return the advice on a resource that an inventory shows, or None when there is nothing to do."""


class MetricCheck(ABC):
    """A check that needs utilisation: without samples a resource is not assessed, never idle."""

    id: ClassVar[str]
    kind: ClassVar[Kind] = Kind.WASTE
    needs: ClassVar[frozenset[str]]
    pattern: ClassVar[str] = ""
    condition: ClassVar[str] = "true"
    """SQL on ``marts.resource_days`` that narrows what is read."""

    def assess(self, context: Context) -> Assessment:
        """Return the items, and for how many resources the metrics are missing."""
        return self.measured(context, self.subjects(context))

    def subjects(self, context: Context) -> list[Resource]:
        """Return the resources the check is about."""
        return [r for r in resources(context, self.pattern, condition=self.condition) if self.concerns(r)]

    def measured(self, context: Context, subjects: list[Resource]) -> Assessment:
        """Return the items that metrics give for these resources, and for how many the metrics are missing."""
        if not subjects:
            return Assessment()
        tables = {metric: load_usage(context, metric) for metric in sorted(self.needs)}
        result = Assessment()
        missing: dict[str, int] = {}
        for resource in subjects:
            usage, absent = _usage_of(resource, tables)
            for metric in absent:
                missing[metric] = missing.get(metric, 0) + 1
            if not absent and (advice := self.advise(resource, usage)) is not None:
                result.items.append(propose(resource, advice, kept=partial(self.kept, resource, usage=usage)))
        result.not_assessed = _missing_text(missing, len(subjects))
        return result

    def concerns(self, resource: Resource) -> bool:
        """Return whether the resource is of the check's kind."""
        return True

    @abstractmethod
    def advise(self, resource: Resource, usage: dict[str, Usage]) -> Advice | None:
        """Return the advice, or None when there is nothing to do."""

    def kept(self, resource: Resource, line: Line, *, usage: dict[str, Usage]) -> Decimal | None:
        """Return the share of a charge that remains; None leaves it alone. By default matching charges go."""
        return GONE if re.search(self.pattern, line.usage_type) else None


def _usage_of(resource: Resource, tables: dict[str, UsageTable]) -> tuple[dict[str, Usage], list[str]]:
    found: dict[str, Usage] = {}
    absent: list[str] = []
    for metric, table in tables.items():
        usage = table.of(resource)
        if usage is None or not usage.is_enough:
            absent.append(metric)
        else:
            found[metric] = usage
    return found, absent


def _missing_text(missing: dict[str, int], of: int) -> str:
    if not missing:
        return ""
    parts = [f"{metric} for {count} of {of}" for metric, count in sorted(missing.items())]
    return f"no or too few samples of {', '.join(parts)} resources"


class HoursWithoutTraffic(BillCheck):
    """Something paid by the hour whose traffic charge shows that nothing went through it."""

    hours: ClassVar[str]
    """Usage types of the hourly charge."""
    traffic: ClassVar[str]
    """Usage types of the traffic charge."""
    limit_per_hour: ClassVar[float] = 0.0
    """Traffic per hour, in the charge's own unit, up to which it counts as none."""

    def advise(self, resource: Resource) -> Advice | None:
        """Return the advice when the hourly charge stands alone."""
        hourly = [line for line in resource.lines if re.search(self.hours, line.usage_type)]
        through = sum(float(line.quantity) for line in resource.lines if re.search(self.traffic, line.usage_type))
        if not hourly or not resource.hours or through / float(resource.hours) > self.limit_per_hour:
            return None
        return self.idle(resource, through)

    @abstractmethod
    def idle(self, resource: Resource, through: float) -> Advice:
        """Return the advice for an idle one; ``through`` is the window's traffic in the charge's unit."""

    def kept(self, resource: Resource, line: Line) -> Decimal | None:
        """Return 0 for the hours and for the little traffic."""
        return GONE if re.search(f"{self.hours}|{self.traffic}", line.usage_type) else None
