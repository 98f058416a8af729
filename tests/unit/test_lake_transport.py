"""Local folders: what is listed, what a manifest's key names, and that nothing leaves the folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from costlab.errors import ConfigError, SourceError
from costlab.interfaces.connector import StoredObject
from costlab.lake.transport import LocalTransport, transport_for


def test_lists_folders_globs_and_files_sorted_without_hidden_ones(tmp_path: Path) -> None:
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


def test_the_version_changes_with_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x")
    before = LocalTransport().stat(str(path))
    path.write_text("xy")
    after = LocalTransport().stat(str(path))
    assert before is not None
    assert after is not None
    assert before.version != after.version


@pytest.mark.parametrize("key", ["../secret", "/etc/passwd", "a/../../secret", "a\\..\\b", ""])
def test_a_key_cannot_leave_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(SourceError, match="leaves"):
        LocalTransport().resolve(str(tmp_path), key)


def test_a_link_cannot_leave_the_folder(tmp_path: Path) -> None:
    base = tmp_path / "export"
    base.mkdir()
    (tmp_path / "secret.csv").write_text("x")
    (base / "link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(SourceError, match="leaves"):
        LocalTransport().resolve(str(base), "link.csv")


@pytest.mark.parametrize("key", ["s3://bucket/pre/exp/data/1.csv", "pre/exp/data/1.csv", "data/1.csv"])
@pytest.mark.parametrize("base", ["", "pre", "pre/exp", "pre/exp/data"])
def test_a_key_is_found_by_its_longest_tail(tmp_path: Path, key: str, base: str) -> None:
    target = tmp_path / "pre/exp/data/1.csv"
    target.parent.mkdir(parents=True)
    target.write_text("x")
    found = LocalTransport().resolve(str(tmp_path / base), key)
    if key == "data/1.csv" and base in {"", "pre"}:
        assert found is None
    else:
        assert found is not None
        assert found.uri == str(target)


def test_other_schemes_say_what_to_do() -> None:
    with pytest.raises(ConfigError, match="ftp:// is not supported"):
        transport_for("ftp://host/prefix")
    assert transport_for("file:///tmp/a%20b")[1] == "/tmp/a b"


def make(base: Path, *names: str) -> None:
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(name)


def below(base: Path, found: list[StoredObject]) -> list[str]:
    return [Path(item.uri).relative_to(base).as_posix() for item in found]


def test_unfinished_and_hidden_files_are_left_out_unless_named(tmp_path: Path) -> None:
    make(tmp_path, "a.csv", "b.csv.part", "c.tmp", "_SUCCESS", "_delta/x.csv", ".git/y.csv", "d/.z.csv", "e.csv~")
    local = LocalTransport()
    assert below(tmp_path, local.list(str(tmp_path))) == ["a.csv"]
    assert below(tmp_path, local.list(f"{tmp_path}/**")) == ["a.csv"]
    assert below(tmp_path, local.list(f"{tmp_path}/_delta/*.csv")) == ["_delta/x.csv"]
    assert below(tmp_path, local.list(f"{tmp_path}/_delta")) == ["_delta/x.csv"]
    assert below(tmp_path, local.list(f"{tmp_path}/c.tmp")) == ["c.tmp"]


def test_a_glob_that_chooses_folders_reads_them(tmp_path: Path) -> None:
    make(tmp_path, "2026-01/a.csv", "2026-01/b/c.csv", "2026-02/a.csv", "2025-12/a.csv")
    assert below(tmp_path, LocalTransport().list(f"{tmp_path}/2026-*")) == [
        "2026-01/a.csv", "2026-01/b/c.csv", "2026-02/a.csv",
    ]  # fmt: skip
    with pytest.raises(SourceError, match="no such file"):
        LocalTransport().list(f"{tmp_path}/2027-*")


def test_a_name_with_glob_characters_is_taken_as_it_is(tmp_path: Path) -> None:
    make(tmp_path, "a[1].csv", "a1.csv")
    assert below(tmp_path, LocalTransport().list(f"{tmp_path}/a[1].csv")) == ["a[1].csv"]


def test_an_empty_folder_lists_nothing(tmp_path: Path) -> None:
    assert LocalTransport().list(str(tmp_path)) == []


def test_linked_folders_are_entered_once(tmp_path: Path) -> None:
    make(tmp_path, "real/a.csv", "base/b.csv")
    (tmp_path / "base/linked").symlink_to(tmp_path / "real")
    (tmp_path / "real/back").symlink_to(tmp_path / "base")
    assert below(tmp_path, LocalTransport().list(f"{tmp_path}/base")) == ["base/b.csv", "base/linked/a.csv"]


def test_a_relative_path_and_the_home_folder_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "in/a.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for uri in ("in", "./in/a.csv", "~/in", "~/in/*.csv"):
        (found,) = LocalTransport().list(uri)
        assert found.uri == str(tmp_path / "in/a.csv")
    with LocalTransport().open("~/in/a.csv") as stream:
        assert stream.read() == b"in/a.csv"


def test_a_folder_that_cannot_be_read_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.csv", "closed/b.csv")
    scan = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(SourceError, match="closed: Permission denied"):
        LocalTransport().list(str(tmp_path))


@pytest.mark.parametrize(
    "key", ["a\0b", "link/up/secret.csv", "s3://bucket/../secret.csv", "s3://bucket//../x", "s3://b"]
)
def test_odd_keys_are_refused(tmp_path: Path, key: str) -> None:
    make(tmp_path, "base/x.csv", "secret.csv")
    (tmp_path / "base/link").mkdir()
    (tmp_path / "base/link/up").symlink_to(tmp_path)
    with pytest.raises(SourceError, match="leaves"):
        LocalTransport().resolve(str(tmp_path / "base"), key)


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert LocalTransport().stat(str(tmp_path / "a")) is None
    with pytest.raises(SourceError, match="leaves"):
        LocalTransport().join(str(tmp_path), "a", "x")


@pytest.mark.parametrize(
    "name", ["data/a#b.csv", "data/a?b=c.csv", "data/a b.csv", "data/BILLING_PERIOD=2026-03/ü.csv"]
)
def test_a_key_is_text_not_an_address(tmp_path: Path, name: str) -> None:
    make(tmp_path, name)
    found = LocalTransport().resolve(str(tmp_path), f"s3://bucket/prefix/{name}")
    assert found is not None
    assert found.uri == str(tmp_path / name)


def test_the_longest_tail_wins_over_a_shorter_one(tmp_path: Path) -> None:
    make(tmp_path, "1.csv", "data/1.csv", "export/data/1.csv")
    found = LocalTransport().resolve(str(tmp_path), "s3://bucket/export/data/1.csv")
    assert found is not None
    assert found.uri == str(tmp_path / "export/data/1.csv")


def test_a_name_that_cannot_exist_does_not_exist(tmp_path: Path) -> None:
    assert LocalTransport().stat(str(tmp_path / ("x" * 300))) is None
    with pytest.raises(SourceError, match="is not a path"):
        LocalTransport().stat("a\0b")
    with pytest.raises(SourceError, match="No such file"):
        LocalTransport().open(str(tmp_path / "missing"))


@pytest.mark.parametrize("uri", ["ftp://b/p", "https://x/y", "file://server/share"])
def test_what_is_not_a_local_path_is_refused_with_advice(uri: str) -> None:
    with pytest.raises(ConfigError, match="not supported") as caught:
        transport_for(uri)
    assert "local path, s3://, gs:// or az://" in caught.value.hint


@pytest.mark.parametrize(
    ("uri", "path"), [("a:b/c", "a:b/c"), ("file://localhost/x", "/x"), ("FILE:///x", "/x"), ("C#", "C#")]
)
def test_local_paths_stay_as_they_are(uri: str, path: str) -> None:
    assert transport_for(uri)[1] == path
