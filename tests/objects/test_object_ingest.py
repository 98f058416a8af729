"""Exports in object stores: the same totals as from disk, through the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from costlab.ingest import ingest as load
from costlab.lake import Action
from tests.cli.conftest import Done, Run
from tests.connectors import azure_support
from tests.connectors.cur import Export, line
from tests.connectors.test_gcp_ingest import LINE, write_lines
from tests.objects.conftest import Bucket
from tests.objects.servers import Fault, Google, Proxy

Ingest = Callable[..., Done]
_OF_THE_RUN = ("seconds",)


def cur(folder: Path, months: int = 2) -> Path:
    """Write a CUR 2.0 export of some months, of two files each."""
    export = Export(folder)
    for number in range(1, months + 1):
        export.month([line(line_item_unblended_cost=str(number)), line()], f"2026-0{number}")
    return folder


def items(done: Done) -> list[dict[str, Any]]:
    """Return what was loaded, without times; exit code 0."""
    assert done.code == 0, done.err + done.out
    return [{k: v for k, v in item.items() if k not in _OF_THE_RUN} for item in done.json["items"]]


def from_disk(run: Run, workspace: Path, connector: str, folder: Path) -> list[dict[str, Any]]:
    command = ["--workspace", workspace.with_name("disk"), "ingest", connector, "--from", folder, "--format", "json"]
    return items(run(*command))


def without_id(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in item.items() if k != "snapshot_id"} for item in found]


def test_an_aws_export_in_s3_has_the_totals_of_the_files(
    run: Run, ingest: Ingest, workspace: Path, tmp_path: Path, s3: Bucket
) -> None:
    folder = cur(tmp_path / "export")
    s3.upload(folder, "exports/")
    found = items(ingest("aws-cur", s3.root, s3))
    assert [(i["billing_period"], i["action"], i["rows_loaded"]) for i in found] == [
        ("2026-01", "loaded", 2),
        ("2026-02", "loaded", 2),
    ]
    assert without_id(found) == without_id(from_disk(run, workspace, "aws-cur", folder))


@pytest.mark.parametrize("below", ["/exports", "/exports/cur", "/exports/cur/data", "/exports/cur/metadata"])
def test_an_aws_export_is_found_from_any_of_its_folders(
    workspace: Path, tmp_path: Path, s3: Bucket, below: str
) -> None:
    s3.upload(cur(tmp_path / "export", months=1), "exports/")
    report = load(workspace, "aws-cur", s3.root + below, options=s3.options)
    assert [(p.period, p.action) for p in report.periods] == [("2026-01", Action.LOADED)]


def test_an_azure_pair_in_a_container_has_the_totals_of_the_files(
    run: Run, ingest: Ingest, workspace: Path, tmp_path: Path, azure: Bucket
) -> None:
    folder = tmp_path / "export"
    azure_support.export(folder, "actual", azure_support.ACTUAL, parts=2)
    azure_support.export(folder, "amortized", azure_support.AMORTIZED, parts=3, suffix=".csv.gz")
    azure.upload(folder)
    found = items(ingest("azure-export", f"{azure.root}/root", azure))
    assert [i["action"] for i in found] == ["loaded"]
    assert without_id(found) == without_id(from_disk(run, workspace, "azure-export", folder))


def test_a_google_export_in_a_bucket_has_the_totals_of_the_files(
    run: Run, ingest: Ingest, workspace: Path, tmp_path: Path, gcs: Bucket
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    write_lines(folder / "000.jsonl", [LINE, LINE])
    write_lines(folder / "001.jsonl", [LINE])
    gcs.upload(folder, "billing/")
    found = items(ingest("gcp-billing-export", f"{gcs.root}/billing/*.jsonl", gcs))
    assert [(i["action"], i["rows_received"]) for i in found] == [("loaded", 3)]
    assert without_id(found) == without_id(from_disk(run, workspace, "gcp-billing-export", folder))


def test_an_unchanged_export_is_not_read_again(workspace: Path, tmp_path: Path, s3: Bucket, s3_proxy: Proxy) -> None:
    s3.upload(cur(tmp_path / "export"))
    load(workspace, "aws-cur", s3.root, options=s3.options)
    s3_proxy.seen.clear()
    again = load(workspace, "aws-cur", s3.root, options=s3.options)
    assert [p.action for p in again.periods] == [Action.UNCHANGED, Action.UNCHANGED]
    assert s3_proxy.asked_for(".csv.gz") == []
    assert [asked.path.rpartition("/")[2] for asked in s3_proxy.seen[1:]] == ["cur-Manifest.json"] * 2


def test_only_the_month_that_changed_is_read(workspace: Path, tmp_path: Path, s3: Bucket, s3_proxy: Proxy) -> None:
    folder = cur(tmp_path / "export")
    s3.upload(folder)
    load(workspace, "aws-cur", s3.root, options=s3.options)
    Export(folder).month([line(line_item_unblended_cost="9")], "2026-02")
    s3.upload(folder / "cur/data/BILLING_PERIOD=2026-02", "cur/data/BILLING_PERIOD=2026-02/")
    s3_proxy.seen.clear()
    again = load(workspace, "aws-cur", s3.root, options=s3.options)
    assert [p.action for p in again.periods] == [Action.UNCHANGED, Action.REPLACED]
    assert {asked.path.split("/")[-2] for asked in s3_proxy.asked_for(".csv.gz")} == {"BILLING_PERIOD=2026-02"}


def test_doctor_says_whether_configured_places_can_be_listed(
    run: Run, workspace: Path, s3: Bucket, gcs: Bucket, s3_proxy: Proxy, google_server: Google
) -> None:
    gcs.put("billing/1.csv", b"x")
    gcs.put("one.csv", b"x")
    s3_proxy.fault = lambda _: Fault(403, "AccessDenied")
    places = {
        "glob": (f"{gcs.root}/billing/*.csv", gcs.options),
        "one": (f"{gcs.root}/one.csv", gcs.options),
        "empty": (f"{gcs.root}/other", gcs.options),
        "gone": ("gs://no-such-bucket/x", gcs.options),
        "denied": (f"{s3.root}/cur", s3.options),
        "typing": (s3.root, {"regoin": "x"}),
    }
    workspace.mkdir()
    blocks = [
        f"[[sources]]\nname = '{name}'\nconnector = 'focus'\nfrom = '{uri}'\n"
        f"options = {{ {', '.join(f'{k} = {v!r}' for k, v in options.items())} }}\n"
        for name, (uri, options) in places.items()
    ]
    (workspace / "costlab.toml").write_text("\n".join(blocks))
    done = run("--workspace", workspace, "doctor", "--format", "json")
    assert done.code == 4
    found = {
        i["check"].removeprefix("location of "): i for i in done.json["items"] if i["check"].startswith("location")
    }
    assert {name: item["status"] for name, item in found.items()} == {
        "glob": "ok", "one": "ok", "empty": "data", "gone": "data", "denied": "config", "typing": "config",
    }  # fmt: skip
    assert "s3:ListBucket" in found["denied"]["fix"]
    assert len(s3_proxy.seen) == 1
