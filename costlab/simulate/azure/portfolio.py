"""The commitments the company owns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from costlab.simulate.azure import prices
from costlab.simulate.azure.commitments import Commitment
from costlab.simulate.azure.estate import database_item, guid, machine_item
from costlab.simulate.estate import HOURS_PER_DAY

if TYPE_CHECKING:
    from costlab.simulate.azure.estate import AzureEstate, Item

MOSTLY_UNUSED = "VM_RI_retired-frontends"
PARTLY_UNUSED = "VM_RI_notebooks"


def portfolio(estate: AzureEstate, size: int) -> list[Commitment]:
    """Return reservations and savings plans, monthly and upfront, shared and of one subscription, some unused.

    The commitments of one flexibility group and region have one price, and so have all savings plans.
    """
    west, north, german = "westeurope", "northeurope", "germanywestcentral"
    half = estate.hours // 2 // HOURS_PER_DAY * HOURS_PER_DAY
    many = max(size, 1)

    def reservation(number: int, name: str, who: str, item: Item, count: int, years: int, start: int, *,
                    upfront: bool, shared: bool, returned: int | None = None) -> Commitment:  # fmt: skip
        percent = prices.RESERVED[item.group][0 if years == 1 else 1]
        unit = prices.less(item.list_price, percent) // item.ratio
        order, own = guid(estate.seed, 1, number), guid(estate.seed, 2, number)
        path = f"/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{own}"
        return Commitment(path, name, estate.account(who), shared, years, upfront, start, item, count, unit,
                          returned=returned)  # fmt: skip

    def plan(number: int, name: str, who: str, hourly: str, start: int, *, upfront: bool, shared: bool) -> Commitment:
        order, own = guid(estate.seed, 3, number), guid(estate.seed, 4, number)
        path = f"/providers/Microsoft.BillingBenefits/savingsPlanOrders/{order}/savingsPlans/{own}"
        return Commitment(path, name, estate.account(who), shared, 1, upfront, start,
                          hourly=prices.price(hourly) * many)  # fmt: skip

    bought = [
        reservation(1, "VM_RI_storefront", "quill-prod", machine_item("Standard_D4s_v5", west), 5 * many, 1, -2400,
                    upfront=False, shared=True),
        reservation(2, "VM_RI_warehouse", "quill-data", machine_item("Standard_E8s_v5", west), 3 * many, 3, -9000,
                    upfront=True, shared=False),
        reservation(3, PARTLY_UNUSED, "quill-dev", machine_item("Standard_B4ms", german), 2 * many, 1, -3000,
                    upfront=False, shared=False),
        reservation(4, MOSTLY_UNUSED, "quill-prod", machine_item("Standard_D2s_v3", west), 9 * many, 1, -4000,
                    upfront=True, shared=True),
        reservation(5, "SQL_RI_orders", "quill-retail", database_item(4, north), 12 * many, 1, -1900, upfront=False,
                    shared=True),
        plan(6, "SP_compute", "quill-platform", "1.1", -1300, upfront=False, shared=True),
        plan(7, "SP_desktops", "quill-dev", "0.9", half + 10, upfront=True, shared=False),
    ]  # fmt: skip
    if estate.days >= 40:  # bought by mistake, given back nine days later
        bought.append(
            reservation(8, "VM_RI_mistake", "quill-ml", machine_item("Standard_F8s_v2", north), many, 1, half - 480,
                        upfront=True, shared=True, returned=half - 480 + 9 * HOURS_PER_DAY)
        )  # fmt: skip
    return _renewed(bought, estate)


def _renewed(bought: list[Commitment], estate: AzureEstate) -> list[Commitment]:
    """Return the purchases and those that follow when terms end within the span."""
    done = list(bought)
    for number, owned in enumerate(bought):
        last = owned
        while last.returned is None and last.stop < estate.hours:
            head, _, _ = last.id.rpartition("/")
            last = replace(last, id=f"{head}/{guid(estate.seed, 5, number, len(done))}", start=last.stop)
            done.append(last)
    return done
