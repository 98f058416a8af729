"""What analyzers return: recommendations with evidence and remedies, and incidents with causes.

Field names are those of the JSON that users build on. Money is :class:`decimal.Decimal` in BillingCurrency;
ratios are 0..1; instants are naive UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime


class Kind(StrEnum):
    """Families of recommendations, in the order in which a plan applies them."""

    WASTE = "waste"
    SCHEDULE = "schedule"
    RIGHTSIZE = "rightsize"
    STORAGE = "storage"
    SPOT = "spot"
    COMMITMENT = "commitment"


class Level(StrEnum):
    """Risk of a dimension."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Effort(StrEnum):
    """Work a change takes."""

    VERY_LOW = "very-low"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very-high"


class Basis(StrEnum):
    """Whether the evidence was measured on the resource or inferred from the bill."""

    MEASURED = "measured"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number behind a finding: what, how much, over which window, from where."""

    metric: str
    value: Decimal | float | int | str
    unit: str
    start: datetime
    end: datetime
    source: str
    """The table and column, or the price with its date."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """How to carry a recommendation out. Printed, never run."""

    command: str
    terraform: str = ""
    rollback: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """What to do with the resource."""

    verb: str
    """delete, release, stop, resize, convert, upgrade, configure, use, return."""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One charge of the bill that a recommendation changes; the plan nets claims on the same charge.

    A charge is one usage type of one resource. ``kept_ratio`` is the share of it that remains afterwards
    (0 for a deletion, new price / old price for a resize or conversion). Claims of several recommendations
    on one charge multiply their kept ratios.
    """

    resource_id: str
    usage_type: str
    hourly_on_demand: Decimal
    """EffectiveCost per hour of the part no commitment covers: what the bill would shrink by."""
    hourly_list: Decimal
    """ListCost per hour, covered or not."""
    kept_ratio: Decimal


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One proposal as its check sees it, before the plan nets it against commitments and other proposals.

    ``hourly_cost`` and ``hourly_saving_list`` are per hour (a month is 730 of them); the plan fills in the
    net figures.
    """

    check: str
    kind: Kind
    title: str
    why: str
    provider: str
    billing_account_id: str
    sub_account_id: str
    region_id: str
    service_name: str
    resource_id: str
    resource_name: str
    currency: str
    action: Action
    hourly_cost: Decimal
    """EffectiveCost of the charges claimed, per hour of the window looked at."""
    hourly_saving_list: Decimal
    """Saving per hour at list price."""
    hourly_saving: Decimal
    """Saving per hour net of the commitments that already cover the charges, if only this were done."""
    claims: tuple[Claim, ...]
    evidence: tuple[Evidence, ...]
    remedy: Remedy
    confidence: float
    risk: dict[str, Level]
    effort: Effort
    needs_restart: bool
    reversible: bool
    basis: Basis
    low_ratio: Decimal = Decimal("0.8")
    """monthly_saving_low = this share of the saving."""
    high_ratio: Decimal = Decimal(1)
    exclusive_group: str = ""
    """Of the items of one group only the best is carried out; "" = in no group."""
    one_time_cost: Decimal = Decimal(0)
    absorbed_by: str = ""
    """The commitments that already pay for a part of the charges, which therefore saves nothing now."""


Scope = dict[str, str | list[str] | None]
"""FOCUS column -> value, null, or any of a list; ``{}`` is everything."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A part of an incident: the narrowest scope that still holds most of its deviation."""

    scope: Scope
    impact: Decimal
    share: float
    kind: str


@dataclass(frozen=True, slots=True)
class Incident:
    """A run of days on which a scope's cost was not what its past lets expect."""

    id: str
    scope: Scope
    direction: str
    kind: str
    start: date
    end: date | None
    detected_on: date
    actual: Decimal
    expected: Decimal
    lower: Decimal
    upper: Decimal
    impact: Decimal
    projected_30d: Decimal
    severity: str
    confidence: float
    status: str
    is_settled: bool
    currency: str
    causes: tuple[Cause, ...] = ()
    parts: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
