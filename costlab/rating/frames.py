"""What the three tables must look like, and the checks that every one of them passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas import DataFrame, Series

USAGE: Final = {
    "hour": "TIMESTAMP", "provider": "VARCHAR", "account_id": "VARCHAR", "region": "VARCHAR", "pool": "VARCHAR",
    "quantity": "DOUBLE", "list_price": "DOUBLE", "zone": "VARCHAR",
}  # fmt: skip
"""One row per hour and whatever was used in it; ``list_price`` is USD per unit and hour, empty where unknown."""
COMMITMENTS: Final = {
    "id": "VARCHAR", "provider": "VARCHAR", "instrument": "VARCHAR", "owner_account_id": "VARCHAR",
    "region": "VARCHAR", "zone": "VARCHAR", "family_or_pool": "VARCHAR", "amount": "DOUBLE", "from": "TIMESTAMP",
    "to": "TIMESTAMP", "sharing": "VARCHAR", "group": "VARCHAR",
}  # fmt: skip
"""One row per commitment; rows of one id are its history."""
RATES: Final = {
    "instrument": "VARCHAR", "pool": "VARCHAR", "region": "VARCHAR", "price": "DOUBLE", "commitment": "VARCHAR",
}  # fmt: skip
"""One row per committed price; ``commitment`` (optional) is the id of the only commitment it holds for."""
OPTIONAL: Final = frozenset({"zone", "from", "to", "sharing", "group", "owner_account_id", "commitment"})
"""Columns that may be missing: everywhere, always, with all accounts, and so on."""


def check_columns(table: str, columns: list[str], known: Mapping[str, str]) -> None:
    """Refuse a table that lacks a column.

    Raises
    ------
    UsageError
        Naming the missing columns and all valid ones.
    """
    missing = [name for name in known if name not in columns and name not in OPTIONAL]
    if missing:
        valid = ", ".join(f"[{name}]" if name in OPTIONAL else name for name in known)
        raise UsageError(f"{table} lacks the column {', '.join(missing)}", hint=f"Valid columns: {valid}")


def completed(table: str, frame: DataFrame, known: Mapping[str, str]) -> DataFrame:
    """Return the frame with all known columns: texts without a missing value, instants and numbers typed.

    Raises
    ------
    UsageError
        If a column is missing, or a value is no number or no time.
    """
    import pandas as pd

    check_columns(table, list(frame.columns), known)
    done: dict[str, pd.Series] = {}
    for name, kind in known.items():
        if name not in frame.columns:
            blank = None if kind == "TIMESTAMP" else ""
            done[name] = pd.Series(blank, index=frame.index, dtype="object" if blank is None else "category")
        else:
            done[name] = pd.Series(frame[name])
        try:
            done[name] = _typed(done[name], kind)
        except (ValueError, TypeError, ArithmeticError) as error:
            reason = str(error).splitlines()[0]
            raise UsageError(f"{table}, column {name}: {reason}", hint=_HINTS[kind]) from None
    return pd.DataFrame(done, copy=False)


_HINTS = {
    "TIMESTAMP": "Write times as 2026-01-31T00:00:00Z",
    "DOUBLE": "Write plain numbers, for example 0.096",
    "VARCHAR": "Write text",
}


def _typed(values: Series, kind: str) -> Series:
    import pandas as pd

    if kind == "TIMESTAMP":
        return pd.to_datetime(values, utc=True, format="ISO8601").dt.tz_localize(None)
    return values.astype("float64") if kind == "DOUBLE" else _text(values)


def _text(values: Series) -> Series:
    """Return texts as categories: few distinct ones stand in millions of rows."""
    coded = values.astype("category")
    if not all(isinstance(value, str) for value in coded.cat.categories):
        coded = values.where(values.notna(), "").map(str).astype("category")
    if coded.isna().any():
        known = coded if "" in coded.cat.categories else coded.cat.add_categories("")
        coded = known.fillna("")
    return coded
