"""Sample estates with a ledger of truth, rendered in each vendor's native export format.

The bill is made from economics: resources that are used, prices, and commitments applied hour by hour. From the
same line items come the ledger (what the bill means) and the renderings (how a vendor delivers it), so that a
reader of the renderings can be checked against the ledger to the last digit.
"""

from __future__ import annotations

from costlab.simulate.company import Company
from costlab.simulate.simulation import Simulation, simulate

__all__ = ["Company", "Simulation", "simulate"]
