"""``costlab sources``."""

from __future__ import annotations

from costlab.cli._options import AsOf, FormatOption, Output
from costlab.cli._output import emit
from costlab.cli._state import STATE


def sources(as_of: AsOf = None, form: FormatOption = None, output: Output = None) -> None:
    """Show what is configured and loaded: gaps per month, freshness, quarantine."""
    from costlab.lab import health

    if as_of:
        with STATE.lab(as_of) as lab:
            emit(lab.ask_sources(), form, output)
        return
    settings = STATE.settings()
    db = health.published(settings)
    try:
        emit(health.ask_sources(settings, db), form, output)
    finally:
        if db is not None:
            db.close()
