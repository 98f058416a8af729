"""A simulated company on Google Cloud, billed as Cloud Billing's exports to BigQuery, with a ledger of truth.

Made like :mod:`costlab.simulate` makes its AWS company: usage, prices and commitments hour by hour in integers, one
set of lines from which both the ledger and every rendering come.
"""

from __future__ import annotations

from costlab.simulate.gcp.simulation import GcpSimulation, simulate_gcp

__all__ = ["GcpSimulation", "simulate_gcp"]
