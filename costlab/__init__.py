"""costlab: cloud cost analytics and optimization that equals the bill.

>>> import costlab
>>> lab = costlab.open("path/to/workspace")  # doctest: +SKIP
>>> lab.cost(by=["ServiceName"])  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "open"]

if TYPE_CHECKING:
    from datetime import date
    from os import PathLike

    from costlab.lab import Lab


def open(workspace: str | PathLike[str] | None = None, *, as_of: date | str | None = None) -> Lab:  # noqa: A001
    """Return a read-only :class:`costlab.lab.Lab` on a workspace; a context manager.

    Parameters
    ----------
    workspace
        The folder; when missing, found as the command line finds it (``COSTLAB_WORKSPACE``, the nearest
        parent with a ``costlab.toml``, ``~/.costlab``).
    as_of
        Show only what was known by 00:00 UTC of that day.
    """
    from costlab.lab import open_lab

    return open_lab(workspace, as_of=as_of)
