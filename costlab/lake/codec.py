"""Frozen dataclasses to JSON and back, strictly: every field, of its type, and nothing else."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from types import EllipsisType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from costlab.money import plain

T = TypeVar("T")
_DAMAGE = (ValueError, InvalidOperation)


class Malformed(ValueError):
    """A value that is not what a record holds at that place."""


def encode(value: Any) -> Any:
    """Return ``value`` in JSON's own types: Decimal as text, instants as ISO 8601 to the microsecond."""
    match value:
        case Decimal():
            return plain(value)
        case datetime():
            return value.isoformat(timespec="microseconds") + "Z"
        case dict():
            return {str(key): encode(inner) for key, inner in value.items()}
        case list() | tuple():
            return [encode(inner) for inner in value]
        case _ if is_dataclass(value):
            return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value


def decode(kind: type[T], value: Any, where: str) -> T:
    """Return the ``kind`` that :func:`encode` wrote; ``where`` names the place in messages.

    Raises
    ------
    Malformed
        If a field is missing, unknown or of another type.
    """
    return cast("T", _decode(kind, value, where))


def _decode(kind: Any, value: Any, where: str) -> Any:
    if kind in (str, int, bool):
        return _of_type(kind, value, where)
    if kind in (Decimal, datetime):
        return _from_text(kind, _of_type(str, value, where), where)
    if get_origin(kind) is dict:
        inner = get_args(kind)[1]
        items = cast("dict[str, Any]", _of_type(dict, value, where)).items()
        return {key: _decode(inner, item, f"{where}.{key}") for key, item in items}
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), _of_type(list, value, where), where)
    return _record(kind, _of_type(dict, value, where), where)


def _of_type(kind: type, value: Any, where: str) -> Any:
    if type(value) is not kind:  # exact: JSON's true is no number
        raise Malformed(f"{where}: {value!r} is not {_NAMES[kind]}")
    return value


_NAMES: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


def _from_text(kind: type, text: str, where: str) -> Any:
    try:
        if kind is datetime:
            return datetime.fromisoformat(text.removesuffix("Z"))
        amount = Decimal(text)
        if not amount.is_finite():
            raise Malformed(text)
    except _DAMAGE:
        raise Malformed(f"{where}: {text!r} is not {'an instant' if kind is datetime else 'an amount'}") from None
    return amount


def _tuple(kinds: tuple[Any, ...], items: list[Any], where: str) -> tuple[Any, ...]:
    if len(kinds) == 2 and isinstance(kinds[1], EllipsisType):
        kinds = (kinds[0],) * len(items)
    if len(kinds) != len(items):
        raise Malformed(f"{where}: {len(items)} items instead of {len(kinds)}")
    return tuple(_decode(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, items, strict=True)))


def _record(kind: type, values: dict[str, Any], where: str) -> Any:
    hints = _hints(kind)
    if unknown := sorted(values.keys() - hints.keys()):
        raise Malformed(f"{where}: unknown {', '.join(unknown)} (a newer costlab wrote this?)")
    if missing := sorted(hints.keys() - values.keys()):
        raise Malformed(f"{where}: {', '.join(missing)} missing")
    return kind(**{name: _decode(hints[name], item, f"{where}.{name}") for name, item in values.items()})


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
