"""A bill as the three tables that the rating engine reads, and the discounts that are in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from costlab.lab.calibration.instruments import provider
from costlab.lab.calibration.owned import Owned, owned_in
from costlab.lab.calibration.scope import learn_scopes
from costlab.lab.calibration.usage import contract_share, hourly, prices_on_demand, usage_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pandas import DataFrame

    from costlab.lab.calibration.lines import Bill, Lines

COMMITMENTS: Final = [
    "id", "provider", "instrument", "owner_account_id", "region", "zone", "family_or_pool", "amount", "from", "to",
    "sharing", "group",
]  # fmt: skip
RATES: Final = ["instrument", "pool", "region", "price", "commitment"]


@dataclass(frozen=True, slots=True)
class Learned:
    """What one bill says of the customer's contract."""

    cloud: str | None
    """``aws``, ``azure``, ``gcp``; None of a provider that the engine does not know."""
    charges: DataFrame
    """Usage as billed, see :func:`costlab.lab.calibration.usage.usage_of`; without what is not computed again."""
    owned: list[Owned]
    usage: DataFrame
    commitments: DataFrame
    rates: DataFrame

    @property
    def computed(self) -> list[Owned]:
        """The commitments that are computed again."""
        return [one for one in self.owned if not one.reason]


def learn(lines: Lines, bill: Bill) -> Learned:
    """Return the tables of one bill.

    ``usage`` has one row per hour, account, region, pool, zone and price, with the price paid on demand as
    ``list_price`` and the public one as ``public_price``; ``commitments`` and ``rates`` what the bill shows of each
    commitment. Amounts are in the bill's currency.
    """
    cloud = provider(bill.provider)
    charges = usage_of(lines, bill)
    owned = owned_in(lines, bill, cloud, prices_on_demand(charges), contract_share(charges))
    if cloud is None:
        charges = charges.iloc[:0]
    left_out = {one.id for one in owned if one.is_left_out}
    charges = charges[~charges["commitment"].isin(left_out)]
    learn_scopes(owned, charges, cloud or "")
    computed = [one for one in owned if not one.reason]
    return Learned(cloud, charges, owned, _spanned(hourly(charges), computed, cloud or ""),
                   _commitments(computed, charges, cloud), _rates(computed))  # fmt: skip


def _spanned(usage: DataFrame, computed: Iterable[Owned], cloud: str) -> DataFrame:
    """Return the usage with nothing used in the first and last hour of the commitments, where none is: a commitment
    is charged from the first to the last hour of the usage.
    """  # noqa: D205 - one sentence
    import pandas as pd

    ends = [hour for one in computed for hour in (int(np.ceil(one.start)), int(np.ceil(one.stop)) - 1)]
    usage.insert(1, "provider", cloud)
    if not ends or not len(usage):
        return usage
    edges = usage.iloc[[0, 0]].assign(hour=np.array([min(ends), max(ends)], "datetime64[h]").astype("datetime64[us]"))
    return pd.concat([usage, edges.assign(quantity=0.0)], ignore_index=True)


def _commitments(computed: Iterable[Owned], charges: DataFrame, cloud: str | None) -> DataFrame:
    """Return the commitments; one that is in force from the bill's first hour to its last has no term told."""
    import pandas as pd

    rows = list(computed)
    first = min((one.start for one in rows), default=0.0)
    last = max((one.stop for one in rows), default=0.0)
    if len(charges):
        first = min(first, float(charges["hour"].min()))
        last = max(last, float((charges["hour"] + charges["hours"]).max()))
    table = pd.DataFrame([_commitment(one, cloud, first, last) for one in rows], columns=pd.Index(COMMITMENTS))
    return table.astype({"from": "datetime64[us]", "to": "datetime64[us]"})


def _commitment(one: Owned, cloud: str | None, first: float, last: float) -> dict[str, Any]:
    return {
        "id": one.id, "provider": cloud, "instrument": str(one.instrument), "owner_account_id": one.owner,
        "region": "" if one.instrument is not None and one.is_plan and not one.target else one.region,
        "zone": one.zone, "family_or_pool": one.target, "amount": one.amount,
        "from": _instant(one.start) if one.start > first else None,
        "to": _instant(one.stop) if one.stop < last else None,
        "sharing": one.sharing, "group": ";".join(one.group),
    }  # fmt: skip


def _instant(hour: float) -> Any:
    return np.datetime64(round(hour * 3600), "s").astype("datetime64[us]").item()


def _rates(computed: Iterable[Owned]) -> DataFrame:
    import pandas as pd

    rows = [(str(one.instrument), pool, region, price, one.id) for one in computed for pool, region, price in one.rates]
    return pd.DataFrame(rows, columns=pd.Index(RATES))
