"""Colours: one per service on every page, apart for colour-blind readers on light and on dark ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OTHER = "Other"
OTHER_COLOUR = "#9aa5b1"
STRONG = (
    "#2f6fde", "#f08c2e", "#12a594", "#8e4ec6", "#e0b400", "#d6336c", "#4fb3ff", "#7a5c3e", "#5b8c1e", "#23395d",
)  # fmt: skip
"""For the ten largest, in this order: neighbours differ in hue and in lightness."""
SOFT = (
    "#9db9f2", "#f8c79b", "#8fd6cc", "#cda8e6", "#f0dc8c", "#efa0bd", "#b5deff", "#c0ab97", "#b4cf8e", "#8f9db3",
)  # fmt: skip
"""For the next ten: the same hues, lighter."""
ACTUAL, EXPECTED, ALARM, GOOD = "#2f6fde", "#7b8794", "#d6336c", "#12a594"


def colours(shown: Sequence[str], ranking: Sequence[str]) -> dict[str, str]:
    """Return a colour for each name shown.

    Parameters
    ----------
    ranking
        All names of the dimension, largest first over all data: a name's place in it decides its colour, so that it
        is the same in every chart. Names beyond the twentieth share the grey of ``Other``.
    """
    wheel = (*STRONG, *SOFT)
    place = {name: wheel[i] for i, name in enumerate(ranking[: len(wheel)])}
    return {name: place.get(name, OTHER_COLOUR) for name in shown}
