"""``costlab export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costlab.cli._options import Period
from costlab.cli._state import STATE
from costlab.errors import UnknownValue


def export(
    what: Annotated[str, typer.Argument(metavar="focus", help="What to export.")],
    version: Annotated[str, typer.Option("--version", metavar="1.0|1.2|1.3|1.4", help="The FOCUS version.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE.parquet|.csv", help="Where to; the ending says as what.")
    ],
    period: Period = None,
) -> None:
    """Write the charges as a conformant FOCUS file."""
    if what != "focus":
        raise UnknownValue("export", what, ["focus"])
    from costlab.period import Month
    from costlab.warehouse.export import export_focus

    path = Path(output)
    month = Month.parse(period) if period else None
    with STATE.step(f"writing FOCUS {version}"):
        rows = export_focus(STATE.settings().workspace, version, path, period=month)
    STATE.note(f"wrote {rows} charges to {path}")
