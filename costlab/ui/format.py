"""Amounts, shares and days as people read them, and text from bills that stays text.

Exact amounts never leave: what is rounded here is for the eye, tooltips and exports carry :func:`exact_money`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Any

from costlab.money import plain
from costlab.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from costlab.lab.window import Window

DASH = "–"
MINUS = "\N{MINUS SIGN}"
_WORD_JOINER = "\u2060"
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "BRL": "R$", "KRW": "₩"}
_WITHOUT_CENTS = frozenset({"JPY", "KRW", "IDR", "VND", "CLP", "HUF", "ISK"})
"""Currencies in which a hundredth means nothing to a reader."""
_WHOLE_FROM = Decimal(1000)
_PUNCTUATION = re.compile(r"([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")
_SHORTCODE = re.compile(r":(?=[A-Za-z0-9_+/-]+:)")
_PRECISION = 60
_FIRST = ("ServiceName", "SubAccountId", "RegionId", "x_usage_type")
"""The order in which a scope is told."""


def money(value: Decimal | None, currency: str | None, *, places: int | None = None, sign: bool = False) -> str:
    """Return an amount for display, with its currency and thousands separators.

    Parameters
    ----------
    places
        Decimal places; by default none from a thousand on and two below. Currencies without cents never have any.
    sign
        Write ``+`` before a rise.

    >>> money(Decimal("1234567.891"), "USD"), money(Decimal("12.345"), "EUR"), money(Decimal("-0.001"), "USD")
    ('$1,234,568', '€12.35', '−<$0.01')
    >>> money(Decimal(1500), "CHF"), money(Decimal("1234.5"), "JPY", sign=True), money(None, "USD")
    ('CHF 1,500', '+¥1,235', '–')
    """
    if value is None:
        return DASH
    if places is None:
        places = 0 if abs(value) >= _WHOLE_FROM else 2
    if currency in _WITHOUT_CENTS:
        places = 0
    head = MINUS if value < 0 else "+" if sign and value > 0 else ""
    symbol = currency_prefix(currency)
    least = Decimal(1).scaleb(-places)
    if 0 < abs(value) < least / 2:
        return f"{head}<{symbol}{least}"
    with localcontext() as context:
        context.prec = _PRECISION
        return f"{head}{symbol}{abs(value).quantize(least, rounding=ROUND_HALF_UP):,}"


def exact_money(value: Decimal | None, currency: str | None) -> str:
    """Return the unrounded amount with its currency's code.

    >>> exact_money(Decimal("1234.500000000001"), "USD")
    '1,234.500000000001 USD'
    """
    if value is None:
        return DASH
    return f"{exact_number(value)} {currency or ''}".rstrip()


def exact_number(value: Decimal) -> str:
    """Return an amount with every place it has, and thousands separators.

    >>> exact_number(Decimal("-0.5")), exact_number(Decimal("1234567.000000000001"))
    ('-0.5', '1,234,567.000000000001')
    """
    whole, dot, rest = plain(abs(value)).partition(".")
    return f"{'-' if value < 0 else ''}{int(whole):,}{dot}{rest}"


def currency_prefix(currency: str | None) -> str:
    """Return what stands before an amount: a symbol everybody knows, else the code and a space."""
    if not currency:
        return ""
    return _SYMBOLS.get(currency, f"{visible(currency)} ")


def column_format(currency: str | None) -> str:
    """Return the number format of a table column of amounts: two places, separators, no symbol."""
    return "%,.0f" if currency in _WITHOUT_CENTS else "%,.2f"


def ratio(value: Decimal | float | None, *, sign: bool = False) -> str:
    """Return a ratio as a percentage.

    >>> ratio(0.1234), ratio(Decimal("-0.5"), sign=True), ratio(None), ratio(0.00004)
    ('12.3%', '−50.0%', '–', '<0.1%')
    """
    if value is None:
        return DASH
    percent = abs(float(value)) * 100
    head = MINUS if value < 0 else "+" if sign and value > 0 else ""
    if 0 < percent < 0.05:
        return f"{head}<0.1%"
    return f"{head}{percent:,.1f}%" if percent < 1000 else f"{head}{percent:,.0f}%"


def change(now: Decimal | None, before: Decimal | None) -> float | None:
    """Return the relative change, or None where there was nothing before."""
    if now is None or not before:
        return None
    return float((now - before) / abs(before))


def day(value: date | datetime | None) -> str:
    """Return a day without a doubt about the order of its parts.

    >>> from datetime import date
    >>> day(date(2026, 3, 9))
    '9 Mar 2026'
    """
    return DASH if value is None else f"{value.day} {value:%b %Y}"


def days(first: date, last: date) -> str:
    """Return a span of days, both inclusive, without repeating what they share.

    >>> from datetime import date
    >>> days(date(2026, 3, 1), date(2026, 3, 31)), days(date(2026, 2, 27), date(2026, 3, 2))
    ('1–31 Mar 2026', '27 Feb – 2 Mar 2026')
    """
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%b %Y}"
    return f"{first.day} {first:%b}{f' {first.year}' if first.year != last.year else ''} – {day(last)}"


def span(window: Window) -> str:
    """Return the days of a window, its last day included."""
    return days(window.start, max(window.start, window.end - timedelta(days=1)))


def plain_text(value: Any, *, nothing: str = DASH) -> str:
    r"""Return a value from a bill as one visible line; nothing in it can act.

    >>> plain_text(None), plain_text("a\tb")
    ('–', 'a\\tb')
    """
    return nothing if value is None or value == "" else visible(str(value))


def markdown(value: Any, *, nothing: str = DASH) -> str:
    r"""Return a value from a bill so that Streamlit's Markdown shows it as it is.

    All ASCII punctuation is escaped: no emphasis, link, HTML, LaTeX, colour directive or autolink can arise. Emoji and
    icon short codes are replaced after parsing, so they are broken with an invisible joiner.

    >>> markdown("<b>*x*</b>")
    '\\<b\\>\\*x\\*\\<\\/b\\>'
    """
    return _PUNCTUATION.sub(r"\\\1", _SHORTCODE.sub(f":{_WORD_JOINER}", plain_text(value, nothing=nothing)))


def scope_text(scope: Mapping[str, Any], names: Mapping[str, str] | None = None) -> str:
    """Return the scope of an incident as a phrase; ``names`` gives accounts the names people know.

    >>> scope_text({"ServiceName": "AmazonEC2", "Tags.team": None}), scope_text({})
    ('AmazonEC2 · Tags.team: none', 'Everything')
    >>> scope_text({"SubAccountId": ["1", "2"]}, {"1": "prod"})
    'prod, 2'
    """
    if not scope:
        return "Everything"
    ordered = sorted(scope, key=lambda column: (_FIRST.index(column) if column in _FIRST else len(_FIRST), column))
    return " · ".join(_scope_part(column, scope[column], names or {}) for column in ordered)


def short_id(identifier: str) -> str:
    """Return the part of a resource's id that people call it by.

    >>> short_id("arn:aws:ec2:us-east-1:1:natgateway/nat-12"), short_id("arn:aws:rds:us-east-1:1:db:orders")
    ('nat-12', 'orders')
    >>> short_id("/subscriptions/s/resourceGroups/g/providers/p/virtualMachines/vm1"), short_id("i-1")
    ('vm1', 'i-1')
    """
    if identifier.startswith("arn:"):
        identifier = identifier.rsplit(":", 1)[-1]
    elif not identifier.startswith(("/", "//")):
        return identifier
    return identifier.rstrip("/").rsplit("/", 1)[-1]


def _scope_part(column: str, value: Any, names: Mapping[str, str]) -> str:
    known = names if column == "SubAccountId" else {}
    if isinstance(value, list):
        text = ", ".join(plain_text(known.get(item, item), nothing="none") for item in value[:3])
        more = f" and {len(value) - 3} more" if len(value) > 3 else ""
        return text + more
    if value is None or column.startswith("Tags."):
        return f"{plain_text(column)}: {plain_text(value, nothing='none')}"
    return plain_text(known.get(value, value))
