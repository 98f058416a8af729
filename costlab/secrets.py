"""Secrets by reference: what ``costlab.toml`` and options may say instead of a secret itself.

::

    env:NAME                    the environment variable
    file:/PATH                  a file's text, as Kubernetes and systemd mount secrets
    keyring:SERVICE/USER        the operating system's keyring
    vault:MOUNT/PATH#KEY        HashiCorp Vault, KV version 1 or 2; VAULT_ADDR, VAULT_NAMESPACE, VAULT_TOKEN or
                                ~/.vault-token

Messages name the reference, never a secret; what a library says about it may hold one and is not repeated.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from costlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def reveal(text: str, *, where: str) -> str:
    """Return what a reference stands for; any other text as it is.

    Raises
    ------
    ConfigError
        If there is no such secret, or what keeps it cannot be reached. The message names the reference, never a secret.
    """
    kind, separator, name = text.partition(":")
    if not separator or kind not in _KEEPERS:
        return text
    try:
        return _KEEPERS[kind](name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}", hint=error.hint) from None


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigError(f"the environment variable {name} is not set", hint=f"export {name}=...")
    return value


def _from_file(name: str) -> str:
    try:
        value = Path(name).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            f"the secret's file {name} cannot be read", hint="Check the path and its permissions"
        ) from None
    if not value:
        raise ConfigError(f"the secret's file {name} is empty", hint="Mount the secret, or write it there")
    return value


def _from_keyring(name: str) -> str:
    keyring = _library("keyring")
    service, _, user = name.rpartition("/")
    if not service or not user:
        raise ConfigError(f"'keyring:{name}' is not a reference", hint="Write keyring:SERVICE/USER")
    try:
        value = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise ConfigError(
            f"the keyring cannot be read: {type(error).__name__}",
            hint="Unlock it, or where there is none use env: or file:",
        ) from None
    if not value:
        raise ConfigError(f"the keyring holds nothing for {name}", hint=f"keyring set {service} {user}")
    return str(value)


def _from_vault(name: str) -> str:
    hvac = _library("hvac")
    place, _, key = name.partition("#")
    if "/" not in place.strip("/") or not key:
        raise ConfigError(f"'vault:{name}' is not a reference", hint="Write vault:MOUNT/PATH#KEY")
    if not os.environ.get("VAULT_ADDR"):
        raise ConfigError("VAULT_ADDR is not set", hint="export VAULT_ADDR=https://vault.example.com:8200")
    import requests

    client = hvac.Client(namespace=os.environ.get("VAULT_NAMESPACE"))
    try:
        held = _read_vault(client, place.strip("/"))
    except hvac.exceptions.Forbidden:
        raise ConfigError(
            f"Vault refuses to read {place}", hint=f"Log in (`vault login`), or grant read on {place} to the token"
        ) from None
    except (hvac.exceptions.VaultError, requests.RequestException) as error:
        raise ConfigError(
            f"Vault cannot be asked: {type(error).__name__}", hint="Check VAULT_ADDR, and `vault status`"
        ) from None
    if not (value := held.get(key)):
        raise ConfigError(f"Vault holds no {key} at {place}", hint=f"vault kv get {place}")
    return str(value)


def _read_vault(client: Any, place: str) -> Mapping[str, Any]:
    """Return what is stored at a path; the mount says which version of the engine it is, as Vault's own CLI asks it."""
    answer = client.read(f"sys/internal/ui/mounts/{place}") or {}
    mount = answer.get("data", {})
    root = str(mount.get("path") or place.partition("/")[0]).strip("/")
    path = place.removeprefix(root).strip("/")
    if str((mount.get("options") or {}).get("version")) == "2":
        found = client.read(f"{root}/data/{path}") or {}
        return (found.get("data") or {}).get("data") or {}
    found = client.read(f"{root}/{path}") or {}
    return found.get("data") or {}


def _library(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise ConfigError(f"{name} is not installed", hint="pip install 'costlab[secrets]'") from None


_KEEPERS: Final[Mapping[str, Callable[[str], str]]] = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
    "vault": _from_vault,
}
