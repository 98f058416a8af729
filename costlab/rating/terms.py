"""Commitments and committed prices, out of their tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from costlab.errors import UnknownValue, UsageError
from costlab.rating.frames import COMMITMENTS, RATES, completed
from costlab.rating.instruments import Instrument, provider_of
from costlab.rating.shapes import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pandas import DataFrame

ALWAYS: Final = np.iinfo(np.int64).max
"""An hour after all others: a commitment without an end."""
SHARING: Final = ("all", "group", "none")


@dataclass(frozen=True, slots=True)
class Commitment:
    """One commitment, or one stretch of its history. ``start`` and ``stop`` are hours since 1970, half-open."""

    id: str
    instrument: Instrument
    owner: str
    region: str
    zone: str
    target: str
    """The pool or family it is for; empty where the instrument needs none."""
    amount: float
    """Units of the target, or USD per hour."""
    start: int
    stop: int
    sharing: str = "all"
    group: frozenset[str] = frozenset()

    @property
    def shape(self) -> Shape:
        """The shape of its target."""
        return shape_of(self.instrument.provider, self.target)


class Rates:
    """Committed prices per unit and hour: the commitment's own before the instrument's, its region before any."""

    def __init__(self, prices: dict[tuple[str, str, str, str], float]) -> None:
        self._prices = prices
        self._own = frozenset(key[0] for key in prices)

    @classmethod
    def of(cls, frame: DataFrame) -> Rates:
        """Return the prices of a table with the columns of :data:`costlab.rating.frames.RATES`.

        Raises
        ------
        UsageError
            If a column is missing, or two rows give different prices for the same thing.
        """
        table = completed("rates", frame, RATES)
        prices: dict[tuple[str, str, str, str], float] = {}
        for row in _rows(table):
            instrument = _instrument(row["instrument"])
            pool = shape_of(instrument.provider, row["pool"]).name
            key = (row["commitment"], instrument.value, pool, row["region"])
            price = float(row["price"])
            if np.isnan(price):
                continue  # no price is no price
            if price < 0:
                raise UsageError(f"rates: the price of {row['pool']} is {price}", hint="Prices are not negative")
            if prices.setdefault(key, price) != price:
                raise UsageError(
                    f"rates: two prices for {instrument} {row['pool']} in {row['region'] or 'any region'}",
                    hint="Name the commitment a price is for in a column `commitment`",
                )
        return cls(prices)

    def price(self, commitment: Commitment, pool: str, region: str) -> float | None:
        """Return the committed price of a pool (in its one spelling), or None."""
        for owner in (commitment.id, "") if commitment.id in self._own else ("",):
            for where in (region, ""):
                found = self._prices.get((owner, commitment.instrument.value, pool, where))
                if found is not None:
                    return found
        return None

    def per_unit(self, commitment: Commitment, group: str) -> float | None:
        """Return the price of a normalised unit of a group: that of its smallest size with a price, or None."""
        shapes = {
            shape_of(commitment.instrument.provider, pool)
            for _, instrument, pool, _ in self._prices
            if instrument == commitment.instrument.value
        }
        for shape in sorted((one for one in shapes if one.group == group), key=lambda one: one.units):
            price = self.price(commitment, shape.name, commitment.region)
            if price is not None:
                return price / shape.units
        return None


def commitments_of(frame: DataFrame) -> list[Commitment]:
    """Return the commitments of a table with the columns of :data:`costlab.rating.frames.COMMITMENTS`.

    Raises
    ------
    UsageError
        If a column is missing, an instrument or sharing unknown, an amount negative, or a term ends before it starts.
    """
    table = completed("commitments", frame, COMMITMENTS)
    return _ruled_by_month_end([_commitment(row) for row in _rows(table)])


def _commitment(row: dict[str, Any]) -> Commitment:
    instrument = _instrument(row["instrument"])
    named = row["id"] or "(no id)"
    if row["provider"] and provider_of(row["provider"]) != instrument.provider:
        raise UsageError(f"commitment {named}: {instrument} is not sold by {row['provider']}",
                         hint=f"Its provider is {instrument.provider}")  # fmt: skip
    sharing = row["sharing"].lower() or "all"
    if sharing not in SHARING:
        raise UnknownValue("sharing", row["sharing"], SHARING)
    if sharing == "none" and not row["owner_account_id"]:
        raise UsageError(f"commitment {named} is shared with nobody and has no owner", hint="Fill owner_account_id")
    if not row["amount"] >= 0:
        raise UsageError(f"commitment {named}: the amount is {row['amount']}", hint="Write a number, 0 or more")
    start, stop = _hour(row["from"], -ALWAYS), _hour(row["to"], ALWAYS)
    if stop < start:
        raise UsageError(f"commitment {named} ends before it starts", hint="`from` is inclusive, `to` exclusive")
    group = frozenset(part.strip() for part in row["group"].split(";") if part.strip())
    return Commitment(row["id"], instrument, row["owner_account_id"], row["region"], row["zone"],
                      row["family_or_pool"], float(row["amount"]), start, stop, sharing, group)  # fmt: skip


def _instrument(text: str) -> Instrument:
    known = {item.value: item for item in Instrument}
    if text.lower() not in known:
        raise UnknownValue("instrument", text, known)
    return known[text.lower()]


def _hour(value: Any, otherwise: int) -> int:
    """Return the first whole hour at or after an instant."""
    if value is None or value != value:  # NaT
        return otherwise
    seconds = int(np.datetime64(value, "s").astype(np.int64))
    return -(-seconds // 3600)


def _rows(table: DataFrame) -> Iterable[dict[str, Any]]:
    names = list(table.columns)
    return [dict(zip(names, row, strict=True)) for row in table.itertuples(index=False, name=None)]


def _ruled_by_month_end(found: list[Commitment]) -> list[Commitment]:
    """Return the commitments with AWS's rule for a sharing preference that changed inside a month.

    The preference at 23:59:59 UTC on a month's last day rules all of the month (AWS Billing User Guide, sharing of
    discounts, read 2026-11): what is in force of the same id in the month's last hour lends its preference.
    """
    histories: dict[str, list[Commitment]] = {}
    for item in found:
        histories.setdefault(item.id, []).append(item)
    done: list[Commitment] = []
    for item in found:
        changed = {(other.sharing, other.group) for other in histories[item.id]}
        if item.instrument.provider == "aws" and len(changed) > 1:
            done += _pieces(item, histories[item.id])
        else:
            done.append(item)
    return done


def _pieces(item: Commitment, history: list[Commitment]) -> list[Commitment]:
    pieces: list[Commitment] = []
    start = item.start
    while start < item.stop:
        month = np.datetime64(start, "h").astype("datetime64[M]")
        end = int((month + np.timedelta64(1, "M")).astype("datetime64[h]").astype(np.int64))
        last = [other for other in history if other.start < end <= other.stop]
        ruling = last[-1] if last else item
        pieces.append(replace(item, start=start, stop=min(end, item.stop), sharing=ruling.sharing, group=ruling.group))
        start = end
    return pieces
