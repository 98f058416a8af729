"""Secrets by reference: what ``costlab.toml`` and options may say instead of a secret itself.

``env:NAME`` is the environment variable ``NAME``.
"""

from __future__ import annotations

import os

from costlab.errors import ConfigError


def reveal(text: str, *, where: str) -> str:
    """Return what a reference stands for; any other text as it is.

    Raises
    ------
    ConfigError
        If there is no such secret. The message names the reference, never a secret.
    """
    kind, separator, name = text.partition(":")
    if not separator or kind != "env":
        return text
    value = os.environ.get(name)
    if not value:
        raise ConfigError(f"{where}: the environment variable {name} is not set", hint=f"export {name}=...")
    return value
