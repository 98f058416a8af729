"""An answer as text: ``table``, ``json``, ``csv`` or ``md``."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from costlab.answer import jsonable
from costlab.errors import UnknownValue
from costlab.report.text import shortened, width
from costlab.report.views import Grid, flat, grid

if TYPE_CHECKING:
    from pathlib import PurePath

    from costlab.answer import Answer

_GAP = "  "
_LEAST_WIDTH = 8
_QUOTED = re.compile('[",\r\n]')
_UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "md"


def format_of(name: str | None, path: PurePath | None = None) -> Format:
    """Return the format asked for, else the one the file's name suggests, else the table.

    Raises
    ------
    UnknownValue
        If there is no format of that name.
    """
    if name is None:
        suffix = path.suffix.lower().lstrip(".") if path else ""
        return Format(suffix) if suffix in set(Format) else Format.TABLE
    if name not in set(Format):
        raise UnknownValue("format", name, Format)
    return Format(name)


def render(answer: Answer, form: Format, *, columns: int | None = None) -> str:
    """Return the answer as text that ends with a line break.

    Parameters
    ----------
    columns
        The width of the terminal a table is fitted into; None: nothing is cut (files and pipes).
    """
    match form:
        case Format.JSON:
            return as_json(answer)
        case Format.CSV:
            return as_csv(answer)
        case Format.MARKDOWN:
            return as_markdown(grid(answer))
        case Format.TABLE:
            return as_table(grid(answer), columns)


def as_json(answer: Answer) -> str:
    """Return the JSON object that programs build on; a terminal cannot be driven by the text in it."""
    text = json.dumps(answer.payload(), indent=2, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def as_csv(answer: Answer) -> str:
    """Return a header and one line per item, every field, the vendor's text unchanged; nested values as JSON."""
    columns = flat(answer)
    rows = [[column.heading for column in columns]]
    rows += [[_csv_value(column.value(item)) for column in columns] for item in answer.items]
    # a line with nothing on it is no row for most readers
    return "".join((",".join(map(_csv_field, row)) or '""') + "\n" for row in rows)


def as_markdown(table: Grid) -> str:
    """Return a pipe table; text of a bill cannot become markup."""
    lines = [
        _pipe(table.headings),
        "|" + "|".join("---:" if number else "---" for number in table.numeric) + "|",
        *(_pipe(row) for row in table.rows),
    ]
    return "\n".join([*lines, "", *(escape_markdown(line) for line in table.footer)]).rstrip("\n") + "\n"


def as_table(table: Grid, columns: int | None = None) -> str:
    """Return aligned columns; nothing is cut unless a terminal's width is given."""
    widths = [max(map(width, column)) for column in zip(table.headings, *table.rows, strict=True)]
    if columns:
        widths = _fitted(widths, table.numeric, columns)
    lines = [
        _line(table.headings, widths, table.numeric),
        _line(["-" * size for size in widths], widths, table.numeric),
    ]
    lines += [_line(row, widths, table.numeric) for row in table.rows]
    if not table.rows:
        lines.append("(nothing)")
    return "\n".join([*lines, *([""] if table.footer else []), *table.footer]) + "\n"


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return text


def _csv_field(text: str) -> str:
    # the csv module leaves a lone carriage return unquoted when lines end in a line feed
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def _csv_value(value: Any) -> str:
    plain = jsonable(value)
    match plain:
        case None:
            return ""
        case bool():
            return "true" if plain else "false"
        case dict() | list():
            return json.dumps(plain, ensure_ascii=False)
        case _:
            return str(plain)


def _pipe(cells: list[str]) -> str:
    return "| " + " | ".join(escape_markdown(text) for text in cells) + " |"


def _line(cells: list[str], widths: list[int], numeric: list[bool]) -> str:
    padded = [_padded(text, size, right=right) for text, size, right in zip(cells, widths, numeric, strict=True)]
    return _GAP.join(padded).rstrip()


def _padded(text: str, size: int, *, right: bool) -> str:
    text = shortened(text, size)
    blank = " " * (size - width(text))
    return blank + text if right else text + blank


def _fitted(widths: list[int], numeric: list[bool], columns: int) -> list[int]:
    """Shrink the widest text columns until the line fits; numbers are never cut."""
    fitted = list(widths)
    while sum(fitted) + len(_GAP) * (len(fitted) - 1) > columns:
        text = [i for i, number in enumerate(numeric) if not number and fitted[i] > _LEAST_WIDTH]
        if not text:
            break
        fitted[max(text, key=lambda i: fitted[i])] -= 1
    return fitted
