"""The relation ``raw``: a snapshot's files as one typed table, whatever spelling, type or order they have.

Every column a connector asks for is there with its type; what the files lack is a typed NULL. Text that cannot be
read as its type makes ``x_unreadable`` say why; columns nobody knows are kept in ``x_extra``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from costlab.errors import SchemaDrift
from costlab.interfaces.connector import Column, FileFormat
from costlab.warehouse.parquet import file_list, identifier, literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from costlab.ingest.headers import Layout
    from costlab.interfaces.connector import Snapshot

_ENTRY = re.compile(r"(?P<column>.+)\[(?P<key>.+)\]")
_MAX_LINE = 4 << 20
_KINDS = {"DECIMAL(38,12)": "a number", "DOUBLE": "a number", "TIMESTAMP": "an instant", "JSON": "a JSON object"}
# a binary floating-point amount below this has its twelve decimals exactly when it is multiplied out
_EXACT_DOUBLE = 1000


@dataclass(frozen=True, slots=True)
class Raw:
    """SQL for ``raw`` and what it noticed: columns nobody knows, optional ones that no file has."""

    sql: str
    new: tuple[str, ...]
    missing: tuple[str, ...]


def raw_select(snapshot: Snapshot, groups: Mapping[Layout, Sequence[Path]]) -> Raw:
    """Return the SELECT behind ``raw`` over the files of a snapshot.

    Raises
    ------
    SchemaDrift
        If a file lacks a required column.
    """
    parts: list[str] = []
    new: dict[str, None] = {}
    absent: list[set[str]] = []
    for layout, paths in groups.items():
        scan = _Scan(snapshot, layout, paths)
        parts.append(scan.sql())
        new.update(dict.fromkeys(scan.unknown))
        absent.append(scan.absent)
    missing = sorted(set.intersection(*absent)) if absent else []
    return Raw(" union all ".join(parts), tuple(sorted(new)), tuple(missing))


class _Scan:
    """The files of one layout."""

    def __init__(self, snapshot: Snapshot, layout: Layout, paths: Sequence[Path]) -> None:
        self.snapshot, self.layout, self.paths = snapshot, layout, paths
        self.types = dict(layout.columns)
        self.spelling = {name.lower(): name for name in reversed(list(self.types))}
        self.gathered = {g.name: self._gathered(g.name) for g in snapshot.gather}
        self.used: dict[str, None] = {}
        self.sources = {c.name: self._source(c) for c in snapshot.columns}
        self.absent = {c.name for c in snapshot.columns if self.sources[c.name] is None and not self._gathers(c.name)}
        missing = [c.name for c in snapshot.columns if c.required and c.name in self.absent]
        if missing:
            raise SchemaDrift(
                str(paths[0]),
                missing,
                hint="Check the connector, and that the export has the column",
            )
        self.unknown = [name for name in self.types if self._is_unknown(name)]

    def sql(self) -> str:
        columns = [f"{self._value(c)} as {identifier(c.name)}" for c in self.snapshot.columns]
        columns.append(f"{self._unreadable()} as x_unreadable")
        columns.append(f"{self._extra()} as x_extra")
        return f"select {', '.join(columns)} from {self._table()}"

    def _table(self) -> str:
        if self.layout.format is FileFormat.PARQUET:
            return file_list(str(path) for path in self.paths)
        listed = ", ".join(literal(str(path)) for path in self.paths)
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.types)
        compression = "gzip" if self.layout.gzipped else "none"
        if self.layout.format is FileFormat.JSONL:
            return (
                f"read_json([{listed}], format='newline_delimited', columns={{{columns}}}, "
                f"compression='{compression}', maximum_object_size={_MAX_LINE}, ignore_errors=true)"
            )
        return (
            f"read_csv([{listed}], columns={{{columns}}}, header=true, auto_detect=false, "
            f"delim={literal(self.layout.delimiter)}, quote='\"', escape='\"', "
            f"compression='{compression}', max_line_size={_MAX_LINE}, store_rejects=true, rejects_limit=0)"
        )

    def _source(self, column: Column) -> str | None:
        """Return the SQL that reads a column as it lies in the file; None when it does not."""
        for alias in (column.name, *column.aliases):
            entry = _ENTRY.fullmatch(alias)
            name = self.spelling.get((entry["column"] if entry else alias).lower())
            if name is None or (entry and not self.types[name].startswith("MAP")):
                continue
            self.used[name] = None
            return f"{identifier(name)}[{literal(entry['key'])}]" if entry else identifier(name)
        return None

    def _value(self, column: Column) -> str:
        source = self.sources[column.name]
        if source is None:
            return self.gathered.get(column.name) or f"cast(null as {_sql_type(column)})"
        return self._read(column, source)

    def _kind_of(self, column: Column) -> str:
        """Return the file's type of a column's source."""
        for alias in (column.name, *column.aliases):
            entry = _ENTRY.fullmatch(alias)
            name = self.spelling.get((entry["column"] if entry else alias).lower())
            if name is not None and not (entry and not self.types[name].startswith("MAP")):
                return "VARCHAR" if entry else self.types[name]
        return "VARCHAR"

    def _read(self, column: Column, source: str) -> str:
        kind = self._kind_of(column)
        text = self._text(source, kind)
        match column.type:
            case "VARCHAR":
                return text
            case "JSON":
                nested = kind.startswith(("MAP", "STRUCT"))
                return f"nullif(cast(to_json({source}) as varchar), '{{}}')" if nested else f"nullif({text}, '{{}}')"
            case "TIMESTAMP":
                return _instant(source, text, kind)
            case "DECIMAL(38,12)" if kind in {"DOUBLE", "FLOAT"}:
                return (
                    f"case when abs({source}) < {_EXACT_DOUBLE} then try_cast({source} as decimal(38, 12)) "
                    f"else try_cast(cast({source} as varchar) as decimal(38, 12)) end"
                )
            case _:
                return f"try_cast({text if kind == 'VARCHAR' else source} as {column.type})"

    def _text(self, source: str, kind: str) -> str:
        text = source if kind == "VARCHAR" else f"cast({source} as varchar)"
        for null in self.snapshot.nulls:
            text = f"nullif({text}, {literal(null)})"
        return text

    def _unreadable(self) -> str:
        """Return why a row cannot be read, or NULL: the first typed value of it that is text but not of its type."""
        cases: list[str] = []
        for column in self.snapshot.columns:
            source = self.sources[column.name]
            if source is None:
                continue
            kind = self._kind_of(column)
            value, text = self._read(column, source), self._text(source, kind)
            if column.type in _KINDS and column.type != "JSON" and kind != column.type:
                shown = f"{literal(column.name + ': ')} || '''' || left(cast({source} as varchar), 40) || ''''"
                cases.append(
                    f"when {text} is not null and {value} is null then {shown} || ' is not {_KINDS[column.type]}'"
                )
            if column.required:
                cases.append(f"when {text} is null then {literal(column.name + ' is missing')}")
        return f"case {' '.join(cases)} end" if cases else "cast(null as varchar)"

    def _gathers(self, name: str) -> bool:
        return bool(self.gathered.get(name))

    def _gathered(self, target: str) -> str:
        entries: list[str] = []
        for gather in self.snapshot.gather:
            for name in self.types:
                if gather.name == target and name.lower().startswith(gather.prefix.lower()):
                    key = literal(_json_key(gather.key_prefix + name[len(gather.prefix) :]))
                    value = self._text(identifier(name), "VARCHAR")
                    entries.append(f"case when {value} is not null then {key} || cast(to_json({value}) as varchar) end")
        if not entries:
            return ""
        return f"'{{' || nullif(concat_ws(',', {', '.join(entries)}), '') || '}}'"

    def _is_unknown(self, name: str) -> bool:
        lower = name.lower()
        if name in self.used or lower.startswith("x_repeated_"):
            return False
        if any(lower.startswith(g.prefix.lower()) for g in self.snapshot.gather):
            return False
        return not any(fnmatch(lower, pattern.lower()) for pattern in self.snapshot.ignore)

    def _extra(self) -> str:
        if not self.unknown:
            return "cast(null as varchar)"
        packed = ", ".join(f"{literal(name)}: {identifier(name)}" for name in self.unknown)
        return f"cast(to_json({{{packed}}}) as varchar)"


def _sql_type(column: Column) -> str:
    return "varchar" if column.type == "JSON" else column.type


def _json_key(name: str) -> str:
    import json

    return json.dumps(name, ensure_ascii=False) + ":"


def _instant(source: str, text: str, kind: str) -> str:
    """Return the instant as naive UTC; an offset is honoured, none means UTC."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"{source} at time zone 'UTC'"
    if kind != "VARCHAR":
        return f"try_cast({source} as timestamp)"
    plain = f"{text} like '%Z' or length({text}) <= 19"
    return (
        f"case when {plain} then try_cast({text} as timestamp) "
        f"else try_cast({text} as timestamptz) at time zone 'UTC' end"
    )
