"""A TOML file with nested lists of tables that knows on which line each of its values stands, for messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self

from costlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

Place = tuple["str | int", ...]
_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"' -]+?)\s*\]\]?")
_KEY = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'|([A-Za-z0-9_-]+))\s*[=.]")


@dataclass(frozen=True, slots=True)
class Tables:
    """The data of a file, and the line of each header and key."""

    file: str
    data: dict[str, Any]
    lines: dict[Place, int] = field(default_factory=dict[Place, int])

    @classmethod
    def parse(cls, text: str, file: str) -> Self:
        """Return the tables in a text; numbers with a point are ``Decimal``.

        Raises
        ------
        ConfigError
            If it is not TOML.
        """
        import tomllib

        try:
            data = tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{file} is not TOML: {error}", hint="Values that are text need quotes") from None
        return cls(file, data, _lines(text))

    def line(self, at: Place) -> int:
        """Return the line of a place, else of the nearest place around it; 0 for none."""
        while at:
            if at in self.lines:
                return self.lines[at]
            at = at[:-1]
        return 0

    def fail(self, message: str, at: Place, *, hint: str = "") -> ConfigError:
        """Return an error that names file and line."""
        line = self.line(at)
        return ConfigError(f"{self.file}:{line}: {message}" if line else f"{self.file}: {message}", hint=hint)

    def check_keys(self, table: dict[str, Any], at: Place, valid: Iterable[str]) -> None:
        """Refuse a key that is not valid here; the hint names the nearest."""
        choices = sorted(valid)
        for key in table:
            if key in choices:
                continue
            near = get_close_matches(key, choices, n=1, cutoff=0.4)
            guess = f"Did you mean {near[0]!r}? " if near else ""
            names = ".".join(str(part) for part in at if isinstance(part, str))
            inside = f" in [[{names}]]" if names else ""
            raise self.fail(f"unknown key {key!r}{inside}", (*at, key), hint=f"{guess}Valid: {', '.join(choices)}")


def _lines(text: str) -> dict[Place, int]:
    found: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    inside: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            inside = _place(header[2], counts, is_list=header[1] == "[[")
            found.setdefault(inside, number)
        elif key := _KEY.match(line):
            found.setdefault((*inside, key[1] or key[2] or key[3]), number)
    return found


def _place(header: str, counts: dict[Place, int], *, is_list: bool) -> Place:
    """Return the place a header opens: after a name of a list stands the number of its last table."""
    place: Place = ()
    names = [name.strip(" \"'") for name in header.split(".")]
    for name in names[:-1]:
        place = (*place, name)
        if place in counts:
            place = (*place, counts[place])
    place = (*place, names[-1])
    if not is_list:
        return place
    counts[place] = counts.get(place, -1) + 1
    return (*place, counts[place])
