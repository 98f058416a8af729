"""Where a commitment applies, as far as its bill tells: zone and sharing.

A bill does not say how a commitment is shared. What is told is what it did not cover: usage that it could have
covered, in an hour in which it was not used up, is out of its reach.

- One zone and one size only, while other usage of the family in the region went without: a zonal reservation.
- Some accounts only, while usage of others went without: shared with these accounts, or with its owner only.
- Projects share a resource-based commitment of Google in proportion: there every hour tells. Flexible ones are always
  for the whole billing account.
- Elsewhere an hour in which it was used up tells nothing: it is taken as shared with all, as it is sold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.rating.instruments import Instrument
from costlab.rating.shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

    from costlab.lab.calibration.owned import Owned

_SPENT: Final = 0.02
"""A commitment of which this share is left in an hour was not used up."""


def learn_scopes(owned: Sequence[Owned], usage: DataFrame, cloud: str) -> None:
    """Fill in zone, sharing and group of the commitments from what they covered and what they did not."""
    for one in owned:
        if one.instrument is not Instrument.GCP_FLEX_CUD and not one.reason:
            _learn(one, usage, cloud)


def _learn(one: Owned, usage: DataFrame, cloud: str) -> None:
    mine = usage[usage["commitment"] == one.id]
    if one.region and not one.is_plan:
        mine = mine[mine["region"] == one.region]
    if not len(mine):
        return
    accounts = {str(name) for name in mine["account"].unique()} | ({one.owner} if one.owner else set())
    missed = _missed(one, usage, mine, cloud)
    strangers = missed[~missed["account"].isin(accounts)]
    if len(strangers):
        count = strangers["account"].nunique()
        one.scope_basis = f"usage of {count} other account{'s' if count > 1 else ''} went without"
        if mine["account"].drop_duplicates().size == 1 and (cloud != "aws" or len(accounts) == 1):
            one.sharing, one.owner = "none", str(mine["account"].iloc[0])
        else:
            one.sharing, one.group = "group", tuple(sorted(accounts))
        missed = missed[missed["account"].isin(accounts)]
    if one.instrument is Instrument.REGIONAL_RI:
        _learn_zone(one, mine, missed)


def _learn_zone(one: Owned, mine: DataFrame, missed: DataFrame) -> None:
    zones = [str(name) for name in mine["zone"].unique()]
    exact = len(zones) == 1 and bool(zones[0]) and mine["pool"].drop_duplicates().size == 1
    if exact and (one.is_exact or len(missed)):
        one.instrument, one.zone, one.target = Instrument.ZONAL_RI, zones[0], str(mine["pool"].iloc[0])
        one.scope_basis = "; ".join([*filter(None, [one.scope_basis]), f"covers {one.target} in {one.zone} only"])


def _missed(one: Owned, usage: DataFrame, mine: DataFrame, cloud: str) -> DataFrame:
    """Return usage in reach of the commitment that it left to others or to be paid on demand."""
    others = usage[(usage["kind"] == "on_demand") & usage["pool"].isin(_pools(one, usage, mine, cloud))]
    if one.region:
        others = others[others["region"] == one.region]
    hour = others["hour"].to_numpy()
    inside = (hour >= one.start) & (hour < one.stop)
    if cloud == "gcp":  # before it moved to the newer model a commitment's usage bears another name
        inside &= (hour >= mine["hour"].min()) & (hour <= mine["hour"].max())
    told = _left(one, mine, hour)
    if one.instrument is Instrument.GCP_RESOURCE_CUD:  # projects in scope share in proportion
        told |= others["hour"].isin(mine["hour"].unique()).to_numpy()
    if one.instrument is Instrument.REGIONAL_RI:
        sizes = {str(name): shape_of(cloud, str(name)).units for name in others["pool"].unique()}
        least = shape_of(cloud, str(mine["pool"].iloc[0])).units
        told |= others["pool"].map(sizes).to_numpy(dtype=float) < least
    missed: DataFrame = others[inside & told]
    return missed


def _left(one: Owned, mine: DataFrame, hour: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return in which of the hours some of it was not used."""
    by_fee = one.instrument is Instrument.GCP_RESOURCE_CUD  # whose usage costs nothing of its own
    used = (mine["quantity" if by_fee else "money"] / mine["hours"]).groupby(mine["hour"]).sum()
    whole = one.amount if by_fee else one.hourly
    return used.reindex(hour, fill_value=0.0).to_numpy() < whole * (1 - _SPENT)


def _pools(one: Owned, usage: DataFrame, mine: DataFrame, cloud: str) -> list[str]:
    """Return the pools it could cover: those it has a price for, and of a flexible reservation its family."""
    covered = {str(name) for name in mine["pool"].unique()}
    if one.is_plan or not one.is_flexible:
        return sorted(covered)
    groups = {shape_of(cloud, name).group for name in covered} - {""}
    return sorted(
        str(name) for name in usage["pool"].cat.categories
        if name in covered or shape_of(cloud, str(name)).group in groups
    )  # fmt: skip
