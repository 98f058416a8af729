"""The price catalogue for people: show, check."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from costlab.answer import Answer
from costlab.lab.health import published
from costlab.lab.status import COMPLETE, EMPTY
from costlab.money import plain
from costlab.period import utc_now
from costlab.prices import doubts
from costlab.warehouse.builder import build
from costlab.warehouse.discounts import reason
from costlab.warehouse.relations import Database

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from costlab.interfaces.discount import Discount
    from costlab.settings import Settings

COLUMNS = [
    "provider", "region_id", "service_code", "resource_kind", "shape", "sku_id", "os", "instrument", "term_months",
    "payment", "upfront", "unit", "price", "list_price", "currency", "tier_from", "tier_to", "valid_from", "confidence",
    "x_source",
]  # fmt: skip
FILTERS = ("provider", "region_id", "service_code", "resource_kind", "shape", "os", "instrument", "x_source")
DOUBT_COLUMNS = [
    "rule", "provider", "region_id", "shape", "os", "instrument", "term_months", "price", "other", "x_source", "why",
]  # fmt: skip
OLD = timedelta(days=90)
_IS_LOW = """(confidence = 'low' or contains(attributes, '"list_confidence": "low"'))"""
_AMOUNTS = ("price", "list_price", "upfront", "tier_from", "tier_to")


@contextmanager
def prices_of(settings: Settings) -> Generator[Database]:
    """Yield the published catalogue, or, where nothing is loaded yet, one with the prices that come with costlab."""
    db = published(settings)
    if db is not None:
        try:
            yield db
        finally:
            db.close()
        return
    with TemporaryDirectory(prefix="costlab-") as folder:
        build(Path(folder), [], Path(folder) / "catalogue.duckdb", discounts=settings.discounts)
        with Database.open(Path(folder) / "catalogue.duckdb", Path(folder)) as db:
            yield db


def ask_prices(db: Database, wanted: Mapping[str, str | None], discounts: Sequence[Discount]) -> Answer:
    """Return one item per offer that matches; ``wanted`` has values for some of :data:`FILTERS`, without case.

    ``discounts`` are those that are configured: a warning says when the catalogue has others.
    """
    given = {name: value for name, value in wanted.items() if value}
    conditions = " and ".join(f"lower({name}) = lower(${name})" for name in given)
    sql = f"select {', '.join(COLUMNS)}, {_IS_LOW} as is_low from prices.offers"
    rows = db.rows(f"{sql} {'where ' + conditions if conditions else ''} order by all", given)
    low = sum(row.pop("is_low") or False for row in rows)
    items = [_exact(item, _AMOUNTS) for item in rows]
    now = utc_now()
    old = [item["valid_from"] for item in items if item["valid_from"] and now - item["valid_from"] > OLD]
    warnings = _unpublished(db, discounts)
    if old:
        warnings.append(
            f"{len(old)} of {len(items)} prices are older than {OLD.days} days (the oldest of {min(old):%Y-%m-%d}); "
            "`costlab prices update` loads new ones"
        )
    if low:
        warnings.append(f"{low} of {len(items)} prices rest on one source or a typical discount (confidence low)")
    return _answer("prices", COLUMNS, items, warnings)


def ask_doubts(db: Database, discounts: Sequence[Discount]) -> Answer:
    """Return one item per doubtful price (:func:`costlab.prices.check.doubts`); warn of discounts without effect."""
    items = [_exact(asdict(doubt), ("price", "other")) for doubt in doubts(db)]
    return _answer("prices-check", DOUBT_COLUMNS, items, [*_unpublished(db, discounts), *_without_effect(db)])


def _unpublished(db: Database, discounts: Sequence[Discount]) -> list[str]:
    """Return a warning if the catalogue was published with other discounts than are in force."""
    today = utc_now().date()
    wanted = {reason(discount) for discount in discounts if discount.holds(today)}
    if wanted == {row["reason"] for row in db.rows("select reason from prices.discounts")}:
        return []
    return ["the discounts in costlab.toml changed since; the next `costlab ingest` or `costlab nightly` applies them"]


def _without_effect(db: Database) -> list[str]:
    """Return a warning for each discount in force that no price comes from."""
    agreed = [row["name"] for row in db.rows("select name from prices.discounts order by name")]
    if not agreed:
        return []
    used = {row["x_source"] for row in db.rows("select distinct x_source from prices.offers")}
    return [
        f"discount {name!r} changes no price: no offer fits it, or another one goes before it"
        for name in agreed
        if name not in used
    ]


def _exact(item: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the item with unit prices as texts: a table rounds amounts of money to cents."""
    return item | {name: plain(item[name]) for name in names if item[name] is not None}


def _answer(name: str, columns: list[str], items: list[dict[str, Any]], warnings: list[str]) -> Answer:
    now = utc_now()
    return Answer(
        name, columns, items, generated_at=now, as_of=now, data_status=COMPLETE if items else EMPTY, warnings=warnings,
        totals={"offers" if name == "prices" else "doubts": len(items)},
    )  # fmt: skip
