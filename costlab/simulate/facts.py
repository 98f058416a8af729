"""Line items as parallel integer arrays: what the renderings and the ledger are both made from."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Line(StrEnum):
    """AWS line item types, in the order of their codes."""

    USAGE = "Usage"
    DISCOUNTED_USAGE = "DiscountedUsage"
    RI_FEE = "RIFee"
    FEE = "Fee"
    COVERED_USAGE = "SavingsPlanCoveredUsage"
    NEGATION = "SavingsPlanNegation"
    PLAN_FEE = "SavingsPlanRecurringFee"
    PLAN_UPFRONT = "SavingsPlanUpfrontFee"
    EDP = "EdpDiscount"
    CREDIT = "Credit"
    REFUND = "Refund"
    TAX = "Tax"
    SPLIT = "SplitUsage"
    """Split cost allocation data; the bill calls it Usage."""


CODE: Final = {line: code for code, line in enumerate(Line)}

DEFAULTS: Final[dict[str, int]] = {
    "kind": 0,
    "sku": -1,
    "res": -1,
    "acc": 0,
    "com": -1,
    "h0": 0,
    "h1": 0,
    "invoice": 0,  # 0 the vendor's, 1 the marketplace's
    "stage": 0,  # 0 as usage arrives, 1 when the month closes, 2 restated afterwards
    "q": 0,
    "rate": 0,  # unblended rate
    # what the bill shows, as money
    "od": 0,  # public on-demand
    "unb": 0,
    "net": 0,
    "eff": 0,  # of covered usage, before the enterprise discount
    "eff_net": 0,
    "up": 0,  # the amortised upfront part of eff
    # what it means (FOCUS), as money
    "billed": 0,
    "effective": 0,
    "contracted": 0,
    "listed": 0,
    # fee rows of commitments: what their period commits to, and how much of it was used
    "commit": 0,
    "commit_net": 0,
    "commit_up": 0,
    "used": 0,
    "used_net": 0,
    "used_up": 0,
    "unused_q": 0,
    # split cost allocation
    "parent": -1,
    "split_q": 0,
    "split": 0,
    "split_net": 0,
    "split_unused": 0,
    "split_unused_net": 0,
}
"""Every column with its default. Ids are indices into the estate, -1 means none; hours count from the start."""

_SMALL: Final = {"kind": np.int8, "invoice": np.int8, "stage": np.int8}
_MEDIUM: Final = ("sku", "res", "acc", "com", "h0", "h1", "parent")


def _dtype(column: str) -> type[np.signedinteger]:
    return _SMALL.get(column) or (np.int32 if column in _MEDIUM else np.int64)


class Facts:
    """Blocks of line items; scalars are broadcast to the length of the block."""

    def __init__(self) -> None:
        self._blocks: list[tuple[int, dict[str, object]]] = []

    def add(self, kind: Line, rows: int, **columns: NDArray[np.int64] | int) -> None:
        """Add a block of ``rows`` line items of one kind."""
        if rows:
            self._blocks.append((rows, {"kind": CODE[kind], **columns}))

    def column(self, name: str) -> NDArray[np.int64]:
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
        """Return the line items up to a stage as an Arrow table: a ``line`` number and all of ``DEFAULTS``.

        Numbers count from ``first_line`` over all line items, so that they are the same at every stage.
        """
        columns = {name: self.column(name) for name in DEFAULTS}
        line = np.arange(first_line, first_line + len(self), dtype=np.int64)
        known = columns["stage"] <= stage
        return pa.table({name: values[known] for name, values in {"line": line, **columns}.items()})


def summed(keys: tuple[NDArray[np.int64], ...], *values: NDArray[np.int64]) -> tuple[list[NDArray[np.int64]], ...]:
    """Return (distinct keys, sums of each value per key), sorted by key."""
    if not len(keys[0]):
        return list(keys), list(values)
    order = np.lexsort(keys[::-1])
    ordered = [key[order] for key in keys]
    new = np.ones(len(order), dtype=bool)
    new[1:] = np.any([key[1:] != key[:-1] for key in ordered], axis=0)
    at = np.flatnonzero(new)
    return [key[at] for key in ordered], [np.add.reduceat(value[order], at) for value in values]
