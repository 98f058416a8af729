"""A simulated company on Azure: Cost Management exports and the ledger of truth they are made from."""

from __future__ import annotations

from costlab.simulate.azure.simulation import AzureSimulation, simulate_azure

__all__ = ["AzureSimulation", "simulate_azure"]
