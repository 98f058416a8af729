"""Find connectors by file name: a module ``aws_cur`` in ``costlab_connectors`` is the connector ``aws-cur``.

Modules are imported only when asked for. Third parties add theirs through the entry-point group
``costlab.connectors`` (name = the connector's name, value = ``module:object``).
"""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, cast

from costlab.errors import ConfigError, UnknownValue

if TYPE_CHECKING:
    from costlab.interfaces.connector import Connector

_PACKAGE = "costlab" + "_connectors"
_GROUP = "costlab.connectors"


def connector_names() -> list[str]:
    """Return the names of all connectors, sorted."""
    return sorted({*_built_in(), *_third_party()})


def connector(name: str) -> Connector:
    """Return the connector called ``name``.

    Raises
    ------
    UnknownValue
        If there is none, naming the nearest.
    ConfigError
        If two packages claim the name.
    """
    built_in, outside = _built_in(), _third_party()
    if name in built_in and name in outside:
        raise ConfigError(f"connector {name!r} is claimed by costlab and by {outside[name].value}")
    if name in built_in:
        return cast("Connector", importlib.import_module(f"{_PACKAGE}.{built_in[name]}").CONNECTOR)
    if name in outside:
        return cast("Connector", outside[name].load())
    raise UnknownValue("connector", name, [*built_in, *outside])


def _built_in() -> dict[str, str]:
    package = importlib.import_module(_PACKAGE)
    return {
        info.name.replace("_", "-"): info.name
        for info in pkgutil.iter_modules(package.__path__)
        if not info.name.startswith("_")
    }


def _third_party() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=_GROUP)}
