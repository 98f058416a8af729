"""One load: connector -> staging -> lake. A billing period becomes live as a whole or stays as it was."""

from __future__ import annotations

import hashlib
import shutil
import time
import uuid
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from costlab.discover import connector as find_connector
from costlab.errors import CostlabError, SourceError
from costlab.ingest.report import IngestReport, PeriodReport
from costlab.ingest.staged import Staging
from costlab.interfaces.connector import Dataset
from costlab.lake import Action, Lake, Origin, Revision, Writer, writing
from costlab.lake.store import checked_source
from costlab.lake.transport import transport_for
from costlab.lake.writer import decide
from costlab.period import Month, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from costlab.ingest.staged import Counts
    from costlab.interfaces.connector import Snapshot, Transport
    from costlab.lake import Retention

    Progress = Callable[[str], None]


def ingest(
    workspace: Path,
    connector: str,
    uri: str,
    *,
    source: str | None = None,
    period: Month | None = None,
    progress: Progress | None = None,
    retention: Retention | None = None,
) -> IngestReport:
    """Load what a connector finds at ``uri`` into the workspace's lake.

    Parameters
    ----------
    source
        The source's name; the connector's when missing. Deliveries of one source replace each other.
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
        If nothing usable is there at all.
    Locked
        If another process is writing.
    """
    found = find_connector(connector)
    name = checked_source(source or connector)
    transport, location = transport_for(uri)
    report = IngestReport()
    tell = progress or _silent
    with writing(workspace, retention=retention) as writer:
        load = _Load(writer, transport, report, tell, period)
        for snapshot in found.snapshots(transport, location, source=name, period=period):
            report.warnings.extend(snapshot.warnings)
            load.snapshot(snapshot)
    return report


def _silent(_: str) -> None:
    """Say nothing."""


class _Load:
    """One run over the snapshots of a source, holding the write lock."""

    def __init__(
        self, writer: Writer, transport: Transport, report: IngestReport, tell: Progress, period: Month | None
    ) -> None:
        self.writer, self.transport, self.report, self.tell, self.period = writer, transport, report, tell, period
        self.lake: Lake = writer.lake

    def snapshot(self, snapshot: Snapshot) -> None:
        """Load a snapshot, or report why not."""
        began = time.perf_counter()
        try:
            if snapshot.period is not None:
                self._known_period(snapshot, str(snapshot.period), began)
            else:
                self._found_periods(snapshot, began)
        except CostlabError as error:
            if not isinstance(error, SourceError):
                raise
            label = str(snapshot.period or self.period or "")
            self._done(snapshot, label, Action.REJECTED, began, error=error)

    def _known_period(self, snapshot: Snapshot, period: str, began: float) -> None:
        live = self.lake.current().find(snapshot.dataset, snapshot.source, period)
        action = decide(live, snapshot.snapshot_id, snapshot.order, _versions(snapshot))
        if action in {Action.UNCHANGED, Action.IGNORED_OLDER}:
            self._done(snapshot, period, action, began, live)
            return
        self.tell(f"{snapshot.source} {period}: reading {_described(snapshot)}")
        with _scratch(self.lake) as scratch, Staging(snapshot, self._fetched(snapshot, scratch), scratch) as staging:
            revision = self._revision(staging, period)
        self.writer.publish([revision])
        self._done(snapshot, period, action, began, revision)

    def _found_periods(self, snapshot: Snapshot, began: float) -> None:
        """Load files that do not say which periods they hold; each period they do hold is replaced."""
        if same := self._live_of(snapshot):
            for revision in same:
                self._done(snapshot, revision.period, Action.UNCHANGED, began, revision)
            return
        self.tell(f"{snapshot.source}: reading {_described(snapshot)}")
        with _scratch(self.lake) as scratch, Staging(snapshot, self._fetched(snapshot, scratch), scratch) as staging:
            periods = staging.periods()
            if not periods:
                self._nothing_to_load(staging, snapshot)
            for index, period in enumerate(periods):
                if self.period is None or str(self.period) == period:
                    self._one_of(staging, period, began, with_rest=index == 0)

    def _one_of(self, staging: Staging, period: str, began: float, *, with_rest: bool) -> None:
        snapshot = staging.snapshot
        condition = f"strftime({staging.period_column}, '%Y-%m') = '{period}'"
        live = self.lake.current().find(snapshot.dataset, snapshot.source, period)
        digest = staging.digest(condition)
        if live is not None and live.digest == digest and not live.quarantine:
            self._done(snapshot, period, Action.UNCHANGED, began, live)
            return
        # rows that cannot be read may lack their period: they are kept with the first one
        others = (
            f"({condition} or x_fate <> 'load' and coalesce({condition}, false) is false)" if with_rest else condition
        )
        revision = replace(self._revision(staging, period, condition, others), digest=digest)
        self.writer.publish([revision])
        self._done(snapshot, period, Action.REPLACED if live else Action.LOADED, began, revision)

    def _nothing_to_load(self, staging: Staging, snapshot: Snapshot) -> None:
        counts = staging.counts()
        if counts.received:
            reason = next(iter(counts.quarantined), "every row was dropped")
            raise SourceError(
                f"{snapshot.source}: none of {counts.received} rows can be read ({reason})",
                hint="Check that this is the right connector for these files",
            )
        raise SourceError(f"{snapshot.source}: the files hold no rows", hint="Wait for the next delivery")

    def _revision(self, staging: Staging, period: str, condition: str = "true", others: str = "true") -> Revision:
        """Write the rows of one period and return their record; nothing is live yet."""
        snapshot = staging.snapshot
        tag = hashlib.sha256(snapshot.snapshot_id.encode()).hexdigest()
        revision, folder = self.writer.stage(snapshot.dataset, snapshot.source, period, tag)
        try:
            return self._written(staging, period, revision, folder, condition, others)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _written(
        self, staging: Staging, period: str, revision: str, folder: Path, condition: str, others: str
    ) -> Revision:
        snapshot = staging.snapshot
        target = folder / "part-0.parquet"
        staging.write_loaded(target, condition)
        rows, split, billed, effective = staging.loaded_sums(target)
        counts = staging.counts(others)
        self._check(staging, counts, rows, split)
        quarantine = folder / "quarantine.parquet"
        if counts.quarantined:
            staging.write_quarantined(quarantine, others)
        return Revision(
            dataset=str(snapshot.dataset),
            source=snapshot.source,
            connector=snapshot.connector,
            period=period,
            revision=revision,
            snapshot_id=snapshot.snapshot_id,
            order=snapshot.order,
            loaded_at=utc_now(),
            files=(self.writer.file(target, rows),),
            quarantine=(self.writer.file(quarantine, sum(counts.quarantined.values())),) if counts.quarantined else (),
            rows_received=counts.received,
            rows_loaded=rows,
            rows_split=split,
            rows_quarantined=sum(counts.quarantined.values()),
            rows_dropped=counts.dropped,
            billed_cost_received=counts.cash_received,
            billed_cost_loaded=billed,
            effective_cost_loaded=effective,
            quarantined_cost=counts.cash_quarantined,
            origin=tuple(Origin(f.stored.uri, f.stored.bytes, f.stored.version) for f in snapshot.files),
            drift=(staging.raw.new, staging.raw.missing),
            warnings=snapshot.warnings,
        )

    def _check(self, staging: Staging, counts: Counts, rows: int, split: int) -> None:
        accounted = rows - split + sum(counts.quarantined.values()) + sum(counts.dropped.values())
        if rows != counts.loaded or accounted != counts.received:
            raise SourceError(
                f"{staging.snapshot.source}: {counts.received} rows received, {accounted} accounted for",
                hint="This is a defect of the staging model; please report it",
            )
        if staging.snapshot.dataset is Dataset.FOCUS and rows == 0 and counts.received == 0:
            raise SourceError(
                f"{staging.snapshot.source}: the files hold no rows", hint="Wait for the next delivery of the export"
            )

    def _fetched(self, snapshot: Snapshot, scratch: Path) -> list[Path]:
        for file in snapshot.files:
            if file.bytes is not None and file.bytes != file.stored.bytes:
                raise SourceError(
                    f"{file.stored.uri} has {file.stored.bytes} bytes, the manifest promises {file.bytes}",
                    hint="The delivery is not complete; wait for the next one or copy it again",
                )
        return [self.transport.fetch(file.stored, scratch) for file in snapshot.files]

    def _live_of(self, snapshot: Snapshot) -> list[Revision]:
        """Return the live revisions of exactly this snapshot, if none of them was replaced since."""
        mine = [
            r
            for r in self.lake.revisions()
            if (r.dataset, r.source, r.snapshot_id) == (snapshot.dataset, snapshot.source, snapshot.snapshot_id)
        ]
        live = self.lake.current().ids()
        wanted = [r for r in mine if self.period is None or r.period == str(self.period)]
        return wanted if wanted and all((*r.key, r.revision) in live for r in mine) else []

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
    folder = parent / uuid.uuid4().hex
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(parent, ignore_errors=True)
