"""Reserved instances and savings plans, applied hour by hour in the order AWS applies them.

Order (AWS Savings Plans User Guide and EC2 User Guide, read 2026-11): zonal reservations, regional reservations
from the smallest size of the family to the largest (those of databases and caches alike), EC2 Instance savings plans,
Compute savings plans; SageMaker and Database savings plans cover what no other plan covers. The owner
account's usage comes first, then that of its group, then the other accounts', as far as it is shared. Within a type
of savings plan all plans are pooled and the pair of plan and usage with the highest discount goes first, ties by the
lower plan rate.

Budgets are per clock hour; what is not used is lost. Integers throughout: reservation budgets count 1e-4 x 1/4
normalised unit-hours, savings plan budgets 1e-10 x 1e-4 USD.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from costlab.simulate import pools, prices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

TERM_HOURS = {1: 8760, 3: 26_280}
"""Hours of a term; upfront fees are amortised evenly over them."""


class Instrument(StrEnum):
    """The kinds of commitment, in the order they are applied."""

    ZONAL_RI = "zonal-ri"
    REGIONAL_RI = "regional-ri"
    RDS_RI = "rds-ri"
    ELASTICACHE_RI = "elasticache-ri"
    OPENSEARCH_RI = "opensearch-ri"
    REDSHIFT_RI = "redshift-ri"
    EC2_PLAN = "ec2-sp"
    COMPUTE_PLAN = "compute-sp"
    SAGEMAKER_PLAN = "sagemaker-sp"
    DATABASE_PLAN = "database-sp"


RESERVATIONS = (
    Instrument.ZONAL_RI, Instrument.REGIONAL_RI, Instrument.RDS_RI, Instrument.ELASTICACHE_RI, Instrument.OPENSEARCH_RI,
    Instrument.REDSHIFT_RI,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Commitment:
    """A reservation of ``count`` instances of a pool, or a savings plan of ``hourly`` USD per hour.

    ``hourly`` is the amortised price of one hour of the whole commitment as a rate (1e-10 USD), upfront share
    included. ``start`` and ``stop`` are hours from the start of the simulation; ``start`` may be negative.
    """

    id: str
    instrument: Instrument
    account: int
    region: str
    payment: str
    years: int
    start: int
    hourly: int
    pool: str = ""
    zone: str = ""
    count: int = 0
    family: str = ""
    """EC2 Instance savings plans: the family they are locked to."""
    sharing: str = "all"
    """``all`` accounts, the ``group`` and the owner, or ``none`` but the owner."""
    group: tuple[int, ...] = ()
    """Accounts that come before all others."""

    @property
    def stop(self) -> int:
        """The first hour after the term."""
        return self.start + TERM_HOURS[self.years]

    @property
    def is_plan(self) -> bool:
        """Whether it is a savings plan."""
        return self.instrument not in RESERVATIONS

    @property
    def upfront_halves(self) -> int:
        """How many halves of the price were paid upfront: 0, 1 or 2."""
        return {"No Upfront": 0, "Partial Upfront": 1, "All Upfront": 2}[self.payment]

    @property
    def upfront_hourly(self) -> int:
        """The part of ``hourly`` that was paid upfront."""
        return self.hourly * self.upfront_halves // 2

    @property
    def upfront(self) -> int:
        """The upfront fee as money."""
        return self.upfront_hourly * TERM_HOURS[self.years] * (prices.MONEY // prices.RATE)

    @property
    def units(self) -> int:
        """Reservations: four times the normalised units per hour."""
        return pools.units(self.pool) * self.count

    @property
    def budget(self) -> int:
        """What one clock hour of it covers, in the units of the module's docstring."""
        return self.hourly * prices.QUANTITY if self.is_plan else self.units * prices.QUANTITY

    def active(self, hours: Ints) -> NDArray[np.bool_]:
        """Return in which of the hours it is in force."""
        return (hours >= self.start) & (hours < self.stop)

    def rank(self, account: int) -> int | None:
        """Return when the usage of an account is served (0 first), or None if it is not."""
        rank = 0 if account == self.account else 1 if account in self.group else 2
        return rank if rank <= ("none", "group", "all").index(self.sharing) else None

    def plan_rate(self, pool: str, region: str) -> int | None:
        """Return the savings plan's rate of a pool, or None where it does not cover it."""
        percent = self._percent(pool)
        return None if percent is None else prices.discounted(pools.list_rate(pool, region), percent)

    def _percent(self, pool: str) -> int | None:
        if self.instrument is Instrument.SAGEMAKER_PLAN:
            return pools.sagemaker_percent(pool, self.years, self.payment)
        if self.instrument is Instrument.DATABASE_PLAN:
            return pools.database_percent(pool)
        if pools.service(pool):
            return None
        locked = self.instrument is Instrument.EC2_PLAN
        return prices.plan_percent(pool, locked=locked, years=self.years, payment=self.payment)


@dataclass(frozen=True, slots=True)
class Usage:
    """A row of the usage matrix: on-demand hours of one machine, database, cache or ML instance."""

    account: int
    pool: str
    region: str
    zone: str


@dataclass(frozen=True, slots=True)
class Cover:
    """What one commitment covers of some usage rows: parallel arrays, one entry per row and hour.

    ``quantity`` counts 1e-4 hours; ``amount`` is money at the committed price (upfront share included).
    """

    commitment: int
    row: Ints
    hour: Ints
    quantity: Ints
    amount: Ints


@dataclass(frozen=True, slots=True)
class Step:
    """A commitment meets rows of equal account class, size and price: one step of the order."""

    commitment: int
    rows: Ints
    price: int
    """Budget units per 1e-4 hours."""


def _rows(usages: Sequence[Usage]) -> dict[Usage, list[int]]:
    """Return the rows of each distinct usage."""
    found: dict[Usage, list[int]] = {}
    for row, usage in enumerate(usages):
        found.setdefault(usage, []).append(row)
    return found


def _groups(distinct: dict[Usage, list[int]], commitment: Commitment) -> dict[tuple[int, str, str], list[int]]:
    """Return the rows a commitment may cover, by (rank of the account, pool, region)."""
    found: dict[tuple[int, str, str], list[int]] = {}
    for usage, rows in distinct.items():
        rank = commitment.rank(usage.account)
        if rank is not None and matches(commitment, usage):
            found.setdefault((rank, usage.pool, usage.region), []).extend(rows)
    return found


def matches(commitment: Commitment, usage: Usage) -> bool:
    """Return whether a commitment may cover a usage, whoever owns them."""
    match commitment.instrument:
        case Instrument.ZONAL_RI:
            place = (usage.pool, usage.region, usage.zone)
            return place == (commitment.pool, commitment.region, commitment.zone)
        case Instrument.REGIONAL_RI | Instrument.RDS_RI | Instrument.ELASTICACHE_RI:
            return pools.group(usage.pool) == pools.group(commitment.pool) and usage.region == commitment.region
        case Instrument.OPENSEARCH_RI | Instrument.REDSHIFT_RI:
            return (usage.pool, usage.region) == (commitment.pool, commitment.region)
        case Instrument.EC2_PLAN:
            return pools.family(usage.pool) == commitment.family and usage.region == commitment.region
        case Instrument.COMPUTE_PLAN | Instrument.SAGEMAKER_PLAN | Instrument.DATABASE_PLAN:
            return commitment.plan_rate(usage.pool, usage.region) is not None


def pooled(usages: Sequence[Usage], need: Ints) -> tuple[list[Usage], Ints]:
    """Return the distinct usages and what they need together: pools x hours."""
    distinct = _rows(usages)
    sums = np.zeros((len(distinct), need.shape[1]), dtype=np.int64)
    for place, rows in enumerate(distinct.values()):
        sums[place] = need[rows].sum(axis=0)
    return list(distinct), sums


def plan_steps(usages: Sequence[Usage], commitments: Sequence[Commitment]) -> list[Step]:
    """Return the steps of one hour in the order they are taken; the same in every hour."""
    steps: list[Step] = []
    distinct = _rows(usages)
    for instrument in Instrument:
        ranked: list[tuple[tuple[object, ...], Step]] = []
        for index, commitment in enumerate(commitments):
            if commitment.instrument is not instrument:
                continue
            for (rank, pool, region), rows in _groups(distinct, commitment).items():
                at = np.sort(np.asarray(rows, dtype=np.int64))
                rate = commitment.plan_rate(pool, region) if commitment.is_plan else None
                if rate is None:
                    units = pools.units(pool)
                    ranked.append(((rank, units, pool, index), Step(index, at, units)))
                else:
                    kept = Fraction(rate, pools.list_rate(pool, region))
                    ranked.append(((rank, kept, rate, index, pool), Step(index, at, rate)))
        steps += [step for _, step in sorted(ranked, key=lambda pair: pair[0])]
    return steps


def apply(
    need: Ints, hours: Ints, commitments: Sequence[Commitment], steps: Sequence[Step]
) -> tuple[list[Cover], Ints]:
    """Cover usage with commitments; ``need`` (rows x hours, 1e-4 hours) is left holding what stays on demand.

    Returns the covers and the unused budget per commitment and hour (0 where it is not in force).
    A commitment that runs out covers the last usage with all that is left of it, its quantity rounded up to 1e-4
    hours: nothing is lost to the resolution in which a bill counts.
    """
    budget = np.zeros((len(commitments), len(hours)), dtype=np.int64)
    for index, commitment in enumerate(commitments):
        budget[index] = commitment.budget * commitment.active(hours)
    covers: list[Cover] = []
    for step in steps:
        left = budget[step.commitment]
        if left.any():
            cover = _cover(need, left, step, commitments[step.commitment])
            if cover is not None:
                covers.append(cover)
    return covers, budget


def _cover(need: Ints, left: Ints, step: Step, commitment: Commitment) -> Cover | None:
    """Take one step: reduce ``need`` and ``left`` in place."""
    wanted = need[step.rows] * step.price
    upto = np.minimum(np.cumsum(wanted, axis=0), left)
    taken = np.diff(upto, axis=0, prepend=0)
    quantity = -(-taken // step.price)
    row, hour = np.nonzero(quantity)
    if not len(row):
        return None
    covered, used = quantity[row, hour], taken[row, hour]
    np.subtract.at(left, hour, used)
    need[step.rows[row], hour] -= covered
    return Cover(step.commitment, step.rows[row], hour, covered, amount_of(commitment, used))


def _unit_price(commitment: Commitment) -> int:
    """Return the money of one budget unit (1e-4 x 1/4 normalised unit-hour) of a reservation."""
    return commitment.hourly * (prices.MONEY // prices.RATE) // commitment.units // prices.QUANTITY


def amount_of(commitment: Commitment, budget: Ints) -> Ints:
    """Return the money of some of its budget."""
    if commitment.is_plan:
        return budget * (prices.MONEY // prices.RATE) // prices.QUANTITY
    return budget * _unit_price(commitment)
