"""The order in which commitments meet usage: the same in every hour, one list of steps.

Within an instrument, pairs of commitment and usage are ranked; the key of each cloud:

=========================  ==========================================================================
AWS reservations           owner's, group's, other accounts' usage; smallest size first
AWS savings plans          owner's, group's, others'; highest saving in percent; lowest plan rate
Azure reservations         narrower scope first; then first come, first served (smallest ratio, account)
Azure savings plans        narrower scope first; highest saving in percent; lowest plan rate
Google resource CUD        project scope before billing account; projects share in proportion
Google flexible CUD        highest saving in percent; lowest rate; projects share in proportion
=========================  ==========================================================================

Ties go to the commitment that stands first in its table, then by pool, region, account and zone. Sources: the AWS
Savings Plans User Guide and EC2 User Guide (regional reservations, from the smallest size to the largest), Microsoft
Learn (how reservation and savings plan discounts are applied), Google Cloud (attribution of committed use discounts),
read 2026-11. Google documents no order among pools of a flexible commitment; the one above is the AWS rule.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from costlab.rating.allocate import Step
from costlab.rating.instruments import Instrument

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costlab.rating.demand import Series
    from costlab.rating.shapes import Shape
    from costlab.rating.terms import Commitment, Rates

_RATIO_DECIMALS = 12
"""Savings that agree to this many decimals are a tie; the last bits of a double are not a higher saving."""
_SCOPES = {"none": 0, "group": 1, "all": 2}
"""How far a commitment is shared: its owner, its group, everybody."""
_DATABASES = frozenset({"db", "cache", "dms"})
"""Services of a Database savings plan with instance types; DocumentDB and Neptune name theirs as RDS does."""
Key = tuple[object, ...]
Pair = tuple[int, float, float, str, str, float]
"""Rank of the account, share of the list price kept, plan rate, pool, region, list price."""


@dataclass(slots=True)
class Order:
    """The steps, and what could not be ranked for lack of a price."""

    steps: list[Step] = field(default_factory=list[Step])
    capacity: list[float] = field(default_factory=list[float])
    """Per commitment: its budget of one hour, in normalised units or USD."""
    unit_cost: list[float | None] = field(default_factory=list[float | None])
    """Per commitment: USD that one unit of its budget costs; None where its price is not known."""
    eligible: dict[Instrument, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Per instrument: rows in reach of one of its commitments."""
    priced: dict[Instrument, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Per instrument: those of them with a committed price."""


class _Reach:
    """Finds the rows that a commitment may cover without looking at all of them."""

    def __init__(self, series: Sequence[Series]) -> None:
        self.series = series
        self.by_provider: dict[str, list[int]] = defaultdict(list)
        self.by_name: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.by_group: dict[tuple[str, str], list[int]] = defaultdict(list)
        order = sorted(range(len(series)), key=lambda i: (series[i].account, series[i].zone, i))
        for row in order:
            one = series[row]
            self.by_provider[one.provider].append(row)
            self.by_name[one.provider, one.shape.name].append(row)
            if one.shape.group:
                self.by_group[one.provider, one.shape.group].append(row)

    def rows(self, commitment: Commitment) -> Iterable[int]:
        """Yield the rows of the right kind, place and account, by account and zone."""
        for row in self._kind(commitment):
            one = self.series[row]
            if _rank(commitment, one.account) is not None and _placed(commitment, one):
                yield row

    def _kind(self, commitment: Commitment) -> list[int]:
        instrument, provider = commitment.instrument, commitment.instrument.provider
        if instrument is Instrument.EC2_SP:
            family = commitment.shape.family
            return [row for row in self.by_provider[provider] if self.series[row].shape.family == family]
        if instrument.is_plan:
            return [row for row in self.by_provider[provider] if covers(instrument, self.series[row].shape)]
        shape = commitment.shape
        if instrument.is_flexible and shape.group:
            return self.by_group[provider, shape.group]
        return self.by_name[provider, shape.name]


def covers(instrument: Instrument, shape: Shape) -> bool:
    """Return whether a savings plan or spend-based commitment is for such usage at all, whatever its rates.

    Compute plans are for EC2, Fargate and Lambda, SageMaker plans for ML instances, Database plans for instances of
    database services and what is not an instance (serverless capacity and requests). Which generations of these have a
    rate, the price file says (AWS Savings Plans User Guide, "Savings Plans types", read 2026-11).
    """
    if instrument is Instrument.COMPUTE_SP:
        return not shape.service
    if instrument is Instrument.SAGEMAKER_SP:
        return shape.service == "ml"
    if instrument is Instrument.DATABASE_SP:
        return shape.service in _DATABASES or not shape.is_instance
    return True


def _placed(commitment: Commitment, one: Series) -> bool:
    instrument = commitment.instrument
    if instrument is Instrument.ZONAL_RI and one.zone != commitment.zone:
        return False
    if instrument.is_plan and instrument is not Instrument.EC2_SP:
        return True
    return commitment.region in {"", one.region}


def _rank(commitment: Commitment, account: str) -> int | None:
    """Return when the usage of an account is served (0 first), or None if it is not.

    The owner's first, then the accounts of the group, then all others: as far as the commitment is shared. Azure and
    Google know scopes, not owners: everybody in scope is equal.
    """
    rank = 0 if account == commitment.owner else 1 if account in commitment.group else 2
    if rank > _SCOPES[commitment.sharing]:
        return None
    return rank if commitment.instrument.provider == "aws" else 0


def order_of(series: Sequence[Series], commitments: Sequence[Commitment], rates: Rates) -> Order:
    """Return the steps of an hour over these rows and commitments."""
    done, reach = Order(), _Reach(series)
    ranked: dict[Instrument, list[tuple[Key, Step]]] = defaultdict(list)
    for index, commitment in enumerate(commitments):
        steps = _plan if commitment.instrument.is_plan else _reservation
        ranked[commitment.instrument] += steps(index, commitment, rates, reach, done)
    for instrument in Instrument:
        done.steps += [step for _, step in sorted(ranked[instrument], key=lambda pair: pair[0])]
    return done


def _reservation(
    index: int, commitment: Commitment, rates: Rates, reach: _Reach, done: Order
) -> list[tuple[Key, Step]]:
    shape, instrument = commitment.shape, commitment.instrument
    flexible = instrument.is_flexible and bool(shape.group)
    units = shape.units if flexible else 1.0
    price = rates.price(commitment, shape.name, commitment.region)
    if price is None and shape.is_family:
        price = rates.per_unit(commitment, shape.group)
    done.capacity.append(commitment.amount * units)
    done.unit_cost.append(None if price is None else price / units)
    groups: dict[tuple[int, float, str, str], list[int]] = defaultdict(list)
    for row in reach.rows(commitment):
        done.eligible[instrument].add(row)
        if price is not None:
            done.priced[instrument].add(row)
            one = reach.series[row]
            size = one.shape.units if flexible else 1.0
            groups[_rank(commitment, one.account) or 0, size, one.shape.name, one.region].append(row)
    scope = 0 if instrument.provider == "aws" else _SCOPES[commitment.sharing]
    return [
        ((scope, rank, size, name, index, region), _step(index, commitment, rows, size))
        for (rank, size, name, region), rows in groups.items()
    ]


def _plan(index: int, commitment: Commitment, rates: Rates, reach: _Reach, done: Order) -> list[tuple[Key, Step]]:
    instrument = commitment.instrument
    done.capacity.append(commitment.amount)
    groups: dict[Pair, list[int]] = defaultdict(list)
    for row in reach.rows(commitment):
        one = reach.series[row]
        done.eligible[instrument].add(row)
        rate = rates.price(commitment, one.shape.name, one.region)
        if rate is None or not one.list_price > 0 or not rate > 0:
            continue  # without both prices there is no saving to rank by
        done.priced[instrument].add(row)
        kept = round(rate / one.list_price, _RATIO_DECIMALS)
        if instrument is Instrument.AZURE_SP and kept >= 1:
            continue  # the lower of the consumption discount's rate and the plan's rate is billed
        rank = _rank(commitment, one.account) or 0
        groups[rank, kept, rate, one.shape.name, one.region, one.list_price].append(row)
    credited = instrument is Instrument.GCP_FLEX_CUD_CREDIT
    done.unit_cost.append(_fee(commitment, rates, [key[1] for key in groups]) if credited else 1.0)
    if done.unit_cost[-1] is None:
        done.priced[instrument].clear()
        return []
    scope = 0 if instrument.provider == "aws" else _SCOPES[commitment.sharing]
    return [
        ((scope, *key[:3], index, *key[3:]), _step(index, commitment, rows, key[5] if credited else key[2]))
        for key, rows in groups.items()
    ]


def _fee(commitment: Commitment, rates: Rates, kept: list[float]) -> float | None:
    """Return the fee per USD of a commitment stated at on-demand prices.

    Its own price (a rate without a pool) where there is one, else what all its pools keep of their list prices, if
    they agree, exactly or (as price lists are rounded) to the whole percent: 100 USD/h on demand at 46 % discount
    cost 54 USD/h.
    """
    own = rates.price(commitment, "", commitment.region)
    if own is not None:
        return own
    for agreed in ({*kept}, {round(share, 2) for share in kept}):
        if len(agreed) == 1:
            return agreed.pop()
    return None


def _step(index: int, commitment: Commitment, rows: list[int], price: float) -> Step:
    return Step(index, tuple(rows), price, proportional=commitment.instrument.provider == "gcp")
