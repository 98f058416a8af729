"""``costlab recommend``."""

from __future__ import annotations

from typing import Annotated

import typer

from costlab.cli._options import AsOf, FormatOption, Output, decimal_of
from costlab.cli._output import CODE_THRESHOLD, emit
from costlab.cli._state import STATE
from costlab.errors import UsageError
from costlab.money import ZERO


def recommend(
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND[,KIND]", help="Only these kinds, filtered before netting.")
    ] = None,
    min_saving: Annotated[
        str | None, typer.Option("--min-saving", metavar="X", help="Leave out what saves less per month.")
    ] = None,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", metavar="SAVING", help="Exit 1 if the plan saves at least this a month.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Beside what the clouds' own tools recommend: agree, conflict, only one.")
    ] = False,
    as_of: AsOf = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Show the plan: what saves money, net of commitments, in an order in which the savings add up."""
    threshold = decimal_of(fail_on, "--fail-on")
    least = decimal_of(min_saving, "--min-saving")
    if compare and (threshold is not None or least is not None):
        raise UsageError("--compare goes with --kind only", hint="Leave out --min-saving and --fail-on")
    kinds = [name.strip() for name in (kind or "").split(",") if name.strip()]
    with STATE.lab(as_of) as lab:
        answer = lab.ask_compare_advice(kinds) if compare else lab.ask_recommend(kinds, min_saving=least)
    emit(answer, form, output)
    if threshold is not None and (answer.totals.get("monthly_saving") or ZERO) >= threshold:
        raise typer.Exit(CODE_THRESHOLD)
