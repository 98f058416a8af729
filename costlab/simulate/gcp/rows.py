"""Lines of the export as parallel integer arrays: what the renderings and the ledger are both made from."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Kind(IntEnum):
    """What a line is."""

    USAGE = 0
    RESOURCE_FEE = 1
    FLEXIBLE_FEE = 2
    TAX = 3
    ADJUSTMENT = 4
    ROUNDING = 5
    SUPPORT = 6


class Model(IntEnum):
    """The consumption model of a line."""

    DEFAULT = 0
    FLEXIBLE_1Y = 1
    FLEXIBLE_3Y = 3


CREDITS: Final = ("cud", "flex", "sud", "discount", "promotion", "free", "offset")
"""Columns with the credits of a line, as money and never positive."""
DEFAULTS: Final[dict[str, int]] = {
    "kind": 0,
    "sku": -1,
    "res": -1,
    "acc": -1,
    "com": -1,  # of fees, and of usage at a commitment's price
    "h0": 0,
    "h1": 0,
    "exported": 0,  # minutes from the start of the simulation
    "model": 0,
    "note": -1,  # which adjustment it is, see store.NOTES
    "origin": -1,  # fees: the item whose usage they were paid for
    "q": 0,
    "price": 0,  # rate that gives the cost
    "default_price": 0,  # rate without a commitment
    "cost": 0,
    "at_default": 0,
    "at_list": 0,
    **dict.fromkeys(CREDITS, 0),
}
"""Every column with its default. Ids are indices into the estate, -1 means none; hours count from the start."""

_SMALL: Final = ("kind", "model", "note")
_MEDIUM: Final = ("sku", "res", "acc", "com", "h0", "h1", "exported", "origin")


def _dtype(column: str) -> type[np.signedinteger[Any]]:
    return np.int8 if column in _SMALL else np.int32 if column in _MEDIUM else np.int64


class Rows:
    """Blocks of lines; scalars are broadcast to the length of the block."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, dict[str, object]]] = []

    def add(self, count: int, **columns: NDArray[np.int64] | int) -> None:
        """Add a block of ``count`` lines."""
        unknown = columns.keys() - DEFAULTS.keys()
        if unknown:
            raise KeyError(f"no such column: {sorted(unknown)}")
        if count:
            self.blocks.append((count, dict(columns)))

    def column(self, name: str) -> NDArray[np.int64]:
        """Return one column of all blocks."""
        dtype = _dtype(name)
        parts = [
            np.broadcast_to(np.asarray(block.get(name, DEFAULTS[name]), dtype=dtype), (count,))
            for count, block in self.blocks
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)

    def __len__(self) -> int:
        return sum(count for count, _ in self.blocks)

    def table(self) -> Any:
        """Return the lines as an Arrow table with all of ``DEFAULTS``."""
        return pa.table({name: self.column(name) for name in DEFAULTS})
