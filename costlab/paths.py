"""Where the files that belong to costlab itself lie: SQL models, dashboards, samples, prices.

A checkout has them beside the package; an installed wheel carries them inside it under ``_shipped``.
"""

from __future__ import annotations

from pathlib import Path

from costlab.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent
_IN_CHECKOUT = {"sql": "sql", "dashboards": "dashboards", "samples": "data/samples", "prices": "data/prices"}


def shipped(folder: str) -> Path:
    """Return the folder ``sql``, ``dashboards``, ``samples`` or ``prices``.

    The checkout wins over ``_shipped``: an editable install also has a copy there, which goes stale.
    """
    beside = _PACKAGE.parent / _IN_CHECKOUT[folder]
    if (_PACKAGE.parent / "pyproject.toml").is_file() and beside.is_dir():
        return beside
    inside = _PACKAGE / "_shipped" / folder
    if inside.is_dir():
        return inside
    raise ConfigError(f"costlab's own folder {folder!r} is missing", hint="Reinstall costlab with pip")
