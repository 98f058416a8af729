"""A service on this machine: answers are given by a function, every request is kept for the test to look at."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from costlab.lake import Lake
from costlab.warehouse.connection import connect


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    target: str = ""
    """Path and query as they came."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def operation(self) -> str:
        """The operation of an AWS JSON service: ``GetCostAndUsage``; of a query service its ``Action``."""
        target = self.headers.get("x-amz-target", "").rpartition(".")[2]
        return target or parse_qs(self.body.decode()).get("Action", [""])[0]


@dataclass(frozen=True)
class Reply:
    """What comes back; a dict or list as JSON."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Service:
    """The running service."""

    url: str
    asked: list[Asked] = field(default_factory=list[Asked])

    def operations(self) -> list[str]:
        return [asked.operation for asked in self.asked]


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Generator[Service]:
    """Run a service until the block ends."""
    service = Service("")

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, query, headers, body, self.path)
            service.asked.append(asked)
            reply = answer(asked)
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _reply  # noqa: N815 - the base class calls them so

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


IDENTITY = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::111122223333:user/costlab</Arn><UserId>AIDAEXAMPLE</UserId><Account>111122223333</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""


def aws_error(code: str, status: int = 400, message: str = "no") -> Reply:
    """Return an error as AWS's JSON services tell it."""
    return Reply({"__type": code, "message": message}, status, {"Content-Type": "application/x-amz-json-1.1"})


@cache
def _models() -> list[Any]:
    import botocore.session

    session = botocore.session.get_session()
    return [session.get_service_model(name) for name in ("ce", "cost-optimization-hub", "compute-optimizer", "budgets")]


def checked(operation: str, body: Any) -> Any:
    """Return an answer after comparing it with the shape that AWS publishes for the operation."""
    from botocore.validate import ParamValidator

    model = next(model for model in _models() if operation in model.operation_names)
    shape = model.operation_model(operation).output_shape
    report = ParamValidator().validate(body, shape)
    assert not report.has_errors(), report.generate_report()
    unknown = set(body) - set(shape.members)
    assert not unknown, f"{operation} has no {sorted(unknown)}"
    return body


def rows(workspace: Path, columns: str) -> list[tuple[Any, ...]]:
    """Return columns of all live rows of a workspace, sorted."""
    files = [str(workspace / f.path) for r in Lake(workspace).current().revisions for f in r.files]
    con = connect()
    try:
        return con.execute(f"select {columns} from read_parquet(?) order by all", [files]).fetchall()
    finally:
        con.close()
