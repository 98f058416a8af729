"""Where the workspace is and what is set in it: option > ``COSTLAB_*`` > ``costlab.toml`` > defaults.

The only module that reads the environment. Every key is written down once, in ``KEYS``: what ``costlab.toml`` may
hold, which variable overrides it, and its default. A key that is not there is an error that names the nearest.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costlab.errors import ConfigError, UsageError
from costlab.interfaces.discount import Discount, discount_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE_NAME = "costlab.toml"
HOME = "~/.costlab"
PREFIX = "COSTLAB_"
WORKSPACE_VARIABLE = "COSTLAB_WORKSPACE"
SOURCE_KEYS = ("name", "connector", "from")
OPTIONS = "options"
_TABLES = {"sources", "discounts"}
_SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_NEAR = 0.75


Value = int | str | tuple[str, ...]
"""What a setting may be."""


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: where it stands in ``costlab.toml`` and what it is when nobody sets it."""

    section: str
    name: str
    default: Value
    help: str

    @property
    def variable(self) -> str:
        """The environment variable that overrides the file."""
        return f"{PREFIX}{self.section}_{self.name}".upper()


KEYS: tuple[Key, ...] = (
    Key("tags", "keys", ("team", "env", "app", "owner", "cost-center"), "Tag keys that get a fast rollup of their own"),
    Key("freshness", "late_after_hours", 72, "A source is late when its newest charge is older than this"),
    Key("retention", "revisions", 10, "Superseded revisions of a billing period that are kept, however old"),
    Key("retention", "days", 90, "Superseded revisions are kept at least so many days"),
    Key("report", "top", 10, "Rows of each list in a report"),
    Key("allocation", "rules", "allocation.toml", "File of the allocation rules, relative to this one"),
    Key("allocation", "metrics", "business_metrics.csv", "File of business metrics for unit-cost, CSV or Parquet"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A configured source: its name in the lake, its connector, where its data is and how it is reached."""

    name: str
    connector: str
    uri: str
    options: tuple[tuple[str, str], ...] = ()
    """What the connector and the transport understand; secrets by reference."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is set for a workspace."""

    workspace: Path
    sources: tuple[Source, ...] = ()
    tag_keys: tuple[str, ...] = ("team", "env", "app", "owner", "cost-center")
    late_after_hours: int = 72
    keep_revisions: int = 10
    keep_days: int = 90
    report_top: int = 10
    allocation_rules: str = "allocation.toml"
    business_metrics: str = "business_metrics.csv"
    discounts: tuple[Discount, ...] = ()

    def source(self, name: str) -> Source | None:
        """Return the configured source of that name."""
        return next((source for source in self.sources if source.name == name), None)


@dataclass(slots=True)
class _File:
    """A ``costlab.toml`` being read: knows the line of a key, for messages."""

    path: Path
    text: str
    data: dict[str, Any] = field(default_factory=dict[str, Any])

    def fail(self, message: str, key: str = "", *, hint: str = "", section: str = "") -> ConfigError:
        line = self._line_of(key, section) if key else 0
        where = f"{self.path.name}:{line}" if line else self.path.name
        return ConfigError(f"{where}: {message}", hint=hint)

    def _line_of(self, key: str, section: str) -> int:
        wanted = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[\]=.]")
        inside = not section
        for number, line in enumerate(self.text.splitlines(), 1):
            if line.strip().startswith("["):
                inside = not section or line.strip().strip("[] ") == section
            if inside and wanted.match(line):
                return number
        return 0


def find_workspace(option: str | os.PathLike[str] | None = None, *, environ: Mapping[str, str] | None = None) -> Path:
    """Return the workspace's folder, which need not exist yet.

    In this order: the option, ``COSTLAB_WORKSPACE``, the nearest parent that has a ``costlab.toml``, ``~/.costlab``.
    """
    environ = os.environ if environ is None else environ
    named = option or environ.get(WORKSPACE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    return Path(HOME).expanduser()


def named_workspace(option: str | None = None, *, environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder a new workspace goes to: the option, ``COSTLAB_WORKSPACE``, else the current folder."""
    environ = os.environ if environ is None else environ
    return Path(option or environ.get(WORKSPACE_VARIABLE) or ".").expanduser().absolute()


def load_settings(workspace: Path, *, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of a workspace; the defaults when it has no ``costlab.toml``.

    Raises
    ------
    ConfigError
        If the file is not TOML, has an unknown key (the message names line and nearest valid one), a value of
        the wrong type, or two sources of one name.
    """
    environ = os.environ if environ is None else environ
    file = _read(workspace / FILE_NAME)
    sections = {key.section for key in KEYS}
    for name in file.data:
        if name not in sections | _TABLES:
            raise _unknown(file, name, sections | _TABLES, "")
    values = {key: _from_file(file, key) for key in KEYS}
    for section in sections:
        _check_section(file, section)
    values |= _from_environment(environ)
    by_name = {(key.section, key.name): value for key, value in values.items()}
    return Settings(
        workspace=workspace,
        sources=_sources(file, workspace),
        tag_keys=_texts(by_name["tags", "keys"]),
        late_after_hours=_number(by_name["freshness", "late_after_hours"]),
        keep_revisions=_number(by_name["retention", "revisions"]),
        keep_days=_number(by_name["retention", "days"]),
        report_top=_number(by_name["report", "top"]),
        allocation_rules=_text(by_name["allocation", "rules"]),
        business_metrics=_text(by_name["allocation", "metrics"]),
        discounts=_discounts(file),
    )


def check_source_name(name: str) -> str:
    """Return ``name`` if it can be a folder's name; raises :class:`UsageError` otherwise."""
    if _SOURCE_NAME.fullmatch(name) is None or ".." in name:
        raise UsageError(f"{name!r} cannot be a source's name", hint="Use letters, digits, '_', '-' and '.'")
    return name


def wants_colour(*, environ: Mapping[str, str] | None = None) -> bool:
    """Return whether the environment allows colour (https://no-color.org)."""
    environ = os.environ if environ is None else environ
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def write_template(workspace: Path) -> Path:
    """Write a commented ``costlab.toml`` and return its path.

    Raises
    ------
    UsageError
        If there is one already.
    """
    path = workspace / FILE_NAME
    workspace.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as handle:
            handle.write(template())
    except FileExistsError:
        raise UsageError(
            f"{path} is there already", hint="Edit it, or choose another folder with --workspace"
        ) from None
    return path


def template() -> str:
    """Return the text of a new ``costlab.toml``: every key with its default, commented out."""
    text, section = _TEMPLATE, ""
    for key in KEYS:
        if key.section != section:
            text, section = f"{text}\n[{key.section}]\n", key.section
        text += f"# {key.help}. {key.variable} overrides it.\n# {key.name} = {_toml(key.default)}\n"
    return text


def source_block(source: Source) -> str:
    """Return the ``[[sources]]`` block of ``costlab.toml`` for a source."""
    options = ", ".join(f"{_toml_text(name)} = {_toml_text(value)}" for name, value in source.options)
    return (
        f"\n[[sources]]\nname = {_toml_text(source.name)}\nconnector = {_toml_text(source.connector)}\n"
        f"from = {_toml_text(source.uri)}\n" + (f"options = {{ {options} }}\n" if options else "")
    )


_TEMPLATE = """\
# costlab.toml: what this workspace loads and how. Everything is optional; `costlab doctor` checks it.
# Precedence: command line option > COSTLAB_* environment variable > this file > default.

# One block per source; `costlab ingest` and `costlab nightly` load them all.
#
# [[sources]]
# name = "aws"                        # its name in the lake and in the column x_source
# connector = "aws-cur"               # aws-cur, azure-export, focus, ...
# from = "/data/exports/cur"          # file, folder or glob; relative to this file
# options = { profile = "finops" }    # what the source needs to be reached; secrets as "env:NAME"

# What was negotiated with a cloud, see docs/prices.md.
#
# [[discounts]]
# name = "EDP"
# provider = "aws"
# percent = 6
"""


def _read(path: Path) -> _File:
    import tomllib

    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return _File(path, "")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}") from None
    try:
        return _File(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name} is not TOML: {error}", hint="Values that are text need quotes") from None


def _check_section(file: _File, section: str) -> None:
    table = file.data.get(section, {})
    if not isinstance(table, dict):
        raise file.fail(f"{section!r} must be a table", section, hint=f"Write [{section}] and its keys below it")
    valid = [key.name for key in KEYS if key.section == section]
    for name in table:
        if name not in valid:
            raise _unknown(file, name, valid, section)


def _unknown(file: _File, name: str, valid: Iterable[str], section: str) -> ConfigError:
    inside = f" in [{section}]" if section else ""
    return file.fail(f"unknown key {name!r}{inside}", name, hint=_nearest(name, valid), section=section)


def _nearest(name: str, valid: Iterable[str]) -> str:
    choices = sorted(valid)
    near = get_close_matches(name, choices, n=1, cutoff=0.4)
    guess = f"Did you mean {near[0]!r}? " if near else ""
    return f"{guess}Valid: {', '.join(choices)}"


def _from_file(file: _File, key: Key) -> Value:
    table = file.data.get(key.section, {})
    if not isinstance(table, dict) or key.name not in table:
        return key.default
    value = table[key.name]
    if isinstance(key.default, int):
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        raise file.fail(f"{key.name} must be a whole number of at least 1", key.name, section=key.section)
    if isinstance(key.default, str):
        if isinstance(value, str) and value:
            return value
        raise file.fail(f"{key.name} must be a text", key.name, section=key.section)
    if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return tuple(dict.fromkeys(value))
    raise file.fail(f"{key.name} must be a list of texts", key.name, section=key.section)


def _from_environment(environ: Mapping[str, str]) -> dict[Key, Value]:
    known = {key.variable: key for key in KEYS}
    found: dict[Key, Value] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable == WORKSPACE_VARIABLE:
            continue
        if variable in known:
            found[known[variable]] = _parsed(known[variable], text)
        elif near := _near_variable(variable, [*known, WORKSPACE_VARIABLE]):
            raise ConfigError(f"unknown variable {variable}", hint=f"Did you mean {near}?")
    return found


def _near_variable(variable: str, known: Iterable[str]) -> str:
    """Return the variable that is meant; "" for one of somebody else.

    Kubernetes sets ``COSTLAB_PORT_8501_TCP`` in every pod beside a service called costlab.
    """
    names = {name.removeprefix(PREFIX): name for name in known}
    near = get_close_matches(variable.removeprefix(PREFIX), names, n=1, cutoff=_NEAR)
    return names[near[0]] if near else ""


def _parsed(key: Key, text: str) -> Value:
    if isinstance(key.default, str):
        return text or key.default
    if not isinstance(key.default, int):
        return tuple(dict.fromkeys(item.strip() for item in text.split(",") if item.strip()))
    if text.isdigit() and int(text) >= 1:
        return int(text)
    raise ConfigError(f"{key.variable}={text!r} must be a whole number of at least 1")


def _sources(file: _File, workspace: Path) -> tuple[Source, ...]:
    sources = tuple(_source(file, table, workspace) for table in _list_of_tables(file, "sources"))
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise file.fail(f"two sources are called {name!r}", hint="Give each source a name of its own")
    return sources


def _discounts(file: _File) -> tuple[Discount, ...]:
    found: list[Discount] = []
    for table in _list_of_tables(file, "discounts"):
        try:
            found.append(discount_of(table))
        except UsageError as error:
            said = f"discount {table.get('name', '')!r}: {error.message}"
            raise file.fail(said, "discounts", hint=error.hint) from None
    return tuple(found)


def _list_of_tables(file: _File, name: str) -> list[dict[str, Any]]:
    tables = file.data.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise file.fail(f"{name!r} must be a list of tables", name, hint=f"Write [[{name}]] with two brackets")
    return tables


def _source(file: _File, table: dict[str, Any], workspace: Path) -> Source:
    for name in table:
        if name not in (*SOURCE_KEYS, OPTIONS):
            raise _unknown(file, name, (*SOURCE_KEYS, OPTIONS), "sources")
    for name in SOURCE_KEYS:
        value = table.get(name)
        if not isinstance(value, str) or not value:
            raise file.fail(
                f"a source needs {name!r} (text)", "sources", hint=f"Each source has {', '.join(SOURCE_KEYS)}"
            )
    try:
        name = check_source_name(table["name"])
    except UsageError as error:
        raise file.fail(error.message, "name", hint=error.hint) from None
    return Source(name, table["connector"], _absolute(table["from"], workspace), _options(file, table))


def _options(file: _File, table: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    options = table.get(OPTIONS, {})
    if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
        raise file.fail(
            "options must be a table of texts",
            OPTIONS,
            hint='Write options = { profile = "finops", region = "eu-west-1" }',
        )
    return tuple(options.items())


def _absolute(uri: str, workspace: Path) -> str:
    if "://" in uri:
        return uri
    return str(workspace / Path(uri).expanduser())


def _number(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _texts(value: Value) -> tuple[str, ...]:
    assert isinstance(value, tuple)
    return value


def _text(value: Value) -> str:
    assert isinstance(value, str)
    return value


def _toml(value: Value) -> str:
    if isinstance(value, str):
        return _toml_text(value)
    return str(value) if isinstance(value, int) else f"[{', '.join(_toml_text(item) for item in value)}]"


def _toml_text(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)
