"""Charges of a whole month: reservation fees, upfront fees, support, credits, refunds, tax."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from costlab.simulate import prices
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.facts import Facts, Line

if TYPE_CHECKING:
    from costlab.period import Month
    from costlab.simulate.charges import Biller, CommitmentHours

CENT = prices.MONEY // 100
TAX_PERCENT = {"eu-prod": 21, "web-prod": 7}
"""Value added tax and sales tax by account; the other accounts are exempt."""


def rounded(amount: int) -> int:
    """Return an amount rounded half-up to cents; to whole dollars from 2000 USD, so that a double carries it."""
    unit = CENT if abs(amount) < 2000 * prices.MONEY else prices.MONEY
    return (2 * amount + unit) // (2 * unit) * unit


@dataclass(slots=True)
class Tally:
    """What a month has added up to so far."""

    stage: int
    """Line items of later stages are not counted."""
    used: dict[int, int] = field(default_factory=dict)
    """Reservations: used money per commitment."""
    unused_units: dict[int, int] = field(default_factory=dict)
    active_hours: dict[int, int] = field(default_factory=dict)
    billed: dict[tuple[int, str], int] = field(default_factory=dict)
    """Net usage charges per account and service, third-party products apart."""

    def add_hours(self, done: CommitmentHours) -> None:
        """Add what the commitments did in some hours."""
        for index in range(len(done.committed)):
            self.used[index] = self.used.get(index, 0) + int(done.used[index].sum())
            self.unused_units[index] = self.unused_units.get(index, 0) + int(done.unused_units[index].sum())
            self.active_hours[index] = self.active_hours.get(index, 0) + int(np.count_nonzero(done.committed[index]))

    def add_charges(self, facts: Facts, biller: Biller) -> None:
        """Add the net charges of the vendor's own services."""
        own = (facts.column("invoice") == 0) & (facts.column("stage") <= self.stage)
        keys = facts.column("acc")[own].astype(np.int64) * 100_000 + facts.column("sku")[own]
        found, inverse = np.unique(keys, return_inverse=True)
        sums = np.zeros(len(found), dtype=np.int64)
        np.add.at(sums, inverse, facts.column("billed")[own])
        for key, amount in zip(found.tolist(), sums.tolist(), strict=True):
            account, sku = divmod(key, 100_000)
            at = (account, biller.company.estate.skus[sku].service)
            self.billed[at] = self.billed.get(at, 0) + amount


def month_charges(biller: Biller, month: Month, number: int, tally: Tally) -> Facts:
    """Return the line items that belong to the month as a whole; ``number`` counts from 0."""
    facts = Facts()
    origin = biller.company.estate.start
    first = (month.first_day - origin).days * HOURS_PER_DAY
    last = first + month.days * HOURS_PER_DAY
    _reservation_fees(facts, biller, tally, first, last)
    _upfront_fees(facts, biller, first, last)
    _support(facts, biller, tally, first, last)
    _credits(facts, biller, number, first, tally)
    if tally.stage:
        _tax(facts, biller, tally, first, last)
    return facts


def _reservation_fees(facts: Facts, biller: Biller, tally: Tally, first: int, last: int) -> None:
    """One row per reservation and month, charged in full at its start; used and unused are to date."""
    for index, owned in enumerate(biller.company.commitments):
        h0, h1 = max(first, owned.start), min(last, owned.stop)
        if owned.is_plan or h0 >= h1 or not tally.active_hours.get(index):
            continue
        recurring = (owned.hourly - owned.upfront_hourly) * (h1 - h0) * 100
        commit = np.int64(owned.hourly * tally.active_hours[index] * 100)
        used = np.int64(tally.used[index])
        net = int(biller.net(np.asarray(recurring)))
        facts.add(
            Line.RI_FEE, 1, acc=owned.account, com=index, sku=biller.fee_sku[index], h0=h0, h1=h1,
            q=(h1 - h0) * owned.count * prices.QUANTITY, rate=(owned.hourly - owned.upfront_hourly) // owned.count,
            unb=recurring, net=net, billed=net, contracted=net, listed=net, commit=int(commit),
            commit_net=int(biller.commitment_net(index, np.asarray(commit))),
            commit_up=int(biller.upfront_part(index, np.asarray(commit))), used=int(used),
            used_net=int(biller.commitment_net(index, np.asarray(used))),
            used_up=int(biller.upfront_part(index, np.asarray(used))), unused_q=tally.unused_units[index],
        )  # fmt: skip
        if net != recurring:
            facts.add(Line.EDP, 1, acc=owned.account, com=index, sku=biller.fee_sku[index], h0=h0, h1=h1,
                      unb=net - recurring)  # fmt: skip


def _upfront_fees(facts: Facts, biller: Biller, first: int, last: int) -> None:
    for index, owned in enumerate(biller.company.commitments):
        if first <= owned.start < last and owned.upfront:
            fee = owned.upfront
            facts.add(
                Line.PLAN_UPFRONT if owned.is_plan else Line.FEE, 1, acc=owned.account, com=index,
                sku=biller.fee_sku[index], h0=owned.start, h1=owned.start + 1, q=max(owned.count, 1) * prices.QUANTITY,
                rate=fee // 100 // max(owned.count, 1), unb=fee, net=fee, billed=fee, contracted=fee, listed=fee,
            )  # fmt: skip


def support_fee(usage: int) -> int:
    """Return business support for a month's usage: a percentage of each slice, at least 100 USD."""
    fee, left = 0, usage
    for slice_, percent in prices.SUPPORT_TIERS:
        part = left if slice_ is None else min(left, slice_ * prices.MONEY)
        fee += part * percent // 100
        left -= part
    return max(rounded(fee), 100 * prices.MONEY)


def _support(facts: Facts, biller: Biller, tally: Tally, first: int, last: int) -> None:
    fee = support_fee(sum(tally.billed.values()))
    _single(facts, Line.FEE, fee, acc=0, sku=biller.support_sku, h0=first, h1=last)


def _single(facts: Facts, line: Line, amount: int, **where: int) -> None:
    """Add one row whose every figure is the amount itself: no list price, no discount."""
    facts.add(line, 1, q=prices.QUANTITY, rate=amount // 100, unb=amount, net=amount, billed=amount, effective=amount,
              contracted=amount, listed=amount, **where)  # fmt: skip


def _credits(facts: Facts, biller: Biller, number: int, first: int, tally: Tally) -> None:
    """Promotional credits for the first five months, some dated in the month before; a refund every third month."""
    estate = biller.company.estate
    compute = next(i for i, s in enumerate(estate.skus) if "BoxUsage" in s.usage_type)
    database = next(i for i, s in enumerate(estate.skus) if s.code == "AmazonRDS")
    account = estate.account("ml-prod")
    spent = tally.billed.get((account, estate.skus[compute].service), 0)
    if number < 5 and spent:
        credit = min(120 * prices.MONEY, spent // 2 // CENT * CENT)
        late = first - 30 if number == 2 else first + 300
        _single(facts, Line.CREDIT, -credit, acc=account, sku=compute, h0=late, h1=late + 1, stage=1)
    if number % 3 == 2:
        _single(facts, Line.REFUND, -3520 * CENT // 100 * 100, acc=estate.account("web-prod"), sku=database,
                h0=first - 5 * HOURS_PER_DAY, h1=first - 4 * HOURS_PER_DAY, stage=2)  # fmt: skip


def _tax(facts: Facts, biller: Biller, tally: Tally, first: int, last: int) -> None:
    names = [a.name for a in biller.company.estate.accounts]
    for (account, service), amount in sorted(tally.billed.items()):
        percent = TAX_PERCENT.get(names[account], 0)
        tax = rounded(amount * percent // 100)
        if tax and service in biller.tax_sku:
            _single(facts, Line.TAX, tax, acc=account, sku=biller.tax_sku[service], h0=first, h1=last, stage=1)
