"""``costlab query``."""

from __future__ import annotations

from typing import Annotated

import typer

from costlab.cli._options import AsOf, FormatOption, Output
from costlab.cli._output import emit
from costlab.cli._state import STATE


def query(
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="One SELECT over focus.*, marts.*, metrics.*, inventory.*, ...")
    ],
    as_of: AsOf = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Run read-only SQL on the published catalogue."""
    with STATE.lab(as_of) as lab:
        emit(lab.ask_query(sql), form, output)
