"""What is wrong with an installation, a workspace and its data, and how to mend it."""

from __future__ import annotations

import fcntl
import json
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from costlab.discover import connector_names
from costlab.errors import ConfigError, CostlabError, SourceError
from costlab.focus.conformance import Weight, breaches
from costlab.ingest.paid import spent
from costlab.interfaces.datasets import STATES
from costlab.lab.allocation.rules import load_rules
from costlab.lab.findings import failures
from costlab.lab.permissions import needed
from costlab.lab.sources import NEVER, SourceState
from costlab.lake import Lake
from costlab.lake.requests import IMPATIENT
from costlab.lake.stores import location_of
from costlab.lake.verify import missing_files
from costlab.money import plain
from costlab.period import Month, utc_now
from costlab.warehouse.catalogue import current

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from costlab.focus.conformance import Breach
    from costlab.interfaces.analyzer import Relations
    from costlab.lake import Manifest, Revision
    from costlab.lake.stores import Location
    from costlab.settings import Settings, Source
    from costlab.warehouse.relations import Database

COLUMNS = ["check", "status", "detail", "fix"]
LIBRARIES = ("duckdb", "numpy", "pandas", "pyarrow", "rich", "sqlglot", "streamlit", "typer")
_OLDEST_PYTHON = (3, 11)
_GIB = 1024**3
_LOAD = "Run `costlab ingest`"
_TEMPLATES = "docs/permissions.md has a ready role for each cloud"
_TWICE = """
with accounts as (
    select SubAccountId, BillingPeriodStart, string_agg(distinct x_source, ', ' order by x_source) as sources
    from marts.daily_accounts
    where SubAccountId is not null
    group by ServiceProviderName, SubAccountId, BillingPeriodStart
    having count(distinct x_source) > 1
)
select
    SubAccountId, sources, count(*) as months, min(BillingPeriodStart) as first, max(BillingPeriodStart) as last
from accounts
group by SubAccountId, sources
order by SubAccountId, sources
"""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    DATA = "data"
    """The data is incomplete, late or set aside: exit code 5."""
    CONFIG = "config"
    """The configuration or the installation is wrong: exit code 4."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at."""

    check: str
    status: Level
    detail: str
    fix: str = ""

    def item(self) -> dict[str, Any]:
        """Return the JSON item of ``costlab doctor``."""
        return asdict(self) | {"status": self.status.value}


def exit_code(items: list[dict[str, Any]]) -> int:
    """Return 4 if the configuration is wrong, 5 if the data is not all there, else 0."""
    found = {item["status"] for item in items}
    return ConfigError.exit_code if Level.CONFIG in found else 5 if Level.DATA in found else 0


def installation() -> Iterator[Diagnosis]:
    """Look at Python and the libraries."""
    fine = sys.version_info[:2] >= _OLDEST_PYTHON
    yield Diagnosis("python", Level.OK if fine else Level.CONFIG, platform.python_version(), "" if fine else "Use 3.11")
    for name in LIBRARIES:
        try:
            yield Diagnosis(name, Level.OK, version(name))
        except PackageNotFoundError:
            yield Diagnosis(name, Level.CONFIG, "not installed", f"pip install {name}")


def workspace(settings: Settings) -> Iterator[Diagnosis]:
    """Look at the folder, its disk, its lock and its published catalogue."""
    folder = settings.workspace
    if not folder.is_dir():
        yield Diagnosis("workspace", Level.DATA, f"{folder} does not exist", "Run `costlab demo` or `costlab ingest`")
        return
    yield Diagnosis("workspace", Level.OK, str(folder))
    yield from _disk(folder)
    yield _lock(folder)
    lake = Lake(folder)
    try:
        manifest = lake.current()
    except CostlabError as error:
        yield Diagnosis("lake", Level.CONFIG, error.message, error.hint)
        return
    yield from _published(folder, manifest)
    yield from _files(folder, manifest)


def allocation(settings: Settings) -> Iterator[Diagnosis]:
    """Look at the allocation rules, where there are any."""
    try:
        rules = load_rules(settings)
    except ConfigError as error:
        yield Diagnosis("allocation rules", Level.CONFIG, error.message, error.hint)
        return
    if rules.file:
        names = ", ".join(dimension.name for dimension in rules.dimensions)
        yield Diagnosis("allocation rules", Level.OK, f"{rules.file}: {names or 'no dimensions'}")


def configuration(settings: Settings) -> Iterator[Diagnosis]:
    """Look at the configured sources."""
    known = connector_names()
    for source in settings.sources:
        if source.connector not in known:
            fix = f"Known are: {', '.join(known)}"
            yield Diagnosis(f"connector of {source.name}", Level.CONFIG, f"unknown connector {source.connector!r}", fix)


def locations(settings: Settings) -> Iterator[Diagnosis]:
    """Ask the object stores of the configured sources whether their folders can be listed; nothing is read."""
    for source in settings.sources:
        try:
            location = location_of(source.uri)
            if location is not None:
                yield _location(source, location)
        except CostlabError as error:
            level = Level.DATA if isinstance(error, SourceError) else Level.CONFIG
            yield Diagnosis(f"location of {source.name}", level, error.message, error.hint)


def _location(source: Source, location: Location) -> Diagnosis:
    from costlab.lake.objects import ObjectTransport

    check, uri = f"location of {source.name}", f"{location.root}/{location.key}".rstrip("/")
    if ObjectTransport(location, dict(source.options), IMPATIENT).is_empty(uri):
        return Diagnosis(
            check, Level.DATA, f"{uri} is empty", "Wait for the vendor's first delivery, or check the folder"
        )
    return Diagnosis(check, Level.OK, f"{uri} can be listed")


def permissions(sources: Iterable[Source], missing: Mapping[str, list[str]]) -> Iterator[Diagnosis]:
    """Name the least permissions of sources, and which of them the last load found missing."""
    for source in sources:
        names = needed(source)
        if names:
            refused = missing.get(source.name, [])
            told = f"missing: {', '.join(refused)}; needs " if refused else "needs "
            yield Diagnosis(f"permissions of {source.name}", Level.NOTE, told + ", ".join(names), _TEMPLATES)


def troubled(settings: Settings, found: Iterable[Diagnosis], missing: Mapping[str, list[str]]) -> list[Source]:
    """Return the sources that lack a permission, have never been loaded, or whose place cannot be reached."""
    bad = {item.check for item in found if item.status is Level.CONFIG or item.fix == _LOAD}
    return [s for s in settings.sources if s.name in missing or bad & {f"location of {s.name}", f"source {s.name}"}]


def data(states: list[SourceState]) -> Iterator[Diagnosis]:
    """Look at what is loaded: gaps, freshness, quarantine, drift of columns, warnings of the load."""
    for state in states:
        for kind, problem in state.problems.items():
            yield Diagnosis(f"source {state.name}", Level.DATA, problem, _fix(kind, state))
        new = sorted({column for r in state.revisions for column in r.drift[0]})
        if new:
            fix = "Nothing is lost: they are kept in x_extra"
            yield Diagnosis(f"columns of {state.name}", Level.NOTE, f"unknown columns: {', '.join(new)}", fix)
        for warning in sorted({warning for r in state.counting for warning in r.warnings}):
            yield Diagnosis(f"source {state.name}", Level.NOTE, warning)
        if not state.problems:
            yield Diagnosis(f"source {state.name}", Level.OK, _loaded(state))


def analyzers(db: Database) -> Iterator[Diagnosis]:
    """Look at how the analyzers ended when the data was published."""
    for name, error in failures(db).items():
        yield Diagnosis(name, Level.DATA, f"failed: {error}", "Run the command with -v and report it")


def double_counts(db: Relations) -> Iterator[Diagnosis]:
    """Look for accounts whose costs of a month come from two sources: their sum is not the bill."""
    rows = db.rows(_TWICE)
    for row in rows:
        when = f"{row['first']:%Y-%m}" if row["months"] == 1 else f"{row['first']:%Y-%m} to {row['last']:%Y-%m}"
        detail = f"account {row['SubAccountId']} is in {row['sources']} for {when}: its costs count twice"
        yield Diagnosis("double count", Level.DATA, detail, "Keep the export and remove the other source's months")


def calibration(db: Database) -> Iterator[Diagnosis]:
    """Compute the newest closed bill of every source again: a large difference makes advice on commitments less sure.

    Only the newest, as one takes up to a second; ``costlab calibrate`` looks at all.
    """
    from costlab.lab.calibration.answers import calibrated, newest, warning

    for source, month in newest(db):
        for one in calibrated(db, source, month):
            if one.is_off:
                fix = f"`costlab calibrate --source {source} --period {month}` shows it by service"
                yield Diagnosis(f"calibration of {source}", Level.NOTE, warning(one), fix)


def paid_requests(settings: Settings) -> Iterator[Diagnosis]:
    """Look at what was spent this month on requests that vendors charge for."""
    month = Month.of(utc_now().date())
    try:
        found = spent(settings.workspace, month)
    except CostlabError as error:
        yield Diagnosis("paid requests", Level.CONFIG, error.message, error.hint)
        return
    for source, amount in sorted(found.items()):
        yield Diagnosis(f"paid requests of {source}", Level.OK, f"{plain(amount)} USD in {month}")


def rules_of_focus(db: Relations) -> Iterator[Diagnosis]:
    """Look at what the providers' own bills break of the FOCUS specification: notes, not faults of the workspace."""
    found: dict[tuple[str, str], list[Breach]] = {}
    for breach in breaches(db):
        found.setdefault((breach.source, breach.rule.id), []).append(breach)
    for (source, rule), group in found.items():
        months = sorted({f"{breach.billing_period_start:%Y-%m}" for breach in group})
        when = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
        detail = f"{sum(breach.charges for breach in group):,} charges of {when}: {group[0].rule.says}"
        fix = "Ask the provider" if group[0].rule.weight is Weight.BROKEN else "Figures that need it are less sure"
        yield Diagnosis(f"FOCUS {rule} of {source}", Level.NOTE, detail, fix)


def _loaded(state: SourceState) -> str:
    """Return what is there of a source without problems; of one that shows a state, how old that is."""
    if state.dataset in STATES and state.last:
        return f"observed {state.last:%Y-%m-%d %H:%M} UTC, {max(state.revisions, key=_period).rows_loaded:,} rows"
    return f"{len(state.revisions)} periods, complete"


def _period(revision: Revision) -> str:
    return revision.period


def _fix(kind: str, state: SourceState) -> str:
    if kind == NEVER:
        return _LOAD
    if kind == "gaps":
        month = state.gaps[0]
        return f"Get the missing export from the vendor, then `costlab ingest {state.connector} --period {month} ...`"
    if kind == "late":
        return "Check that the vendor's export still runs and that `costlab nightly` is scheduled"
    return "Look at lake.quarantine with `costlab query`; correct the file and ingest it again"


def _disk(folder: Path) -> Iterator[Diagnosis]:
    usage = shutil.disk_usage(folder)
    used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    detail = f"{used / _GIB:.2f} GiB used by the workspace, {usage.free / _GIB:.1f} GiB free"
    # loading needs room for a second copy of what is there before the first can go
    enough = usage.free > max(used, _GIB)
    yield Diagnosis("disk", Level.OK if enough else Level.DATA, detail, "" if enough else "Make room on this disk")


def _lock(folder: Path) -> Diagnosis:
    path = folder / "lake" / "lock"
    if not path.is_file():
        return Diagnosis("lock", Level.OK, "free")
    with path.open(encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return Diagnosis("lock", Level.NOTE, f"held by {_holder(handle.read())}", "Wait for it; reading works")
    return Diagnosis("lock", Level.OK, "free")


def _holder(text: str) -> str:
    try:
        told = json.loads(text)
        return f"process {told['pid']} on {told['host']} since {told['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _published(folder: Path, manifest: Manifest) -> Iterator[Diagnosis]:
    generation = current(folder)
    if manifest.seq == 0:
        yield Diagnosis("catalogue", Level.DATA, "nothing is loaded", "Run `costlab ingest` or `costlab demo`")
    elif generation is None or not generation.path.is_file() or generation.seq < manifest.seq:
        detail = f"the published catalogue is older than the lake ({manifest.seq})"
        yield Diagnosis("catalogue", Level.DATA, detail, "Run `costlab nightly` to publish it again")
    else:
        yield Diagnosis("catalogue", Level.OK, f"sequence {generation.seq}")


def _files(folder: Path, manifest: Manifest) -> Iterator[Diagnosis]:
    lost = missing_files(Lake(folder), manifest)
    if lost:
        fix = "Restore them from a backup, or ingest the same exports again"
        yield Diagnosis("lake files", Level.DATA, f"{len(lost)} missing or changed, first {lost[0]}", fix)
    else:
        yield Diagnosis("lake files", Level.OK, f"{len(manifest.revisions)} revisions, all files there")
