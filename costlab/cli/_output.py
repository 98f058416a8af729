"""Where an answer goes: standard output or a file; its warnings go to standard error."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from costlab.cli._state import STATE
from costlab.errors import UsageError
from costlab.report.formats import Format, format_of, render
from costlab.report.text import redacted, visible

if TYPE_CHECKING:
    from costlab.answer import Answer

CODE_THRESHOLD = 1
CODE_INCOMPLETE = 5


def emit(answer: Answer, form: str | None, output: str | None) -> None:
    """Write the answer to ``output``, or to standard output when that is None or ``-``.

    Raises
    ------
    UsageError
        If the format is unknown or the file cannot be written.
    """
    path = Path(output) if output and output != "-" else None
    chosen = format_of(form, path)
    for warning in answer.warnings:
        STATE.note(f"warning: {visible(warning)}")
    if path is not None:
        write_file(path, render(answer, chosen))
        STATE.note(f"wrote {len(answer.items)} items to {path}")
        return
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() and chosen is Format.TABLE else None
    sys.stdout.write(render(answer, chosen, columns=columns))
    sys.stdout.flush()


def say_error(message: str, hint: str = "") -> None:
    """Write a message and what to do next to standard error; credentials in it are hidden."""
    for label, text in (("Error", message), ("Hint", hint)):
        if text:
            sys.stderr.write(f"{label}: {visible(redacted(' '.join(text.split())))}\n")
    sys.stderr.flush()


def write_file(path: Path, text: str) -> None:
    """Write a file in one step: it is there whole, or as it was.

    Raises
    ------
    UsageError
        If the folder does not exist or may not be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}", hint="Choose another file with -o") from None
