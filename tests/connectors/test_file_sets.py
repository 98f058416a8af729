"""Which files of a folder are one delivery, and in which format."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from costlab.errors import SourceError
from costlab.interfaces.connector import Connector, Dataset, FileFormat, Snapshot
from costlab.lake.transport import LocalTransport
from costlab_connectors.focus import CONNECTOR as FOCUS
from costlab_connectors.metrics_file import CONNECTOR as METRICS


def snapshot(path: Path, connector: Connector = FOCUS) -> Snapshot:
    found = list(connector.snapshots(LocalTransport(), str(path), source="s"))
    assert len(found) == 1
    return found[0]


def names(snapshot: Snapshot) -> list[str]:
    return [Path(file.stored.uri).name for file in snapshot.files]


def make(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(f"content of {file}", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("a.csv", FileFormat.CSV),
        ("a.CSV.GZ", FileFormat.CSV),
        ("a.snappy.parquet", FileFormat.PARQUET),
        ("a.jsonl", FileFormat.JSONL),
        ("a.ndjson.gz", FileFormat.JSONL),
        ("a.json", FileFormat.JSONL),
    ],
)
def test_the_name_tells_the_format(tmp_path: Path, file: str, kind: FileFormat) -> None:
    assert snapshot(make(tmp_path, file) / file).format is kind


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PAR1....", FileFormat.PARQUET),
        (b'\xef\xbb\xbf{"BilledCost": 1}', FileFormat.JSONL),
        (b"BilledCost,EffectiveCost\n", FileFormat.CSV),
        (gzip.compress(b'{"BilledCost": 1}', mtime=0), FileFormat.JSONL),
    ],
)
def test_the_content_tells_the_format_where_the_name_does_not(tmp_path: Path, content: bytes, kind: FileFormat) -> None:
    (tmp_path / "export").write_bytes(content)
    assert snapshot(tmp_path / "export").format is kind


def test_a_folder_is_one_snapshot_of_its_data_files(tmp_path: Path) -> None:
    make(tmp_path, "b/2.csv", "a/1.csv.gz", "README.md", "_SUCCESS")
    (tmp_path / "manifest.json").write_text('{"tool": "another"}', encoding="utf-8")
    found = snapshot(tmp_path)
    assert names(found) == ["1.csv.gz", "2.csv"]
    assert found.period is None
    assert found.dataset is Dataset.FOCUS


def test_a_glob_chooses_files(tmp_path: Path) -> None:
    make(tmp_path, "1.parquet", "2.parquet", "old.csv")
    assert names(snapshot(tmp_path / "*.parquet")) == ["1.parquet", "2.parquet"]


def test_several_formats_are_refused_because_rows_may_be_there_twice(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="several formats \\(csv, parquet\\)"):
        snapshot(make(tmp_path, "1.parquet", "1.csv"))


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no data files"):
        snapshot(make(tmp_path, "README.md"))


def test_metrics_are_not_json(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no data files"):
        snapshot(make(tmp_path, "m.jsonl"), METRICS)
    assert snapshot(make(tmp_path, "m.csv"), METRICS).dataset is Dataset.METRICS


def test_the_identity_changes_with_the_content_only(tmp_path: Path) -> None:
    make(tmp_path, "1.csv")
    before = snapshot(tmp_path).snapshot_id
    assert snapshot(tmp_path / "1.csv").snapshot_id == before
    (tmp_path / "1.csv").write_text("other content", encoding="utf-8")
    assert snapshot(tmp_path).snapshot_id != before


def test_contract_commitments_beside_the_costs_are_not_costs(tmp_path: Path) -> None:
    make(tmp_path, "focus_1_3_cost_and_usage.csv", "focus_1_3_contract_commitment.csv")
    assert names(snapshot(tmp_path)) == ["focus_1_3_cost_and_usage.csv"]
