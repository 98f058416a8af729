"""Business metrics from a CSV or Parquet file: date (or ts), metric, quantity, and columns of dimensions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from costlab.errors import ConfigError, SchemaDrift, SourceError, UsageError
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from costlab.settings import Settings

TIMES = ("date", "ts")
METRIC, QUANTITY = "metric", "quantity"
_MONTH = re.compile(r"\d{4}-\d{2}")
_EXAMPLE = "Columns: date (2026-03-01, or 2026-03 for a whole month) or ts, metric, quantity, and e.g. team"


@dataclass(frozen=True, slots=True)
class Reading:
    """One quantity of a day, or of a whole month, with the values of the file's dimensions."""

    metric: str
    at: date | Month
    quantity: Decimal
    values: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Metrics:
    """All readings of a file, and the names of its dimensions."""

    file: str
    dimensions: tuple[str, ...] = ()
    readings: list[Reading] = field(default_factory=list[Reading])


def load_metrics(settings: Settings, option: str | None = None) -> Metrics:
    """Return the readings of the file named by ``option``, else by the settings.

    Raises
    ------
    UsageError
        If there is no such file.
    SourceError
        If it cannot be read, lacks a column, or a line of it means nothing; the message names the line.
    """
    from pathlib import Path

    from costlab.settings import Settings as Defaults

    path = Path(option).expanduser() if option else settings.workspace / settings.business_metrics
    if not path.is_file():
        is_set = not option and settings.business_metrics != Defaults(settings.workspace).business_metrics
        kind = ConfigError if is_set else UsageError
        raise kind(f"there is no file of business metrics {path.name!r}", hint=f"Name one with --metric. {_EXAMPLE}")
    return read_metrics(path)


def read_metrics(path: Path) -> Metrics:
    """Return the readings of a file; see :func:`load_metrics`."""
    rows = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    header = next(rows)[1]
    names = {str(name).strip().lower(): name for name in header}
    time = next((name for name in TIMES if name in names), None)
    missing = [name for name in (METRIC, QUANTITY) if name not in names]
    if time is None or missing:
        raise SchemaDrift(path.name, [*missing, *([] if time else ["date"])], hint=_EXAMPLE)
    others = {name: key for name, key in names.items() if name not in {time, METRIC, QUANTITY}}
    found = Metrics(path.name, tuple(others))
    for line, row in rows:
        where = f"{path.name}:{line}"
        metric = str(row.get(names[METRIC]) or "").strip()
        if not metric:
            raise SourceError(f"{where}: the metric has no name", hint=_EXAMPLE)
        values = {name: _text(row.get(key)) for name, key in others.items()}
        at, quantity = _time(row.get(names[time]), where), _quantity(row.get(names[QUANTITY]), where)
        if quantity is not None:
            found.readings.append(Reading(metric, at, quantity, values))
    return found


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, strict=True, restkey="")
            yield 1, dict.fromkeys(reader.fieldnames or ())
            for row in reader:
                if None in row.values() or "" in row:
                    raise SourceError(f"{path.name}:{reader.line_num}: not as many fields as the header has")
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path.name} cannot be read: {error}") from None


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from None
    yield 0, dict.fromkeys(table.column_names)
    yield from _numbered(row for batch in table.to_batches() for row in batch.to_pylist())


def _numbered(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    yield from enumerate(rows, 1)


def _time(value: Any, where: str) -> date | Month:
    if isinstance(value, datetime):
        return _utc_day(value)
    if isinstance(value, date):
        return value
    text = str(value or "").strip()
    try:
        return Month.parse(text) if _MONTH.fullmatch(text) else _utc_day(datetime.fromisoformat(text))
    except (ValueError, UsageError):
        raise SourceError(f"{where}: {text!r} is neither a day nor a month", hint=_EXAMPLE) from None


def _utc_day(instant: datetime) -> date:
    return instant.astimezone(UTC).date() if instant.tzinfo else instant.date()


def _quantity(value: Any, where: str) -> Decimal | None:
    """Return the number; None for an empty field, which says that it is not known."""
    text = str(value).strip() if value is not None else ""
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise SourceError(f"{where}: quantity {text!r} is not a number", hint="Write 1234.5, without separators")
    return number


def _text(value: Any) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None
