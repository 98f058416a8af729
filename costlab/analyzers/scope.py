"""A scope as a condition on ``marts.daily_skus``: ``{"ServiceName": "EC2", "RegionId": ["a", "b"]}``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costlab.interfaces.finding import Scope

COLUMNS = (
    "ServiceProviderName",
    "BillingAccountId",
    "SubAccountId",
    "ServiceName",
    "RegionId",
    "x_usage_type",
    "ChargeCategory",
)
"""Columns a scope may name, wide ones first."""


def condition(scope: Scope, params: dict[str, object]) -> str:
    """Return the SQL condition of a scope and add its values to ``params``; ``true`` for everything."""
    parts: list[str] = []
    for column in sorted(scope):
        value = scope[column]
        assert column in COLUMNS, column
        if value is None:
            parts.append(f"{column} is null")
        elif isinstance(value, list):
            params[f"scope_{column}"] = value
            parts.append(f"list_contains($scope_{column}, {column})")
        else:
            params[f"scope_{column}"] = value
            parts.append(f"{column} = $scope_{column}")
    return " and ".join(parts) or "true"


def key(scope: Scope) -> str:
    """Return a scope as one text that is the same for equal scopes."""
    return "\x1e".join(f"{column}={_text(scope[column])}" for column in sorted(scope))


def _text(value: str | list[str] | None) -> str:
    return "\x1d".join(sorted(value)) if isinstance(value, list) else value or ""


def merged(values: Iterable[str | list[str] | None]) -> str | list[str] | None:
    """Return one value that means any of ``values``."""
    flat: set[str] = set()
    for value in values:
        flat.update(value if isinstance(value, list) else [value or ""])
    return next(iter(flat)) if len(flat) == 1 else sorted(flat)
