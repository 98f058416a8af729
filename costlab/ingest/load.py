"""One load: connector -> staging -> lake. A billing period becomes live as a whole or stays as it was."""

from __future__ import annotations

import hashlib
import shutil
import time
import uuid
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from costlab.discover import connector as find_connector
from costlab.errors import CostlabError, SourceError, UnknownValue
from costlab.ingest import growth
from costlab.ingest.files import open_files
from costlab.ingest.growth import is_accepted, part_of_month
from costlab.ingest.landing import LocalLanding
from costlab.ingest.report import IngestReport, PeriodReport
from costlab.ingest.staged import Staging
from costlab.lake import Action, Lake, Origin, Revision, Writer, writing
from costlab.lake.store import checked_source
from costlab.lake.transport import LocalTransport, transport_for
from costlab.lake.verify import is_whole
from costlab.lake.writer import decide
from costlab.money import plain
from costlab.period import Month, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from pathlib import Path

    from costlab.interfaces.connector import ApiConnector, Connector, Snapshot, Transport
    from costlab.lake import Retention

    Progress = Callable[[str], None]


_SHOWN = 20


def ingest(
    workspace: Path,
    connector: str,
    uri: str,
    *,
    source: str | None = None,
    options: Mapping[str, str] | None = None,
    period: Month | None = None,
    progress: Progress | None = None,
    retention: Retention | None = None,
) -> IngestReport:
    """Load what a connector finds at ``uri`` into the workspace's lake.

    Parameters
    ----------
    source
        The source's name; the connector's when missing. Deliveries of one source replace each other.
    options
        What the connector and the transport understand: a profile, a region, ``env:NAME`` for a secret; of any source
        ``accept_fewer=yes``, see :mod:`costlab.ingest.growth`.
    period
        Load this billing period only.
    progress
        Called with one line about each step.
    retention
        How long superseded revisions are kept.

    Returns
    -------
    IngestReport
        One item per billing period. Periods that could not be used are ``rejected`` and stay as they were.

    Raises
    ------
    SourceError
        If nothing usable is there at all, or nothing of ``period``.
    ConfigError
        If credentials are missing or wrong.
    UsageError
        If an option is not understood.
    Locked
        If another process is writing.
    """
    found = find_connector(connector)
    name = checked_source(source or connector)
    report = IngestReport()
    tell = progress or _silent
    accepts_fewer = is_accepted(options or {})
    given = {key: value for key, value in (options or {}).items() if key != growth.OPTION}
    with writing(workspace, retention=retention) as writer, _scratch(writer.lake) as scratch:
        if _is_api(found, uri):
            api = cast("ApiConnector", found)
            transport, snapshots = _pulled(api, uri, name, given, period, writer.lake, scratch, tell)
        else:
            transport, snapshots = _delivered(found, uri, name, given, period)
        load = _Load(writer, transport, scratch, report, tell, period, accepts_fewer=accepts_fewer)
        try:
            for snapshot in snapshots:
                load.snapshot(snapshot)
        except RuntimeError as error:
            if str(error) == "Query interrupted":  # DuckDB's word for Ctrl-C
                raise KeyboardInterrupt from None
            raise
    if period is not None and not report.periods and not load.is_empty:
        raise SourceError(f"{uri}: nothing of {period} is there", hint="Leave out --period to load what there is")
    return report


def _is_api(connector: Connector | ApiConnector, uri: str) -> bool:
    """Whether the connector pulls what is at the URI: by its scheme, or because it reads no files as delivered."""
    return uri.partition("://")[0].lower() in getattr(connector, "schemes", ()) or not hasattr(connector, "snapshots")


def _delivered(
    connector: Connector,
    uri: str,
    source: str,
    options: Mapping[str, str],
    period: Month | None,
) -> tuple[Transport, Iterable[Snapshot]]:
    """Return the snapshots in files, and how to reach those."""
    transport, location = transport_for(uri, options)
    return transport, connector.snapshots(transport, location, source=source, period=period)


def _pulled(
    connector: ApiConnector,
    uri: str,
    source: str,
    options: Mapping[str, str],
    period: Month | None,
    lake: Lake,
    scratch: Path,
    tell: Progress,
) -> tuple[Transport, Iterable[Snapshot]]:
    """Return the snapshots a service gives; their files are on this machine."""
    for option in options:
        if option not in connector.options:
            raise UnknownValue("option", option, connector.options)
    folder = scratch / "landing"
    folder.mkdir()
    landing = LocalLanding(folder, lake, connector.dataset, options, utc_now(), tell, source)
    return LocalTransport(), connector.pull(landing, uri, source=source, period=period)


def _silent(_: str) -> None:
    """Say nothing."""


class _Load:
    """One run over the snapshots of a source, holding the write lock."""

    def __init__(
        self,
        writer: Writer,
        transport: Transport,
        scratch: Path,
        report: IngestReport,
        tell: Progress,
        period: Month | None,
        *,
        accepts_fewer: bool = False,
    ) -> None:
        self.writer, self.transport, self.scratch = writer, transport, scratch
        self.accepts_fewer = accepts_fewer
        self.report, self.tell, self.period = report, tell, period
        self.lake: Lake = writer.lake
        self.is_empty = False

    def snapshot(self, snapshot: Snapshot) -> None:
        """Load a delivery, or report why not."""
        began = time.perf_counter()
        try:
            if snapshot.fault:
                raise SourceError(snapshot.fault, hint=snapshot.hint)
            if not snapshot.files and self._is_kept(snapshot, began):
                return
            if not snapshot.files:
                self.is_empty = True
                self.tell(f"{snapshot.source} {snapshot.period or ''}".rstrip() + ": nothing was delivered yet")
                return
            if not self._is_settled(snapshot, began):
                self._stage(snapshot, began)
        except SourceError as error:
            label = str(snapshot.period or self.period or "")
            self._done(snapshot, label, Action.REJECTED, began, error=error)

    def _is_kept(self, snapshot: Snapshot, began: float) -> bool:
        """Report a period of which a service has nothing but what is live."""
        live = self.lake.current().find(snapshot.dataset, snapshot.source, str(snapshot.period))
        if live is None or live.snapshot_id != snapshot.snapshot_id:
            return False
        self._done(snapshot, live.period, Action.UNCHANGED, began, live)
        return True

    def _is_settled(self, snapshot: Snapshot, began: float) -> bool:
        """Report a delivery that is live already, or older than the live one; no file of it is opened."""
        if snapshot.period is None:
            same = self._live_of(snapshot)
            for revision in same:
                self._done(snapshot, revision.period, Action.UNCHANGED, began, revision)
            return bool(same)
        live = self.lake.current().find(snapshot.dataset, snapshot.source, str(snapshot.period))
        action = decide(live, snapshot.snapshot_id, snapshot.order, _versions(snapshot))
        if action in {Action.LOADED, Action.REPLACED} or not self._is_whole(live):
            return False
        self._done(snapshot, str(snapshot.period), action, began, live)
        return True

    def _is_whole(self, live: Revision | None) -> bool:
        """Whether the live files are there; what was lost is loaded again from any delivery."""
        return live is not None and is_whole(self.lake, live)

    def _stage(self, snapshot: Snapshot, began: float) -> None:
        self.tell(f"{snapshot.source} {snapshot.period or ''}".rstrip() + f": reading {_described(snapshot)}")
        with _folder(self.scratch) as scratch, Staging(snapshot, scratch) as staging:
            staging.run(open_files(staging.con, snapshot, self.transport, scratch))
            for month in sorted(staging.counts):
                if self.period in (None, month):
                    self._one_period(staging, month, began)
                    began = time.perf_counter()

    def _one_period(self, staging: Staging, month: Month, began: float) -> None:
        snapshot, period = staging.snapshot, str(month)
        live = self.lake.current().find(snapshot.dataset, snapshot.source, period)
        if self._is_older(staging, month, live):
            self._done(snapshot, period, Action.IGNORED_OLDER, began, live)
            return
        if error := self._is_part(staging, month, live):
            self._done(snapshot, period, Action.REJECTED, began, error=error)
            return
        tag = hashlib.sha256(snapshot.snapshot_id.encode()).hexdigest()
        revision, folder = self.writer.stage(snapshot.dataset, snapshot.source, period, tag)
        try:
            target, _ = staging.write(month, folder)
            if live is not None and self._is_whole(live) and self._is_same(staging, month, live, target):
                shutil.rmtree(folder)
                self._done(snapshot, period, Action.UNCHANGED, began, live)
                return
            record = self._record(staging, month, revision, target)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self.writer.publish([record])
        self._done(snapshot, period, Action.REPLACED if live else Action.LOADED, began, record)

    def _is_older(self, staging: Staging, month: Month, live: Revision | None) -> bool:
        """Whether the rows tell that the vendor delivered them before those that are live."""
        order, snapshot = staging.counts[month].order, staging.snapshot
        older = decide(live, snapshot.snapshot_id, order, _versions(snapshot)) is Action.IGNORED_OLDER
        return older and self._is_whole(live)

    def _is_part(self, staging: Staging, month: Month, live: Revision | None) -> SourceError | None:
        """Return why a delivery of a table that only grows is not the whole month; None when it is."""
        if live is None or self.accepts_fewer or not (live.order and staging.counts[month].order):
            return None
        if live.connector != staging.snapshot.connector or not self._is_whole(live):
            return None
        return part_of_month(live, staging.known_by(month, live.order))

    def _is_same(self, staging: Staging, month: Month, live: Revision, target: Path) -> bool:
        """Whether files that only look new (touched, copied again) hold the rows that are live."""
        snapshot, counts = staging.snapshot, staging.counts[month]
        if snapshot.order and snapshot.snapshot_id != live.snapshot_id:
            return False  # a delivery of its own; the live one must know its place in time
        if counts.order and counts.order != live.order:
            return False
        if (live.rows_loaded, live.rows_quarantined) != (counts.loaded + counts.split, counts.quarantined):
            return False
        kept = [self.lake.workspace / file.path for file in live.files]
        return staging.digest([target]) == staging.digest(kept)

    def _record(self, staging: Staging, month: Month, revision: str, target: Path) -> Revision:
        """Return the record of a period's files; nothing is live yet."""
        snapshot, counts = staging.snapshot, staging.counts[month]
        rows, billed, effective = staging.sums(target)
        if rows != counts.loaded + counts.split:
            raise SourceError(
                f"{snapshot.source}: {counts.loaded + counts.split} rows staged, {rows} written",
                hint="This is a defect of costlab; please report it",
            )
        quarantine = staging.write_quarantine(month, target.parent)
        return Revision(
            dataset=str(snapshot.dataset),
            source=snapshot.source,
            connector=snapshot.connector,
            period=str(month),
            revision=revision,
            snapshot_id=snapshot.snapshot_id,
            order=counts.order or snapshot.order,
            loaded_at=utc_now(),
            files=(self.writer.file(target, rows),),
            quarantine=(self.writer.file(quarantine, counts.quarantined),) if quarantine else (),
            rows_received=counts.received,
            rows_loaded=rows,
            rows_split=counts.split,
            rows_quarantined=counts.quarantined,
            rows_dropped=dict(sorted(counts.dropped.items())),
            billed_cost_received=counts.cash_received,
            billed_cost_loaded=billed,
            effective_cost_loaded=effective,
            quarantined_cost=counts.cash_quarantined,
            origin=tuple(Origin(f.stored.uri, f.stored.bytes, f.stored.version) for f in snapshot.files),
            delivered_periods=tuple(str(held) for held in sorted(staging.counts)),
            drift=(staging.raw.new, staging.raw.missing),
            warnings=(*snapshot.warnings, *_remarks(staging, month, billed)),
        )

    def _live_of(self, snapshot: Snapshot) -> list[Revision]:
        """Return the live revisions of exactly this snapshot, if all of its periods that are wanted are live."""
        mine = (snapshot.dataset, snapshot.source, snapshot.snapshot_id)
        live = [r for r in self.lake.current().revisions if (r.dataset, r.source, r.snapshot_id) == mine]
        held = {period for r in live for period in r.delivered_periods}
        wanted = held if self.period is None else held & {str(self.period)}
        found = [r for r in live if r.period in wanted and self._is_whole(r)]
        return found if len(found) == len(wanted) else []

    def _done(
        self,
        snapshot: Snapshot,
        period: str,
        action: Action,
        began: float,
        revision: Revision | None = None,
        *,
        error: CostlabError | None = None,
    ) -> None:
        seconds = time.perf_counter() - began
        if revision is not None and action in {Action.LOADED, Action.REPLACED}:
            self.report.warnings += revision.warnings
        self.report.periods.append(
            PeriodReport(
                snapshot.source,
                snapshot.connector,
                period,
                snapshot.snapshot_id,
                action,
                seconds,
                revision,
                error=error.message if error else "",
                hint=error.hint if error else "",
            )
        )
        self.tell(f"{snapshot.source} {period}: {action}")


def _remarks(staging: Staging, month: Month, billed: Mapping[str, Decimal]) -> list[str]:
    """Return what people should know of a period that was loaded."""
    counts = staging.counts[month]
    told = [f"{month}: {rows} rows: {note}" for note, rows in sorted(counts.notes.items())]
    if counts.quarantined:
        told.append(f"{month}: {counts.quarantined} rows could not be read and are in quarantine (lake.quarantine)")
    if not counts.quarantined and (off := _difference(counts.cash_received, billed)):
        told.append(
            f"{month}: received and loaded differ by {off}: the export does not add up, see `costlab reconcile`"
        )
    if new := staging.raw.new:
        more = f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
        told.append(f"{month}: columns that are not known, kept in x_extra: {', '.join(new[:_SHOWN])}{more}")
    return told


def _difference(received: Mapping[str, Decimal], loaded: Mapping[str, Decimal]) -> str:
    """Return what is received more than loaded, by currency; "" when they are equal."""
    zero = Decimal(0)
    off = {code: received.get(code, zero) - loaded.get(code, zero) for code in sorted({*received, *loaded})}
    return ", ".join(f"{plain(amount)} {code}" for code, amount in off.items() if amount)


def _versions(snapshot: Snapshot) -> list[str]:
    return [file.stored.version for file in snapshot.files]


def _described(snapshot: Snapshot) -> str:
    size = sum(file.stored.bytes for file in snapshot.files)
    return f"{len(snapshot.files)} file(s), {size / 1e6:,.1f} MB"


@contextmanager
def _scratch(lake: Lake) -> Generator[Path]:
    """Yield a folder for intermediate files on the lake's own disk; removed afterwards, also what a crash left."""
    parent = lake.root / "scratch"
    shutil.rmtree(parent, ignore_errors=True)
    parent.mkdir(parents=True)
    try:
        yield parent
    finally:
        shutil.rmtree(parent, ignore_errors=True)


@contextmanager
def _folder(parent: Path) -> Generator[Path]:
    """Yield a folder for one delivery's intermediate files."""
    folder = parent / uuid.uuid4().hex
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
