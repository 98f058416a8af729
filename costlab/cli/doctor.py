"""``costlab doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from costlab.cli._options import FormatOption, Output
from costlab.cli._output import emit
from costlab.cli._state import STATE


def doctor(
    permissions: Annotated[
        bool, typer.Option("--permissions", help="Only list the permissions that each configured source needs")
    ] = False,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Show what is wrong and how to mend it.

    Exits with 4 if the configuration or the installation is wrong, 5 if data is late, missing or quarantined.
    """
    from costlab.lab import health
    from costlab.lab.doctor import exit_code

    answer = health.ask_doctor(STATE.settings(), permissions=permissions)
    emit(answer, form, output)
    raise typer.Exit(exit_code(answer.items))
