"""What the global options say, and the way to the standard streams: data out, everything else to standard error."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costlab.settings import Settings, find_workspace, load_settings, wants_colour

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from costlab.lab import Lab


@dataclass(slots=True)
class State:
    """The global options of the command that runs."""

    option: str | None = None
    quiet: bool = False
    verbose: bool = False

    @property
    def workspace(self) -> Path:
        """The folder of the workspace."""
        return find_workspace(self.option)

    def settings(self) -> Settings:
        """Return the workspace's settings; raises :class:`costlab.errors.ConfigError`."""
        return load_settings(self.workspace)

    def lab(self, as_of: str | None = None) -> Lab:
        """Return a Lab on the workspace, to be used as a context manager."""
        from costlab.lab import Lab
        from costlab.period import midnight, parse_day

        instant = midnight(parse_day(as_of, what="--as-of")) if as_of else None
        settings = self.settings()
        with self.step(f"building the catalogue as of {as_of}") if as_of else contextlib.nullcontext():
            return Lab.open(settings, as_of=instant)

    def note(self, text: str) -> None:
        """Write a line to standard error, unless ``--quiet``."""
        if not self.quiet:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    @contextlib.contextmanager
    def step(self, text: str) -> Generator[None]:
        """Show that something long is being done: a spinner on a terminal, else one line."""
        if self.quiet:
            yield
        elif sys.stderr.isatty() and wants_colour() and not self.verbose:
            from rich.console import Console

            with Console(stderr=True, highlight=False).status(text):
                yield
        else:
            self.note(f"{text} ...")
            yield


STATE = State()
