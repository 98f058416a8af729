"""What of the past is kept, and that nothing anybody can reach is ever removed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from costlab.lake import Lake, Retention, writing
from costlab.lake.verify import changed_files, missing_files
from tests.lake_support import folders, live_version, load, publish_version

NIGHT = timedelta(days=1)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Return a way to set the writer's clock."""

    def set_clock(now: datetime) -> None:
        monkeypatch.setattr("costlab.lake.writer.utc_now", lambda: now)

    return set_clock


def nights(workspace: Path, retention: Retention, at: Callable[[datetime], None], count: int) -> None:
    """Restate the same month every night."""
    for night in range(count):
        now = datetime(2026, 4, 1, 6) + night * NIGHT
        at(now)
        with writing(workspace, retention=retention) as writer:
            writer.publish([load(writer, "2026-03", f"night {night}", loaded_at=now)])
            writer.collect()


def snapshots(workspace: Path) -> list[str]:
    return [r.snapshot_id for r in Lake(workspace).revisions()]


def test_recent_revisions_and_the_first_one_are_kept(tmp_path: Path, at: Callable[[datetime], None]) -> None:
    nights(tmp_path, Retention(revisions=2, days=5), at, 20)
    # those replaced in the last 5 days, the live one, and the first
    assert snapshots(tmp_path) == ["night 0", *(f"night {n}" for n in range(14, 20))]


def test_a_number_of_revisions_is_kept_however_old(tmp_path: Path, at: Callable[[datetime], None]) -> None:
    nights(tmp_path, Retention(revisions=3, days=0), at, 10)
    assert snapshots(tmp_path) == ["night 0", "night 6", "night 7", "night 8", "night 9"]


def test_only_files_that_a_kept_manifest_names_remain(tmp_path: Path, at: Callable[[datetime], None]) -> None:
    nights(tmp_path, Retention(revisions=1, days=0, manifests=2, grace=timedelta(0)), at, 10)
    lake = Lake(tmp_path)
    assert [m.seq for m in lake.history()] == [9, 10]
    named = {lake.folder_of(r) for m in lake.history() for r in lake.revisions(m)}
    assert folders(tmp_path) == named
    assert sorted(p.name for p in lake.manifests.iterdir()) == [
        "00000009.json", "00000010.json", "CURRENT", "history-00000009.json", "history-00000010.json",
    ]  # fmt: skip


def test_what_was_forgotten_is_not_known_but_days_before_still_are(
    tmp_path: Path, at: Callable[[datetime], None]
) -> None:
    nights(tmp_path, Retention(revisions=1, days=0), at, 10)
    (known,) = Lake(tmp_path).known_at(datetime(2026, 4, 5))
    assert (known.revision.snapshot_id, known.is_first) == ("night 0", True)
    (known,) = Lake(tmp_path).known_at(datetime(2026, 4, 9, 7))
    assert (known.revision.snapshot_id, known.is_first) == ("night 8", False)


def test_a_reader_that_began_with_an_older_manifest_can_finish(tmp_path: Path, at: Callable[[datetime], None]) -> None:
    lake = Lake(tmp_path)
    retention = Retention(revisions=0, days=0, manifests=1, grace=timedelta(hours=1))
    at(datetime(2026, 4, 1))
    with writing(tmp_path, retention=retention) as writer:
        publish_version(writer, 1)
        publish_version(writer, 2)
        begun = lake.current()
        at(datetime(2026, 4, 1, 0, 59))
        for version in range(3, 20):
            publish_version(writer, version)
            writer.collect()
        assert live_version(tmp_path, begun) == 2
        at(datetime(2026, 4, 1, 1))
        writer.collect()
        assert len(missing_files(lake, begun)) == 2
        assert live_version(tmp_path) == 19


def test_what_a_catalogue_still_shows_is_kept(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    retention = Retention(revisions=0, days=0, manifests=1, grace=timedelta(0))
    with writing(tmp_path, retention=retention) as writer:
        for version in range(1, 6):
            publish_version(writer, version)
            writer.collect(in_use=[2, 3])
        shown = {seq: lake.manifest(seq) for seq in (2, 3)}
        assert [live_version(tmp_path, m) for m in shown.values()] == [2, 3]
        writer.collect(in_use=[3])
        assert live_version(tmp_path, shown[3]) == 3
        assert len(missing_files(lake, shown[2])) == 2


def test_what_is_being_staged_is_not_removed(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        staged = load(writer, "2026-03", "staged")
        assert writer.collect().revisions == 0
        writer.publish([staged])
    assert changed_files(Lake(tmp_path), Lake(tmp_path).current()) == []


def test_leftovers_of_a_crash_are_removed_and_counted(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        publish_version(writer, 1)
    orphan = tmp_path / "lake/focus/source=gcp/billing_period=2026-01/20260101T000000000000-00000000"
    orphan.mkdir(parents=True)
    (orphan / "part-0.parquet").write_bytes(b"12345")
    (tmp_path / "lake/manifests/.CURRENT.1.tmp").write_text("2")
    (tmp_path / "lake/manifests/00000002.json").write_text("half a mani")
    (tmp_path / "lake/marts/daily_costs").mkdir(parents=True)
    (tmp_path / "lake/manifests/notes.txt").write_text("mine")
    with writing(tmp_path) as writer:
        collected = writer.collect()
    assert (collected.revisions, collected.bytes, collected.manifests) == (1, 5, 1)
    assert not (tmp_path / "lake/focus/source=gcp").exists()
    assert (tmp_path / "lake/marts/daily_costs").is_dir()
    assert sorted(p.name for p in (tmp_path / "lake/manifests").iterdir()) == ["00000001.json", "CURRENT", "notes.txt"]
    assert live_version(tmp_path) == 1


def test_nothing_is_removed_when_a_kept_manifest_cannot_be_read(tmp_path: Path) -> None:
    with writing(tmp_path, retention=Retention(revisions=0, days=0)) as writer:
        for version in range(1, 4):
            publish_version(writer, version)
        Lake(tmp_path).path_of(2).write_text("damaged")
        before = folders(tmp_path)
        assert writer.collect().revisions == 0
    assert folders(tmp_path) == before
    assert live_version(tmp_path) == 3


def test_a_removed_period_is_forgotten_after_a_while(tmp_path: Path, at: Callable[[datetime], None]) -> None:
    retention = Retention(days=30, manifests=1, grace=timedelta(0))
    at(datetime(2026, 4, 1))
    with writing(tmp_path, retention=retention) as writer:
        writer.publish([load(writer, "2026-03", "march"), load(writer, "2026-04", "april")])
        writer.publish([], removed=[("focus", "aws", "2026-03")])
    assert snapshots(tmp_path) == ["march", "april"]
    at(datetime(2026, 5, 2))
    with writing(tmp_path, retention=retention) as writer:
        writer.publish([load(writer, "2026-05", "may")])
        assert writer.collect().revisions == 1
    assert snapshots(tmp_path) == ["april", "may"]


def test_publishing_does_not_read_old_manifests(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        for version in range(1, 4):
            publish_version(writer, version)
        for seq in (1, 2):
            Lake(tmp_path).path_of(seq).unlink()
        publish_version(writer, 4)
    revisions = Lake(tmp_path).revisions()
    assert [r.is_first for r in revisions] == [True, False, False, False] * 2
