"""``costlab restatements``."""

from __future__ import annotations

from typing import Annotated

import typer

from costlab.cli._options import FormatOption, Output, SourceName
from costlab.cli._output import emit
from costlab.cli._state import STATE


def restatements(
    source: SourceName = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Only revisions loaded since that day (YYYY-MM-DD).")
    ] = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Show what vendors changed between revisions of a period, by service and account."""
    from costlab.lab import health

    emit(health.ask_restatements(STATE.settings(), source=source, since=since), form, output)
