"""What reservations and plans see of a machine, database, cache, search node or ML instance: its size and prices.

A *pool* is an instance type, with engine and deployment after colons where they matter: ``m5.large``,
``db.r7g.large:postgresql:multi-az``, ``cache.r6g.xlarge:redis``, ``ml.m5.xlarge``.

Sources, read 2026-11: Amazon RDS User Guide, reserved DB instances (size-flexible within class type and engine, a
Multi-AZ deployment counts twice); ElastiCache User Guide, reserved nodes (size-flexible within the node family);
OpenSearch Service and Redshift documentation, reserved instances and nodes (exactly the node type); AWS Savings Plans
User Guide (SageMaker plans cover ML instances of any family, size and region; Database plans, one year without upfront
payment, database instances of generation 7 and later). The discounts are typical, not a price list.
"""

from __future__ import annotations

import re
from typing import Final

from costlab.simulate import prices

ENGINES: Final = {"db": "postgresql", "cache": "redis", "ml": ""}
"""Service prefix of an instance type: the engine that the company runs."""
SEARCH, WAREHOUSE = "search", "redshift"
"""Services whose reservations are for exactly one node type."""
MULTI_AZ: Final = "multi-az"
RESERVED: Final = {"db.t3": 30, "db.r5": 34, "db.r7g": 32, "cache.r6g": 32, "t3.small": 31, "dc2": 30}
"""Family: discount of a one-year, no-upfront reservation in percent."""
SAGEMAKER_PLAN: Final = {"ml.m5": 27, "ml.t3": 20}
DATABASE_PLAN: Final = 20
DATABASE_PLAN_FROM: Final = 7
"""The first instance generation that Database savings plans cover."""


def kind(pool: str) -> str:
    """Return the instance type: ``db.r7g.large`` of ``db.r7g.large:postgresql:multi-az``."""
    return pool.split(":", 1)[0]


def service(pool: str) -> str:
    """Return ``db``, ``cache``, ``ml``, ``search`` or ``redshift``, or an empty text for a machine.

    >>> service("db.r5.large:postgresql"), service("t3.small.search"), service("m5.large")
    ('db', 'search', '')
    """
    if kind(pool).endswith(f".{SEARCH}"):
        return SEARCH
    prefix = kind(pool).split(".", 1)[0]
    return WAREHOUSE if prefix == "dc2" else prefix if prefix in ENGINES else ""


def family(pool: str) -> str:
    """Return the family of its instance type: ``db.r7g``, ``m5``."""
    return kind(pool).rsplit(".", 1)[0]


def group(pool: str) -> tuple[str, str]:
    """Return what a size-flexible reservation is bound to: family and engine."""
    return family(pool), ENGINES.get(service(pool), "")


def units(pool: str) -> int:
    """Return four times the normalised units (an integer for every size); a Multi-AZ database counts twice.

    What is reserved by the exact node type counts one.
    """
    if service(pool) in (SEARCH, WAREHOUSE):
        return 4
    return prices.factor(kind(pool)) * (2 if pool.endswith(MULTI_AZ) else 1)


def pool_of(item: str) -> str:
    """Return the pool of a priced item, or an empty text where nothing reserves it.

    >>> pool_of("db.r7g.large:multi-az"), pool_of("gp3")
    ('db.r7g.large:postgresql:multi-az', '')
    """
    if not service(item):
        return ""
    kind_, _, deployment = item.partition(":")
    return ":".join(part for part in (kind_, ENGINES.get(service(item)), deployment) if part)


def list_rate(pool: str, region: str) -> int:
    """Return the on-demand rate of a pool."""
    if not service(pool):
        return prices.instance_rate(pool, region)
    return prices.other_rate(":".join(part for part in pool.split(":") if part not in ENGINES.values()), region)


def reserved_rate(pool: str, region: str, years: int, payment: str) -> int:
    """Return the rate of a reservation: that of its normalised unit, rounded, times its units."""
    if service(pool):
        percent = RESERVED[family(pool)] + prices.longer(years, payment)
    else:
        percent = prices.plan_percent(pool, locked=True, years=years, payment=payment)
    unit = prices.discounted(list_rate(pool, region), percent) // units(pool) // 10_000 * 10_000
    return unit * units(pool)


def sagemaker_percent(pool: str, years: int, payment: str) -> int | None:
    """Return the discount of a SageMaker plan, or None where it does not cover the pool."""
    if service(pool) != "ml":
        return None
    return SAGEMAKER_PLAN[family(pool)] + prices.longer(years, payment)


def database_percent(pool: str) -> int | None:
    """Return the discount of a Database plan, or None where it does not cover the pool."""
    found = re.fullmatch(r"db\.[a-z]+(\d+).*", family(pool))
    return DATABASE_PLAN if found and int(found[1]) >= DATABASE_PLAN_FROM else None
