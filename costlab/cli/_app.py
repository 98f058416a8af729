"""The typer application: global options, and every command found by its file's name."""

from __future__ import annotations

import importlib
import io
import logging
import pkgutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

import costlab
import costlab.cli
from costlab.cli._errors import explained
from costlab.cli._state import STATE

if TYPE_CHECKING:
    from collections.abc import Sequence

ORDER = (
    "demo", "init", "ingest", "sources", "doctor", "reconcile", "calibrate", "restatements", "cost", "explain", "query",
    "allocate", "unit-cost", "recommend", "anomalies", "rate", "export", "prices", "report", "nightly",
    "dashboard",
)  # fmt: skip
"""The order in the help: how people meet them; a command that is not here comes last."""
_FLAGS = frozenset({"-q", "--quiet", "-v", "--verbose"})
_WORKSPACE = "--workspace"


class Commands(TyperGroup):
    """The group of all commands; failures become messages."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with explained():
            return super().invoke(ctx)


def command_names() -> list[str]:
    """Return the names of all commands in the order of the help."""
    files = [info.name for info in pkgutil.iter_modules(costlab.cli.__path__) if not info.name.startswith("_")]
    found = [name.replace("_", "-") for name in files]
    return sorted(found, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def build_app() -> typer.Typer:
    """Return the application with every command registered."""
    app = typer.Typer(
        cls=Commands, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True
    )
    app.callback()(_options)
    for name in command_names():
        file = name.replace("-", "_")
        command = getattr(importlib.import_module(f"costlab.cli.{file}"), file)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def run(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    build_app()(args=hoisted(sys.argv[1:] if arguments is None else list(arguments)), prog_name="costlab")


def hoisted(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the global options in front, wherever they were written."""
    front: list[str] = []
    rest: list[str] = []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            rest += [argument, *left]
        elif argument in _FLAGS or argument.startswith(f"{_WORKSPACE}="):
            front.append(argument)
        elif argument == _WORKSPACE:
            front += [argument, *[value for value in [next(left, None)] if value is not None]]
        else:
            rest.append(argument)
    return [*front, *rest]


def _show_version(value: bool) -> None:
    if value:
        sys.stdout.write(f"costlab {costlab.__version__}\n")
        raise typer.Exit


def _options(
    workspace: Annotated[
        str | None, typer.Option("--workspace", metavar="DIR", help="The workspace's folder.", show_default=False)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors on standard error.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more; show tracebacks.")] = False,
    version: Annotated[  # noqa: ARG001 - the callback answers
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Cloud cost analytics and optimization that equals your bill."""
    STATE.option, STATE.quiet, STATE.verbose = workspace, quiet, verbose
    logging.basicConfig(
        level=logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
