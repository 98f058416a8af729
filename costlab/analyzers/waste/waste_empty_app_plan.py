"""Azure App Service plans without an app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import StockCheck
from costlab.analyzers.propose import Advice, group_of, quoted
from costlab.analyzers.stock import INVENTORY
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource
    from costlab.analyzers.stock import Item


class EmptyAppPlan(StockCheck):
    """Empty App Service plan.

    Fires when an inventory of the last 14 days shows an Azure App Service plan without a site; its workers are charged
    whether anything runs on them or not.
    Saving: the plan's hourly charge.
    Cannot see: a plan kept for a deployment that comes and goes.
    Source: Microsoft FinOps toolkit, empty App Service plans.
    """

    id = "waste_empty_app_plan"
    needs = frozenset({INVENTORY})
    stocked = "app-plan"
    pattern = r" App$"
    condition = "lower(ServiceProviderName) like 'microsoft%'"

    def observed(self, resource: Resource, item: Item) -> Advice | None:
        """Return the advice to delete it when no site is on it."""
        if item.properties.get("sites") != 0:
            return None
        name = quoted(resource.resource_id)
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Delete the empty App Service plan",
            why=f"On {item.observed_at:%Y-%m-%d} no site was on it.",
            action=Action("delete", "empty App Service plan", ""),
            remedy=Remedy(
                command=f"az appservice plan delete --ids {name} --yes",
                terraform="remove the azurerm_service_plan resource",
                rollback="az appservice plan create with the same tier",
            ),
            risk={"availability": Level.LOW},
            effort=Effort.VERY_LOW,
            basis=Basis.MEASURED,
            confidence=0.9,
            evidence=(item.evidence("sites", 0),),
            reversible=True,
            exclusive_group=group_of(resource),
        )


CHECK = EmptyAppPlan()
