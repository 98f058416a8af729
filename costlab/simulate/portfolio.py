"""The commitments the company owns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from costlab.simulate import pools, prices
from costlab.simulate.commitments import Commitment, Instrument
from costlab.simulate.estate import HOURS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from costlab.simulate.estate import Estate

EXPIRES: Final = 1
"""The position of the reservation that nobody renews."""
_E: Final = "us-east-1"
_W: Final = "eu-west-1"
_ARNS: Final = {
    Instrument.RDS_RI: ("rds", "ri:ri-"),
    Instrument.ELASTICACHE_RI: ("elasticache", "reserved-instance:"),
    Instrument.OPENSEARCH_RI: ("es", "reserved-instance/"),
    Instrument.REDSHIFT_RI: ("redshift", "reservednode:"),
}
"""How reservations other than EC2's are named: service and kind of resource."""


def portfolio(estate: Estate, size: int) -> list[Commitment]:
    """Return the reservations and savings plans: all instruments and payment options, some partly unused."""
    account = {a.name: i for i, a in enumerate(estate.accounts)}
    owner = estate.accounts[0].id

    def reservation(number: int, instrument: Instrument, who: str, region: str, pool: str, count: int, payment: str,
                    years: int, start: int, zone: str = "") -> Commitment:  # fmt: skip
        service, resource = _ARNS.get(instrument, ("ec2", "reserved-instances/"))
        where = f"arn:aws:{service}:{region}:{estate.accounts[account[who]].id}"
        return Commitment(f"{where}:{resource}{_uuid(estate.seed, number)}", instrument, account[who], region, payment,
                          years, start, pools.reserved_rate(pool, region, years, payment) * count, pool, zone,
                          count)  # fmt: skip

    def plan(number: int, instrument: Instrument, who: str, hourly: int, payment: str, years: int, start: int,
             region: str = "", family: str = "") -> Commitment:  # fmt: skip
        rid = f"arn:aws:savingsplans::{owner}:savingsplan/{_uuid(estate.seed, number)}"
        return Commitment(rid, instrument, account[who], region, payment, years, start, hourly, family=family)

    rate, payer = prices.rate, estate.accounts[0].name
    half = estate.hours // 2 // HOURS_PER_DAY * HOURS_PER_DAY
    zonal, regional = Instrument.ZONAL_RI, Instrument.REGIONAL_RI
    bought = [
        reservation(1, zonal, "data-prod", _E, "r5.xlarge", size, "All Upfront", 1, -3000, f"{_E}a"),
        reservation(2, regional, "web-prod", _E, "m5.xlarge", size, "No Upfront", 1, -5000),
        reservation(3, regional, "eu-prod", _W, "t3.large", 2 * size, "Partial Upfront", 1, -2400),
        plan(4, Instrument.EC2_PLAN, payer, rate("0.12") * size, "Partial Upfront", 1, -4000, _E, "m5"),
        replace(
            plan(5, Instrument.EC2_PLAN, "data-prod", rate("0.25") * size, "All Upfront", 3, -9000, _E, "r5"),
            sharing="none",
        ),
        plan(6, Instrument.COMPUTE_PLAN, payer, rate("0.65") * size, "No Upfront", 1, -1500),
        plan(7, Instrument.COMPUTE_PLAN, payer, rate("0.2") * size, "Partial Upfront", 1, half + 10),
        reservation(8, regional, "mobile-prod", _E, "m6g.large", size, "All Upfront", 1, half),
        *_of_databases(reservation),
        plan(13, Instrument.SAGEMAKER_PLAN, payer, rate("0.19"), "Partial Upfront", 1, -700),
        plan(14, Instrument.DATABASE_PLAN, payer, rate("0.2"), "No Upfront", 1, -600),
    ]  # fmt: skip
    return [*bought, *_renewals(estate, [owned for owned in bought if owned is not bought[EXPIRES]])]


def _of_databases(reservation: Callable[..., Commitment]) -> list[Commitment]:
    """Return the reservations of databases and caches: the first covers half a database, a fifth of the second is lost.

    The third covers half a Multi-AZ deployment, whose rest the Database plan covers; two caches make one twice as big.
    """
    database = Instrument.RDS_RI
    return [
        reservation(9, database, "web-prod", _E, "db.r5.large:postgresql", 1, "Partial Upfront", 1, -1800),
        reservation(10, database, "web-staging", _E, "db.t3.micro:postgresql", 5, "No Upfront", 1, -3600),
        reservation(11, database, "data-prod", _E, "db.r7g.large:postgresql", 1, "All Upfront", 3, -5400),
        reservation(12, Instrument.ELASTICACHE_RI, "web-prod", _E, "cache.r6g.large:redis", 2, "All Upfront", 1, -2700),
        reservation(15, Instrument.OPENSEARCH_RI, "security", _E, "t3.small.search", 1, "No Upfront", 1, -4100),
        reservation(16, Instrument.REDSHIFT_RI, "data-prod", _E, "dc2.large", 2, "Partial Upfront", 1, -2000),
    ]


def _renewals(estate: Estate, bought: list[Commitment]) -> list[Commitment]:
    """Return the purchases that follow each other when terms end within the span."""
    renewed: list[Commitment] = []
    for number, owned in enumerate(bought):
        last = owned
        while last.stop < estate.hours:
            again = last.id[: -len(_uuid(0, 0))] + _uuid(estate.seed, 100 * (len(renewed) + 1) + number)
            last = replace(last, id=again, start=last.stop)
            renewed.append(last)
    return renewed


def _uuid(seed: int, number: int) -> str:
    text = np.random.default_rng([seed, 2, number]).bytes(16).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
