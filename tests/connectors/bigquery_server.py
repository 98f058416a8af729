"""BigQuery's REST API on loopback, as far as its Python client needs it to read tables.

Queries run for real: sqlglot turns them into DuckDB's SQL, over a table with BigQuery's nested types. Like a table with
``require_partition_filter`` it refuses a query that does not bound the partitions. Values are encoded as the service
does: rows of ``f`` and ``v``, numbers as text, instants as microseconds since 1970.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import sqlglot
from pyarrow import parquet
from sqlglot import exp

from costlab.warehouse.connection import Connection, Error, connect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Json = dict[str, Any]
LEAST = 10 << 20
_TYPES = {
    "STRING": "VARCHAR",
    "FLOAT": "DOUBLE",
    "NUMERIC": "DECIMAL(38,9)",
    "INTEGER": "BIGINT",
    "BOOLEAN": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMPTZ",
    "DATE": "DATE",
}
_NAMES = {kind: name for name, kind in _TYPES.items()} | {
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "INTEGER": "INTEGER",
}


def column(name: str, kind: str = "STRING", *fields: Json, repeated: bool = False) -> Json:
    """Return a column of a table's schema as the API writes it."""
    mode = "REPEATED" if repeated else "NULLABLE"
    return {"name": name, "type": kind, "mode": mode} | ({"fields": list(fields)} if fields else {})


def record(name: str, *fields: Json, repeated: bool = False) -> Json:
    return column(name, "RECORD", *fields, repeated=repeated)


@dataclass
class Fault:
    """An answer in place of the right one, for requests whose method and path match; ``times`` of them.

    Status 0 cuts the connection.
    """

    pattern: str
    status: int
    reason: str
    message: str = "something went wrong"
    times: int = 1_000_000


@dataclass
class BigQuery:
    """The served state: tables, what is asked, what goes wrong."""

    tables: dict[str, Json] = field(default_factory=dict)
    """``project.dataset.table`` -> the resource of tables.get."""
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    queries: list[tuple[str, int, bool]] = field(default_factory=list)
    """SQL, maximumBytesBilled and whether it was a dry run."""
    page: int = 2
    row_bytes: int = 100
    job_error: Json | None = None
    """How the next job fails."""
    port: int = 0
    _jobs: dict[str, Json] = field(default_factory=dict)
    con: Connection = field(default_factory=connect)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ran(self) -> list[str]:
        """Return the queries that ran and cost something."""
        return [sql for sql, _, is_dry in self.queries if not is_dry]

    def create(self, place: str, schema: Sequence[Json], *, partition: str | None = "", kind: str = "DAY") -> None:
        """Create a table; ``partition`` is the column, "" for the day of loading, None for no partitions."""
        project, dataset, table = place.split(".")
        resource: Json = {
            "kind": "bigquery#table",
            "id": f"{project}:{dataset}.{table}",
            "tableReference": {"projectId": project, "datasetId": dataset, "tableId": table},
            "schema": {"fields": list(schema)},
            "type": "TABLE",
            "location": "EU",
        }
        if partition is not None:
            resource["timePartitioning"] = {"type": kind} | ({"field": partition} if partition else {})
        self.tables[place] = resource
        columns = ", ".join(f'"{item["name"]}" {_type(item)}' for item in schema)
        hidden = ', "_PARTITIONTIME" TIMESTAMPTZ' if partition == "" else ""
        self.con.execute("set timezone = 'UTC'")
        self.con.execute(f'create or replace table "{place}" ({columns}{hidden})')

    def insert(self, place: str, rows: Sequence[Json], *, loaded: str = "") -> None:
        """Append rows, as JSON has them, to the partition of the day of loading."""
        schema = self.tables[place]["schema"]["fields"]
        values = [item | ({"_PARTITIONTIME": loaded} if loaded else {}) for item in rows]
        kinds = {item["name"]: _type(item) for item in schema} | ({"_PARTITIONTIME": "TIMESTAMPTZ"} if loaded else {})
        wanted = json.dumps([kinds]).replace("'", "''")
        names = ", ".join(f'"{name}"' for name in kinds)
        for value in values:  # null where a row lacks a column
            self.con.execute(
                f"insert into \"{place}\" ({names}) select unnest(from_json($1, '{wanted}'), max_depth := 2)",
                [json.dumps([value])],
            )

    def copy(self, place: str, files: Path, *, loaded: str) -> None:
        """Create a table of the Parquet files in a folder, all loaded on one day."""
        paths = sorted(str(path) for path in files.glob("**/*.parquet"))
        self.create(place, [_of_arrow(item) for item in parquet.read_schema(paths[0])])
        self.con.execute(
            f'insert into "{place}" by name select *, $1::timestamptz as "_PARTITIONTIME" '
            "from read_parquet($2, hive_partitioning = false)",
            [loaded, paths],
        )

    def handle(self, method: str, path: str, query: dict[str, list[str]], body: Json) -> tuple[int, Json]:
        """Return status and answer of a request."""
        self.requests.append(f"{method} {path}")
        for fault in self.faults:
            if fault.times and re.search(fault.pattern, f"{method} {path}"):
                fault.times -= 1
                return fault.status, _error(fault.status, fault.reason, fault.message)
        parts = path.removeprefix("/bigquery/v2").strip("/").split("/")
        match (method, parts):
            case "GET", ["projects", project, "datasets", dataset, "tables"]:
                return self._list(f"{project}.{dataset}.")
            case "GET", ["projects", project, "datasets", dataset, "tables", table]:
                found = self.tables.get(f"{project}.{dataset}.{table}")
                return (200, found) if found else (404, _error(404, "notFound", f"Not found: Table {table}"))
            case "POST", ["projects", project, "jobs"]:
                return self._insert(project, body)
            case "GET", ["projects", _, "jobs", job]:
                return 200, self._jobs[job]["resource"]
            case "GET", ["projects", _, "queries", job]:
                return 200, self.results(self._jobs[job], int(query.get("pageToken", ["0"])[0]))
            case _:
                return 404, _error(404, "notFound", f"no such method: {method} {path}")

    def _list(self, start: str) -> tuple[int, Json]:
        found = [t for place, t in self.tables.items() if place.startswith(start)]
        return 200, {"kind": "bigquery#tableList", "tables": found, "totalItems": len(found)}

    def _insert(self, project: str, body: Json) -> tuple[int, Json]:
        settings = body["configuration"]["query"]
        is_dry = bool(body["configuration"].get("dryRun"))
        limit = int(settings["maximumBytesBilled"])
        self.queries.append((settings["query"], limit, is_dry))
        tree: Any = sqlglot.parse_one(settings["query"], read="bigquery")
        values = {p["name"]: _bound(p) for p in settings.get("queryParameters", [])}
        if refused := self._refusal(tree):
            return 400, _error(400, "invalidQuery", refused)
        size = self._size(tree, values)
        billed = max(size, LEAST)
        if not is_dry and billed > limit:
            return 400, _error(400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed")
        reference = body.get("jobReference", {}) | {"projectId": project, "location": "EU"}
        resource: Json = {
            "jobReference": reference,
            "configuration": body["configuration"],
            "status": {"state": "DONE"},
            "statistics": {"totalBytesProcessed": str(size), "query": {"totalBytesProcessed": str(size)}},
        }
        if is_dry:
            return 200, resource
        if self.job_error:
            resource["status"] |= {"errorResult": self.job_error, "errors": [self.job_error]}
            self.job_error = None
        resource["statistics"]["query"]["totalBytesBilled"] = str(billed)
        self._jobs[reference["jobId"]] = {"resource": resource} | self._run(tree, values)
        return 200, resource

    def _refusal(self, tree: Any) -> str:
        """Return why the query may not run: partitions without bounds."""
        place = _place(tree)
        split = self.tables[place].get("timePartitioning")
        name = (split or {}).get("field", "_PARTITIONTIME")
        if split and not any(_bounds(name, condition) for condition in _conditions(tree)):
            return f"Cannot query over table '{place}' without a filter over column(s) '{name}'"
        return ""

    def _size(self, tree: Any, values: Json) -> int:
        """Return the bytes of the columns read in the partitions that the bounds leave."""
        place = _place(tree)
        split = self.tables[place].get("timePartitioning", {}).get("field", "_PARTITIONTIME")
        kept = [c.sql(dialect="duckdb") for c in _conditions(tree) if _bounds(split, c)]
        used = {n: v for n, v in values.items() if any(f"${n}" in c for c in kept)}
        where = f" where {' and '.join(kept)}" if kept else ""
        ((rows,),) = self.con.execute(f'select count(*) from "{place}"{where}', used).fetchall()
        return int(rows) * self.row_bytes

    def _run(self, tree: Any, values: Json) -> Json:
        table = tree.find(exp.Table)
        assert table is not None
        table.replace(exp.table_(_place(tree), quoted=True))
        con = self.con.cursor()
        con.execute("set timezone = 'UTC'")
        con.execute(tree.sql(dialect="duckdb"), values)
        described = con.description or []
        schema = [{"name": d[0], "type": _NAMES.get(str(d[1]), "STRING"), "mode": "NULLABLE"} for d in described]
        return {"schema": schema, "rows": [{"f": [{"v": _encoded(v)} for v in row]} for row in con.fetchall()]}

    def results(self, job: Json, start: int) -> Json:
        rows = job["rows"][start : start + self.page]
        following = start + self.page
        return {
            "jobReference": job["resource"]["jobReference"],
            "jobComplete": True,
            "totalRows": str(len(job["rows"])),
            "schema": {"fields": job["schema"]},
            "rows": rows,
        } | ({"pageToken": str(following)} if following < len(job["rows"]) else {})


def _of_arrow(item: Any) -> Json:
    """Return the column of a schema for a column of a Parquet file."""
    kind, repeated = item.type, pa.types.is_list(item.type)
    if repeated:
        kind = kind.value_type
    if pa.types.is_struct(kind):
        fields = [_of_arrow(kind.field(number)) for number in range(kind.num_fields)]
        return record(item.name, *fields, repeated=repeated)
    names = (
        ("FLOAT", pa.types.is_floating(kind)),
        ("NUMERIC", pa.types.is_decimal(kind)),
        ("INTEGER", pa.types.is_integer(kind)),
        ("BOOLEAN", pa.types.is_boolean(kind)),
        ("TIMESTAMP", pa.types.is_timestamp(kind)),
    )
    return column(item.name, next((name for name, fits in names if fits), "STRING"), repeated=repeated)


def _type(item: Json) -> str:
    if item["type"] == "RECORD":
        kind = f"STRUCT({', '.join(f'{_quote(f)} {_type(f)}' for f in item['fields'])})"
    else:
        kind = _TYPES[item["type"]]
    return f"{kind}[]" if item["mode"] == "REPEATED" else kind


def _quote(item: Json) -> str:
    return f'"{item["name"]}"'


def _place(tree: Any) -> str:
    table = tree.find(exp.Table)
    assert table is not None
    return ".".join(part.name for part in table.parts)


def _conditions(tree: Any) -> list[Any]:
    where = tree.find(exp.Where)
    if where is None:
        return []
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def _bounds(name: str, condition: Any) -> bool:
    return isinstance(condition, exp.GTE | exp.LTE) and condition.this.name == name


def _bound(parameter: Json) -> Any:
    text = parameter["parameterValue"]["value"]
    match parameter["parameterType"]["type"]:
        case "TIMESTAMP":
            return datetime.fromisoformat(text)
        case "DATE":
            return date.fromisoformat(text)
        case _:
            return text


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        whole = value.replace(tzinfo=value.tzinfo or UTC)
        return str(int(whole.timestamp()) * 1_000_000 + whole.microsecond)
    if isinstance(value, dict):
        return {"f": [{"v": _encoded(v)} for v in value.values()]}
    if isinstance(value, list):
        return [{"v": _encoded(v)} for v in value]
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _error(status: int, reason: str, message: str) -> Json:
    return {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: BigQuery

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(size)
        body = json.loads(content) if content.startswith(b"{") else {}  # a sign-in is a form
        address = urlsplit(self.path)
        try:
            status, answer = self.state.handle(self.command, address.path, parse_qs(address.query), body)
        except (Error, sqlglot.ParseError, KeyError) as error:
            status, answer = 400, _error(400, "invalidQuery", f"{type(error).__name__}: {error}")
        if not status:
            self.close_connection = True
            return
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


class Served:
    """A context manager: the API as long as it is open."""

    def __init__(self) -> None:
        self.state = BigQuery()
        handler = type("Handler", (_Handler,), {"state": self.state})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> BigQuery:
        self.state.port = self._server.server_address[1]
        self._thread.start()
        return self.state

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
