"""Where connectors that call an API put what they got: files beside the lake, staged like delivered ones."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

from costlab.errors import SourceError
from costlab.ingest.paid import Purse
from costlab.interfaces.connector import SourceFile, StoredObject
from costlab.lake.verify import is_whole
from costlab.secrets import reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from costlab.interfaces.connector import Dataset, PaidRequest
    from costlab.lake import Lake
    from costlab.period import Month

_FAST = 1
"""Level of gzip: what is landed is read once."""
_BLOCK = 1 << 20


@dataclass(slots=True)
class LocalLanding:
    """A folder on the lake's own disk; implements :class:`costlab.interfaces.connector.Landing`."""

    folder: Path
    lake: Lake
    dataset: Dataset
    options: Mapping[str, str]
    now: datetime
    tell: Callable[[str], None]
    source: str = ""
    _names: set[str] = field(default_factory=set[str])

    def write(self, name: str, records: Iterable[Mapping[str, object]]) -> SourceFile:
        """Write records as compressed JSON lines and return the file; its version is a digest of what is in it."""
        path = self._place(name, "jsonl.gz")
        digest, rows = hashlib.sha256(), 0
        encode = json.JSONEncoder(ensure_ascii=False, default=_plain).encode
        with gzip.open(path, "wb", compresslevel=_FAST) as out:
            for record in records:
                line = encode(record).encode() + b"\n"
                digest.update(line)
                out.write(line)
                rows += 1
        return SourceFile(StoredObject(str(path), path.stat().st_size, digest.hexdigest()), rows=rows)

    def receive(self, name: str, content: BinaryIO) -> SourceFile:
        """Write the bytes of a CSV file as they are and return the file; its version is a digest of them."""
        path = self._place(name, "csv")
        digest = hashlib.sha256()
        with path.open("wb") as out:
            while block := content.read(_BLOCK):
                digest.update(block)
                out.write(block)
        return SourceFile(StoredObject(str(path), path.stat().st_size, digest.hexdigest()))

    def _place(self, name: str, ending: str) -> Path:
        if name in self._names:
            raise SourceError(f"{name!r} was landed twice", hint="This is a defect of the connector; please report it")
        self._names.add(name)
        return self.folder / f"{len(self._names):05d}.{ending}"

    def option(self, name: str, default: str = "") -> str:
        """Return an option of the source, secrets resolved."""
        value = self.options.get(name, "")
        return reveal(value, where=f"option {name!r}") if value else default

    def live(self, source: str, period: Month) -> str:
        """Return the snapshot id that is loaded, "" when there is none or its files were lost."""
        found = self.lake.current().find(self.dataset, source, str(period))
        return found.snapshot_id if found and is_whole(self.lake, found) else ""

    @property
    def _purse(self) -> Purse:
        return Purse(self.lake.workspace, self.source, self.options, self.now)

    def announce(self, requests: int, price: PaidRequest) -> None:
        """Say what the paid requests to come cost, and refuse what is not allowed."""
        if requests:
            self.tell(self._purse.announce(requests, price))

    def kept(self, key: str) -> Any | None:
        """Return the answer to a paid request made before."""
        return self._purse.kept(key)

    def keep(self, key: str, answer: Any) -> None:
        """Keep an answer for good."""
        self._purse.keep(key, answer, is_final=True)

    def paid(self, key: str, price: PaidRequest, call: Callable[[], Any]) -> Any:
        """Return the kept answer; else book one request, make it, and keep its answer for this day."""
        kept = self.kept(key)
        if kept is not None:
            return kept
        self._purse.book(price)
        answer = call()
        self._purse.keep(key, answer, is_final=False)
        return answer


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} cannot be landed")
