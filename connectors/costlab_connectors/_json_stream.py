"""Entries of lists deep in a JSON document, one after the other: the document is never held as a whole."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from costlab.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK: Final = 1 << 20
_SPACE: Final = " \t\r\n"
_TEXT_OR_NULL: Final = '"n'
Path = tuple[str, ...]


def entries(stream: BinaryIO, wanted: set[Path]) -> Iterator[tuple[Path, Any]]:
    """Yield (path, entry) for each entry of the lists at the paths ``wanted``; anything else is read over.

    A text (or null) at such a path is an entry by itself. The path ``()`` is the document, where that is a list.

    Raises
    ------
    SourceError
        If the text is not JSON, or ends too early.
    """
    reader = _Reader(stream)
    yield from reader.list(()) if () in wanted and reader.peek() == "[" else reader.object((), wanted)


class _Reader:
    """A text that is read as far as needed; ``at`` is the place in what is held."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._json = json.JSONDecoder(parse_float=str, parse_int=str)  # prices stay as they are written
        self._held, self._at = "", 0

    def object(self, path: Path, wanted: set[Path]) -> Iterator[tuple[Path, Any]]:
        """Walk through an object: into what leads to a wanted list, over the rest."""
        self._expect("{")
        while self.peek() != "}":
            key = self._value()
            self._expect(":")
            inner = (*path, key)
            if inner in wanted and self.peek() in _TEXT_OR_NULL:
                yield inner, self._value()
            elif inner in wanted:
                yield from self.list(inner)
            elif any(each[: len(inner)] == inner for each in wanted) and self.peek() == "{":
                yield from self.object(inner, wanted)
            else:
                self._value()
            if self.peek() == ",":
                self._at += 1
        self._at += 1

    def list(self, path: Path) -> Iterator[tuple[Path, Any]]:
        """Yield the entries of a list."""
        self._expect("[")
        while self.peek() != "]":
            yield path, self._value()
            if self.peek() == ",":
                self._at += 1
        self._at += 1

    def _value(self) -> Any:
        """Read one value whole; more text is taken as long as it does not end in what is held."""
        self.peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._held, self._at)
            except ValueError:
                value, end = None, len(self._held)
            if end < len(self._held):  # a number could go on in the next block
                self._at = end
                return value
            self._more()

    def peek(self) -> str:
        """Return the next character that is no space; it stays."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._held):
                return self._held[self._at]
            self._more()

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            raise SourceError(f"not the JSON of a price list: {self.peek()!r} where {character!r} should be")
        self._at += 1

    def _more(self) -> None:
        block = self._stream.read(_BLOCK)
        if not block:
            raise SourceError("the JSON of a price list ends too early", hint="Fetch the file again")
        self._held = self._held[self._at :] + self._decode(block)
        self._at = 0
