"""``costlab anomalies``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from costlab.cli._options import AsOf, FormatOption, Output, decimal_of
from costlab.cli._output import CODE_THRESHOLD, emit
from costlab.cli._state import STATE
from costlab.errors import UnknownValue


def anomalies(
    days: Annotated[
        int | None, typer.Option("--days", metavar="N", min=1, help="Only open, or ended in the last N days of data.")
    ] = None,
    min_impact: Annotated[
        str | None, typer.Option("--min-impact", metavar="X", help="Leave out smaller incidents.")
    ] = None,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", metavar="new", help="new: exit 1 if one was detected on the last day.")
    ] = None,
    as_of: AsOf = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Show incidents: days on which cost was not what its past lets expect, with their causes."""
    if fail_on not in {None, "new"}:
        raise UnknownValue("--fail-on", str(fail_on), ["new"])
    least = decimal_of(min_impact, "--min-impact")
    with STATE.lab(as_of) as lab:
        answer = lab.ask_anomalies(days=days, min_impact=least)
        last_day = (lab.data_end() - timedelta(microseconds=1)).date()
    emit(answer, form, output)
    if fail_on and any(item["detected_on"] >= last_day for item in answer.items):
        raise typer.Exit(CODE_THRESHOLD)
