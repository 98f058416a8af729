"""The options that several commands share, written once."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from costlab.errors import UsageError

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Only what was known by 00:00 UTC of that day (YYYY-MM-DD)."),
]
FormatOption = Annotated[
    str | None, typer.Option("--format", metavar="table|json|csv|md", help="How to write it; default table.")
]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file; its ending suggests the format."),
]
From = Annotated[str | None, typer.Option("--from", metavar="D", help="First day (YYYY-MM-DD), inclusive.")]
To = Annotated[str | None, typer.Option("--to", metavar="D", help="Last day (YYYY-MM-DD), exclusive.")]
By = Annotated[
    str, typer.Option("--by", metavar="COL[,COL]", help="Columns of focus.costs to group by, or Tags.<key>.")
]
Where = Annotated[
    str | None, typer.Option("--where", metavar="EXPR", help="Boolean SQL expression over focus.costs columns.")
]
Metric = Annotated[
    str,
    typer.Option(
        "--metric", metavar="EffectiveCost|BilledCost|ContractedCost|ListCost", help="The cost column to add up."
    ),
]
SourceName = Annotated[str | None, typer.Option("--source", metavar="NAME", help="Only this source.")]
Period = Annotated[str | None, typer.Option("--period", metavar="YYYY-MM", help="Only this billing period.")]


def decimal_of(text: str | None, option: str) -> Decimal | None:
    """Return an amount given on the command line; raises :class:`UsageError` if it is not one."""
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise UsageError(f"{option} {text!r} is not an amount", hint="Write a number, for example 100 or 12.50")
    return value
