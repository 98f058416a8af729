"""Stores that fail: asked again where that helps, else one message, and what is live stays as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from costlab.errors import ConfigError, SourceError
from costlab.ingest import IngestReport
from costlab.ingest import ingest as ingest_here
from costlab.interfaces.connector import Transport
from costlab.lake import Action, Lake
from costlab.lake.requests import PATIENCE
from costlab.lake.transport import transport_for
from costlab.money import plain
from tests.cli.conftest import environment
from tests.connectors import azure_support
from tests.connectors.cur import Export, line
from tests.objects.conftest import Bucket
from tests.objects.servers import Asked, Fault, Google, Proxy, proxy
from tests.objects.test_object_ingest import Ingest, cur

Load = Callable[..., IngestReport]
SLOW = Fault(503, "SlowDown")


@pytest.fixture
def load(workspace: Path) -> Load:
    """Return ``ingest`` of a bucket's export into the workspace, without publishing."""

    def load_it(bucket: Bucket, connector: str = "aws-cur", **options: str) -> IngestReport:
        return ingest_here(workspace, connector, bucket.root, options=bucket.options | options)

    return load_it


def months(report: IngestReport) -> list[tuple[str, str, str]]:
    """Return period, action and billed cost of what was loaded; nothing was rejected."""
    assert [p.error for p in report.rejected] == []
    revisions = [(p, p.revision) for p in report.periods]
    return [(p.period, str(p.action), plain(r.billed_cost_loaded["USD"])) for p, r in revisions if r is not None]


WHOLE = [("2026-01", "loaded", "2.5"), ("2026-02", "loaded", "3.5")]


def data(asked: Asked) -> bool:
    return asked.path.endswith(".csv.gz")


@pytest.fixture
def export(tmp_path: Path, s3: Bucket) -> Path:
    """Return the folder of an export of two months that is in the bucket too."""
    folder = cur(tmp_path / "export")
    s3.upload(folder)
    return folder


# ---- busy, away, cut off


@pytest.mark.parametrize("fault", [SLOW, Fault(429)])
def test_a_storm_that_passes_changes_nothing(
    load: Load, export: Path, s3: Bucket, s3_proxy: Proxy, fault: Fault
) -> None:
    s3_proxy.fault = lambda asked: fault if asked.number < 3 else None
    assert months(load(s3)) == WHOLE
    assert len(s3_proxy.seen) >= 4 * 5


def test_a_storm_that_stays_is_a_source_error_and_nothing_changed(
    ingest: Ingest, workspace: Path, export: Path, s3: Bucket, s3_proxy: Proxy
) -> None:
    s3_proxy.fault = lambda _: SLOW
    done = ingest("aws-cur", s3.root, s3)
    assert done.code == 3
    assert "cannot be read (503 SlowDown)" in done.err
    assert "run the same command again later" in done.err
    assert len(s3_proxy.seen) == PATIENCE.attempts + 1
    assert Lake(workspace).current().revisions == ()


def test_one_month_that_cannot_be_read_leaves_the_others_and_itself_as_they_are(
    load: Load, workspace: Path, export: Path, s3: Bucket, s3_proxy: Proxy
) -> None:
    load(s3)
    for month, cost in (("2026-01", "7"), ("2026-02", "8")):
        Export(export).month([line(line_item_unblended_cost=cost)], month)
    s3.upload(export)
    s3_proxy.fault = lambda asked: SLOW if data(asked) and "2026-01" in asked.path else None
    assert [(p.period, p.action) for p in load(s3).periods] == [
        ("2026-01", Action.REJECTED),
        ("2026-02", Action.REPLACED),
    ]
    live = {r.period: r.billed_cost_loaded["USD"] for r in Lake(workspace).current().revisions}
    assert {period: plain(cost) for period, cost in live.items()} == {"2026-01": "2.5", "2026-02": "8"}


def test_a_store_that_does_not_answer_is_a_source_error(load: Load, s3: Bucket) -> None:
    with pytest.raises(SourceError, match=r"cannot be read \(no answer\)"):
        load(s3, endpoint="http://127.0.0.1:9")


def test_waits_double_and_are_bounded() -> None:
    first = PATIENCE.first
    assert all(0.5 * first * 2**n <= PATIENCE.delay(n) <= first * 2**n for n in range(PATIENCE.attempts))
    assert PATIENCE.delay(1000) <= PATIENCE.longest


def header(asked: Asked, name: str) -> str:
    return next(value for given, value in asked.headers.items() if given.lower() == name)


def test_a_download_that_is_cut_goes_on_where_it_was(s3: Bucket, s3_proxy: Proxy, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    s3.put("a.csv.gz", content)
    transport = transport_for(s3.root, s3.options)[0]
    listed = transport.list(s3.root)
    s3_proxy.fault = lambda asked: Fault(cut=100_000) if data(asked) and asked.number < 2 else None
    assert [path.read_bytes() for path in transport.fetch(listed, tmp_path)] == [content]
    asked = s3_proxy.asked_for("a.csv.gz")
    starts = [int(header(a, "range").removeprefix("bytes=").partition("-")[0]) for a in asked]
    assert starts[0] == 0
    assert 0 < starts[1] <= 100_000 < starts[2] <= 200_000
    assert {header(a, "if-match") for a in asked} == {f'"{listed[0].version}"'}


def test_a_download_may_be_cut_as_often_as_it_makes_progress(s3: Bucket, s3_proxy: Proxy, tmp_path: Path) -> None:
    content = os.urandom(2_000_000)
    s3.put("a.csv.gz", content)
    transport = transport_for(s3.root, s3.options)[0]
    s3_proxy.fault = lambda asked: Fault(cut=150_000) if data(asked) else None
    fetched = transport.fetch(transport.list(s3.root), tmp_path)
    assert [path.read_bytes() for path in fetched] == [content]
    assert len(s3_proxy.asked_for("a.csv.gz")) > PATIENCE.attempts + 1


@dataclass
class Behind:
    """A bucket that is reached through a proxy."""

    bucket: Bucket
    proxy: Proxy

    @property
    def transport(self) -> Transport:
        return transport_for(self.bucket.root, self.bucket.options)[0]


@pytest.fixture(params=["s3", "azure", "gcs"])
def behind(request: pytest.FixtureRequest) -> Iterator[Behind]:
    """Return an empty bucket of each store, with a proxy before it."""
    bucket: Bucket = request.getfixturevalue(request.param)
    host, slash, path = bucket.options["endpoint"].removeprefix("http://").partition("/")
    with proxy(f"http://{host}") as before:
        bucket.options["endpoint"] = before.url + slash + path
        yield Behind(bucket, before)


def test_every_store_is_asked_again(behind: Behind, tmp_path: Path) -> None:
    behind.bucket.put("a.csv", b"content")
    behind.proxy.fault = lambda asked: Fault(503, "ServerBusy") if asked.number < 2 else None
    transport = behind.transport
    assert [path.read_bytes() for path in transport.fetch(transport.list(behind.bucket.root), tmp_path)] == [b"content"]


def test_no_store_mixes_two_versions_of_an_object(behind: Behind, tmp_path: Path) -> None:
    behind.bucket.put("a.csv", b"a" * 200_000)

    def fault(asked: Asked) -> Fault | None:
        if not asked.path.endswith("a.csv") or asked.number:
            return None
        return Fault(cut=100_000)

    transport = behind.transport
    listed = transport.list(behind.bucket.root)
    behind.proxy.fault = fault
    fetched = transport.fetch(listed, tmp_path)
    assert next(fetched).read_bytes() == b"a" * 200_000
    behind.proxy.seen.clear()
    behind.bucket.put("a.csv", b"b" * 200_000)
    with pytest.raises(SourceError, match=r"a\.csv was replaced while it was read"):
        list(transport.fetch(listed, tmp_path))


# ---- replaced, removed, incomplete


def test_an_object_replaced_while_it_is_read_rejects_its_month_and_the_next_run_takes_it(
    load: Load, export: Path, s3: Bucket, s3_proxy: Proxy
) -> None:
    def fault(asked: Asked) -> Fault | None:
        if not data(asked) or "2026-02" not in asked.path or asked.number:
            return None
        Export(export).month([line(line_item_unblended_cost="9")], "2026-02")
        s3.upload(export)
        return Fault(cut=50)

    s3_proxy.fault = fault
    report = load(s3)
    assert [(p.period, p.action) for p in report.periods] == [("2026-01", Action.LOADED), ("2026-02", Action.REJECTED)]
    assert "was replaced while it was read" in report.periods[1].error
    assert report.exit_code == 3
    s3_proxy.fault = lambda _: None
    assert months(load(s3)) == [("2026-01", "unchanged", "2.5"), ("2026-02", "loaded", "9")]


def test_an_export_that_runs_again_between_manifest_and_files_rejects_the_month(
    load: Load, workspace: Path, export: Path, s3: Bucket, s3_proxy: Proxy
) -> None:
    load(s3)
    Export(export).month([line(line_item_unblended_cost="5")], "2026-02")
    s3.upload(export)

    def fault(asked: Asked) -> None:
        if data(asked) and not asked.number:
            Export(export).month([line(line_item_unblended_cost="6"), line()], "2026-02")
            s3.upload(export)

    s3_proxy.seen.clear()
    s3_proxy.fault = fault
    report = load(s3)
    assert report.periods[1].action is Action.REJECTED
    assert "was replaced while it was read" in report.periods[1].error
    live = Lake(workspace).current().find("focus", "aws-cur", "2026-02")
    assert live is not None
    assert plain(live.billed_cost_loaded["USD"]) == "3.5"
    s3_proxy.fault = lambda _: None
    assert months(load(s3))[1] == ("2026-02", "replaced", "7.5")


def test_an_object_removed_while_it_is_read_rejects_its_month(
    load: Load, export: Path, s3: Bucket, s3_proxy: Proxy
) -> None:
    def fault(asked: Asked) -> None:
        if data(asked) and "2026-01" in asked.path:
            s3.remove(asked.path.split("/", 2)[2])

    s3_proxy.fault = fault
    report = load(s3)
    assert [p.action for p in report.periods] == [Action.REJECTED, Action.LOADED]
    assert "was removed while it was read" in report.periods[0].error


def test_a_file_that_a_manifest_names_and_is_not_there_rejects_its_month(load: Load, export: Path, s3: Bucket) -> None:
    s3.remove("cur/data/BILLING_PERIOD=2026-01/cur-00001.csv.gz")
    report = load(s3)
    assert [p.action for p in report.periods] == [Action.REJECTED, Action.LOADED]
    assert "cur-00001.csv.gz, which is not there" in report.periods[0].error


@pytest.mark.parametrize("key", ["../secret.csv", "/etc/passwd", "s3://other/cur/../../x.csv", "a\\..\\b.csv"])
def test_a_manifest_that_names_something_outside_rejects_its_month(
    load: Load, tmp_path: Path, s3: Bucket, key: str
) -> None:
    export = Export(tmp_path / "export")
    export.month([line()], "2026-01")
    export.manifest("2026-02", dataFiles=[key])
    s3.upload(tmp_path / "export")
    s3.put("secret.csv", b"a,b\n1,2\n")
    report = load(s3)
    assert [p.action for p in report.periods] == [Action.LOADED, Action.REJECTED]
    assert "leaves the export's folder" in report.periods[1].error


def test_an_azure_run_without_blobs_is_nothing_to_load(load: Load, tmp_path: Path, azure: Bucket) -> None:
    azure_support.export(tmp_path / "export", "focus", ())
    azure.upload(tmp_path / "export")
    report = load(azure, "azure-export")
    assert (report.periods, report.exit_code) == ([], 0)


def test_a_name_that_no_path_can_have_is_said(load: Load, export: Path, s3: Bucket) -> None:
    s3.put("cur//data.csv", b"x")
    with pytest.raises(SourceError, match="an empty or relative folder in its name"):
        load(s3)


def test_ctrl_c_while_waiting_for_a_busy_store_ends_at_once_and_leaves_nothing(
    workspace: Path, export: Path, s3: Bucket, s3_proxy: Proxy
) -> None:
    asked = threading.Event()

    def fault(request: Asked) -> Fault | None:
        if not data(request):
            return None
        asked.set()
        return SLOW

    s3_proxy.fault = fault
    command = [sys.executable, "-m", "costlab", "--workspace", str(workspace), "ingest", "aws-cur", "--from", s3.root]
    process = subprocess.Popen(
        [*command, *s3.arguments], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert asked.wait(60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "what was published before is unchanged" in err
    assert [path.name for path in workspace.rglob("*") if path.is_file()] == ["lock"]


# ---- credentials and permissions


def test_a_missing_bucket_is_a_source_error(ingest: Ingest, s3: Bucket) -> None:
    done = ingest("aws-cur", "s3://no-such-bucket/cur", s3)
    assert done.code == 3
    assert "s3://no-such-bucket does not exist (404 NoSuchBucket)" in done.err


def test_what_may_not_be_listed_names_the_permission(ingest: Ingest, s3: Bucket, s3_proxy: Proxy) -> None:
    s3_proxy.fault = lambda asked: Fault(403, "AccessDenied") if "list-type" in asked.query else None
    done = ingest("aws-cur", s3.root, s3)
    assert done.code == 4
    assert "the default AWS credentials may not do this (403 AccessDenied)" in done.err
    assert f"Grant s3:ListBucket on arn:aws:s3:::{s3.root[5:]}" in done.err
    assert "secret-in-text" not in done.err + done.out


def test_what_may_not_be_read_names_the_permission(
    ingest: Ingest, workspace: Path, export: Path, s3: Bucket, s3_proxy: Proxy
) -> None:
    s3_proxy.fault = lambda asked: Fault(403, "AccessDenied") if data(asked) else None
    done = ingest("aws-cur", s3.root, s3)
    assert done.code == 4
    assert f"Grant s3:GetObject on arn:aws:s3:::{s3.root[5:]}/*" in done.err
    assert Lake(workspace).current().revisions == ()


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_unknown_credentials_are_a_configuration_error(ingest: Ingest, s3: Bucket, s3_proxy: Proxy, code: str) -> None:
    s3_proxy.fault = lambda _: Fault(403, code)
    done = ingest("aws-cur", s3.root, s3)
    assert done.code == 4
    assert f"was refused (403 {code})" in done.err


def test_a_wrong_azure_key_is_a_configuration_error(
    ingest: Ingest, azure: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURITE_KEY", "bm90LXRoZS1rZXk=")
    done = ingest("azure-export", azure.root, azure)
    assert done.code == 4
    assert "the account key in the options may not do this (403 AuthorizationFailure)" in done.err
    assert "Storage Blob Data Reader" in done.err
    assert "bm90LXRoZS1rZXk" not in done.err + done.out


def test_a_google_bucket_that_is_not_public_is_a_configuration_error(
    ingest: Ingest, google_server: Google, gcs: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google_server, "token", "t0ken")
    done = ingest("gcp-billing-export", gcs.root, gcs)
    assert done.code == 4
    assert "anonymous access was refused (401 AuthenticationRequired)" in done.err


@pytest.mark.parametrize(
    ("fault", "region"),
    [(Fault(400, "AuthorizationHeaderMalformed", region="eu-west-1"), "eu-west-1"), (Fault(301), "REGION")],
)
def test_a_bucket_in_another_region_is_said(
    ingest: Ingest, s3: Bucket, s3_proxy: Proxy, fault: Fault, region: str
) -> None:
    s3_proxy.fault = lambda _: fault
    done = ingest("aws-cur", s3.root, s3)
    assert done.code == 4
    assert f"{s3.root} lies in another region" in done.err
    assert f"--option region={region}" in done.err


@pytest.mark.parametrize("status", [301, 400])
def test_a_bucket_in_another_region_is_found_there(
    load: Load, export: Path, s3: Bucket, s3_proxy: Proxy, status: int
) -> None:
    code = {301: "PermanentRedirect", 400: "AuthorizationHeaderMalformed"}[status]
    away = Fault(status, code, headers=(("x-amz-bucket-region", "eu-west-1"),))
    s3_proxy.fault = lambda asked: None if "/eu-west-1/s3/" in str(asked.headers) else away
    assert months(load(s3)) == WHOLE


def test_credentials_that_expire_while_reading_are_renewed_once(
    load: Load, export: Path, s3: Bucket, s3_proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(asked: Asked) -> Fault | None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDRENEWED")
        old = "AKIDEXAMPLE" in str(asked.headers)
        return Fault(400, "ExpiredToken") if data(asked) and old else None

    s3_proxy.fault = fault
    assert months(load(s3)) == WHOLE
    assert "AKIDRENEWED" in str(s3_proxy.seen[-1].headers)


def test_credentials_that_stay_expired_are_a_configuration_error(
    ingest: Ingest, workspace: Path, export: Path, s3: Bucket, s3_proxy: Proxy
) -> None:
    s3_proxy.fault = lambda asked: Fault(400, "ExpiredToken") if data(asked) else None
    done = ingest("aws-cur", s3.root, s3)
    assert done.code == 4
    assert "the default AWS credentials expired (400 ExpiredToken)" in done.err
    assert Lake(workspace).current().revisions == ()


def test_no_credentials_at_all_are_said(ingest: Ingest, s3: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    done = ingest("aws-cur", s3.root, s3)
    assert done.code == 4
    assert "no AWS credentials were found" in done.err
    assert "aws sso login" in done.err


def test_an_unknown_option_is_a_usage_error(ingest: Ingest, s3: Bucket) -> None:
    done = ingest("aws-cur", s3.root, s3, "--option", "regoin=eu-west-1")
    assert done.code == 2
    assert "Did you mean 'region'?" in done.err


def test_a_secret_that_is_not_there_is_named(ingest: Ingest, azure: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURITE_KEY")
    done = ingest("azure-export", azure.root, azure)
    assert done.code == 4
    assert "option 'account_key': the environment variable AZURITE_KEY is not set" in done.err


def test_an_azure_account_must_be_named(load: Load) -> None:
    with pytest.raises(ConfigError, match="the storage account is not named"):
        load(Bucket("az://c", lambda *_: None, str))
