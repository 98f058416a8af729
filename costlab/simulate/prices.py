"""List prices of the simulated company, as dated constants.

USD, public on-demand list prices. Linux instance prices of us-east-1: aws/karpenter-provider-aws @1d927085
(Apache-2.0), read 2026-11. Instance prices of eu-west-1 and all other services: the vendors' public price pages
as of 2026-01, from general knowledge; good enough for a simulation, not a price catalogue.

Every amount of the simulator is an integer: a *rate* counts 1e-10 USD per unit, a *quantity* 1e-4 units, *money*
1e-12 USD. Rates and quantities are chosen so that their product never needs more than ten decimals: the same
value can be written as a double, as text and as DECIMAL(38,12), and a whole-percent discount on it stays exact.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

RATE: Final = 10**10
"""Rate units per USD."""
QUANTITY: Final = 10**4
"""Quantity units per unit of usage."""
MONEY: Final = 10**12
"""Money units per USD."""

REGIONS: Final = ("us-east-1", "eu-west-1")
REGION_NAMES: Final = {"us-east-1": "US East (N. Virginia)", "eu-west-1": "EU (Ireland)"}
USAGE_PREFIX: Final = {"us-east-1": "USE1-", "eu-west-1": "EU-"}

FACTORS: Final = {
    "nano": 0.25,
    "micro": 0.5,
    "small": 1,
    "medium": 2,
    "large": 4,
    "xlarge": 8,
    "2xlarge": 16,
    "4xlarge": 32,
    "8xlarge": 64,
}
"""Normalisation factors of instance sizes (AWS EC2 User Guide, reserved instances)."""

LARGE: Final[
    dict[str, tuple[str, str, int, int]]
] = {  # family: price of size `large` in us-east-1 and eu-west-1, vCPUs and GiB of that size
    "m4": ("0.1", "0.111", 2, 8),
    "m5": ("0.096", "0.107", 2, 8),
    "m6i": ("0.096", "0.107", 2, 8),
    "m6g": ("0.077", "0.086", 2, 8),
    "c5": ("0.085", "0.096", 2, 4),
    "c6i": ("0.085", "0.0912", 2, 4),
    "r5": ("0.126", "0.141", 2, 16),
    "r6i": ("0.126", "0.141", 2, 16),
    "t2": ("0.0928", "0.1008", 2, 8),
    "t3": ("0.0832", "0.0912", 2, 8),
}

COMPUTE_PLAN: Final = {  # family: (one-year, no-upfront discount of a Compute and of an EC2 Instance savings plan)
    "m4": (24, 35),
    "m5": (27, 37),
    "m6i": (27, 38),
    "m6g": (26, 36),
    "c5": (25, 38),
    "c6i": (26, 39),
    "r5": (28, 37),
    "r6i": (29, 39),
    "t2": (23, 34),
    "t3": (27, 36),
}
THREE_YEARS: Final = 18
"""Percentage points that a three-year term adds."""
PAYMENT: Final = {"No Upfront": 0, "Partial Upfront": 2, "All Upfront": 4}
"""Percentage points that paying ahead adds."""

OTHER: Final = {  # what: (us-east-1, eu-west-1)
    "gp3": ("0.08", "0.088"),
    "gp2": ("0.1", "0.11"),
    "io1": ("0.125", "0.138"),
    "io1-iops": ("0.065", "0.072"),
    "snapshot": ("0.05", "0.05"),
    "ipv4": ("0.005", "0.005"),
    "nat-hour": ("0.045", "0.048"),
    "nat-byte": ("0.045", "0.048"),
    "alb-hour": ("0.0225", "0.0252"),
    "alb-lcu": ("0.008", "0.008"),
    "nlb-hour": ("0.0225", "0.0252"),
    "nlb-lcu": ("0.006", "0.006"),
    "egress": ("0.09", "0.09"),
    "ingress": ("0", "0"),
    "cross-az": ("0.01", "0.01"),
    "s3-standard": ("0.023", "0.023"),
    "s3-put": ("0.000005", "0.000005"),
    "s3-get": ("0.0000004", "0.0000004"),
    "lambda-gbs": ("0.0000166667", "0.0000166667"),
    "lambda-request": ("0.0000002", "0.0000002"),
    "logs": ("0.5", "0.57"),
    "metrics": ("0.3", "0.3"),
    "db.t3.micro": ("0.018", "0.02"),
    "db.t3.medium": ("0.072", "0.077"),
    "db.m5.large": ("0.178", "0.196"),
    "db.r5.large": ("0.25", "0.28"),
    "db.r5.xlarge": ("0.5", "0.56"),
    "db.r7g.large": ("0.239", "0.267"),
    "db.r7g.large:multi-az": ("0.478", "0.534"),
    "cache.r6g.large": ("0.206", "0.23"),
    "cache.r6g.xlarge": ("0.411", "0.459"),
    "t3.small.search": ("0.036", "0.039"),
    "dc2.large": ("0.25", "0.3"),
    "ml.m5.xlarge": ("0.23", "0.257"),
    "ml.t3.medium": ("0.05", "0.056"),
    "rds-gp3": ("0.115", "0.127"),
    "eks-cluster": ("0.1", "0.1"),
    "fargate-vcpu": ("0.04048", "0.04048"),
    "fargate-gb": ("0.004445", "0.004445"),
    "opensearch-m6g.large": ("0.128", "0.141"),
    "dynamodb-write": ("0.000000625", "0.000000705"),
    "dynamodb-read": ("0.000000125", "0.0000001415"),
}

SUPPORT_TIERS: Final = ((10_000, 10), (70_000, 7), (170_000, 5), (None, 3))
"""Business support: percent of each slice (USD) of the month's usage; at least 100 USD."""


def rate(text: str) -> int:
    """Return a price in USD as a rate; it must have at most ten decimals."""
    value = Decimal(text) * RATE
    if value != value.to_integral_value():
        raise ValueError(f"price {text} has more than ten decimals")
    return int(value)


def family(instance_type: str) -> str:
    """Return the family: ``m5`` of ``m5.large``."""
    return instance_type.split(".", 1)[0]


def factor(instance_type: str) -> int:
    """Return four times the normalisation factor of an instance type (an integer for every size)."""
    return int(FACTORS[instance_type.rsplit(".", 1)[1]] * 4)


def instance_rate(instance_type: str, region: str) -> int:
    """Return the on-demand rate of a Linux instance type: linear in its normalisation factor."""
    american, irish, _, _ = LARGE[family(instance_type)]
    large = rate(american if region == REGIONS[0] else irish)
    return large * factor(instance_type) // factor("x.large")


def shape(instance_type: str) -> tuple[int, int]:
    """Return vCPUs and GiB of memory of an instance type."""
    _, _, cpus, memory = LARGE[family(instance_type)]
    units = factor(instance_type)
    return max(cpus * units // 16, 1 if units < factor("x.medium") else 2), memory * units // 16


def other_rate(what: str, region: str) -> int:
    """Return the list rate of anything that is not an instance."""
    return rate(OTHER[what][REGIONS.index(region)])


def discounted(list_rate: int, percent: int) -> int:
    """Return a rate less a whole-percent discount, rounded down to 1e-6 USD as price lists are."""
    return list_rate * (100 - percent) // 100 // 10_000 * 10_000


def plan_percent(instance_type: str, *, locked: bool, years: int, payment: str) -> int:
    """Return the discount of a savings plan on an instance type; ``locked`` means EC2 Instance plan."""
    return COMPUTE_PLAN[family(instance_type)][1 if locked else 0] + longer(years, payment)


def longer(years: int, payment: str) -> int:
    """Return the percentage points that a longer term and paying ahead add to a discount."""
    return (THREE_YEARS if years == 3 else 0) + PAYMENT[payment]


def money(quantity: int, rate_: int) -> int:
    """Return quantity x rate as money; exact for the rates and quantities of this simulator."""
    return quantity * rate_ // 100
