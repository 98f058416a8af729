"""``costlab report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costlab.cli._options import AsOf
from costlab.cli._output import write_file
from costlab.cli._state import STATE


def report(
    span: Annotated[str, typer.Argument(metavar="daily|weekly|monthly", help="What it is about.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE.html|.md|.csv", help="Where to; the ending says as what.")
    ],
    as_of: AsOf = None,
) -> None:
    """Write a report: totals, what moved most, incidents, the plan, and the state of the data."""
    from costlab.lab.reporting import build_report
    from costlab.report.document import file_type, render_document

    path = Path(output)
    form = file_type(path)
    with STATE.lab(as_of) as lab:
        write_file(path, render_document(build_report(lab, span), form))
    STATE.note(f"wrote {path}")
