"""Charges as parallel integer arrays: what the renderings and the ledger are both made from."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


class Kind(StrEnum):
    """The kinds of charge, in the order of their codes."""

    USAGE = "usage"
    SPOT = "spot"
    RESERVED = "reserved usage"
    PLANNED = "planned usage"
    UNUSED_RESERVATION = "unused reservation"
    UNUSED_PLAN = "unused plan"
    RESERVATION = "reservation purchase"
    PLAN = "plan purchase"
    RETURN = "reservation refund"
    PURCHASE = "purchase"
    REFUND = "refund"
    CREDIT = "credit"
    ROUNDING = "rounding"


CODE: Final = {kind: code for code, kind in enumerate(Kind)}

DEFAULTS: Final[dict[str, int]] = {
    "kind": 0,
    "item": -1,
    "res": -1,
    "acc": -1,
    "com": -1,
    "day": 0,
    "invoice": 0,  # 0 the vendor's, 1 the marketplace's
    "stage": 0,  # 0 as usage arrives, 1 when the month closes, 2 restated afterwards
    "q": 0,
    "price": 0,
    "list_price": 0,
    "fx": 0,
    # pricing money
    "usd": 0,  # of the amortized export
    "usd_cash": 0,  # of the actual export
    # money: cost in the amortized export is FOCUS's EffectiveCost, in the actual one its BilledCost
    "effective": 0,
    "billed": 0,
    "contracted": 0,
    "listed": 0,
}
"""Every column with its default. Ids are indices into the estate, -1 means none; days count from the start."""

_SMALL: Final = {"kind": np.int8, "invoice": np.int8, "stage": np.int8}
_MEDIUM: Final = ("item", "res", "acc", "com", "day")


def _dtype(column: str) -> type[np.signedinteger]:
    return _SMALL.get(column) or (np.int32 if column in _MEDIUM else np.int64)


class Facts:
    """Blocks of charges; scalars are broadcast to the length of the block."""

    def __init__(self) -> None:
        self._blocks: list[tuple[int, dict[str, object]]] = []

    def add(self, kind: Kind, rows: int, **columns: Ints | int) -> None:
        """Add a block of ``rows`` charges of one kind."""
        if rows:
            self._blocks.append((rows, {"kind": CODE[kind], **columns}))

    def column(self, name: str) -> Ints:
        """Return one column of all blocks."""
        dtype = _dtype(name)
        parts = [
            np.broadcast_to(np.asarray(block.get(name, DEFAULTS[name]), dtype=dtype), (rows,))
            for rows, block in self._blocks
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)

    def __len__(self) -> int:
        return sum(rows for rows, _ in self._blocks)

    def table(self, first_line: int, *, stage: int) -> Any:
        """Return the charges up to a stage as an Arrow table, by day: a ``line`` number and all of ``DEFAULTS``."""
        columns = {name: self.column(name) for name in DEFAULTS}
        known = np.flatnonzero(columns["stage"] <= stage)
        order = known[np.argsort(columns["day"][known], kind="stable")]
        line = np.arange(first_line, first_line + len(order), dtype=np.int64)
        return pa.table({"line": line, **{name: values[order] for name, values in columns.items()}})
