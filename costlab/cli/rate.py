"""``costlab rate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costlab.cli._options import FormatOption, Output
from costlab.cli._output import CODE_INCOMPLETE, emit


def rate(
    usage: Annotated[str, typer.Option("--usage", metavar="F", help="Usage per hour, CSV or Parquet.")],
    commitments: Annotated[
        str | None, typer.Option("--commitments", metavar="F", help="Commitments owned, CSV or Parquet.")
    ] = None,
    rates: Annotated[str | None, typer.Option("--rates", metavar="F", help="Committed prices, CSV or Parquet.")] = None,
    by: Annotated[
        str, typer.Option("--by", metavar="hour,pool,account,commitment", help="What to group by.")
    ] = "pool,account,commitment",
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Show what a bill would be: usage priced, commitments applied hour by hour as the cloud applies them.

    Usage has the columns hour, provider, account_id, region, pool, quantity, list_price and optionally zone;
    commitments id, provider, instrument, owner_account_id, region, zone, family_or_pool, amount, from, to, sharing,
    group; rates instrument, pool, region, price and optionally commitment. Exits with 5 if something has no price.
    """
    from costlab.lab.rating import ask_rate
    from costlab.lab.status import PARTIAL

    answer = ask_rate(Path(usage), _path(commitments), _path(rates), by)
    emit(answer, form, output)
    if answer.data_status == PARTIAL:
        raise typer.Exit(CODE_INCOMPLETE)


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)
