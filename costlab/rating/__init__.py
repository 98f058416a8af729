"""What a bill would be: usage priced, commitments applied hour by hour exactly as each cloud applies them.

Pure: numpy and pandas in and out. :func:`bill` takes tables, :func:`allocate` arrays.
"""

from __future__ import annotations

from costlab.rating.allocate import Cover, Step, allocate
from costlab.rating.bill import Bill
from costlab.rating.engine import bill

__all__ = ["Bill", "Cover", "Step", "allocate", "bill"]
