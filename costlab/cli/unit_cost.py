"""``costlab unit-cost``."""

from __future__ import annotations

from typing import Annotated

import typer

from costlab.cli._options import AsOf, FormatOption, From, Output, To
from costlab.cli._output import emit
from costlab.cli._state import STATE
from costlab.cli.allocate import Rules


def unit_cost(
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="FILE",
            help="Business metrics, CSV or Parquet: date, metric, quantity; default business_metrics.csv.",
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="DIMENSION", help="A dimension that the metrics have a column for.")
    ] = None,
    cost: Annotated[
        str,
        typer.Option(
            "--cost", metavar="EffectiveCost|BilledCost|ContractedCost|ListCost", help="The cost column to divide."
        ),
    ] = "EffectiveCost",
    start: From = None,
    end: To = None,
    grain: Annotated[
        str | None,
        typer.Option("--grain", metavar="day|week|month|total", help="Cut the window by day, week or month."),
    ] = None,
    rules: Rules = None,
    as_of: AsOf = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Show cost per business unit (order, customer, ...): average, marginal, and what changed it.

    Days without a quantity are said and left out, never taken for zero. The change from the period before is the sum
    of a volume effect and a cost effect.
    """
    with STATE.lab(as_of) as lab:
        answer = lab.ask_unit_cost(by, metric=metric, cost=cost, grain=grain, start=start, end=end, rules=rules)
    emit(answer, form, output)
