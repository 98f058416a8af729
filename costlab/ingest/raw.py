"""The relation ``raw``: a delivery's files as one typed SELECT, whatever the files call their columns.

Columns are matched by name without case, file by file; files with the same columns are read together. A cheap form
trusts the values; when a value then turns out unreadable the checked form is built, which reads every value with
``try_cast`` and says in ``x_unreadable`` what is wrong with which row.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Final

from costlab.errors import SchemaDrift
from costlab.interfaces.connector import FileFormat
from costlab.warehouse.parquet import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costlab.ingest.files import DataFile
    from costlab.interfaces.connector import Column, Gather, Snapshot
    from costlab.warehouse.connection import Connection

PRESENCE: Final = "PRESENCE"
OBJECT: Final = "OBJECT"
_OBJECTS: Final = ("JSON", OBJECT)
RECORDS: Final = "RECORDS("
_LOCALISED = re.compile(r".+ [(](?P<name>[A-Za-z0-9_]+)[)]")
_LOOKUP = re.compile(r"(?P<column>.+)\[(?P<key>.+)\]")
_SHORT: Final = 40
"""Statistics may cut longer texts."""
_EXACT_DOUBLE: Final = 1000
"""Below this a DOUBLE times 10^12 rounds to the right DECIMAL(38,12); above it goes through its shortest text."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The SELECT of ``raw`` and what the files' columns told."""

    sql: str
    new: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Files with the same columns: how DuckDB reads them, and what each column is called in that read."""

    relation: str
    names: dict[str, str]
    """Lower-case name in the files -> SQL expression."""
    types: dict[str, str]
    spelled: dict[str, str]
    """Lower-case name -> name as the files write it."""
    filled: frozenset[str] | None
    """Lower-case names with a value; None when every column may have."""
    ranges: dict[str, tuple[str, str]] | None
    """The smallest and largest text of columns that tell; None where the reader makes NULL of texts itself."""
    full: frozenset[str] | None
    """Parquet: columns without a NULL or a text that means it; None when unknown."""
    label: str
    """SQL of what the connector says about the file a row is from."""


def build_raw(con: Connection, snapshot: Snapshot, files: Sequence[DataFile], *, checked: bool) -> Raw:
    """Return ``raw`` for a delivery's files.

    Raises
    ------
    SchemaDrift
        If a mandatory column is missing in a file.
    """
    groups: dict[tuple[object, ...], list[DataFile]] = defaultdict(list)
    for file in files:
        label = "" if file.format is FileFormat.CSV else file.label  # of CSV the file's name leads to it
        groups[file.format, file.gzip, file.delimiter, file.columns, label].append(file)
    readers = [(_reader(con, snapshot, group, checked=checked), group) for group in groups.values()]
    present = _present(snapshot.columns, [reader for reader, _ in readers])
    selects: list[str] = []
    new: set[str] = set()
    absences: list[set[str]] = []
    any_new = any(_unknown(snapshot, reader) for reader, _ in readers)
    for reader, group in readers:
        absent = [c.name for c in snapshot.columns if c.required and _found(c, reader) is None]
        if absent:
            raise SchemaDrift(
                group[0].uri,
                absent,
                hint="Check the connector, and that the export has the column; nothing was changed",
            )
        unknown = _unknown(snapshot, reader)
        new |= {reader.spelled[name] for name in unknown}
        gathers = _gather_columns(snapshot, reader)
        absences.append({c.name for c in snapshot.columns if _found(c, reader) is None and c.name not in gathers})
        select = _select(snapshot, reader, present, unknown, checked=checked, any_new=any_new)
        selects.append(f"{select},\n    {reader.label} as x_label\nfrom {reader.relation}")
    missing = set.intersection(*absences) - {c.name for c in snapshot.columns if c.type == PRESENCE}
    return Raw(_union(selects), tuple(sorted(new)), tuple(sorted(missing)))


def _union(selects: Sequence[str]) -> str:
    """Return the union of any number of queries: halves of halves, for DuckDB takes a thousand levels and no more."""
    if len(selects) == 1:
        return selects[0]
    half = len(selects) // 2
    return f"({_union(selects[:half])})\nunion all\n({_union(selects[half:])})"


def _reader(con: Connection, snapshot: Snapshot, group: Sequence[DataFile], *, checked: bool) -> _Reader:
    first = group[0]
    paths = ", ".join(literal(f.path) for f in group)
    lower = [_name(c.name, snapshot).lower() for c in first.columns]
    spelled = dict(zip(reversed(lower), (c.name for c in reversed(first.columns)), strict=True))
    types = dict(zip(reversed(lower), (c.type for c in reversed(first.columns)), strict=True))
    if first.format is FileFormat.PARQUET:
        relation = f"read_parquet([{paths}], hive_partitioning=false)"
        names = {name: identifier(spelled[name]) for name in spelled}
        for column in [name for name in names if types[name].startswith("STRUCT(") and not types[name].endswith("]")]:
            for field, kind in _fields(con, relation, names[column]):
                name = f"{column}[{field.lower()}]"
                names[name], types[name] = f"{names[column]}[{literal(field)}]", kind
                spelled[name] = f"{spelled[column]}.{field}"
        filled, full, ranges = _statistics(con, group)
        return _Reader(relation, names, types, spelled, filled, ranges, full, literal(first.label))
    # headers never reach the SQL: columns are c0, c1, ...; the first of two columns with one name counts
    names = {name: f"c{len(lower) - 1 - i}" for i, name in enumerate(reversed(lower))}
    packing = "gzip" if first.gzip else "none"
    if first.format is FileFormat.JSONL:
        packing = "gzip" if first.gzip else "uncompressed"  # "none" is CSV's word for it in DuckDB 1.5
        wanted = ", ".join(f"{identifier(c.name)}: 'VARCHAR'" for c in first.columns)
        relation = f"read_json([{paths}], format='newline_delimited', compression='{packing}', columns={{{wanted}}})"
        names = {name: identifier(spelled[name]) for name in spelled}
        return _Reader(relation, names, types, spelled, None, {}, None, literal(first.label))
    kinds = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(lower)))
    nulls = ", ".join(literal(text) for text in snapshot.nulls)
    rejects = ", store_rejects=true, rejects_limit=0" if checked else ""
    one_label = len({file.label for file in group}) == 1
    relation = (
        f"read_csv([{paths}], columns={{{kinds}}}, header=true, auto_detect=false, delim={literal(first.delimiter)}, "
        f"quote='\"', escape='\"', nullstr=[{nulls}], compression='{packing}', hive_partitioning=false, "
        f"filename={'false' if one_label else 'true'}{rejects})"
    )
    label = literal(first.label)
    if not one_label:
        pairs = ", ".join(f"({literal(file.path)}, {literal(file.label)})" for file in group)
        relation += f" left join (values {pairs}) as labels (x_path, x_given) on filename = x_path"
        label = "x_given"
    filled_csv = frozenset(name.lower() for file in group for name in file.filled)
    return _Reader(relation, names, types, spelled, filled_csv, None, None, label)


def _fields(con: Connection, relation: str, column: str) -> list[tuple[str, str]]:
    """Return the fields of a STRUCT column with their types."""
    rows = con.execute(f"describe select unnest({column}) from {relation}").fetchall()
    return [(str(name), str(kind)) for name, kind, *_ in rows]


def _name(header: str, snapshot: Snapshot) -> str:
    """Return a column's name without the words a vendor's portal puts before it for readers of other languages."""
    match = _LOCALISED.fullmatch(header) if snapshot.localised else None
    return match["name"] if match else header


def _statistics(
    con: Connection, group: Sequence[DataFile]
) -> tuple[frozenset[str], frozenset[str], dict[str, tuple[str, str]]]:
    """Return columns with a value, columns without a NULL, and the range of text columns, by the files' statistics."""
    paths = ", ".join(literal(f.path) for f in group)
    found = con.execute(
        # column, field, ...: what holds for all parts of a field holds for the field, and likewise for the column
        "with parts as (select *, unnest([split_part(path_in_schema, ', ', 1), split_part(path_in_schema, ', ', 1) "
        f"|| '[' || nullif(split_part(path_in_schema, ', ', 2), '') || ']']) as part from parquet_metadata([{paths}])) "
        "select lower(part), "
        "bool_or(stats_null_count is null or stats_null_count < num_values), "
        "bool_and(coalesce(stats_null_count = 0, false)), "
        "bool_and(stats_min_value is not null or stats_null_count = num_values), "
        "min(stats_min_value), max(stats_max_value) from parts group by lower(part)"
    ).fetchall()
    rows = [row for row in found if row[0] is not None]
    filled = frozenset(str(name) for name, has_values, *_ in rows if has_values)
    full = frozenset(str(row[0]) for row in rows if row[2] and (row[3] and row[4]))
    return filled, full, {str(name): (low or "", high or "") for name, _, _, tells, low, high in rows if tells}


def _present(columns: Iterable[Column], readers: Sequence[_Reader]) -> dict[str, bool]:
    """Return, for each PRESENCE column, whether any file has a value in a column it stands for."""
    return {
        c.name: any(
            name in r.names and (r.filled is None or name in r.filled) for r in readers for name in _spellings(c)
        )
        for c in columns
        if c.type == PRESENCE
    }


def _spellings(column: Column) -> list[str]:
    return [name.lower() for name in (column.name, *column.aliases)]


def _found(column: Column, reader: _Reader) -> str | None:
    """Return the SQL of a column in these files before any cast, None when they lack it."""
    for spelling in _spellings(column):
        if spelling in reader.names:
            return reader.names[spelling]
        if (match := _LOOKUP.fullmatch(spelling)) and match["column"] in reader.names:
            found = _lookup(reader, match["column"], match["key"])
            if found is not None:
                return found
    return None


def _lookup(reader: _Reader, column: str, key: str) -> str | None:
    """Return the SQL of an entry of a MAP or a JSON object; the fields of a STRUCT have names of their own."""
    if reader.types[column].startswith("STRUCT("):
        return None
    if reader.types[column].startswith("MAP("):
        return f"{reader.names[column]}[{literal(key)}]"
    return f"json_extract_string({reader.names[column]}, {literal('$.' + identifier(key))})"


def _type_of(column: Column, reader: _Reader) -> str:
    return next((reader.types[s] for s in _spellings(column) if s in reader.types), "VARCHAR")


def _gathered(snapshot: Snapshot, name: str) -> Gather | None:
    """Return how a file's column is gathered: by the longest prefix that fits."""
    fitting = [gather for gather in snapshot.gather if name.startswith(gather.prefix.lower())]
    return max(fitting, key=lambda gather: len(gather.prefix), default=None)


def _unknown(snapshot: Snapshot, reader: _Reader) -> list[str]:
    known = {s for c in snapshot.columns for s in _spellings(c)}
    opened = {m["column"] for s in known if (m := _LOOKUP.fullmatch(s))}
    known |= opened
    # a STRUCT is known or new as a whole, unless the connector reads single fields of it
    known |= {n for n in reader.names if (m := _LOOKUP.fullmatch(n)) and m["column"] in reader.names.keys() - opened}
    ignored = [pattern.lower() for pattern in snapshot.ignore]
    return [
        name
        for name in reader.names
        if name
        and name not in known
        and _gathered(snapshot, name) is None
        and not any(fnmatch(name, pattern) for pattern in ignored)
    ]


def _select(
    snapshot: Snapshot,
    reader: _Reader,
    present: dict[str, bool],
    unknown: Sequence[str],
    *,
    checked: bool,
    any_new: bool,
) -> str:
    """Return the SELECT list over one group of files: the columns' values, then what could not be read."""
    gathered = _gather_columns(snapshot, reader)
    values = {c.name: _column(c, snapshot, reader, present, gathered, checked=checked) for c in snapshot.columns}
    items = [f"{sql} as {identifier(name)}" for name, sql in values.items()]
    doubts = _doubts(snapshot, reader, values, checked=checked)
    items.append(f"{doubts} as x_unreadable")
    extra = _object([(reader.spelled[n], reader.names[n]) for n in unknown]) if unknown and any_new else None
    items.append(f"{extra or 'cast(null as varchar)'} as x_extra")
    listed = ",\n    ".join(items)
    return f"select\n    {listed}"


def _column(
    column: Column,
    snapshot: Snapshot,
    reader: _Reader,
    present: dict[str, bool],
    gathered: dict[str, str],
    *,
    checked: bool,
) -> str:
    """Return the SQL of a column's value in these files."""
    if column.type == PRESENCE:
        return str(present[column.name]).lower()
    found = _found(column, reader)
    if found is None:
        return gathered.get(column.name, f"cast(null as {stored_type(column.type)})")
    if (only := _only_value(column, reader)) is not None:
        return only
    text = _without_nulls(column, found, reader, snapshot.nulls)
    return _value(text, _type_of(column, reader), column.type, checked=checked)


def _only_value(column: Column, reader: _Reader) -> str | None:
    """Return the one value of a Parquet column as a literal where the statistics know it; DuckDB then folds it."""
    name = next((s for s in _spellings(column) if s in reader.names), None)
    if name is None or reader.filled is None or reader.full is None:
        return None
    if name not in reader.filled:
        return f"cast(null as {stored_type(column.type)})"
    low, high = (reader.ranges or {}).get(name, ("", "~"))
    if column.type == reader.types[name] == "VARCHAR" and name in reader.full and low == high and len(low) <= _SHORT:
        return literal(low)
    return None


def _doubts(snapshot: Snapshot, reader: _Reader, values: dict[str, str], *, checked: bool) -> str:
    """Return SQL that says why a row cannot be read: a value that is not of its type, or a mandatory one that lacks."""
    cases: list[str] = []
    for column in snapshot.columns:
        found = _found(column, reader)
        if found is None or column.type == PRESENCE:
            continue
        value = values[column.name]
        text = _without_nulls(column, found, reader, snapshot.nulls)
        is_text_of_records = column.type.startswith(RECORDS) and _type_of(column, reader) == "VARCHAR"
        if (checked or is_text_of_records) and value != text:
            told = f"{literal(column.name + ': ')} || '''' || left(cast({found} as varchar), 80) || ''''"
            cases.append(f"when {text} is not null and {value} is null then {told} || ' is not {_words(column.type)}'")
        if column.required and _may_lack(column, reader):
            cases.append(f"when {text} is null then {literal(column.name + ' is empty')}")
    return f"case {' '.join(cases)} end" if cases else "cast(null as varchar)"


def _may_lack(column: Column, reader: _Reader) -> bool:
    return reader.full is None or not any(spelling in reader.full for spelling in _spellings(column))


def _gather_columns(snapshot: Snapshot, reader: _Reader) -> dict[str, str]:
    """Return the SQL of the columns gathered into JSON objects, by name."""
    claimed = {s for c in snapshot.columns for s in _spellings(c)}
    members: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, sql in reader.names.items():
        if name not in claimed and (gather := _gathered(snapshot, name)):
            value = f"nullif({sql}, '')" if reader.types[name] == "VARCHAR" else sql
            key = gather.key_prefix + reader.spelled[name][len(gather.prefix) :]
            members[gather.name].append((key, value))
    return {name: _object(found) for name, found in members.items()}


def _object(members: Sequence[tuple[str, str]]) -> str:
    """Return SQL for a JSON object text of the members that are not NULL; NULL when none is."""
    parts = ", ".join(
        f"case when {sql} is not null then to_json({literal(key)}) || ':' || to_json({sql}) end" for key, sql in members
    )
    return f"('{{' || nullif(concat_ws(',', {parts}), '') || '}}')"


def _value(found: str, source: str, target: str, *, checked: bool) -> str:
    """Return SQL that turns a column of type ``source`` into ``target``; NULL for unreadable text if ``checked``."""
    cast = "try_cast" if checked else "cast"
    if target.startswith(RECORDS):
        return _records(found, source, target)
    if target in _OBJECTS and source != "VARCHAR":
        return f"cast(to_json({found}) as varchar)"
    if target == OBJECT:
        compact = f"cast(json({found}) as varchar)"
        return f"case when json_valid({found}) then {compact} end" if checked else compact
    if source == stored_type(target):
        return found
    if target.startswith("DECIMAL") and source in {"DOUBLE", "FLOAT"}:
        return (
            f"case when abs({found}) < {_EXACT_DOUBLE} then {cast}({found} as {target}) "
            f"else {cast}(cast({found} as varchar) as {target}) end"
        )
    if target == "TIMESTAMP" and source == "VARCHAR":
        # the session's zone is UTC: an offset is honoured, a text without one means UTC; DuckDB 1.5 wants the seconds
        # of 2026-09-01T00:00Z
        text = f"case when length({found}) = 17 then replace({found}, 'Z', ':00Z') else {found} end"
        return f"cast({cast}({text} as timestamptz) as timestamp)"
    return f"{cast}({found} as {target})"


def _records(found: str, source: str, target: str) -> str:
    """Return SQL for a list of records with the fields of ``target`` only; what is no list is NULL."""
    if source != "VARCHAR":
        return f"cast({found} as {stored_type(target)})"
    fields = ", ".join(f'"{field}": "VARCHAR"' for field in _record_fields(target))
    return f"case when json_valid({found}) then from_json({found}, {literal('[{' + fields + '}]')}) end"


def _record_fields(kind: str) -> list[str]:
    return [field.strip() for field in kind.removeprefix(RECORDS).removesuffix(")").split(",")]


def _without_nulls(column: Column, found: str, reader: _Reader, nulls: Sequence[str]) -> str:
    """Return a column with the texts that mean NULL made NULL, where the column can hold them at all."""
    if reader.ranges is None or _type_of(column, reader) != "VARCHAR":
        return found
    spelling = next((s for s in _spellings(column) if s in reader.names), "")
    low, high = reader.ranges.get(spelling, ("", "\U0010ffff"))
    for text in nulls:
        if low <= text <= high:
            found = f"nullif({found}, {literal(text)})"
    return found


def stored_type(kind: str) -> str:
    """Return DuckDB's type for the type of a connector's column."""
    if kind.startswith(RECORDS):
        return f"struct({', '.join(f'{identifier(field)} varchar' for field in _record_fields(kind))})[]"
    return "VARCHAR" if kind in _OBJECTS else kind


def _words(kind: str) -> str:
    if kind.startswith(("DECIMAL", "DOUBLE", "BIGINT", "INTEGER")):
        return "a number"
    if kind.startswith(RECORDS):
        return "a list of records"
    return {"TIMESTAMP": "an instant", OBJECT: "a JSON object", "DATE": "a day"}.get(kind, f"a {kind.lower()}")
