"""Colours: one per service on every page, apart for colour-blind readers on light and on dark ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OTHER = "Other"
OTHER_COLOUR = "#9aa5b1"
STRONG = (
    "#2c6ef1", "#e39158", "#18b196", "#af80e3", "#d4af22", "#ee286d", "#9ac4e0", "#7c4637", "#157e12", "#425283",
)  # fmt: skip
"""For the ten largest, in this order. Searched for the largest least distance between any two as readers with normal
sight, deuteranopia, protanopia and tritanopia see them, visible on white and on the dark ground; a test holds it.
"""
SOFT = (
    "#8cacee", "#e7bea2", "#82cec0", "#cdb6e7", "#e0cd86", "#ec8aac", "#c2d8e6", "#b49891", "#80b47e", "#969eb7",
)  # fmt: skip
"""For the next ten: the same hues, lighter."""
ACTUAL, EXPECTED, RISE, FALL = "#2c6ef1", "#7b8794", "#d6296a", "#14967f"
INK = {"light": "#1b2733", "dark": "#e3eaf3", None: "#6b7785"}
"""Text inside charts, by the theme's kind; readable on both where that is not known."""


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
