"""Which months a connector asks an API for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.errors import ConfigError
from costlab.period import Month

if TYPE_CHECKING:
    from costlab.interfaces.connector import Landing


def recent_months(landing: Landing, most: int) -> list[Month]:
    """Return the current month and those before it, oldest first, as many as the option ``months`` says (3).

    Raises
    ------
    ConfigError
        If the option is not a number from 1 to ``most``.
    """
    text = landing.option("months", "3")
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise ConfigError(f"option months is {text!r}", hint=f"Write a number from 1 to {most}")
    newest = Month.of(landing.now.date())
    return [newest.plus(-back) for back in reversed(range(int(text)))]
