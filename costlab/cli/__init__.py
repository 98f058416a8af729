"""One file = one command: the module ``cost`` holds the function ``cost``, whose docstring is its help."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line in ``sys.argv`` and exit with its code."""
    from costlab.cli._app import run
    from costlab.cli._signals import stop_at_once_on_second_interrupt

    stop_at_once_on_second_interrupt()
    run()
