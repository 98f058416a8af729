"""One browser session: which published data it looks at, and its controls bound to the URL."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import streamlit as st

from costlab.errors import DataError
from costlab.lab import Lab
from costlab.period import utc_now
from costlab.settings import find_workspace, load_settings
from costlab.ui.facts import Facts, load_facts
from costlab.ui.state import encode, parse
from costlab.warehouse.catalogue import current
from costlab.warehouse.relations import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from costlab.settings import Settings
    from costlab.ui.state import Param
    from costlab.warehouse.catalogue import Generation

T = TypeVar("T")
_KEPT_OPEN = 2
_ANSWERS = 400
_ANSWERS_SIZE = "128MB"


@dataclass(frozen=True, slots=True)
class Source:
    """The published generation that this run of a page shows, all of it from one file."""

    generation: Generation
    lab: Lab
    facts: Facts


def workspace() -> Path:
    """Return the workspace named on the command line, else as the command line finds it."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--workspace")
    return find_workspace(parser.parse_known_args(sys.argv[1:])[0].workspace)


def source() -> Source:
    """Return the newest generation; looked up again on every run, so that a publish shows on the next one.

    Raises
    ------
    DataError
        If nothing has been published.
    ConfigError
        If ``costlab.toml`` is wrong.
    """
    settings = load_settings(workspace())
    generation, opened = _newest(settings)
    lab = Lab(settings, opened.cursor(), generation.seq, as_of=None, resources=ExitStack())
    today = str(utc_now().date())
    facts = _remembered(str(generation.path), today, "facts", lambda: load_facts(lab))
    return Source(generation, lab, facts)


def is_published() -> bool:
    """Return whether there is anything to look at."""
    return current(workspace()) is not None


def is_newest(where: Source) -> bool:
    """Return whether nothing newer has been published since the run began."""
    generation = current(where.lab.settings.workspace)
    return generation is None or generation.path == where.generation.path


def ask(where: Source, loader: Callable[..., T], *arguments: Any) -> T:
    """Return ``loader(lab, facts, *arguments)``, remembered for the generation and the day."""
    key = f"{loader.__module__}.{loader.__qualname__}{arguments!r}"
    today = str(utc_now().date())
    return cast(
        "T", _remembered(str(where.generation.path), today, key, lambda: loader(where.lab, where.facts, *arguments))
    )


def later(where: Source, loader: Callable[..., T], *arguments: Any) -> Callable[[], T]:
    """Return a call that asks on a handle of its own: for buttons, which are pressed after the run has ended."""

    def load() -> T:
        seen = where.lab
        lab = Lab(seen.settings, seen.db.cursor(), seen.seq, as_of=None, resources=ExitStack())
        return loader(lab, where.facts, *arguments)

    return load


class Bound:
    """The controls of a page: values come from the URL when it was opened or changed, else from the widgets."""

    def __init__(self, page: str, params: Sequence[Param]) -> None:
        self._page = page
        self._params = tuple(params)
        query = {name: st.query_params.get_all(name) for name in st.query_params}
        url = {param.name: query[param.name] for param in params if param.name in query}
        parsed = parse(params, query)
        is_new = st.session_state.get(self._marker) != url
        self.notices = parsed.notices if is_new else st.session_state.get(self._said, [])
        st.session_state[self._said] = self.notices
        for param in params:
            if is_new or self.key(param.name) not in st.session_state:
                st.session_state[self.key(param.name)] = parsed.values[param.name]

    @property
    def _marker(self) -> str:
        return f"{self._page}:url"

    @property
    def _said(self) -> str:
        return f"{self._page}:notices"

    def key(self, name: str) -> str:
        """Return the key of the widget that shows this parameter."""
        return f"{self._page}.{name}"

    def __getitem__(self, name: str) -> Any:
        return st.session_state[self.key(name)]

    def put(self, name: str, value: Any) -> None:
        """Change a value; in a callback, or before its widget is drawn."""
        st.session_state[self.key(name)] = value

    def commit(self) -> None:
        """Write the values to the URL; call it when all widgets are drawn."""
        values = {param.name: self[param.name] for param in self._params}
        url = encode(self._params, values)
        if st.session_state.get(self._marker) != url or {n: st.query_params.get_all(n) for n in st.query_params} != url:
            st.query_params.from_dict(url)
        st.session_state[self._marker] = url


def _newest(settings: Settings) -> tuple[Generation, Database]:
    """Return the newest generation and its database, which is opened once per process."""
    generation = current(settings.workspace)
    while generation is not None:
        try:
            return generation, _opened(generation.path, settings.workspace)
        except DataError:
            # it was pruned between the look and the opening, if there is a newer one by now
            newer = current(settings.workspace)
            if newer == generation:
                raise
            generation = newer
    raise DataError(f"nothing is loaded in {settings.workspace}", hint="Run `costlab ingest` or `costlab demo`")


@st.cache_resource(max_entries=_KEPT_OPEN, show_spinner=False)
def _opened(path: Path, workspace: Path) -> Database:
    return Database.open(path, workspace)


@st.cache_data(max_entries=_ANSWERS, max_size=_ANSWERS_SIZE, show_spinner=False)
def _remembered(generation: str, today: str, key: str, _load: Callable[[], Any]) -> Any:  # noqa: ARG001
    return _load()
