"""``costlab reconcile``."""

from __future__ import annotations

import typer

from costlab.cli._options import FormatOption, Output, Period, SourceName
from costlab.cli._output import CODE_INCOMPLETE, emit
from costlab.cli._state import STATE


def reconcile(
    source: SourceName = None, period: Period = None, form: FormatOption = None, output: Output = None
) -> None:
    """Show that what was received is what is shown: rows and sums, per snapshot, from the file to the marts.

    Exits with 5 if anything is not equal.
    """
    with STATE.lab() as lab:
        answer = lab.ask_reconcile(source, period)
    emit(answer, form, output)
    if answer.totals["not_reconciled"]:
        raise typer.Exit(CODE_INCOMPLETE)
