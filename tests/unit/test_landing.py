"""What an API connector lands is staged like a file, and options keep secrets out of the configuration."""

import io
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costlab.errors import ConfigError, SourceError
from costlab.ingest.landing import LocalLanding
from costlab.interfaces.connector import Dataset
from costlab.lake import Lake

NOW = datetime(2026, 5, 4, 6)


def landing(folder: Path, **options: str) -> LocalLanding:
    (folder / "landing").mkdir(parents=True, exist_ok=True)
    return LocalLanding(folder / "landing", Lake(folder), Dataset.INVENTORY, options, NOW, lambda _: None)


def test_records_are_counted_and_the_version_is_their_content(tmp_path: Path) -> None:
    records: list[dict[str, object]] = [{"id": "007", "size": Decimal("0.10"), "seen": NOW}, {"id": "ü", "size": None}]
    one = landing(tmp_path / "a").write("x", records)
    two = landing(tmp_path / "b").write("x", iter(records))
    assert one.rows == two.rows == 2
    assert one.stored.version == two.stored.version
    assert one.stored.version != landing(tmp_path / "c").write("x", records[:1]).stored.version


def test_a_file_is_landed_as_it_is(tmp_path: Path) -> None:
    one = landing(tmp_path / "a").receive("x", io.BytesIO(b"a,b\r\n1,2\n"))
    two = landing(tmp_path / "b").receive("x", io.BytesIO(b"a,b\r\n1,2\n"))
    assert Path(one.stored.uri).read_bytes() == b"a,b\r\n1,2\n"
    assert (one.rows, one.stored.bytes, one.stored.version) == (None, 9, two.stored.version)


def test_a_name_cannot_be_landed_twice(tmp_path: Path) -> None:
    there = landing(tmp_path)
    there.write("x", [])
    with pytest.raises(SourceError, match="landed twice"):
        there.write("x", [])


def test_an_option_may_be_a_reference_to_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "s3cr3t")
    there = landing(tmp_path, key="env:SOME_SECRET", plain="eu-west-1", gone="env:NOT_THERE")
    assert there.option("key") == "s3cr3t"
    assert there.option("plain") == "eu-west-1"
    assert there.option("other", "default") == "default"
    with pytest.raises(ConfigError, match="NOT_THERE is not set") as caught:
        there.option("gone")
    assert "s3cr3t" not in str(caught.value)
