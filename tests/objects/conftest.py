"""Object stores for the tests, each started once, and exports in them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from costlab.lake.requests import PATIENCE
from tests.cli.conftest import Done, Run, run
from tests.objects.servers import (
    AZURE_ACCOUNT,
    AZURE_KEY,
    Google,
    Proxy,
    azurite,
    azurite_command,
    google,
    proxy,
)

__all__ = ["run"]
_NUMBERS = itertools.count(1)


@dataclass
class Bucket:
    """A bucket or container that one test has for itself."""

    root: str
    put: Callable[[str, bytes], Any]
    remove: Callable[[str], Any]
    options: dict[str, str] = field(default_factory=dict[str, str])

    def upload(self, folder: Path, prefix: str = "") -> None:
        """Put the files below a folder there, manifests last as vendors do."""
        files = [path for path in folder.rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda p: ("anifest" in p.name, p)):
            self.put(prefix + path.relative_to(folder).as_posix(), path.read_bytes())

    @property
    def arguments(self) -> list[str]:
        """The options as the command line takes them."""
        return [part for name, value in self.options.items() for part in ("--option", f"{name}={value}")]


@pytest.fixture(autouse=True)
def _no_credentials_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave one set of AWS keys in the environment, and no file, metadata service or long wait."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(PATIENCE, "first", 0.001)


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """Return the address of an S3 server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def azure_server() -> Iterator[str]:
    """Return the address of Azurite's blob service."""
    command = azurite_command()
    if command is None:
        missing = pytest.fail if "TEST_SERVERS_REQUIRED" in os.environ else pytest.skip
        missing("Azurite is not installed (scripts/test-servers installs it, with npm)")
    with azurite(command) as url:
        yield url


@pytest.fixture(scope="session")
def google_server() -> Iterator[Google]:
    with google() as server:
        yield server


@pytest.fixture
def s3_proxy(moto: str) -> Iterator[Proxy]:
    """Return a proxy before S3, whose faults and counts are this test's own."""
    with proxy(moto) as before:
        yield before


@pytest.fixture
def s3(moto: str, s3_proxy: Proxy) -> Bucket:
    """Return an empty S3 bucket, reached through the proxy."""
    import boto3

    name = f"exports-{next(_NUMBERS)}"
    client = boto3.client(
        "s3", endpoint_url=moto, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket=name)
    return Bucket(
        f"s3://{name}",
        lambda key, content: client.put_object(Bucket=name, Key=key, Body=content),
        lambda key: client.delete_object(Bucket=name, Key=key),
        {"endpoint": s3_proxy.url},
    )


@pytest.fixture
def azure(azure_server: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Return an empty Azure container."""
    from azure.storage.blob import BlobServiceClient

    name = f"exports-{next(_NUMBERS)}"
    service = BlobServiceClient(f"{azure_server}/{AZURE_ACCOUNT}", credential=AZURE_KEY)
    container = service.create_container(name)
    monkeypatch.setenv("AZURITE_KEY", AZURE_KEY)
    options = {"account": AZURE_ACCOUNT, "account_key": "env:AZURITE_KEY"}
    options["endpoint"] = f"{azure_server}/{AZURE_ACCOUNT}"
    return Bucket(
        f"az://{name}",
        lambda key, content: container.upload_blob(key, content, overwrite=True),
        container.delete_blob,
        options,
    )


@pytest.fixture
def gcs(google_server: Google) -> Bucket:
    """Return an empty Google bucket."""
    name = f"exports-{next(_NUMBERS)}"
    held = google_server.buckets[name] = {}
    options = {"endpoint": google_server.url, "anonymous": "true"}
    return Bucket(f"gs://{name}", held.__setitem__, held.pop, options)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "ws"


@pytest.fixture
def ingest(run: Run, workspace: Path) -> Callable[..., Done]:
    """Return ``costlab ingest CONNECTOR --from URI`` with a bucket's options."""

    def ingest_it(connector: str, uri: str, bucket: Bucket, *more: str) -> Done:
        command = ["--workspace", workspace, "ingest", connector, "--from", uri, "--format", "json"]
        return run(*command, *bucket.arguments, *more)

    return ingest_it
