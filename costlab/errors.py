"""Every error a user can meet, in one tree.

::

    CostlabError                exit code 3
    ├── UsageError              2   a command, option, column or date that cannot be
    │   └── UnknownValue        2   a value out of a known list; names the nearest
    ├── ConfigError             4   costlab.toml, environment, credentials
    ├── SourceError             3   a bill or metrics file cannot be used; nothing was changed
    │   └── SchemaDrift         3   a mandatory column is missing
    ├── Locked                  3   another process writes to this workspace
    ├── ModelError              3   a SQL model is wrong
    └── DataError               5   the data is there but incomplete or does not reconcile

The message says what happened and with which value; ``hint`` says what to do next.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class CostlabError(Exception):
    """A failure that is explained to the user in one short message."""

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CostlabError):
    """A command line, column name, date or expression that cannot be understood."""

    exit_code = 2


class UnknownValue(UsageError):
    """A value that is not in a known list; the hint names the nearest valid one."""

    def __init__(self, what: str, got: str, valid: Iterable[str]) -> None:
        choices = sorted(str(choice) for choice in valid)
        near = difflib.get_close_matches(got, choices, n=1, cutoff=0.5)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        super().__init__(f"unknown {what} {got!r}", hint=f"{guess}Valid: {', '.join(choices)}")
        self.got = got
        self.valid = choices


class ConfigError(CostlabError):
    """The configuration or credentials are missing or wrong."""

    exit_code = 4


class SourceError(CostlabError):
    """A source cannot be read as it is; the workspace was left as it was."""


class SchemaDrift(SourceError):
    """A file lacks columns without which it cannot be loaded."""

    def __init__(self, source: str, missing: Iterable[str], *, hint: str = "") -> None:
        self.missing = sorted(missing)
        super().__init__(f"{source}: mandatory column missing: {', '.join(self.missing)}", hint=hint)


class Locked(CostlabError):
    """Another process is writing to the workspace."""


class ModelError(CostlabError):
    """A SQL model cannot be parsed, leaves the portable subset, or breaks its grain."""


class DataError(CostlabError):
    """Data is incomplete, quarantined, late, or does not reconcile."""

    exit_code = 5
