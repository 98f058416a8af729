"""Values as people read them: amounts with separators, and text that cannot play tricks on a terminal."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from costlab.answer import jsonable
from costlab.money import ZERO, plain

_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_SECRETS = re.compile(
    r"(?i)(?<=://)[^/\s@]+:[^/\s@]*(?=@)"
    r"|(?<=[?&])(?:sig|se|sp|sv|token|key|password|x-amz-[a-z-]+|x-goog-[a-z-]+|awsaccesskeyid|signature)=[^&\s'\"]*"
)
_PLACES = Decimal("0.01")
_LEAST = Decimal("0.005")


def visible(text: str) -> str:
    """Return text in which control characters (also terminal escapes and direction marks) are written out."""
    return _HIDDEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def redacted(text: str) -> str:
    """Return text in which credentials inside URIs are replaced by ``***``."""
    return _SECRETS.sub("***", text)


def amount(value: Decimal) -> str:
    """Return an amount for display: two places and thousands separators; ``<0.01`` for what would look like zero.

    >>> amount(Decimal("1234.565")), amount(Decimal("0.0001")), amount(Decimal("-0.0001")), amount(Decimal(0))
    ('1,234.57', '<0.01', '>-0.01', '0.00')
    """
    if value and abs(value) < _LEAST:
        return "<0.01" if value > 0 else ">-0.01"
    with localcontext() as context:
        context.prec = 60
        value = value or ZERO  # which has no sign
        return f"{value.quantize(_PLACES, rounding=ROUND_HALF_UP):,}"


def cell(value: Any, *, exact: bool = False) -> str:
    """Return a value as one line of text for a table.

    ``exact`` shows amounts unrounded (somebody's own SQL); nested values are JSON.
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return plain(value) if exact else amount(value)
        case float():
            return f"{value:.6g}" if exact else f"{value:.3g}"
        case datetime():
            return value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case dict() | list() | tuple():
            return visible(json.dumps(jsonable(value), ensure_ascii=False))
        case _:
            return visible(str(value))


def is_number(value: Any) -> bool:
    """Return whether a value is aligned to the right."""
    return isinstance(value, Decimal | int | float) and not isinstance(value, bool)


def width(text: str) -> int:
    """Return the columns a text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(_width_of(character) for character in text)


def _width_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shortened(text: str, columns: int) -> str:
    """Return the text cut to so many terminal columns, ending in an ellipsis if it was longer."""
    if width(text) <= columns:
        return text
    taken, used = [], 0
    for character in text:
        used += _width_of(character)
        if used > columns - 1:
            break
        taken.append(character)
    return "".join(taken) + "…"
