"""Whose credentials read a bucket: the vendors' own chains, options that say otherwise, and renewal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from costlab.errors import ConfigError
from costlab.interfaces.connector import StoredObject
from costlab.lake.transport import transport_for
from tests.objects.conftest import Bucket
from tests.objects.servers import AZURE_KEY, Google, Handler, Proxy, serving


def listed(bucket: Bucket, **options: str) -> list[StoredObject]:
    return transport_for(bucket.root, {**bucket.options, **options})[0].list(bucket.root)


def signers(proxy: Proxy) -> set[str]:
    """Return the access keys that requests were signed with, "" for unsigned ones."""
    found = [re.search(r"Credential=(\w+)/", str(asked.headers)) for asked in proxy.seen]
    return {match[1] if match else "" for match in found}


# ---- S3


def test_the_environment_signs_by_default(s3: Bucket, s3_proxy: Proxy) -> None:
    listed(s3)
    assert signers(s3_proxy) == {"AKIDEXAMPLE"}


def test_a_profile_of_the_configuration_file(
    s3: Bucket, s3_proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config"
    file.write_text(
        "[profile finops]\nregion = eu-west-1\naws_access_key_id = AKIDFINOPS\naws_secret_access_key = not-a-secret\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    listed(s3, profile="finops")
    assert signers(s3_proxy) == {"AKIDFINOPS"}
    assert "/eu-west-1/s3/" in str(s3_proxy.seen[0].headers)
    with pytest.raises(ConfigError, match="profile") as caught:
        listed(s3, profile="other")
    assert "aws configure list-profiles" in caught.value.hint


def test_keys_in_the_options_by_reference(s3: Bucket, s3_proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "AKIDOPTION")
    monkeypatch.setenv("THE_SECRET", "not-a-secret")
    listed(s3, access_key_id="env:THE_KEY", secret_access_key="env:THE_SECRET", region="eu-north-1")
    assert signers(s3_proxy) == {"AKIDOPTION"}
    assert "/eu-north-1/s3/" in str(s3_proxy.seen[0].headers)


def test_half_a_pair_of_keys_is_refused(s3: Bucket) -> None:
    with pytest.raises(ConfigError, match="half a pair of AWS keys"):
        listed(s3, access_key_id="AKIDOPTION")


def test_a_role_is_assumed(moto: str, s3: Bucket, s3_proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto)
    listed(s3, role_arn="arn:aws:iam::111122223333:role/reader")
    (signer,) = signers(s3_proxy)
    assert signer.startswith("ASIA")


def test_a_role_that_cannot_be_assumed_is_said(s3: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ConfigError, match=r"role arn:aws:iam::111122223333:role/reader .* cannot be used") as caught:
        listed(s3, role_arn="arn:aws:iam::111122223333:role/reader")
    assert "aws sso login" in caught.value.hint


def test_public_buckets_are_read_without_a_signature(s3: Bucket, s3_proxy: Proxy) -> None:
    listed(s3, anonymous="true")
    assert signers(s3_proxy) == {""}


def test_requester_pays_is_asked_for(s3: Bucket, s3_proxy: Proxy) -> None:
    listed(s3, requester_pays="true")
    assert "x-amz-request-payer" in {name.lower() for name in s3_proxy.seen[0].headers}


# ---- Google


@dataclass
class Tokens:
    """A token service: the next token it gives, and how often it was asked."""

    url: str = ""
    token: str = "first"
    asked: int = 0
    status: int = 200
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    state = Tokens()

    class Service(Handler):
        def do_POST(self) -> None:  # noqa: N802 - the base class looks for it
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
            self._give({"access_token": state.token, "expires_in": 3600, "token_type": "Bearer"})

        def do_GET(self) -> None:  # noqa: N802 - the base class looks for it
            self._give({"access_token": state.token, "expires_on": "4102444800", "token_type": "Bearer"})

        def _give(self, told: dict[str, Any]) -> None:
            state.asked += 1
            state.headers.append(dict(self.headers))
            body = json.dumps(told if state.status == 200 else {"error": "invalid_grant"}).encode()
            self.answer(state.status, body, {"Content-Type": "application/json"})

    with serving(Service) as state.url:
        yield state


@pytest.fixture
def key_file(tokens: Tokens, tmp_path: Path) -> Path:
    """Return a service account's key file whose tokens come from this machine."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "client_email": "reader@example.iam.gserviceaccount.com",
        "private_key": key.decode(),
        "token_uri": tokens.url,
    }
    path = tmp_path / "key.json"
    path.write_text(json.dumps(account))
    return path


@pytest.fixture
def private(google_server: Google, gcs: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Return a Google bucket that the token ``first`` reads."""
    monkeypatch.setattr(google_server, "token", "first")
    gcs.put("a.csv", b"x")
    del gcs.options["anonymous"]
    return gcs


def test_a_key_file_its_text_and_the_default_credentials(
    private: Bucket, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(listed(private, credentials=str(key_file))) == 1
    assert len(listed(private, credentials=f"file:{key_file}")) == 1
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
    assert len(listed(private)) == 1


def test_a_token_that_expires_early_is_renewed(
    google_server: Google, private: Bucket, key_file: Path, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = transport_for(private.root, {**private.options, "credentials": str(key_file)})[0]
    transport.list(private.root)
    monkeypatch.setattr(google_server, "token", "second")
    tokens.token = "second"
    with transport.open(f"{private.root}/a.csv") as stream:
        assert stream.read() == b"x"
    assert tokens.asked == 2


def test_google_credentials_that_are_missing_or_refused_are_said(
    private: Bucket, key_file: Path, tokens: Tokens, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="the credentials in the options were not found") as caught:
        listed(private, credentials=str(tmp_path / "gone.json"))
    assert "gcloud auth application-default login" in caught.value.hint
    tokens.status = 400
    with pytest.raises(ConfigError, match="the credentials in the options cannot be used: RefreshError"):
        listed(private, credentials=str(key_file))


# ---- Azure


def test_a_connection_string(azure: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    account, endpoint = azure.options["account"], azure.options["endpoint"]
    text = f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={AZURE_KEY};BlobEndpoint={endpoint};"
    monkeypatch.setenv("THE_STRING", text)
    azure.options.clear()
    azure.put("a.csv", b"x")
    assert len(listed(azure, connection_string="env:THE_STRING")) == 1


def test_a_sas_reads_until_it_expires(azure: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime, timedelta

    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    azure.put("a.csv", b"x")
    del azure.options["account_key"]

    def sas(hours: int) -> str:
        return generate_container_sas(
            azure.options["account"],
            azure.root.removeprefix("az://"),
            AZURE_KEY,
            permission=ContainerSasPermissions(read=True, list=True),
            start=datetime.now(UTC) - timedelta(hours=9),
            expiry=datetime.now(UTC) + timedelta(hours=hours),
        )

    monkeypatch.setenv("THE_SAS", sas(1))
    assert len(listed(azure, sas="env:THE_SAS")) == 1
    monkeypatch.setenv("THE_SAS", f"?{sas(1)}")
    assert len(listed(azure, sas="env:THE_SAS")) == 1
    monkeypatch.setenv("THE_SAS", old := sas(-1))
    with pytest.raises(ConfigError, match="the SAS in the options") as caught:
        listed(azure, sas="env:THE_SAS")
    assert "sig=" not in caught.value.message
    assert old.partition("sig=")[2][:20] not in caught.value.message


def test_a_managed_identity_brings_its_token(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    class Store(Handler):
        def do_GET(self) -> None:  # noqa: N802 - the base class looks for it
            seen.append(self.headers["Authorization"])
            self.answer(200, b'<?xml version="1.0"?><EnumerationResults><Blobs></Blobs></EnumerationResults>')

    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IDENTITY_ENDPOINT", tokens.url)
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    with serving(Store) as url:
        transport = transport_for("az://c", {"account": "acme", "endpoint": url, "client_id": "id-1"})[0]
        assert transport.list("az://c") == []
    assert seen == ["Bearer first"]


def test_an_azure_machine_without_identity_is_told_to_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import DefaultAzureCredential

    def none(*_: Any, **__: Any) -> Any:
        raise ClientAuthenticationError("a page of text with t0ken")

    monkeypatch.setattr(DefaultAzureCredential, "get_token", none)
    with pytest.raises(ConfigError, match="Azure's default credentials cannot be used: ClientAuth") as caught:
        transport_for("az://c", {"account": "acme"})[0].list("az://c")
    assert "az login" in caught.value.hint
    assert "t0ken" not in caught.value.message
