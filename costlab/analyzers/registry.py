"""Finds checks by file: every module in ``waste/``, ``storage/`` and ``rightsize/`` holds one as ``CHECK``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from costlab.interfaces.analyzer import Check

_PACKAGES = ("costlab.analyzers.waste", "costlab.analyzers.rightsize", "costlab.analyzers.storage")


def checks() -> list[Check]:
    """Return every check, sorted by id."""
    found: list[Check] = []
    for name in _PACKAGES:
        package = importlib.import_module(name)
        modules = [info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_")]
        found.extend(cast("Check", importlib.import_module(f"{name}.{module}").CHECK) for module in modules)
    return sorted(found, key=lambda check: check.id)


def title(check: Check) -> str:
    """Return the first line of the check's documentation, without the full stop."""
    return (inspect.getdoc(type(check)) or "").partition("\n")[0].rstrip(".")


def documentation() -> str:
    """Return ``docs/checks.md``: what every check looks for, made of the checks' docstrings.

    Written by ``python -m costlab.analyzers.registry > docs/checks.md``.
    """
    parts = [
        "# Checks\n",
        "Made by `python -m costlab.analyzers.registry > docs/checks.md`; edit the docstrings instead.\n",
    ]
    for check in checks():
        body = (inspect.getdoc(type(check)) or "").partition("\n")[2].strip()
        lines = [f"- **{line}" if line.startswith(_SECTIONS) else f"  {line}" for line in body.splitlines() if line]
        text = "\n".join(lines)
        for section in _SECTIONS:
            text = text.replace(f"- **{section}", f"- **{section}**", 1)
        reads = ", ".join(f"`{metric}`" for metric in sorted(check.needs)) or "the bill alone"
        parts.append(f"## {check.id}\n\n{title(check)}. Kind `{check.kind}`; needs {reads}.\n\n{text}\n")
    return "\n".join(parts)


_SECTIONS = ("Fires when", "Saving:", "Cannot see:", "Source:")


if __name__ == "__main__":
    sys.stdout.write(documentation())
