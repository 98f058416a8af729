"""The dollars of what was planted: waste by the month, anomalies over their days, commitments that were not used."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from costlab.money import cents, plain
from costlab.simulate import prices as units
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.gcp import prices
from costlab.simulate.truth import HOURS_PER_MONTH, Planted, PlantedAnomaly, PlantedWaste, UnusedCommitment, usd

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from costlab.simulate.estate import Instance, Meter
    from costlab.simulate.gcp.bill import Biller
    from costlab.simulate.planted import Effect, Waste

    Watched = Mapping[tuple[int, int, date], Decimal]


def planted(biller: Biller, watched: Watched, unused: list[UnusedCommitment]) -> Planted:
    """Return everything planted; anomalies cost what the bill says, before promotions and the free tier."""
    return {
        "waste": [_waste(biller, waste) for waste in biller.company.waste],
        "anomalies": [_anomaly(biller, effect, watched) for effect in biller.company.effects],
        "unused_commitments": unused,
    }


def _waste(biller: Biller, waste: Waste) -> PlantedWaste:
    estate = biller.company.estate
    resource = estate.resources[waste.resource]
    if resource.kind == "instance":
        before, after, net = _machine(waste, resource.shape, resource.region)
    else:
        before, net = _metered(biller, waste.resource)
        after = Decimal(0)
    return {
        "kind": waste.kind,
        "resource_id": resource.id,
        "name": resource.name,
        "sub_account_id": estate.accounts[resource.account].id,
        "region": resource.region,
        "since": str(estate.start + timedelta(days=max(resource.start, 0) // HOURS_PER_DAY)),
        "action": waste.action,
        "target": waste.target,
        "monthly_list": plain(cents(before)),
        "saving": plain(cents(net)),
        "saving_list": plain(cents(before - after)),
    }


def _machine(waste: Waste, shape: str, region: str) -> tuple[Decimal, Decimal, Decimal]:
    """Return list cost a month as it is and as it should be, and the saving after sustained use discounts."""
    before, after = _monthly(shape, region), _monthly(waste.target, region) if waste.target else (Decimal(0),) * 2
    return before[0], after[0], before[1] - after[1]


def _monthly(shape: str, region: str) -> tuple[Decimal, Decimal]:
    """Return what a machine that always runs costs a month: at list price, and after sustained use discounts."""
    listed = Decimal(prices.machine_rate(shape, region) * HOURS_PER_MONTH) / units.RATE
    discounts = prices.SUSTAINED.get(prices.SHAPES[shape][0], (0,))
    return listed, listed * (1 - Decimal(sum(discounts)) / len(discounts) / 10_000)


def _metered(biller: Biller, resource: int) -> tuple[Decimal, Decimal]:
    """Return the monthly cost of a resource's meters at list price and after discounts."""
    total, net = Decimal(0), Decimal(0)
    for meter in biller.company.estate.meters:
        if meter.resource == resource:
            sku = biller.company.estate.skus[meter.sku]
            hourly = sku.unit in ("hour", "gibibyte hour")
            quantity = meter.per_day / HOURS_PER_DAY * HOURS_PER_MONTH if hourly else meter.per_day * 30
            listed = Decimal(str(round(quantity, 4))) * sku.list_rate / units.RATE
            off = prices.CONTRACT.get(sku.product_family, 0) + prices.SPEND_DISCOUNT.get(sku.service, 0)
            total, net = total + listed, net + listed * (100 - off) / 100
    return total, net


def _anomaly(biller: Biller, effect: Effect, watched: Watched) -> PlantedAnomaly:
    estate = biller.company.estate
    owned: list[Meter | Instance] = [estate.meters[m] for m in effect.meters]
    owned += [estate.instances[i] for i in effect.instances]
    items = {(m.resource, m.sku) for m in owned}
    items |= {(estate.instances[i].resource, int(biller.machines.sku[i, 1])) for i in effect.instances}
    first, last = (estate.start + timedelta(days=d) for d in (effect.start, min(effect.stop, estate.days) - 1))
    actual = sum(
        (v for (res, sku, day), v in watched.items() if (res, sku) in items and first <= day <= last), Decimal(0)
    )
    expected = usd(_expected(biller, effect))
    scope = {
        "SubAccountId": {estate.accounts[m.account].id for m in owned},
        "ServiceName": {estate.skus[sku].service for _, sku in items},
        "RegionId": {estate.skus[sku].region for _, sku in items},
        "ResourceId": {estate.resources[res].id for res, _ in items},
        "x_usage_type": {estate.skus[sku].usage_type for _, sku in items},
    }
    return {
        "kind": effect.kind,
        "why": effect.why,
        "start": str(first),
        "end": str(last) if effect.stop < estate.days else None,
        "scope": {column: sorted(values) for column, values in scope.items()},
        "actual": plain(actual),
        "expected": plain(expected),
        "excess": plain(actual - expected),
    }


def _expected(biller: Biller, effect: Effect) -> int:
    """Return what the meters would have cost without the anomaly; machines of an intruder nothing."""
    total = 0
    estate = biller.company.estate
    at = slice(effect.start, min(effect.stop, estate.days))
    for index in effect.meters:
        sku = estate.skus[estate.meters[index].sku]
        keep = 100 - prices.SPEND_DISCOUNT.get(sku.service, 0) - prices.CONTRACT.get(sku.product_family, 0)
        total += int(np.sum(biller.expected[index, at] * sku.list_rate // 100 * keep // 100))
    return total
