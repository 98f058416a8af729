"""``costlab nightly``."""

from __future__ import annotations

import typer

from costlab.cli._options import FormatOption, Output
from costlab.cli._output import emit, say_error, write_file
from costlab.cli._state import STATE


def nightly(form: FormatOption = None, output: Output = None) -> None:
    """Load all configured sources, publish, look for savings and incidents, and write the daily report.

    Safe to run twice, to kill and to run late. Says nothing on standard output when nothing happened, unless a --format
    is given. The report goes to reports/ in the workspace. Exits with 3 if a source failed, 5 if data is late, missing
    or quarantined.
    """
    from costlab.lab.nightly import run

    night = run(STATE.settings(), STATE.note)
    for path, text in night.reports.items():
        path.parent.mkdir(exist_ok=True)
        write_file(path, text)
    if night.is_news or form or output:
        emit(night.answer, form, output)
    else:
        STATE.note("nothing new")
    for error in night.load.errors:
        say_error(error.message, error.hint)
    raise typer.Exit(night.exit_code)
