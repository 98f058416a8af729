"""The commitments of a bill: what they are, how much they commit to, where they apply and at what price.

A bill tells of a commitment what it paid, hour by hour or day by day, and what was left. What it commits to is the
most that any of its periods tells: what is missing from other periods does not make it smaller.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from costlab.lab.calibration.instruments import instrument_of
from costlab.lab.calibration.prices import Places, committed_prices, told_price
from costlab.rating.instruments import Instrument
from costlab.rating.shapes import shape_of

if TYPE_CHECKING:
    from pandas import DataFrame

    from costlab.lab.calibration.lines import Bill, Lines

_SQL: Final = """
select
    commitment as id,
    case when commitment_category = 'Usage' and provider like 'Google%' then region else '' end as part,
    kind = 'taken_over' as is_purchase, kind in ('fee', 'unused') as is_own, kind,
    max(commitment_type) as type, max(commitment_category) as category, max(commitment_unit) as unit,
    coalesce(account, '') as account, region, zone, coalesce(pool, '') as pool, coalesce(meter, '') as meter,
    coalesce(service_code, '') as service_code, coalesce(service, '') as service, coalesce(frequency, '') as frequency,
    epoch(start) / 3600 as start, epoch(stop) / 3600 as stop, unit_cost,
    sum(effective)::double as money, sum(quantity)::double as quantity,
    sum(commitment_quantity)::double as units, sum(billed)::double as billed
from lines
where commitment is not null and (kind <> 'taken_over' or reason = 'purchase')
group by all
order by id, part, start, stop, kind, account, region, zone, pool
"""
_ENDS: Final = """
select
    min(epoch(start)) / 3600 as start,
    coalesce(max(epoch(stop)) filter (stop <= start + interval 1 day), max(epoch(stop))) / 3600 as stop
from lines
"""
"""The hours a bill is about: a fee of an open month spans all of it, what was used of it is told to date."""
PAID_ELSEWHERE: Final = "fees of another name pay its usage"
_WHOLE: Final = 1e-3
_FAMILY: Final = re.compile(r"EC2SP:([a-z0-9-]+)")
_OWNER: Final = re.compile(r"^arn:aws[\w-]*:(?!savingsplans)[^:]*:[^:]*:(\d{12}):")


@dataclass(slots=True)
class Owned:
    """One commitment of a bill; ``reason`` says why it cannot be computed again, where it cannot."""

    id: str
    type: str
    instrument: Instrument | None
    owner: str
    region: str
    target: str = ""
    amount: float = 0.0
    """Units of the target, or money per hour."""
    hourly: float = 0.0
    """Money per hour."""
    price: float | None = None
    """Of a reservation: money per unit of the target and hour."""
    start: float = 0.0
    stop: float = 0.0
    """The hours in force that the bill tells, since 1970."""
    sharing: str = "all"
    group: tuple[str, ...] = ()
    zone: str = ""
    home: str = ""
    """The service that its own charges are of."""
    scope_basis: str = ""
    """What the scope was learned from; empty: the bill does not tell it."""
    reason: str = ""
    rates: list[tuple[str, str, float]] = field(default_factory=list[tuple[str, str, float]])
    """Pool, region, committed price per unit and hour."""
    rank: float = 1.0
    """What its prices are multiplied with for the order of application, see :func:`_rank`."""
    covers: Places = field(default_factory=dict[tuple[str, str], float])
    """What it covered: quantity per pool and region."""
    fee_share: float = 1.0
    """Money of the fee per unit of money committed; below 1 where that is stated at prices on demand."""
    is_exact: bool = False
    """Whether it counts hours rather than normalised units: it covers one size only."""

    @property
    def is_left_out(self) -> bool:
        """Whether its charges and the usage it covers are taken over; fees of another name may pay for usage."""
        return bool(self.reason) and self.reason != PAID_ELSEWHERE

    @property
    def is_plan(self) -> bool:
        """Whether it commits to money."""
        return self.instrument is not None and self.instrument.is_plan

    @property
    def is_flexible(self) -> bool:
        """Whether it covers other sizes of its family."""
        return self.instrument is not None and self.instrument.is_flexible


@dataclass(frozen=True, slots=True)
class Around:
    """What the commitments of a bill are seen beside."""

    cloud: str | None
    paid: Places
    """What pools cost on demand."""
    contract: float
    """The share of list prices that the customer's contract leaves on demand."""
    first: float
    last: float
    """The hours that the bill is about, since 1970."""


def owned_in(lines: Lines, bill: Bill, cloud: str | None, paid: Places, contract: float) -> list[Owned]:
    """Return the commitments of a bill, by id; see :class:`Around`."""
    table = lines.frame(bill, _SQL)
    if not len(table):
        return []
    ends = lines.frame(bill, _ENDS)
    first, last = float(ends["start"].iloc[0]), float(ends["stop"].iloc[0])
    table["stop"] = table["stop"].where(table["is_purchase"], table["stop"].clip(upper=last))
    around = Around(cloud, paid, contract, first, last)
    found = [_owned(str(name), rows, around) for (name, _), rows in table.groupby(["id", "part"], sort=True)]
    _paid_by_credits(found, paid)
    return found


def _paid_by_credits(owned: list[Owned], paid: Places) -> None:
    """Give flexible commitments of Google's older model the prices of what their credits paid.

    There usage bears the name of the credit and costs nothing, a fee pays it. A commitment of 100 USD an hour on demand
    whose fee is 54 USD covers usage at 54 percent of its price: as one of the newer model that is stated at 54 USD.
    """
    credited = {place for one in owned if one.reason == PAID_ELSEWHERE for place in one.covers if place in paid}
    for one in owned:
        if one.instrument is Instrument.GCP_FLEX_CUD and one.hourly and one.fee_share < 1 and credited:
            known = {(pool, region) for pool, region, _ in one.rates}
            one.rates += [(*place, round(paid[place] * one.fee_share, 10)) for place in sorted(credited - known)]
            one.reason = ""


def _owned(name: str, rows: DataFrame, around: Around) -> Owned:
    used, own = rows[rows["kind"] == "covered"], rows[rows["kind"] != "covered"]
    first = rows.iloc[0]
    texts = [str(text) for part in (own, used) for column in ("meter", "service_code", "service")
             for text in part[column].unique() if text]  # fmt: skip
    kind, category = _text(first["type"]), _text(first["category"])
    instrument = None if around.cloud is None else instrument_of(around.cloud, kind, category, texts)
    found = Owned(name, kind, instrument, _owner(name, own, used), _only(own["region"]) or _only(used["region"]))
    found.home = str(own["service"].iloc[-1]) if len(own) else ""
    found.is_exact = _text(first["unit"]) == "Hours"
    if instrument is None:
        found.reason = f"no rules for {kind or 'a commitment without a type'}"
        return found
    _time_and_money(found, rows, around)
    found.covers = {
        (str(pool), str(region)): float(quantity)
        for pool, region, quantity in used.groupby(["pool", "region"])["quantity"].sum().reset_index().to_numpy()
    }
    found.fee_share = _fee_share(own)
    if not len(used) and found.instrument is not Instrument.GCP_RESOURCE_CUD and (own["kind"] == "fee").any():
        found.reason = "the bill does not tell the quantity of what it covers"
    _terms(found, own, used, around.paid)
    if around.cloud == "aws" and found.is_plan:
        found.rank = _rank(found, own, around.contract)
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _owner(name: str, own: DataFrame, used: DataFrame) -> str:
    told = _OWNER.search(name)
    return told[1] if told else _only(own["account"]) or _only(used["account"])


def _only(values: Any) -> str:
    """Return the one text there is, or an empty one."""
    found = {str(value) for value in values if value}
    return found.pop() if len(found) == 1 else ""


def _time_and_money(found: Owned, rows: DataFrame, around: Around) -> None:
    """Fill in the hours in force and the money per hour."""
    periods = _periods(rows)
    hourly = periods["money"] / (periods["stop"] - periods["start"])
    found.hourly = round(float(hourly.max()), 12) if len(hourly) else 0.0
    lasting = rows[~rows["is_purchase"] | (rows["frequency"] == "Recurring")]
    found.start, found.stop = float(lasting["start"].min()), min(float(lasting["stop"].max()), around.last)
    _in_part(found, periods, around.first, around.last)
    if found.hourly <= 0:
        named = bool(rows["kind"].eq("covered").all())
        found.reason = PAID_ELSEWHERE if named else "nothing is charged for it in this bill"


def _in_part(found: Owned, periods: DataFrame, first: float, last: float) -> None:
    """Correct the ends of a commitment that began or ended inside a day of a bill by the day: less is charged then."""
    if found.hourly <= 0:
        return
    for place, is_first in ((0, True), (-1, False)):
        start, stop = float(periods["start"].iloc[place]), float(periods["stop"].iloc[place])
        hours = float(periods["money"].iloc[place]) / found.hourly
        is_edge = (start == found.start > first) if is_first else (stop == found.stop < last)
        if is_edge and hours < stop - start and abs(hours - round(hours)) <= _WHOLE:
            if is_first:
                found.start = stop - round(hours)
            else:
                found.stop = start + round(hours)


def _periods(rows: DataFrame) -> DataFrame:
    """Return the money and units of each period that the commitment's own charges tell, of a charge's own else."""
    import pandas as pd

    told = rows[~rows["is_purchase"]]
    own = told.loc[told["is_own"], ["start", "stop"]].drop_duplicates().sort_values("start")
    starts = own["start"].to_numpy()
    place = np.searchsorted(starts, told["start"].to_numpy(), side="right") - 1
    inside = place >= 0
    if len(own):
        stops = own["stop"].to_numpy()[np.maximum(place, 0)]
        inside &= told["start"].to_numpy() < stops
    else:
        stops = told["stop"].to_numpy()
    start = np.where(inside, starts[np.maximum(place, 0)] if len(own) else 0, told["start"])
    table = pd.DataFrame(
        {"start": start, "stop": np.where(inside, stops, told["stop"]),
         "money": told["money"].to_numpy(), "units": told["units"].to_numpy()}
    )  # fmt: skip
    return table.groupby(["start", "stop"], as_index=False).sum(min_count=1)


def _terms(found: Owned, own: DataFrame, used: DataFrame, paid: Places) -> None:
    """Fill in target, amount and prices."""
    assert found.instrument is not None
    if found.instrument.is_plan:
        prices = committed_prices(used, paid, found.instrument.provider)
        found.amount, found.rates = found.hourly, [(*place, price) for place, price in prices.items()]
        if found.instrument is Instrument.EC2_SP:
            found.target = _family(own, used)
        return
    found.target = _target(own, used)
    found.amount = _amount(found, own, used)
    found.price = _unit_price(found.target, used)
    if found.price is None and found.amount > 0:
        found.price = found.hourly / found.amount
    if not found.amount or found.price is None:
        found.reason = found.reason or "the bill does not tell how much it commits to"
        return
    found.rates = [(found.target, found.region, found.price)]


def _rank(found: Owned, own: DataFrame, contract: float) -> float:
    """Return the factor between a plan's rates as they rank and as they are paid.

    AWS ranks by public rates over public prices. A negotiated discount lowers the price on demand and a plan's
    recurring fee, not what was paid upfront: the paid rates of a plan with an upfront part are higher against the paid
    price on demand than the public ones are. With the discount taken out of the recurring part, the order is AWS's.
    """
    fees = own[own["is_purchase"] & (own["frequency"] == "Recurring")]
    if not len(fees) or found.hourly <= 0:
        return 1.0
    sums = fees.groupby(["start", "stop"], as_index=False)["billed"].sum()
    recurring = min(found.hourly, float((sums["billed"] / (sums["stop"] - sums["start"])).max()))
    public = found.hourly - recurring + recurring / contract
    return public / found.hourly * contract


def _fee_share(own: DataFrame) -> float:
    """Return the least that a fee charges per unit of what is committed."""
    fees = own[own["is_purchase"] & (own["quantity"] > 0) & (own["billed"] > 0)]
    return float((fees["billed"] / fees["quantity"]).round(4).min()) if len(fees) else 1.0


def _family(own: DataFrame, used: DataFrame) -> str:
    for meter in own["meter"].unique():
        told = _FAMILY.search(str(meter))
        if told:
            return told[1]
    return _only(shape_of("aws", str(pool)).family for pool in used["pool"].unique())


def _unit_price(target: str, used: DataFrame) -> float | None:
    """Return the price of a unit of the target that most of the covered quantity paid, other sizes by their ratio."""
    paid = used[(used["money"] > 0) & (used["quantity"] > 0)]
    if (paid["units"] > 0).all() and (paid["pool"] == target).any():
        same = paid[paid["pool"] == target]
        size = round(float(same["units"].sum() / same["quantity"].sum()), 3)
        paid = paid.assign(unit_cost=(paid["money"] / paid["units"] * size).round(10))
    else:
        paid = paid[paid["pool"] == target]
    return told_price(paid)


def _target(own: DataFrame, used: DataFrame) -> str:
    covered = used.groupby("pool")["quantity"].sum().sort_values(kind="stable") if len(used) else None
    for name in own["pool"]:
        if name and (covered is None or name in covered.index):
            return str(name)
    return "" if covered is None else str(covered.index[-1])


def _amount(found: Owned, own: DataFrame, used: DataFrame) -> float:
    """Return the units of the target that are committed: by a fee's quantity, by used and unused units, by money."""
    fees = own[own["is_purchase"] & (own["frequency"] == "Recurring") & (own["pool"] == found.target)]
    if found.instrument is not Instrument.AZURE_RESERVATION and (fees["quantity"] > 0).any():
        sums = fees.groupby(["start", "stop"], as_index=False)["quantity"].sum()
        return _whole(float((sums["quantity"] / (sums["stop"] - sums["start"])).max()))
    told = own[~own["is_purchase"]]
    for rows in (used, told):
        same = rows[(rows["pool"] == found.target) & (rows["quantity"] > 0) & (rows["units"] > 0)]
        if len(same):
            size = float(same["units"].sum() / same["quantity"].sum())
            periods = _periods(_both(used, told))
            return _whole(float((periods["units"] / (periods["stop"] - periods["start"])).max()) / size)
    paid = used.loc[(used["pool"] == found.target) & (used["unit_cost"] > 0), "unit_cost"]
    return _whole(found.hourly / float(paid.iloc[0])) if len(paid) else 0.0


def _both(used: DataFrame, told: DataFrame) -> DataFrame:
    import pandas as pd

    return pd.concat([used, told])


def _whole(amount: float) -> float:
    near = round(amount)
    return float(near) if near and abs(amount - near) <= _WHOLE * near else round(amount, 9)
