"""One live revision per period, published atomically; older deliveries and outsiders stay out."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from costlab.errors import ConfigError, Locked, UsageError
from costlab.lake import Action, Lake, Origin, Retention, Revision, writing
from costlab.lake.store import checked_source
from costlab.lake.verify import changed_files, missing_files
from costlab.lake.writer import decide
from tests.lake_support import LOADED, folders, live_texts, live_version, load, publish_version


def test_a_new_revision_replaces_its_period_only(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.publish([load(writer, "2026-03", "march"), load(writer, "2026-04", "april")])
        writer.publish([load(writer, "2026-03", "march again")])
    assert live_texts(tmp_path) == ["march again", "april"]
    assert [r.is_first for r in Lake(tmp_path).revisions()] == [True, False, True]


def test_staged_but_unpublished_files_do_not_count(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        load(writer, "2026-03", "never published")
        assert len(folders(tmp_path)) == 1
    assert Lake(tmp_path).current().seq == 0
    assert live_texts(tmp_path) == []
    assert folders(tmp_path) == set()


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


@pytest.mark.parametrize(
    ("dataset", "source", "period"),
    [
        ("focus", "aws", "2026-13"),
        ("focus", "aws", "../.."),
        ("focus", "..", "2026-03"),
        ("manifests", "aws", "2026-03"),
        ("../x", "aws", "2026-03"),
    ],
)
def test_nothing_is_staged_outside_of_the_lake(tmp_path: Path, dataset: str, source: str, period: str) -> None:
    with writing(tmp_path) as writer, pytest.raises((UsageError, ValueError)):
        writer.stage(dataset, source, period, "../../tag")
    assert [p.name for p in (tmp_path / "lake").iterdir()] == ["lock"]


def test_a_period_cannot_be_live_twice(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        one, two = load(writer, "2026-03", "one"), load(writer, "2026-03", "two")
        with pytest.raises(ValueError, match="live twice"):
            writer.publish([one, two])
        writer.publish([one])
        with pytest.raises(ValueError, match="live twice"):
            writer.publish([one])
        writer.publish([two])
        with pytest.raises(ValueError, match="live twice"):
            writer.publish([one])
    assert live_texts(tmp_path) == ["two"]


def test_a_file_that_changed_after_it_was_recorded_is_not_published(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        one = load(writer, "2026-03", "one")
        (tmp_path / one.files[0].path).write_text("longer")
        with pytest.raises(ValueError, match="not a finished file"):
            writer.publish([one])
        outside = replace(one, files=(replace(one.files[0], path="lake/lock"),))
        with pytest.raises(ValueError, match="not a finished file"):
            writer.publish([outside])
    assert Lake(tmp_path).current().seq == 0


def test_damage_to_live_files_is_found(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        manifest = writer.publish([load(writer, "2026-03", "march"), load(writer, "2026-04", "april")])
    lake = Lake(tmp_path)
    march, april = (r.files[0].path for r in manifest.live("focus"))
    (tmp_path / march).write_text("MARCH")
    assert (missing_files(lake, manifest), changed_files(lake, manifest)) == ([], [march])
    (tmp_path / april).unlink()
    assert (missing_files(lake, manifest), changed_files(lake, manifest)) == ([april], [march, april])


def test_a_workspace_that_cannot_be_written_to_says_so(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="cannot write to the workspace"), writing(tmp_path):
        pass


def test_a_workspace_can_be_moved(tmp_path: Path) -> None:
    with writing(tmp_path / "here") as writer:
        writer.publish([load(writer, "2026-03", "march")])
    (tmp_path / "here").rename(tmp_path / "there")
    assert live_texts(tmp_path / "there") == ["march"]
    with writing(tmp_path / "there") as writer:
        writer.publish([load(writer, "2026-03", "march again")])
    assert live_texts(tmp_path / "there") == ["march again"]


def test_as_of_a_period_that_was_loaded_again_after_removal(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.publish([load(writer, "2026-03", "first", loaded_at=datetime(2026, 4, 1))])
        writer.publish([], removed=[("focus", "aws", "2026-03")])
        assert Lake(tmp_path).known_at(datetime(2026, 4, 2)) == []
        writer.publish([load(writer, "2026-03", "again", loaded_at=datetime(2026, 4, 5))])
    (known,) = Lake(tmp_path).known_at(datetime(2026, 4, 2))
    assert (known.revision.snapshot_id, known.is_first) == ("first", True)
    (known,) = Lake(tmp_path).known_at(datetime(2026, 4, 5))
    assert (known.revision.snapshot_id, known.is_first) == ("again", False)


def test_each_source_and_dataset_has_its_own_past(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.publish([load(writer, "2026-03", "a1", source="a"), load(writer, "2026-03", "b1", source="b")])
        writer.publish([load(writer, "2026-03", "m1", source="a", dataset="metrics")])
        writer.publish([load(writer, "2026-03", "b2", source="b", loaded_at=datetime(2026, 5, 1))])
    known = Lake(tmp_path).known_at(datetime(2026, 5, 1))
    assert [(k.revision.snapshot_id, k.is_first) for k in known] == [("a1", True), ("b2", False), ("m1", True)]
    assert [k.revision.snapshot_id for k in Lake(tmp_path).live()] == ["a1", "b2", "m1"]
    assert not any(k.is_first for k in Lake(tmp_path).live())


def test_a_copy_taken_while_a_writer_publishes_is_whole_if_the_pointer_is_copied_first(tmp_path: Path) -> None:
    here, copy = tmp_path / "here", tmp_path / "copy"
    retention = Retention(revisions=0, days=0, manifests=1)
    with writing(here, retention=retention) as writer:
        publish_version(writer, 1)
        publish_version(writer, 2)
        pointer = (here / "lake/manifests/CURRENT").read_text()
        publish_version(writer, 3)
        writer.collect()
        shutil.copytree(here, copy)
    (copy / "lake/manifests/CURRENT").write_text(pointer)
    assert live_version(copy) == 2


def test_going_back_to_an_earlier_publish_and_on_from_there(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        for version in (1, 2, 3):
            publish_version(writer, version)
    Lake(tmp_path).path_of(3).write_text("damaged")
    (tmp_path / "lake/manifests/CURRENT").write_text("2\n")
    assert live_version(tmp_path) == 2
    with writing(tmp_path) as writer:
        publish_version(writer, 4)
        assert writer.collect().revisions == 2
    assert [r.snapshot_id for r in Lake(tmp_path).revisions()] == ["version 1", "version 2", "version 4"] * 2


def test_a_revision_whose_files_were_lost_is_not_kept_for_looking_back(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        lost = writer.publish([load(writer, "2026-03", "lost"), load(writer, "2026-04", "april")]).revisions[0]
        (tmp_path / lost.files[0].path).unlink()
        writer.publish([load(writer, "2026-03", "loaded again")])
    assert live_texts(tmp_path) == ["loaded again", "april"]
    assert [(r.snapshot_id, r.is_first) for r in Lake(tmp_path).revisions()] == [
        ("loaded again", True),
        ("april", True),
    ]


def test_metric_samples_are_known_when_they_were_taken_whenever_their_file_came(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        for day, text in ((11, "to the tenth"), (12, "whole month")):
            writer.publish([load(writer, "2026-03", text, dataset="metrics", loaded_at=datetime(2026, 6, day))])
    for instant in (datetime(2026, 3, 20), datetime(2026, 6, 12), datetime(2026, 7, 1)):
        (known,) = Lake(tmp_path).known_at(instant)
        assert (known.revision.snapshot_id, known.is_first) == ("whole month", True)
