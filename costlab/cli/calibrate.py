"""``costlab calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costlab.cli._options import FormatOption, Output, Period, SourceName
from costlab.cli._output import CODE_INCOMPLETE, emit
from costlab.cli._state import STATE


def calibrate(
    source: SourceName = None,
    period: Period = None,
    tables: Annotated[
        str | None,
        typer.Option("--tables", metavar="DIR", help="Write usage, commitments and rates of one bill for `rate`."),
    ] = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Compute every loaded bill again from its own usage, prices and commitments, and explain the difference.

    Prices on demand, discounts and commitments are learned from the bill. What is no usage, or has no price, is taken
    over as billed and listed with its reason. Exits with 5 if a bill differs by more than 1 %.
    """
    from costlab.lab.status import PARTIAL

    with STATE.lab() as lab:
        answer = lab.ask_calibrate(source, period, tables=Path(tables) if tables else None)
    emit(answer, form, output)
    if answer.data_status == PARTIAL:
        raise typer.Exit(CODE_INCOMPLETE)
