"""Frozen dataclasses to JSON and back, strictly: every field, of its type, and nothing else.

A reader is made once per type; the place of a fault is put together only when there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from types import EllipsisType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from costlab.money import plain

T = TypeVar("T")
Reader = Callable[[Any], Any]
_NAMES: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


class Malformed(ValueError):
    """A value that is not what a record holds at that place."""

    def __init__(self, fault: str, place: str = "") -> None:
        super().__init__(fault, place)
        self.fault = fault
        self.place = place

    def __str__(self) -> str:
        return f"{self.place.lstrip('.')}: {self.fault}" if self.place else self.fault

    def below(self, step: str) -> Malformed:
        """Return the same fault as seen from one level higher."""
        return Malformed(self.fault, step + self.place)


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


def decode(kind: type[T], value: Any) -> T:
    """Return the ``kind`` that :func:`encode` wrote.

    Raises
    ------
    Malformed
        If a field is missing, unknown or of another type; it says where.
    """
    reader = _reader(cast("Any", kind))
    return cast("T", reader(value))


@cache
def _reader(kind: Any) -> Reader:
    if kind in (str, int, bool):
        return lambda value: _of_type(kind, value)
    if kind is Decimal:
        return _amount
    if kind is datetime:
        return _instant
    if get_origin(kind) is dict:
        return _dict_reader(_reader(get_args(kind)[1]))
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    return _record_reader(kind)


def _of_type(kind: type, value: Any) -> Any:
    if type(value) is not kind:  # exact: JSON's true is no number
        raise Malformed(f"{value!r} is not {_NAMES[kind]}")
    return value


def _instant(value: Any) -> datetime:
    text = cast("str", _of_type(str, value))
    try:
        return datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        raise Malformed(f"{text!r} is not an instant") from None


def _amount(value: Any) -> Decimal:
    text = cast("str", _of_type(str, value))
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise Malformed(f"{text!r} is not an amount") from None
    if not amount.is_finite():
        raise Malformed(f"{text!r} is not an amount")
    return amount


def _dict_reader(inner: Reader) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, item in _of_type(dict, value).items():
            try:
                result[key] = inner(item)
            except Malformed as error:
                raise error.below(f".{key}") from None
        return result

    return read


def _tuple_reader(kinds: tuple[Any, ...]) -> Reader:
    repeated = isinstance(kinds[-1], EllipsisType)
    readers = [_reader(kind) for kind in (kinds[:1] if repeated else kinds)]

    def read(value: Any) -> tuple[Any, ...]:
        items = _of_type(list, value)
        if not repeated and len(items) != len(readers):
            raise Malformed(f"{len(items)} items instead of {len(readers)}")
        result: list[Any] = []
        for index, item in enumerate(items):
            try:
                result.append(readers[0 if repeated else index](item))
            except Malformed as error:
                raise error.below(f"[{index}]") from None
        return tuple(result)

    return read


def _record_reader(kind: type) -> Reader:
    readers = {name: _reader(hint) for name, hint in get_type_hints(kind).items()}

    def read(value: Any) -> Any:
        values = _of_type(dict, value)
        if values.keys() != readers.keys():
            raise _wrong_fields(values.keys() - readers.keys(), readers.keys() - values.keys())
        result: dict[str, Any] = {}
        for name, item in values.items():
            try:
                result[name] = readers[name](item)
            except Malformed as error:
                raise error.below(f".{name}") from None
        return kind(**result)

    return read


def _wrong_fields(unknown: set[str], missing: set[str]) -> Malformed:
    if unknown:
        return Malformed(f"unknown {', '.join(sorted(unknown))} (a newer costlab wrote this?)")
    return Malformed(f"{', '.join(sorted(missing))} missing")
