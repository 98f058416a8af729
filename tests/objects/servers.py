"""Object stores on this machine: moto for S3, Azurite for Azure, a small Google Cloud Storage, and a proxy with faults.

No emulator serves the XML interface of Google Cloud Storage that obstore reads, so the part of it that is needed is
here: listing in pages, ranges, ETags, ``If-Match``, bearer tokens (Google, "XML API overview", read 2026-11).
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's published development account; it opens nothing else."""
AZURITE_FOLDER = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "costlab-test-servers"
"""Where ``scripts/test-servers`` puts it."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Keep the tests' output clean."""

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    """Yield the address of a server that runs for the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Google:
    """What the small Google Cloud Storage holds; ``token`` is the one it accepts, None for any."""

    url: str = ""
    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict[str, dict[str, bytes]])
    token: str | None = None
    page: int = 1000


@contextmanager
def google() -> Generator[Google]:
    """Yield a running Google Cloud Storage."""
    store = Google()

    class Served(Handler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            if store.token is not None and self.headers.get("Authorization") != f"Bearer {store.token}":
                self.answer(401, b"<Error><Code>AuthenticationRequired</Code></Error>")
            elif bucket not in store.buckets:
                self.answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
            elif key:
                self._object(store.buckets[bucket].get(key))
            else:
                self._list(store.buckets[bucket], parse_qs(parts.query))

        def _object(self, content: bytes | None) -> None:
            if content is None:
                self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
                return
            tag = _tag(content)
            headers = {"ETag": tag, "Last-Modified": "Tue, 01 Sep 2026 00:00:00 GMT", "x-goog-generation": "1"}
            if self.headers.get("If-Match", tag) != tag:
                self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
                return
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if wanted is None:
                self.answer(200, content, headers)
                return
            start, end = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
            told = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
            self.answer(206, content[start : end + 1], headers | told)

        def _list(self, held: dict[str, bytes], query: dict[str, list[str]]) -> None:
            prefix, after = query.get("prefix", [""])[0], query.get("continuation-token", [""])[0]
            keys = sorted(key for key in held if key.startswith(prefix) and key > after)
            shown = keys[: store.page]
            rows = "".join(
                f"<Contents><Key>{escape(key)}</Key><LastModified>2026-09-01T00:00:00.000Z</LastModified>"
                f"<ETag>{escape(_tag(held[key]))}</ETag><Size>{len(held[key])}</Size></Contents>"
                for key in shown
            )
            more = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if keys != shown else ""
            body = f"<ListBucketResult><Prefix>{escape(prefix)}</Prefix>{rows}{more}</ListBucketResult>"
            self.answer(200, f'<?xml version="1.0" encoding="UTF-8"?>{body}'.encode())

    with serving(Served) as store.url:
        yield store


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def azurite_command() -> str | None:
    """Return the Azurite that is installed, None when there is none."""
    return shutil.which("azurite-blob") or shutil.which("azurite-blob", path=AZURITE_FOLDER / "node_modules" / ".bin")


@contextmanager
def azurite(command: str) -> Generator[str]:
    """Yield the address of an Azurite that runs for the block."""
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    process = subprocess.Popen(
        [command, *options, "--blobHost", "127.0.0.1", "--blobPort", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        told = (re.search(r"successfully listens on (http://\S+)", line) for line in process.stdout)
        yield next(match[1] for match in told if match)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True)
class Asked:
    """A request as it passed the proxy."""

    method: str
    path: str
    """Without the query, percent-encoding resolved."""
    query: str
    headers: dict[str, str]
    number: int
    """Requests with this path before it."""


@dataclass(frozen=True)
class Fault:
    """What the proxy does instead of passing a request on; ``cut`` passes that many bytes of the true answer."""

    status: int = 0
    code: str = ""
    region: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    cut: int | None = None


@dataclass
class Proxy:
    """Stands before a store; ``fault`` is asked about each request, and may change the store meanwhile."""

    url: str = ""
    fault: Callable[[Asked], Fault | None] = lambda _: None
    seen: list[Asked] = field(default_factory=list[Asked])

    def asked_for(self, ending: str) -> list[Asked]:
        """Return the requests for keys that end so."""
        return [asked for asked in self.seen if asked.path.endswith(ending)]


@contextmanager
def proxy(upstream: str) -> Generator[Proxy]:
    """Yield a proxy before the store at ``upstream``."""
    state, lock = Proxy(), threading.Lock()
    host = urlsplit(upstream).netloc

    class Served(Handler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            path = unquote(parts.path)
            with lock:
                number = sum(asked.path == path for asked in state.seen)
                asked = Asked(self.command, path, parts.query, dict(self.headers), number)
                state.seen.append(asked)
                fault = state.fault(asked)
            if fault is not None and fault.cut is None:
                told = f"<Code>{fault.code}</Code><Message>secret-in-text</Message><Region>{fault.region}</Region>"
                self.answer(fault.status, f"<Error>{told}</Error>".encode(), dict(fault.headers))
                return
            self._passed_on(fault.cut if fault else None)

        do_HEAD = do_GET  # noqa: N815 - the base class looks for it

        def _passed_on(self, cut: int | None) -> None:
            connection = http.client.HTTPConnection(host)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            connection.request(self.command, self.path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if cut is None else body[:cut])
            connection.close()
            self.close_connection = cut is not None

    with serving(Served) as state.url:
        yield state
