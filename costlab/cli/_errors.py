"""Failures as people see them: one short message, what to do next, and the exit code; never a traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

import typer

from costlab.cli._output import say_error
from costlab.cli._signals import CODE_STOPPED
from costlab.cli._state import STATE
from costlab.errors import CostlabError
from costlab.report.text import redacted

if TYPE_CHECKING:
    from collections.abc import Generator

CODE_FAILED = 3


@contextlib.contextmanager
def explained() -> Generator[None]:
    """Turn an exception into a message on standard error and an exit code."""
    try:
        yield
    except CostlabError as error:
        fail(error.message, error.hint, error.exit_code, error)
    except KeyboardInterrupt:
        _stop()
    except OSError as error:
        if error.errno == errno.EPIPE:
            _leave_quietly()
        where = f": {error.filename}" if error.filename else ""
        fail(f"{error.strerror or error}{where}", "", CODE_FAILED, error)
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):
            raise  # typer's own usage errors
        if "interrupted" in str(error).lower():
            _stop()  # Ctrl-C while DuckDB was at work arrives as an error of its own
        _unexpected(error)


def _unexpected(error: Exception) -> NoReturn:
    reason = str(error).splitlines()[0] if str(error) else "no details"
    if isinstance(error, MemoryError):
        fail("out of memory", "Close other programs, or load fewer periods at a time", CODE_FAILED, error)
    if type(error).__module__.partition(".")[0] in _ENGINE:
        fail(f"the data cannot be read: {reason}", "Run `costlab doctor`", CODE_FAILED, error)
    fail(f"{type(error).__name__}: {reason}", _REPORT, CODE_FAILED, error)


_ENGINE = ("duckdb", "_duckdb")
_REPORT = "This is a fault in costlab; run the command again with -v to see where"


def fail(message: str, hint: str, code: int, error: BaseException | None = None) -> NoReturn:
    """Write message and hint to standard error and exit with ``code``; ``-v`` adds the traceback."""
    if STATE.verbose and error is not None:
        sys.stderr.write(redacted("".join(traceback.format_exception(error))))
    say_error(message, hint)
    sys.exit(code)


def _stop() -> NoReturn:
    sys.stderr.write("\nStopped; what was published before is unchanged.\n")
    sys.exit(CODE_STOPPED)


def _leave_quietly() -> NoReturn:
    """End without a word when the reader of the output has gone (``costlab ... | head``)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)
