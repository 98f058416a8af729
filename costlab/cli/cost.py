"""``costlab cost``."""

from __future__ import annotations

from typing import Annotated

import typer

from costlab.cli._options import AsOf, By, FormatOption, From, Metric, Output, To, Where
from costlab.cli._output import emit
from costlab.cli._state import STATE


def cost(
    by: By = "ServiceName",
    metric: Metric = "EffectiveCost",
    start: From = None,
    end: To = None,
    grain: Annotated[
        str | None, typer.Option("--grain", metavar="day|month|total", help="Cut the window by day or month.")
    ] = None,
    where: Where = None,
    currency: Annotated[
        str | None,
        typer.Option("--currency", metavar="CODE", help="Convert to this one, with rates of exchange_rates.csv."),
    ] = None,
    as_of: AsOf = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Show cost by any column: the explorer in the terminal.

    Days go by ChargePeriodStart; the default window is the last full month with data. For the invoice month use
    --by BillingPeriodStart.
    """
    with STATE.lab(as_of) as lab:
        asked = lab.ask_cost(by, metric=metric, grain=grain, start=start, end=end, where=where, currency=currency)
        emit(asked, form, output)
