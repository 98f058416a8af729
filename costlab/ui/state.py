"""The state of a page lives in its URL: what each control means there, and what to do with nonsense.

A parameter that stands at its default is not written, so that short links stay short. A value that cannot be read
gives the default and a notice, never an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from costlab.errors import UsageError
from costlab.period import Month, parse_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

_LONGEST = 400


class Unreadable(ValueError):
    """A value in the URL that means nothing here; the message says what would."""


class Param(Protocol):
    """One control: its name in the URL, and how its value is read and written."""

    @property
    def name(self) -> str:
        """The name in the URL."""
        ...

    def read(self, texts: Sequence[str]) -> Any:
        """Return the value; the default for no text. Raises :class:`Unreadable`."""
        ...

    def write(self, value: Any) -> list[str]:
        """Return the texts for the URL; none for the default."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One of ``options``; the first is the default unless another is named."""

    name: str
    options: tuple[str, ...]
    default: str | None = None

    def read(self, texts: Sequence[str]) -> str | None:
        """Return the option, whatever its case in the URL."""
        if not texts:
            return self.default if self.default is not None else next(iter(self.options), None)
        known = {option.lower(): option for option in self.options}
        if texts[-1].lower() not in known:
            raise Unreadable(f"choose one of {_some(self.options)}")
        return known[texts[-1].lower()]

    def write(self, value: str | None) -> list[str]:
        """Return the option as it is."""
        return [] if value is None or value == self.read(()) else [value]


@dataclass(frozen=True, slots=True)
class Choices:
    """Up to ``most`` of ``options``, in order; written with commas."""

    name: str
    options: tuple[str, ...]
    default: tuple[str, ...] = ()
    most: int | None = None

    def read(self, texts: Sequence[str]) -> list[str]:
        """Return the options; raises :class:`Unreadable` if one is unknown or there are too many."""
        if not texts:
            return list(self.default)
        known = {option.lower(): option for option in self.options}
        wanted = [part.strip() for text in texts for part in text.split(",") if part.strip()]
        if unknown := [part for part in wanted if part.lower() not in known]:
            raise Unreadable(f"{unknown[0]!r} is none of {_some(self.options)}")
        found = list(dict.fromkeys(known[part.lower()] for part in wanted))
        if self.most is not None and len(found) > self.most:
            raise Unreadable(f"at most {self.most}")
        return found

    def write(self, value: Sequence[str]) -> list[str]:
        """Return the options in one text; ``-`` cannot be meant by the default, so none at all is an empty text."""
        return [] if tuple(value) == self.default else [",".join(value)]


@dataclass(frozen=True, slots=True)
class Day:
    """A day, ``YYYY-MM-DD``; None by default."""

    name: str

    def read(self, texts: Sequence[str]) -> date | None:
        """Return the day."""
        if not texts:
            return None
        try:
            return parse_day(texts[-1])
        except UsageError as error:
            raise Unreadable(error.hint) from None

    def write(self, value: date | None) -> list[str]:
        """Return the day in ISO form."""
        return [] if value is None else [value.isoformat()]


@dataclass(frozen=True, slots=True)
class MonthOf:
    """A month out of those with data, ``YYYY-MM``."""

    name: str
    options: tuple[str, ...]
    default: str | None

    def read(self, texts: Sequence[str]) -> str | None:
        """Return the month; raises :class:`Unreadable` when it is none, or none with data."""
        if not texts:
            return self.default
        try:
            month = str(Month.parse(texts[-1]))
        except UsageError as error:
            raise Unreadable(error.hint) from None
        if month not in self.options:
            raise Unreadable(f"there is data for {_some(self.options)}")
        return month

    def write(self, value: str | None) -> list[str]:
        """Return the month."""
        return [] if value is None or value == self.default else [value]


@dataclass(frozen=True, slots=True)
class Text:
    """Free text, at most 400 characters."""

    name: str
    pattern: str = ".*"

    def read(self, texts: Sequence[str]) -> str:
        """Return the text."""
        if not texts:
            return ""
        text = texts[-1].strip()
        if len(text) > _LONGEST or re.fullmatch(self.pattern, text, re.DOTALL) is None:
            raise Unreadable(f"at most {_LONGEST} characters" if len(text) > _LONGEST else "it has another form")
        return text

    def write(self, value: str | None) -> list[str]:
        """Return the text without blanks around it."""
        return [value.strip()] if value and value.strip() else []


@dataclass(frozen=True, slots=True)
class Values:
    """Any texts (values of a bill, which may hold commas): one parameter each; ``None`` is written as an empty text."""

    name: str
    most: int = 20

    def read(self, texts: Sequence[str]) -> list[str]:
        """Return the texts without repeats."""
        found = list(dict.fromkeys(texts))
        if len(found) > self.most or any(len(text) > _LONGEST for text in found):
            raise Unreadable(f"at most {self.most} values of {_LONGEST} characters")
        return found

    def write(self, value: Iterable[str]) -> list[str]:
        """Return the texts."""
        return list(value)


@dataclass(slots=True)
class Parsed:
    """What a URL says: a value per parameter, and a notice for each that could not be read."""

    values: dict[str, Any] = field(default_factory=dict[str, Any])
    notices: list[str] = field(default_factory=list[str])


def parse(params: Sequence[Param], query: Mapping[str, Sequence[str]]) -> Parsed:
    """Return the values of a URL's query; what is missing or unreadable has its default. Unknown names are ignored."""
    parsed = Parsed()
    for param in params:
        try:
            parsed.values[param.name] = param.read(query.get(param.name, ()))
        except Unreadable as error:
            shown = ", ".join(query[param.name])[:60]
            parsed.notices.append(f"The link says {param.name} = {shown!r}, which is not possible here: {error}.")
            parsed.values[param.name] = param.read(())
    return parsed


def encode(params: Sequence[Param], values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the query of the URL that restores ``values``; the inverse of :func:`parse`."""
    texts = {param.name: param.write(values[param.name]) for param in params if param.name in values}
    return {name: written for name, written in texts.items() if written}


def _some(options: Sequence[str]) -> str:
    shown = ", ".join(options[:8])
    return f"{shown}, …" if len(options) > 8 else shown or "nothing yet"
