"""Secrets by reference: found where they are kept, and never in a message."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from costlab.errors import ConfigError
from costlab.secrets import reveal
from tests.objects.servers import serving

SECRET = "s3cr3t-value"
TOKEN = "hvs.t0ken"


def refused(text: str) -> ConfigError:
    """Return the error of a reference that cannot be resolved, without a secret in it."""
    with pytest.raises(ConfigError) as caught:
        reveal(text, where="option 'sas'")
    said = f"{caught.value.message} {caught.value.hint} {caught.value.__cause__}"
    assert SECRET not in said
    assert TOKEN not in said
    assert caught.value.message.startswith("option 'sas': ")
    return caught.value


@pytest.mark.parametrize("text", ["eu-west-1", "", "https://host:1/x", "sv=2024&sig=a:b", "Env:X", "other:x"])
def test_other_texts_are_what_they_are(text: str) -> None:
    assert reveal(text, where="x") == text


def test_a_variable_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_SECRET", SECRET)
    assert reveal("env:THE_SECRET", where="x") == SECRET
    monkeypatch.delenv("THE_SECRET")
    assert "THE_SECRET is not set" in refused("env:THE_SECRET").message


def test_a_mounted_file(tmp_path: Path) -> None:
    path = tmp_path / "sas"
    path.write_text(f"{SECRET}\n")
    assert reveal(f"file:{path}", where="x") == SECRET
    path.write_text("\n")
    assert "is empty" in refused(f"file:{path}").message
    path.write_bytes(b"\xff\xfe\xfa")
    assert "cannot be read" in refused(f"file:{path}").message
    assert "cannot be read" in refused(f"file:{tmp_path}/gone").message


class Kept(KeyringBackend):
    """A keyring in memory; locked for the user ``locked``."""

    priority = 1  # pyright: ignore[reportAssignmentType]  # any number will do

    def get_password(self, service: str, username: str) -> str | None:
        if username == "locked":
            raise KeyringLocked(SECRET)
        return {("cost/lab", "azure"): SECRET}.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


@pytest.fixture
def _kept() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Kept())  # type: ignore[no-untyped-call]  # keyring's class is not typed
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("_kept")
def test_the_keyring() -> None:
    assert reveal("keyring:cost/lab/azure", where="x") == SECRET
    assert "holds nothing for lab/gcp" in refused("keyring:lab/gcp").message
    assert "KeyringLocked" in refused("keyring:lab/locked").message
    assert refused("keyring:lab").hint == "Write keyring:SERVICE/USER"


@dataclass
class Vault:
    """What the fake Vault holds by path, and what it was asked."""

    url: str = ""
    held: dict[str, Any] = field(default_factory=dict[str, Any])
    status: int = 0
    seen: list[tuple[str, str | None, str | None]] = field(default_factory=list[tuple[str, str | None, str | None]])


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Vault]:
    """Return a Vault with a KV v2 engine at ``kv``, a v1 engine at ``team/old``, spoken to by the real client."""
    state = Vault(
        held={
            "sys/internal/ui/mounts/kv/finops/azure": {"path": "kv/", "options": {"version": "2"}},
            "kv/data/finops/azure": {"data": {"sas": SECRET}, "metadata": {"version": 3}},
            "sys/internal/ui/mounts/team/old/azure": {"path": "team/old/", "options": None},
            "team/old/azure": {"sas": SECRET},
        }
    )

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
            """Keep the tests' output clean."""

        def do_GET(self) -> None:
            path = self.path.removeprefix("/v1/")
            state.seen.append((path, self.headers["X-Vault-Token"], self.headers["X-Vault-Namespace"]))
            status = state.status or (403 if self.headers["X-Vault-Token"] != TOKEN else 200)
            status = 404 if status == 200 and path not in state.held else status
            body = json.dumps({"data": state.held[path]} if status == 200 else {"errors": [SECRET]}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.delenv("VAULT_NAMESPACE", raising=False)
    with serving(Handler) as state.url:
        monkeypatch.setenv("VAULT_ADDR", state.url)
        yield state


@pytest.mark.parametrize("place", ["kv/finops/azure", "team/old/azure"])
def test_vault_of_either_version(vault: Vault, place: str) -> None:
    assert reveal(f"vault:{place}#sas", where="x") == SECRET


def test_vault_with_a_token_from_its_login_and_a_namespace(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("VAULT_NAMESPACE", "finance")
    (tmp_path / ".vault-token").write_text(TOKEN)
    assert reveal("vault:kv/finops/azure#sas", where="x") == SECRET
    assert {seen[1:] for seen in vault.seen} == {(TOKEN, "finance")}


def test_what_vault_does_not_hold_or_give(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "holds no key at kv/finops/azure" in refused("vault:kv/finops/azure#key").message
    assert "holds no sas at kv/other" in refused("vault:kv/other#sas").message
    assert refused("vault:kv#sas").hint == refused("vault:kv/finops").hint == "Write vault:MOUNT/PATH#KEY"
    vault.status = 500
    assert "InternalServerError" in refused("vault:kv/finops/azure#sas").message
    vault.status = 0
    monkeypatch.setenv("VAULT_TOKEN", "hvs.other")
    assert "Vault refuses to read kv/finops/azure" in refused("vault:kv/finops/azure#sas").message
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
    assert "ConnectionError" in refused("vault:kv/finops/azure#sas").message
    monkeypatch.delenv("VAULT_ADDR")
    assert "VAULT_ADDR is not set" in refused("vault:kv/finops/azure#sas").message


@pytest.mark.parametrize(("kind", "library"), [("keyring:a/b", "keyring"), ("vault:a/b#c", "hvac")])
def test_a_library_that_is_not_installed_is_named(kind: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    error = refused(kind)
    assert f"{library} is not installed" in error.message
    assert error.hint == "pip install 'costlab[secrets]'"
