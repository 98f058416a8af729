"""One live revision per period, published atomically; older deliveries and outsiders stay out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costlab.errors import ConfigError, Locked, SourceError, UsageError
from costlab.lake import Action, Lake, Origin, Revision, Writer, writing
from costlab.lake.store import checked_source
from costlab.lake.transport import LocalTransport, transport_for
from costlab.lake.writer import decide

LOADED = datetime(2026, 4, 3)


def load(writer: Writer, period: str, text: str, *, loaded_at: datetime = LOADED, source: str = "aws") -> Revision:
    revision, folder = writer.stage("focus", source, period, "abcdef0123")
    part = folder / "part-0.parquet"
    part.write_text(text)
    return Revision(
        dataset="focus",
        source=source,
        connector="aws-cur",
        period=period,
        revision=revision,
        snapshot_id=text,
        order="",
        loaded_at=loaded_at,
        files=(writer.file(part, 1),),
        billed_cost_loaded={"USD": Decimal("1.000000000001")},
        rows_dropped={"SavingsPlanNegation": 3},
        origin=(Origin("/x.parquet", 3, "v1"),),
        drift=(("new",), ()),
    )


def live_texts(workspace: Path) -> list[str]:
    lake = Lake(workspace)
    return [(workspace / f.path).read_text() for r in lake.current().live("focus") for f in r.files]


def test_a_new_revision_replaces_its_period_only(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.publish([load(writer, "2026-03", "march"), load(writer, "2026-04", "april")])
        writer.publish([load(writer, "2026-03", "march again")])
    assert live_texts(tmp_path) == ["march again", "april"]
    assert [r.is_first for r in Lake(tmp_path).revisions()] == [True, False, True]


def test_a_manifest_reads_back_as_it_was_written(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        written = writer.publish([load(writer, "2026-03", "march")])
    assert Lake(tmp_path).current() == replace(written, created_at=Lake(tmp_path).current().created_at)


def test_staged_but_unpublished_files_do_not_count(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        load(writer, "2026-03", "never published")
    assert Lake(tmp_path).current().seq == 0
    assert live_texts(tmp_path) == []


def test_a_removed_period_is_gone_and_its_history_stays(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.publish([load(writer, "2026-03", "march")])
        writer.publish([], removed=[("focus", "aws", "2026-03")])
    assert live_texts(tmp_path) == []
    assert len(Lake(tmp_path).revisions()) == 1


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with writing(tmp_path), pytest.raises(Locked, match=r"process \d+ on .* since"), writing(tmp_path):
        pass
    with writing(tmp_path):
        pass


def test_a_damaged_manifest_is_a_clear_error(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.publish([load(writer, "2026-03", "march")])
    path = Lake(tmp_path).path_of(1)
    path.write_text(path.read_text()[:-40])
    with pytest.raises(SourceError, match="is damaged"):
        Lake(tmp_path).current()
    path.write_text('{"schema": "costlab/manifest/9"}')
    with pytest.raises(SourceError, match="costlab/manifest/9"):
        Lake(tmp_path).current()


def test_what_was_known_is_the_first_revision_until_a_later_one_was_loaded(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.publish([load(writer, "2026-03", "first", loaded_at=datetime(2026, 6, 1))])
        writer.publish([load(writer, "2026-03", "second", loaded_at=datetime(2026, 6, 20))])
        writer.publish([load(writer, "2026-03", "third", loaded_at=datetime(2026, 7, 1))])

    def known(day: datetime) -> tuple[str, bool]:
        (one,) = Lake(tmp_path).known_at(day)
        return one.revision.snapshot_id, one.is_first

    assert known(datetime(2026, 3, 10)) == ("first", True)
    assert known(datetime(2026, 6, 19)) == ("first", True)
    assert known(datetime(2026, 6, 20)) == ("second", False)
    assert known(datetime(2026, 8, 1)) == ("third", False)


def revision(snapshot: str, order: str, *versions: str) -> Revision:
    origin = tuple(Origin("u", 1, v) for v in versions)
    return Revision("focus", "aws", "aws-cur", "2026-03", "r", snapshot, order, LOADED, origin=origin)


@pytest.mark.parametrize(
    ("live", "snapshot", "order", "versions", "action"),
    [
        (None, "a", "1", ["v1"], Action.LOADED),
        (revision("a", "1", "v1", "v2"), "a", "1", ["v2", "v1"], Action.UNCHANGED),
        (revision("a", "1", "v1"), "a", "1", ["v2"], Action.REPLACED),
        (revision("a", "2", "v1"), "b", "1", ["v3"], Action.IGNORED_OLDER),
        (revision("a", "1", "v1"), "b", "2", ["v1"], Action.REPLACED),
        (revision("a", "", "v1"), "b", "1", ["v1"], Action.REPLACED),
        (revision("a", "1", "v1"), "b", "", ["v1"], Action.REPLACED),
    ],
)
def test_the_newest_delivery_wins(
    live: Revision | None, snapshot: str, order: str, versions: list[str], action: Action
) -> None:
    assert decide(live, snapshot, order, versions) is action


@pytest.mark.parametrize("name", ["../up", "a/b", "", "UPPER", ".hidden", "a" * 65, "a b", "a=b"])
def test_a_source_name_cannot_leave_its_folder(name: str) -> None:
    with pytest.raises(UsageError):
        checked_source(name)


class TestLocalTransport:
    def test_lists_folders_globs_and_files_sorted_without_hidden_ones(self, tmp_path: Path) -> None:
        for name in ("b/2.csv", "a.csv", ".hidden.csv", "b/_tmp/3.csv"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("x")
        local = LocalTransport()
        names = [Path(o.uri).relative_to(tmp_path).as_posix() for o in local.list(str(tmp_path))]
        assert names == ["a.csv", "b/2.csv"]
        assert len(local.list(f"{tmp_path}/**/2.csv")) == 1
        assert [o.bytes for o in local.list(f"{tmp_path}/a.csv")] == [1]
        with pytest.raises(SourceError, match="no such file"):
            local.list(f"{tmp_path}/missing.csv")

    def test_the_version_changes_with_the_content(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("x")
        before = LocalTransport().stat(str(path))
        path.write_text("xy")
        after = LocalTransport().stat(str(path))
        assert before is not None
        assert after is not None
        assert before.version != after.version

    @pytest.mark.parametrize("key", ["../secret", "/etc/passwd", "a/../../secret", "a\\..\\b", ""])
    def test_a_key_cannot_leave_the_folder(self, tmp_path: Path, key: str) -> None:
        with pytest.raises(SourceError, match="leaves"):
            LocalTransport().resolve(str(tmp_path), key)

    def test_a_link_cannot_leave_the_folder(self, tmp_path: Path) -> None:
        base = tmp_path / "export"
        base.mkdir()
        (tmp_path / "secret.csv").write_text("x")
        (base / "link.csv").symlink_to(tmp_path / "secret.csv")
        with pytest.raises(SourceError, match="leaves"):
            LocalTransport().resolve(str(base), "link.csv")

    @pytest.mark.parametrize("key", ["s3://bucket/pre/exp/data/1.csv", "pre/exp/data/1.csv", "data/1.csv"])
    @pytest.mark.parametrize("base", ["", "pre", "pre/exp", "pre/exp/data"])
    def test_a_key_is_found_by_its_longest_tail(self, tmp_path: Path, key: str, base: str) -> None:
        target = tmp_path / "pre/exp/data/1.csv"
        target.parent.mkdir(parents=True)
        target.write_text("x")
        found = LocalTransport().resolve(str(tmp_path / base), key)
        if key == "data/1.csv" and base in {"", "pre"}:
            assert found is None
        else:
            assert found is not None
            assert found.uri == str(target)

    def test_other_schemes_say_what_to_do(self) -> None:
        with pytest.raises(ConfigError, match="s3:// is not supported yet"):
            transport_for("s3://bucket/prefix")
        assert transport_for("file:///tmp/a%20b")[1] == "/tmp/a b"
