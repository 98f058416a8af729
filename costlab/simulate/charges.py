"""Line items of some days: machines with their commitments, daily meters, plan fees and discounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from costlab.simulate import pools, prices
from costlab.simulate.commitments import (
    Commitment,
    Cover,
    Instrument,
    Usage,
    amount_of,
    apply,
    matches,
    plan_steps,
    pooled,
)
from costlab.simulate.estate import HOURS_PER_DAY, SERVICES, Instance, Meter, Sku
from costlab.simulate.facts import CODE, Facts, Line, summed
from costlab.simulate.usage import MachineHours, MeterHours, daily_quantities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from costlab.simulate.company import Company

    Ints = NDArray[np.int64]

_SPOT = 15  # random stream
LATE = ("quill-ml-artifacts", "devices")
"""Resources whose usage of some days is reported late."""
FINAL = 2
"""The last stage of a line item: restated after the month was closed."""
POD_WEIGHTS = ((30, 12), (22, 9), (18, 9))
"""A node's cost over its pods, in percent: what each asked for, and its share of the unused rest; 100 in all."""


@dataclass(frozen=True, slots=True)
class CommitmentHours:
    """Per commitment and hour, as money before the enterprise discount: what was committed and used.

    Arrays are commitments x hours; ``unused_units`` is the budget left, in the commitment's own units.
    """

    hours: Ints
    committed: Ints
    used: Ints
    unused_units: Ints
    pools: list[Usage]
    """What the commitments met, one entry per distinct usage."""
    demand: Ints
    """Its 1e-4 hours: pools x hours."""


SUPPORT = Sku(
    "AWSSupportBusiness", "AWS Support (Business)", "Dollar", "", "Dollar", prices.RATE, "", "AWSSupportBusiness",
    description="AWS Support (Business) - percent of this month's usage",
)  # fmt: skip


_PLANS = {  # product code, service and usage type
    Instrument.EC2_PLAN: ("ComputeSavingsPlans", "Savings Plans for AWS Compute usage", "EC2SP"),
    Instrument.COMPUTE_PLAN: ("ComputeSavingsPlans", "Savings Plans for AWS Compute usage", "ComputeSP"),
    Instrument.SAGEMAKER_PLAN: ("MachineLearningSavingsPlans", "Savings Plans for AWS Machine Learning", "SageMakerSP"),
    Instrument.DATABASE_PLAN: ("DatabaseSavingsPlans", "Savings Plans for AWS Database usage", "DatabaseSP"),
}
_RESERVED = {  # product code, service, operation, product family and engine
    Instrument.RDS_RI: ("AmazonRDS", "RDS", "CreateDBInstance:0014", "Database Instance", "PostgreSQL"),
    Instrument.ELASTICACHE_RI: ("AmazonElastiCache", "ElastiCache", "CreateCacheCluster:0002", "Cache Instance",
                                "Redis"),
    Instrument.OPENSEARCH_RI: ("AmazonES", "OpenSearch", "ESDomain", "Search Instance", "OpenSearch"),
    Instrument.REDSHIFT_RI: ("AmazonRedshift", "Redshift", "RunComputeNode:0001", "Compute Instance", "Redshift"),
}  # fmt: skip


def commitment_sku(commitment: Commitment) -> Sku:
    """Return the item a commitment's fees are billed under."""
    term = f"{commitment.years}yr{commitment.payment.replace(' ', '')}"
    if commitment.is_plan:
        code, service, kind = _PLANS[commitment.instrument]
        if commitment.family:
            kind = f"{prices.USAGE_PREFIX[commitment.region]}{kind}:{commitment.family}"
        return Sku(code, service, f"{kind}:{term}", "", "Hrs", 0, commitment.region, "",
                   description=f"{term} savings plan, hourly fee")  # fmt: skip
    code, service, operation, family, what = _RESERVED.get(
        commitment.instrument, ("AmazonEC2", "EC2", "RunInstances", "Compute Instance", "Linux/UNIX")
    )
    shape = pools.kind(commitment.pool)
    usage = f"{prices.USAGE_PREFIX[commitment.region]}HeavyUsage:{shape}"
    return Sku(code, SERVICES[service], usage, operation, "Hrs", 0, commitment.region, family, shape,
               description=f"{what}, {shape} reserved instance")  # fmt: skip


def tax_sku(sku: Sku) -> Sku:
    """Return the item under which the tax of a service is billed."""
    return Sku(sku.code, sku.service, "", "", "", 0, "", "", description=f"Tax for product code {sku.code}")


class Biller:
    """Turns usage into line items, day range by day range, each the same whatever the ranges."""

    def __init__(self, company: Company) -> None:
        self.company = company
        estate = company.estate
        self.fee_sku = [estate.sku(commitment_sku(c)) for c in company.commitments]
        self.tax_sku = {s.service: estate.sku(tax_sku(s)) for s in list(estate.skus) if not s.seller}
        self.support_sku = estate.sku(SUPPORT)
        self.machines = MachineHours(estate)
        by_hour = [number for number, meter in enumerate(estate.meters) if self._is_in_reach(meter)]
        self.hourly = MeterHours(estate, by_hour)
        self.quantities, self.expected = daily_quantities(estate, company.effects)
        self.by_day = self.quantities.copy()
        self.by_day[by_hour] = 0
        self.list_rate = np.array([s.list_rate for s in estate.skus], dtype=np.int64)
        self.sold_by_others = np.array([bool(s.seller) for s in estate.skus])
        runners: list[Instance | Meter] = [*estate.instances, *(estate.meters[number] for number in by_hour)]
        self.instance_res = np.array([r.resource for r in runners], dtype=np.int64)
        self.instance_sku = np.array([r.sku for r in runners], dtype=np.int64)
        self.instance_acc = np.array([r.account for r in runners], dtype=np.int64)
        self.is_spot = np.array([isinstance(r, Instance) and r.spot for r in runners])
        self.is_parent = np.array([isinstance(r, Instance) and r.parent for r in runners])
        self.usages = [self._used_by(r) for r in runners]

    def _used_by(self, runner: Instance | Meter) -> Usage:
        estate = self.company.estate
        owner, sku = estate.resources[runner.resource], estate.skus[runner.sku]
        return Usage(runner.account, sku.pool or sku.instance_type, owner.region, owner.zone)

    def _is_in_reach(self, meter: Meter) -> bool:
        """Return whether a commitment may cover a meter: then it is billed by the hour, else by the day."""
        if not self.company.estate.skus[meter.sku].pool:
            return False
        usage = self._used_by(meter)
        return any(matches(owned, usage) for owned in self.company.commitments)

    def net(self, amount: Ints) -> Ints:
        """Return an amount less the enterprise discount; exact, as amounts have at most ten decimals."""
        return amount * (100 - self.company.discount_percent) // 100

    def days(self, first: int, last: int) -> tuple[Facts, CommitmentHours]:
        """Return the line items of the days ``[first, last)`` and what the commitments did in their hours."""
        facts = Facts()
        hours = self._machines(facts, first, last)
        self._meters(facts, first, last)
        self._plan_fees(facts, hours)
        self._discounts(facts)
        return facts, hours

    def _machines(self, facts: Facts, first: int, last: int) -> CommitmentHours:
        rows, need = self._running(first, last)
        base = first * HOURS_PER_DAY
        hours = np.arange(base, last * HOURS_PER_DAY, dtype=np.int64)
        spot = self.is_spot[rows]
        self._spot(facts, rows[spot], need[spot], base)
        rows, need = rows[~spot], need[~spot]
        commitments = self.company.commitments
        usages = [self.usages[r] for r in rows]
        pools, demand = pooled(usages, need)
        steps = plan_steps(usages, commitments)
        covers, left = apply(need, hours, commitments, steps)
        parents = np.zeros((2, *need.shape), dtype=np.int64)
        self._on_demand(facts, rows, need, base, parents)
        for cover in covers:
            self._covered(facts, rows, cover, base, parents)
        self._negations(facts, rows, covers, base)
        self._pods(facts, rows, parents, base)
        committed = np.array([c.active(hours) * c.hourly * 100 for c in commitments], dtype=np.int64)
        unused = np.array([amount_of(c, left[i]) for i, c in enumerate(commitments)], dtype=np.int64)
        return CommitmentHours(hours, committed, committed - unused, left, pools, demand)

    def _running(self, first: int, last: int) -> tuple[Ints, Ints]:
        """Return (what runs at all, its 1e-4 hours per hour): machines, then meters by the hour."""
        rows, need = self.machines.between(first, last)
        others, used = self.hourly.between(first, last)
        return np.concatenate([rows, others + len(self.company.estate.instances)]), np.concatenate([need, used])

    def _spot(self, facts: Facts, rows: Ints, need: Ints, base: int) -> None:
        """Add Spot usage: its price moves from day to day between 28 and 44 percent of on demand."""
        row, hour = np.nonzero(need)
        sku = self.instance_sku[rows[row]]
        day = (base + hour) // HOURS_PER_DAY
        walk = np.random.default_rng([self.company.estate.seed, _SPOT]).integers(28, 45, self.company.estate.days)
        rate = self.list_rate[sku] * walk[day] // 100 // 10_000 * 10_000
        self._usage(facts, rows, row, hour + base, need[row, hour], rate)

    def _on_demand(self, facts: Facts, rows: Ints, need: Ints, base: int, parents: Ints) -> None:
        row, hour = np.nonzero(need)
        quantity = need[row, hour]
        amount = quantity * self.list_rate[self.instance_sku[rows[row]]] // 100
        self._usage(facts, rows, row, hour + base, quantity, self.list_rate[self.instance_sku[rows[row]]])
        np.add.at(parents[0], (row, hour), amount)
        np.add.at(parents[1], (row, hour), self.net(amount))

    def _usage(self, facts: Facts, rows: Ints, row: Ints, hour: Ints, quantity: Ints, rate: Ints) -> None:
        machine = rows[row]
        sku = self.instance_sku[machine]
        cost = quantity * rate // 100
        listed = quantity * self.list_rate[sku] // 100
        net = self.net(cost)
        facts.add(
            Line.USAGE, len(row), sku=sku, res=self.instance_res[machine], acc=self.instance_acc[machine], h0=hour,
            h1=hour + 1, q=quantity, rate=rate, od=listed, unb=cost, net=net, billed=net, effective=net,
            contracted=net, listed=listed,
        )  # fmt: skip

    def _covered(self, facts: Facts, rows: Ints, cover: Cover, base: int, parents: Ints) -> None:
        commitment = self.company.commitments[cover.commitment]
        machine = rows[cover.row]
        sku = self.instance_sku[machine]
        listed = cover.quantity * self.list_rate[sku] // 100
        upfront = self.upfront_part(cover.commitment, cover.amount)
        net = self.commitment_net(cover.commitment, cover.amount)
        plan = commitment.is_plan
        facts.add(
            Line.COVERED_USAGE if plan else Line.DISCOUNTED_USAGE, len(machine), sku=sku,
            res=self.instance_res[machine], acc=self.instance_acc[machine], com=cover.commitment,
            h0=cover.hour + base, h1=cover.hour + base + 1, q=cover.quantity,
            rate=self.list_rate[sku] if plan else 0, od=listed, unb=listed if plan else 0,
            net=self.net(listed) if plan else 0, eff=cover.amount, eff_net=net, up=upfront, effective=net,
            contracted=self.net(listed), listed=listed,
        )  # fmt: skip
        np.add.at(parents[0], (cover.row, cover.hour), cover.amount)
        np.add.at(parents[1], (cover.row, cover.hour), net)

    def upfront_part(self, commitment: int, amount: Ints) -> Ints:
        """Return the part of an amount at the committed price that was paid upfront."""
        return amount * self.company.commitments[commitment].upfront_halves // 2

    def commitment_net(self, commitment: int, amount: Ints) -> Ints:
        """Return an amount at the committed price after the enterprise discount on its recurring part."""
        upfront = self.upfront_part(commitment, amount)
        return upfront + self.net(amount - upfront)

    def _negations(self, facts: Facts, rows: Ints, covers: list[Cover], base: int) -> None:
        """Take covered usage off the bill again: one row per plan, account, item and hour, not per resource."""
        for cover in covers:
            if not self.company.commitments[cover.commitment].is_plan:
                continue
            machine = rows[cover.row]
            sku, account = self.instance_sku[machine], self.instance_acc[machine]
            listed = cover.quantity * self.list_rate[sku] // 100
            keys, sums = summed((account, sku, cover.hour + base), listed, self.net(listed), cover.quantity)
            facts.add(
                Line.NEGATION, len(keys[0]), acc=keys[0], sku=keys[1], com=cover.commitment, h0=keys[2],
                h1=keys[2] + 1, q=sums[2], rate=-self.list_rate[keys[1]], unb=-sums[0], net=-sums[1],
            )  # fmt: skip

    def _pods(self, facts: Facts, rows: Ints, parents: Ints, base: int) -> None:
        """Split the cost of Kubernetes nodes over pods; the shares of a node-hour add up to it exactly."""
        at = np.flatnonzero(self.is_parent[rows])
        row, hour = np.nonzero(parents[0][at])
        machine = rows[at[row]]
        gross, net = parents[0][at[row], hour], parents[1][at[row], hour]
        before = 0
        for number, (asked, rest) in enumerate(POD_WEIGHTS):
            after = before + asked
            facts.add(
                Line.SPLIT, len(row), sku=self.instance_sku[machine], res=self.instance_res[machine],
                acc=self.instance_acc[machine], h0=hour + base, h1=hour + base + 1, parent=number,
                q=prices.QUANTITY, split_q=asked, split=_slice(gross, before, after),
                split_net=_slice(net, before, after),
                split_unused=_slice(gross, after, after + rest), split_unused_net=_slice(net, after, after + rest),
            )  # fmt: skip
            before = after + rest

    def _meters(self, facts: Facts, first: int, last: int) -> None:
        meters = self.company.estate.meters
        row, day = np.nonzero(self.by_day[:, first:last])
        sku = np.array([m.sku for m in meters], dtype=np.int64)[row]
        quantity = self.quantities[row, first + day]
        cost = quantity * self.list_rate[sku] // 100
        others = self.sold_by_others[sku]
        net = np.where(others, cost, self.net(cost))
        hour = (first + day) * HOURS_PER_DAY
        facts.add(
            Line.USAGE, len(row), sku=sku, res=np.array([m.resource for m in meters], dtype=np.int64)[row],
            acc=np.array([m.account for m in meters], dtype=np.int64)[row], h0=hour, h1=hour + HOURS_PER_DAY,
            q=quantity, rate=self.list_rate[sku], od=cost, unb=cost, net=net, billed=net, effective=net,
            contracted=net, listed=cost, invoice=others.astype(np.int64),
            stage=self._late(row, first + day),
        )  # fmt: skip

    def _late(self, meter: Ints, day: Ints) -> Ints:
        """Return the stage of metered usage: some meters report the 9th and 10th of a month after it was closed."""
        origin = self.company.estate.start
        numbers = np.array([(origin + timedelta(days=d)).day for d in range(self.company.estate.days)])
        late = np.array([self.company.estate.resources[m.resource].name in LATE for m in self.company.estate.meters])
        return (late[meter] & np.isin(numbers[day], (9, 10))) * FINAL

    def _plan_fees(self, facts: Facts, done: CommitmentHours) -> None:
        """Add the hourly fee rows of savings plans, with what their hour committed to and used."""
        for index, commitment in enumerate(self.company.commitments):
            if not commitment.is_plan:
                continue
            at = np.flatnonzero(done.committed[index])
            commit, used = done.committed[index, at], done.used[index, at]
            recurring = commit - self.upfront_part(index, commit)
            net = self.net(recurring)
            facts.add(
                Line.PLAN_FEE, len(at), acc=commitment.account, com=index, sku=self.fee_sku[index],
                h0=done.hours[at], h1=done.hours[at] + 1,
                q=prices.QUANTITY, rate=recurring // 100, unb=recurring, net=net, billed=net, contracted=net,
                listed=net, commit=commit, commit_net=self.commitment_net(index, commit),
                commit_up=self.upfront_part(index, commit), used=used, used_net=self.commitment_net(index, used),
                used_up=self.upfront_part(index, used),
            )  # fmt: skip

    def _discounts(self, facts: Facts) -> None:
        """Add the enterprise discount: one row per account, item or commitment, invoice and day."""
        kind, unblended, net = facts.column("kind"), facts.column("unb"), facts.column("net")
        given = np.flatnonzero(np.isin(kind, [CODE[Line.USAGE], CODE[Line.PLAN_FEE]]) & (unblended != net))
        day = facts.column("h0")[given].astype(np.int64) // HOURS_PER_DAY
        columns = [facts.column(name)[given] for name in ("acc", "sku", "com", "stage")]
        keys, sums = summed(
            (*columns, day),
            net[given] - unblended[given],
        )
        hour = keys[4] * HOURS_PER_DAY
        facts.add(
            Line.EDP, len(hour), acc=keys[0], sku=keys[1], com=keys[2], stage=keys[3], h0=hour,
            h1=hour + HOURS_PER_DAY, unb=sums[0],
        )  # fmt: skip


def _slice(amount: Ints, first: int, last: int) -> Ints:
    """Return the part of an amount between two percentages; adjoining parts add up to the amount exactly."""
    return amount * last // 100 - amount * first // 100
