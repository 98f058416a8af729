"""``costlab demo``."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from costlab.cli._state import STATE

DEFAULT = "costlab-demo"


def demo(
    folder: Annotated[str, typer.Option("--dir", metavar="DIR", help="The workspace to make.")] = DEFAULT,
    months: Annotated[int, typer.Option("--months", metavar="N", min=1, max=36, help="Months of history.")] = 6,
    seed: Annotated[int, typer.Option("--seed", metavar="S", min=0, help="Another seed is another company.")] = 7,
    scale: Annotated[
        str, typer.Option("--scale", metavar="small|medium|large", help="How big the company is.")
    ] = "small",
) -> None:
    """Make a workspace with a simulated company's bill, load it, run every analyzer, and show what to try next.

    Offline, without credentials. Running it again makes the workspace anew.
    """
    from costlab.cli._demo import make_demo, summary

    path = Path(folder)
    settings = make_demo(path, months=months, seed=seed, scale=scale, progress=STATE.note)
    sys.stdout.write(summary(settings, _command(path)))
    sys.stdout.flush()


def _command(path: Path) -> str:
    """Return how to run costlab on the demo from here, as it was run now."""
    return f"{_program()} --workspace {shlex.quote(str(path))}"


def _program() -> str:
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m costlab"
    found = shutil.which("costlab")
    if found and called.exists() and Path(found).samefile(called):
        return "costlab"
    return shlex.quote(str(called))
