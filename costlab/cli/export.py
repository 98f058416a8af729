"""``costlab export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costlab.cli._options import Period
from costlab.cli._state import STATE


def export(
    what: Annotated[str, typer.Argument(metavar="focus", help="What to export.")],
    version: Annotated[
        str, typer.Option("--version", metavar="1.0|1.2|1.3|1.4", help="The FOCUS version to write.")
    ] = "1.2",
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="A .parquet, .csv or .csv.gz file.")
    ] = None,
    period: Period = None,
) -> None:
    """Write all charges as a conformant FOCUS file: `costlab export focus --version 1.2 -o FILE`.

    Columns that the specification wants filled or empty are; billed and effective cost are never changed. Existing
    files are replaced once the new one is whole.
    """
    from costlab.errors import UnknownValue, UsageError
    from costlab.period import Month
    from costlab.warehouse.export import export_focus

    if what != "focus":
        raise UnknownValue("export", what, ["focus"])
    if output is None:
        raise UsageError("no file to write to", hint="Add -o FILE.parquet or -o FILE.csv")
    month = Month.parse(period) if period else None
    with STATE.step(f"writing FOCUS {version} to {output}"):
        rows = export_focus(STATE.workspace, version, Path(output).expanduser(), period=month)
    STATE.note(f"wrote {rows:,} charges to {output}")
