"""The commitments the company owns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from costlab.simulate import prices
from costlab.simulate.commitments import Commitment, Instrument
from costlab.simulate.estate import HOURS_PER_DAY

if TYPE_CHECKING:
    from costlab.simulate.estate import Estate

EXPIRES: Final = 1
"""The position of the reservation that nobody renews."""
_E: Final = "us-east-1"
_W: Final = "eu-west-1"


def portfolio(estate: Estate, size: int) -> list[Commitment]:
    """Return the reservations and savings plans: all instruments and payment options, some partly unused."""
    account = {a.name: i for i, a in enumerate(estate.accounts)}
    owner = estate.accounts[0].id

    def reservation(number: int, instrument: Instrument, who: str, region: str, shape: str, count: int, payment: str,
                    years: int, start: int, zone: str = "") -> Commitment:  # fmt: skip
        percent = prices.plan_percent(shape, locked=True, years=years, payment=payment)
        unit = (
            prices.discounted(prices.instance_rate(shape, region), percent) // prices.factor(shape) // 10_000 * 10_000
        )
        rid = f"arn:aws:ec2:{region}:{estate.accounts[account[who]].id}:reserved-instances/{_uuid(estate.seed, number)}"
        return Commitment(rid, instrument, account[who], region, payment, years, start,
                          unit * prices.factor(shape) * count, shape, zone, count)  # fmt: skip

    def plan(number: int, instrument: Instrument, who: str, dollars: str, payment: str, years: int, start: int,
             region: str = "", family: str = "") -> Commitment:  # fmt: skip
        rid = f"arn:aws:savingsplans::{owner}:savingsplan/{_uuid(estate.seed, number)}"
        return Commitment(rid, instrument, account[who], region, payment, years, start, prices.rate(dollars) * size,
                          family=family)  # fmt: skip

    half = estate.hours // 2 // HOURS_PER_DAY * HOURS_PER_DAY
    zonal, regional = Instrument.ZONAL_RI, Instrument.REGIONAL_RI
    bought = [
        reservation(1, zonal, "data-prod", _E, "r5.xlarge", size, "All Upfront", 1, -3000, f"{_E}a"),
        reservation(2, regional, "web-prod", _E, "m5.xlarge", size, "No Upfront", 1, -5000),
        reservation(3, regional, "eu-prod", _W, "t3.large", 2 * size, "Partial Upfront", 1, -2400),
        plan(4, Instrument.EC2_PLAN, estate.accounts[0].name, "0.12", "Partial Upfront", 1, -4000, _E, "m5"),
        replace(plan(5, Instrument.EC2_PLAN, "data-prod", "0.25", "All Upfront", 3, -9000, _E, "r5"), sharing="none"),
        plan(6, Instrument.COMPUTE_PLAN, estate.accounts[0].name, "0.65", "No Upfront", 1, -1500),
        plan(7, Instrument.COMPUTE_PLAN, estate.accounts[0].name, "0.2", "Partial Upfront", 1, half + 10),
        reservation(8, regional, "mobile-prod", _E, "m6g.large", size, "All Upfront", 1, half),
    ]
    return [*bought, *_renewals(estate, [owned for owned in bought if owned is not bought[EXPIRES]])]


def _renewals(estate: Estate, bought: list[Commitment]) -> list[Commitment]:
    """Return the purchases that follow each other when terms end within the span."""
    renewed: list[Commitment] = []
    for number, owned in enumerate(bought):
        last = owned
        while last.stop < estate.hours:
            again = last.id.rsplit("/", 1)[0] + "/" + _uuid(estate.seed, 100 * (len(renewed) + 1) + number)
            last = replace(last, id=again, start=last.stop)
            renewed.append(last)
    return renewed


def _uuid(seed: int, number: int) -> str:
    text = np.random.default_rng([seed, 2, number]).bytes(16).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
