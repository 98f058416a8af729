"""Finds checks by file: every module in ``waste/``, ``storage/`` and ``rightsize/`` holds one as ``CHECK``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
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
