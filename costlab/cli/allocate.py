"""``costlab allocate``."""

from __future__ import annotations

from typing import Annotated

import typer

from costlab.cli._options import AsOf, FormatOption, From, Metric, Output, To
from costlab.cli._output import emit
from costlab.cli._state import STATE
from costlab.errors import UsageError

Rules = Annotated[
    str | None, typer.Option("--rules", metavar="FILE", help="The rules; default allocation.toml in the workspace.")
]
Dimension = Annotated[
    str | None,
    typer.Option(
        "--by", metavar="DIMENSION", help="A dimension of the rules (default: the first), a tag key or a column."
    ),
]


def allocate(
    by: Dimension = None,
    metric: Metric = "EffectiveCost",
    start: From = None,
    end: To = None,
    grain: Annotated[
        str | None, typer.Option("--grain", metavar="day|month|total", help="Cut the window by day or month.")
    ] = None,
    hygiene: Annotated[
        bool, typer.Option("--hygiene", help="Show cost without an owner, probable owners, and what tags cover.")
    ] = False,
    rules: Rules = None,
    as_of: AsOf = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Show whose cost it is: direct cost and shared costs per team, product or any dimension of allocation.toml.

    The values add up to the bill exactly; what no rule gives to anybody stays in (unallocated).
    """
    if hygiene and grain is not None:
        raise UsageError("--hygiene is about the whole window", hint="Leave out --grain")
    with STATE.lab(as_of) as lab:
        if hygiene:
            answer = lab.ask_hygiene(by, metric=metric, start=start, end=end, rules=rules)
        else:
            answer = lab.ask_allocate(by, metric=metric, grain=grain, start=start, end=end, rules=rules)
    emit(answer, form, output)
