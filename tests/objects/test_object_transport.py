"""What every object store does like a local folder: names, globs, manifests' keys, pages, parts."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from costlab.errors import ConfigError, SourceError, UnknownValue, UsageError
from costlab.interfaces.connector import StoredObject, Transport
from costlab.lake import objects
from costlab.lake.transport import transport_for
from tests.objects.conftest import Bucket
from tests.objects.servers import Google, Proxy

STORES = ("s3", "azure", "gcs")
ODD = ["a b.csv", "a#1.csv", "a?b.csv", "a%20b.csv", "a+b.csv", "ä€.csv", "a[1].csv", "a&b=c.csv", "{a}.csv"]


@pytest.fixture(params=STORES)
def bucket(request: pytest.FixtureRequest) -> Bucket:
    """Return an empty bucket in each of the stores."""
    found: Bucket = request.getfixturevalue(request.param)
    return found


def reached(bucket: Bucket) -> Transport:
    return transport_for(bucket.root, bucket.options)[0]


def keys(bucket: Bucket, found: list[StoredObject]) -> list[str]:
    return [item.uri.removeprefix(f"{bucket.root}/") for item in found]


def contents(transport: Transport, items: list[StoredObject], into: Path) -> list[bytes]:
    into.mkdir(exist_ok=True)
    return [path.read_bytes() for path in transport.fetch(items, into)]


def test_odd_keys_are_listed_opened_fetched_and_found_as_they_are(bucket: Bucket, tmp_path: Path) -> None:
    for key in ODD:
        bucket.put(f"x y/{key}", key.encode())
    transport = reached(bucket)
    found = transport.list(f"{bucket.root}/x y")
    assert keys(bucket, found) == sorted(f"x y/{key}" for key in ODD)
    assert contents(transport, found, tmp_path / "in") == [key.encode() for key in sorted(ODD)]
    for key in ODD:
        uri = f"{bucket.root}/x y/{key}"
        with reached(bucket).open(uri) as stream:
            assert stream.read() == key.encode()
        assert keys(bucket, reached(bucket).list(uri)) == [f"x y/{key}"]
        assert transport.resolve(bucket.root, f"s3://elsewhere/x y/{key}") == transport.stat(uri)


def test_a_folder_is_not_another_whose_name_begins_alike(bucket: Bucket) -> None:
    for key in ("a/b/1.csv", "a/bc/2.csv", "a/b.csv"):
        bucket.put(key, b"x")
    assert keys(bucket, reached(bucket).list(f"{bucket.root}/a/b")) == ["a/b/1.csv"]
    assert keys(bucket, reached(bucket).list(f"{bucket.root}/a/b/")) == ["a/b/1.csv"]


def test_globs_hidden_names_unfinished_uploads_and_folder_marks(bucket: Bucket) -> None:
    for key in ("e/1.csv", "e/2.parquet", "e/_tmp/3.csv", "e/.4.csv", "e/5.csv.part", "e/sub/6.csv", "f/7.csv"):
        bucket.put(key, b"x")
    bucket.put("e/sub/", b"")
    bucket.put("e/mark", b"")
    transport = reached(bucket)
    assert keys(bucket, transport.list(f"{bucket.root}/e")) == ["e/1.csv", "e/2.parquet", "e/sub/6.csv"]
    assert keys(bucket, transport.list(f"{bucket.root}/e/*.csv")) == ["e/1.csv"]
    assert keys(bucket, transport.list(f"{bucket.root}/**/[67].csv")) == ["e/sub/6.csv", "f/7.csv"]
    assert keys(bucket, transport.list(f"{bucket.root}/e/s*")) == ["e/sub/6.csv"]
    for nothing in ("e/*.json", "nowhere", "e/1.csv/deeper"):
        with pytest.raises(SourceError, match="no such object or folder"):
            transport.list(f"{bucket.root}/{nothing}")


def test_an_empty_bucket_holds_nothing(bucket: Bucket) -> None:
    assert reached(bucket).list(bucket.root) == []
    assert reached(bucket).stat(bucket.root) is None


def test_an_object_is_known_by_its_etag(bucket: Bucket) -> None:
    bucket.put("a.csv", b"one")
    before = reached(bucket).stat(f"{bucket.root}/a.csv")
    listed = reached(bucket).list(f"{bucket.root}/a.csv")
    assert before is not None
    assert listed == reached(bucket).list(bucket.root) == [before]
    bucket.put("a.csv", b"two")
    after = reached(bucket).stat(f"{bucket.root}/a.csv")
    assert after is not None
    assert (before.bytes, after.bytes) == (3, 3)
    assert before.version != after.version


def test_a_missing_bucket_is_said(bucket: Bucket) -> None:
    other = f"{bucket.root}-missing"
    transport, uri = transport_for(f"{other}/x", bucket.options)
    with pytest.raises(SourceError, match=f"{other} does not exist"):
        transport.list(uri)


@pytest.mark.parametrize("key", ["s3://b/pre/exp/data/1.csv", "pre/exp/data/1.csv", "data/1.csv"])
@pytest.mark.parametrize("base", ["", "/pre", "/pre/exp", "/pre/exp/data"])
def test_a_key_is_found_by_its_longest_tail(gcs: Bucket, key: str, base: str) -> None:
    gcs.put("pre/exp/data/1.csv", b"x")
    found = reached(gcs).resolve(gcs.root + base, key)
    if key == "data/1.csv" and base in {"", "/pre"}:
        assert found is None
    else:
        assert found is not None
        assert keys(gcs, [found]) == ["pre/exp/data/1.csv"]


def test_what_was_written_after_the_listing_is_found(gcs: Bucket) -> None:
    gcs.put("exp/1.csv", b"x")
    transport = reached(gcs)
    transport.list(gcs.root)
    gcs.put("exp/2.csv", b"x")
    found = transport.resolve(gcs.root, "exp/2.csv")
    assert found is not None
    assert transport.resolve(gcs.root, "exp/3.csv") is None


@pytest.mark.parametrize("key", ["../secret", "/etc/passwd", "a/../../secret", "a\\..\\b", "s3://b/../x", ""])
def test_a_key_cannot_leave_the_folder(gcs: Bucket, key: str) -> None:
    gcs.put("exp/1.csv", b"x")
    with pytest.raises(SourceError, match="leaves"):
        reached(gcs).resolve(f"{gcs.root}/exp", key)


def test_nothing_outside_the_bucket_is_reached(gcs: Bucket) -> None:
    transport = reached(gcs)
    assert transport.join(f"{gcs.root}/a/", "b", "c/d") == f"{gcs.root}/a/b/c/d"
    for part in ("../b", "/b", "b/../../c", "a\0b"):
        with pytest.raises(SourceError, match="leaves"):
            transport.join(f"{gcs.root}/a", part)
    with pytest.raises(SourceError, match="is not in"):
        transport.list(f"{gcs.root}x/a")


@pytest.mark.parametrize("count", [2500])
def test_more_keys_than_a_page_are_all_listed(google_server: Google, gcs: Bucket, count: int) -> None:
    for number in range(count):
        gcs.put(f"e/{number:05d}.csv", b"x")
    assert len(reached(gcs).list(gcs.root)) == count


def test_more_keys_than_a_page_of_s3_are_all_listed(s3: Bucket, s3_proxy: Proxy) -> None:
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    backend, name = s3_backends[DEFAULT_ACCOUNT_ID]["aws"], s3.root.removeprefix("s3://")
    for number in range(1005):
        backend.put_object(name, f"e/{number:05d}.csv", b"x")
    assert len(reached(s3).list(s3.root)) == 1005
    assert len(s3_proxy.seen) == 2


def test_large_objects_are_read_in_parts(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "PART", 1000)
    content = {f"{number}.csv": os.urandom(3500 + number) for number in range(3)}
    for key, held in content.items():
        bucket.put(key, held)
    transport = reached(bucket)
    assert contents(transport, transport.list(bucket.root), tmp_path / "in") == [*content.values()]


def test_parts_carry_the_etag(s3: Bucket, s3_proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "PART", 1000)
    s3.put("a.csv", b"x" * 1500)
    transport = reached(s3)
    listed = transport.list(s3.root)
    assert contents(transport, listed, tmp_path / "in") == [b"x" * 1500]
    asked = [{name.lower(): value for name, value in a.headers.items()} for a in s3_proxy.asked_for("a.csv")]
    assert sorted(headers["range"] for headers in asked) == ["bytes=0-999", "bytes=1000-1499"]
    assert {headers["if-match"] for headers in asked} == {f'"{listed[0].version}"'}


def test_a_large_object_is_opened_without_reading_it_whole(
    s3: Bucket, s3_proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "SMALL", 10)
    monkeypatch.setattr(objects, "CHUNK", 100)
    content = os.urandom(1000)
    s3.put("a.csv", content)
    transport = reached(s3)
    transport.list(s3.root)
    with transport.open(f"{s3.root}/a.csv") as stream:
        assert stream.read(4) == content[:4]
        assert len(s3_proxy.asked_for("a.csv")) == 1
        assert stream.read() == content[4:]


def test_a_manifest_is_read_once_in_a_run(s3: Bucket, s3_proxy: Proxy) -> None:
    s3.put("m.json", b"{}")
    transport = reached(s3)
    transport.list(s3.root)
    for _ in range(3):
        with transport.open(f"{s3.root}/m.json") as stream:
            assert stream.read() == b"{}"
    assert len(s3_proxy.asked_for("m.json")) == 1
    with pytest.raises(SourceError, match="no such object"):
        transport.open(f"{s3.root}/other.json")


def test_not_every_object_that_is_looked_into_stays_in_memory(
    s3: Bucket, s3_proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "KEPT", 1)
    for name in ("1.csv", "2.csv"):
        s3.put(name, b"x")
    transport = reached(s3)
    for name in ("1.csv", "2.csv") * 2:
        transport.open(f"{s3.root}/{name}").close()
    assert len(s3_proxy.asked_for("2.csv")) > len(s3_proxy.asked_for("1.csv"))


def test_a_disk_without_room_is_said_before_anything_is_read(
    s3: Bucket, s3_proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put("a.csv", b"x" * 3_000_000)
    transport = reached(s3)
    listed = transport.list(s3.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(SourceError, match=r"is full: 3.0 MB to fetch, 1.0 MB free"):
        contents(transport, listed, tmp_path / "in")
    assert s3_proxy.asked_for("a.csv") == []


def test_a_disk_that_fills_up_meanwhile_is_said(s3: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.put("a.csv", b"x")

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    transport = reached(s3)
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(SourceError, match="is full"):
        contents(transport, transport.list(s3.root), tmp_path / "in")


def test_a_fetch_that_is_given_up_asks_for_nothing_more(
    s3: Bucket, s3_proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "IN_FLIGHT", 1)
    for number in range(50):
        s3.put(f"{number:02d}.csv", b"x")
    transport = reached(s3)
    fetched = transport.fetch(transport.list(s3.root), tmp_path)
    assert next(fetched).read_bytes() == b"x"
    fetched.close()
    assert len(s3_proxy.asked_for(".csv")) < 50


@pytest.mark.parametrize(
    ("uri", "spelled"),
    [
        ("s3://b/x y/", "s3://b/x y"),
        ("S3://b", "s3://b"),
        ("abfss://c@acme.dfs.core.windows.net/x", "az://c/x"),
        ("https://acme.blob.core.windows.net/c/x%20y", "az://c/x y"),
    ],
)
def test_places_have_one_spelling(uri: str, spelled: str) -> None:
    assert transport_for(uri, {"anonymous": "true"})[1] == spelled


@pytest.mark.parametrize(
    ("uri", "name", "valid"),
    [("s3://b", "acount", "profile"), ("gs://b", "profile", "credentials"), ("az://b", "region", "account")],
)
def test_an_unknown_option_names_the_valid_ones(uri: str, name: str, valid: str) -> None:
    with pytest.raises(UnknownValue, match=f"unknown option of {uri[:2]}:// '{name}'") as caught:
        transport_for(uri, {name: "x"})
    assert valid in caught.value.hint


def test_a_flag_is_true_or_false() -> None:
    with pytest.raises(UnknownValue, match="unknown value of anonymous 'perhaps'"):
        transport_for("s3://b", {"anonymous": "perhaps"})


@pytest.mark.parametrize("uri", ["s3://b/a/../c", "gs://b/a//c", "az://c/./x", "s3://b/a\nb"])
def test_a_uri_that_is_no_path_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match="an empty or relative folder"):
        transport_for(uri)


@pytest.mark.parametrize(
    ("uri", "options", "told"),
    [
        ("s3://b", {"endpoint": "foo"}, "the endpoint is not an address"),
        ("gs://b", {"endpoint": "https://user:s3cr3t@host", "anonymous": "true"}, "the endpoint is not an address"),
        ("az://c", {"account": "acme", "account_key": "s3cr3t!"}, "the account key is not Base64"),
        ("az://c", {"account": "acme", "sas": "s3cr3t"}, "the SAS has no signature"),
        ("az://c", {"account": "A/../b", "anonymous": "true"}, "the storage account is not named"),
    ],
)
def test_options_that_cannot_be_are_refused_and_not_repeated(uri: str, options: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        transport_for(uri, options)[0].list(uri)
    assert "s3cr3t" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("uri", ["s3://", "gs:///x", "s3://two words/x"])
def test_a_uri_names_a_bucket(uri: str) -> None:
    with pytest.raises(UsageError, match="names no bucket"):
        transport_for(uri)


def test_a_signature_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="carries a signature") as caught:
        transport_for("https://acme.blob.core.windows.net/c/x?sv=2024&sig=s3cr3t")
    assert "s3cr3t" not in caught.value.message + caught.value.hint
