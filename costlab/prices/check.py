"""Which prices to doubt: sources that disagree, impossible discounts, and shapes priced out of line with their family.

Public price tables are contaminated: Windows prices in Linux rows, means with dedicated hosts, hosts without their GPU.
Each rule says what it compares; none of them changes a price. A negotiated price may differ from lists as it likes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from costlab.money import exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.analyzer import Relations

AGREEMENT: Final = Decimal("0.005")
"""Two sources agree when their prices differ by at most this share."""
MOST_DISCOUNT: Final = Decimal("0.92")
OUT_OF_LINE: Final = Decimal("0.05")
"""A shape's price per size may differ from its family's median by this share; dedicated hosts begin at 6 %."""
_FEWEST: Final = 3
_MOST: Final = 0.7
"""A family is priced by size when at least this share of its shapes are in line; hosts with GPUs are not."""
_FACTORS: Final = {"nano": "0.25", "micro": "0.5", "small": "1", "medium": "2", "large": "4", "xlarge": "8"}
_AWS_SIZE = re.compile(r"\.(?P<many>\d*)(?P<size>nano|micro|small|medium|large|xlarge)$")
_AZURE_SIZE = re.compile(r"^Standard_[A-Z]+(?P<size>\d+)")
_GCP_SIZE = re.compile(r"-(?P<size>\d+)$")

_EVERY: Final = """
select
    provider, region_id, shape, family, os, instrument, term_months, payment, price, currency, valid_from, x_source,
    confidence = 'contract' as is_contract
from prices.history
where resource_kind = 'instance' and tenancy = 'shared' and valid_to is null
union all
select
    provider, region_id, shape, family, os, instrument, term_months, payment, price, currency, valid_from, x_source,
    false as is_contract
from prices.default_offers
where resource_kind = 'instance'
order by all
"""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A price that may be wrong: ``rule`` is sources-differ, discount, or out-of-line."""

    rule: str
    provider: str
    region_id: str
    shape: str
    os: str
    instrument: str
    term_months: int | None
    price: Decimal
    other: Decimal
    x_source: str
    why: str


def doubts(db: Relations) -> list[Doubt]:
    """Return the doubtful instance prices of all sources, the newest price of each counts."""
    newest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in db.rows(_EVERY):
        key = _key(row)
        if key not in newest or row["valid_from"] >= newest[key]["valid_from"]:
            newest[key] = row
    rows = list(newest.values())
    return [*_differences(rows), *_discounts(rows), *_out_of_line(rows)]


def size_of(provider: str, shape: str) -> Decimal | None:
    """Return a shape's size relative to the others of its family, None when its name does not tell.

    AWS: normalisation factors (EC2 user guide); Azure and Google Cloud: the number of vCPUs in the name.
    """
    if provider == "aws":
        found = _AWS_SIZE.search(shape)
        return Decimal(_FACTORS[found["size"]]) * int(found["many"] or 1) if found else None
    found = (_AZURE_SIZE if provider == "azure" else _GCP_SIZE).search(shape)
    return Decimal(found["size"]) if found else None


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*_thing(row), row["instrument"], row["term_months"], row["payment"], row["x_source"])


def _thing(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["provider"], row["region_id"], row["shape"], row["os"], row["currency"])


def _differences(rows: Iterable[Mapping[str, Any]]) -> Iterator[Doubt]:
    """Yield the prices on which two lists, or two contracts, differ; spot apart: that moves."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["instrument"] != "spot":
            groups[*_key(row)[:-1], row["is_contract"]].append(row)
    for group in groups.values():
        low, high = min(group, key=lambda r: r["price"]), max(group, key=lambda r: r["price"])
        if low["price"] > 0 and high["price"] / low["price"] - 1 > AGREEMENT:
            why = f"{low['x_source']} has {low['price'].normalize():f} ({low['valid_from']:%Y-%m-%d})"
            yield _doubt("sources-differ", high, low["price"], why)


def _discounts(rows: Iterable[Mapping[str, Any]]) -> Iterator[Doubt]:
    """Yield the prices that are above on demand, or more than 92 % below it."""
    found = list(rows)
    on_demand = {(*_thing(r), r["x_source"]): r["price"] for r in found if r["instrument"] == "ondemand"}
    for row in found:
        base = on_demand.get((*_thing(row), row["x_source"]))
        if base and row["instrument"] != "ondemand" and not 0 <= 1 - row["price"] / base <= MOST_DISCOUNT:
            yield _doubt("discount", row, base, f"{(1 - row['price'] / base) * 100:.1f} % below on demand")


def _out_of_line(rows: Iterable[Mapping[str, Any]]) -> Iterator[Doubt]:
    """Yield on-demand prices that do not go with the size as in the rest of the family."""
    families: dict[tuple[Any, ...], list[tuple[Decimal, Mapping[str, Any]]]] = defaultdict(list)
    for row in rows:
        size = size_of(row["provider"], row["shape"])
        if row["instrument"] == "ondemand" and size and not row["is_contract"]:
            key = (row["provider"], row["region_id"], row["family"], row["os"], row["currency"], row["x_source"])
            families[key].append((row["price"] / size, row))
    for members in families.values():
        usual = median(each for each, _ in members)
        off = [(each, row) for each, row in members if not usual or abs(each / usual - 1) > OUT_OF_LINE]
        if len(members) >= _FEWEST and len(off) <= (1 - _MOST) * len(members):
            for each, row in off:
                size = each and row["price"] / each
                why = f"{(each / usual - 1) * 100:+.0f} % per size against the family: another OS, tenancy or GPU?"
                yield _doubt("out-of-line", row, usual * size, why)


def _doubt(rule: str, row: Mapping[str, Any], other: Decimal, why: str) -> Doubt:
    return Doubt(
        rule=rule,
        provider=row["provider"],
        region_id=row["region_id"],
        shape=row["shape"],
        os=row["os"],
        instrument=row["instrument"],
        term_months=row["term_months"],
        price=row["price"],
        other=exact(other),
        x_source=row["x_source"],
        why=why,
    )
