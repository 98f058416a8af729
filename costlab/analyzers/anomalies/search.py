"""Where a deviation sits: the scope that holds most of it evenly and names the fewest columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from costlab.analyzers.anomalies.cube import Level
    from costlab.interfaces.finding import Scope

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

COLUMN_PENALTY = 0.03
_NOISE = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """A scope, its leaves and what deviates in it."""

    scope: Scope
    leaves: Flags
    excess: float


def best_scope(
    levels: Sequence[Level], within: Flags, residual: Floats, expected: Floats, scale: Floats
) -> Finding | None:
    """Return the scope inside ``within`` with the best score, None when nothing deviates upwards.

    ``score = (explained - heterogeneity) / total - 0.03 x columns``: explained is the residual in the scope, total all
    positive residual in ``within``, and heterogeneity by how much the scope's leaves differ from having changed by the
    same factor (two scales of each leaf count as noise). All arrays have one value per leaf; a deviation to look for is
    positive.
    """
    inside = np.where(within, residual, 0.0)
    total = float(np.maximum(inside, 0.0).sum())
    if total <= 0:
        return None
    size_all = np.ones(len(within))
    best: tuple[float, Level, int] | None = None
    for level in levels:
        explained = level.sums(inside)
        base = level.sums(np.where(within, expected, 0.0))
        whole = level.sums(size_all) == level.sums(within.astype(np.float64))
        rate = np.divide(explained, base, out=np.zeros_like(explained), where=base > 1e-9)
        even = rate[level.member] * expected
        # Where nothing was expected in the whole scope, it is new as a whole: there is nothing uneven about it.
        fresh = base[level.member] <= 1e-9
        off = np.where(within & ~fresh, np.maximum(np.abs(inside - even) - _NOISE * scale, 0.0), 0.0)
        score = (explained - level.sums(off)) / total - COLUMN_PENALTY * len(level.columns)
        score = np.where(whole & (explained > 0), score, -np.inf)
        top = int(np.argmax(score))
        if np.isfinite(score[top]) and (best is None or score[top] > best[0] + 1e-9):
            best = (float(score[top]), level, top)
    if best is None:
        return None
    _, level, top = best
    leaves = (level.member == top) & within
    return Finding(level.scope(top), leaves, float(inside[leaves].sum()))
