"""``costlab explain``."""

from __future__ import annotations

from costlab.cli._options import AsOf, By, FormatOption, From, Output, To
from costlab.cli._output import emit
from costlab.cli._state import STATE


def explain(
    start: From = None,
    end: To = None,
    by: By = "ServiceName",
    as_of: AsOf = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Explain the change from the period before: price, quantity, mix, new, ended, coverage, credits, restatement.

    Compares [--from, --to) with the period of the same length right before it (whole months with whole months); the
    parts add up to the change exactly. The default is the last full month with data.
    """
    with STATE.lab(as_of) as lab:
        emit(lab.ask_explain(by, start=start, end=end), form, output)
