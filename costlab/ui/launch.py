"""How the dashboard is started: one Streamlit process on this machine only, with costlab's own page files."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

from costlab.errors import ConfigError, UsageError
from costlab.paths import shipped

if TYPE_CHECKING:
    from pathlib import Path

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_HIGHEST = 65535


def command(workspace: Path, host: str = "127.0.0.1", port: int = 8501) -> list[str]:
    """Return the command line that serves the dashboard of a workspace.

    The theme comes from ``.streamlit/config.toml`` beside the page files, wherever the command is started.

    Raises
    ------
    UsageError
        If the port or host cannot be used, or something already listens there.
    """
    check_address(host, port)
    return [
        sys.executable,
        "-m", "streamlit", "run", str(shipped("dashboards") / "app.py"),
        "--server.headless", "true",
        "--server.address", host,
        "--server.port", str(port),
        "--server.fileWatcherType", "none",
        "--browser.gatherUsageStats", "false",
        "--client.toolbarMode", "minimal",
        "--client.showErrorDetails", "none",
        "--",
        "--workspace", str(workspace),
    ]  # fmt: skip


def address(host: str, port: int) -> str:
    """Return the URL to open in a browser."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104 - only compared
    return f"http://{shown}:{port}"


def is_local(host: str) -> bool:
    """Return whether only this machine can reach the address: a bill is nobody else's business."""
    return host in _LOOPBACK


def check_address(host: str, port: int) -> None:
    """Raise :class:`UsageError` unless the port is free on that host."""
    if not 0 < port <= _HIGHEST:
        raise UsageError(f"--port {port} is not a port", hint=f"1 to {_HIGHEST}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise UsageError(f"--host {host!r} is not an address of this machine", hint="Use 127.0.0.1") from None
    with socket.socket(found[0], found[1]) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(found[4])
        except PermissionError:
            raise ConfigError(f"port {port} may not be used by this user", hint="Use --port 8501 or higher") from None
        except OSError as error:
            raise UsageError(
                f"cannot listen on {host}:{port}: {error.strerror or error}",
                hint=f"Something else may be using it. Try --port {port % _HIGHEST + 1}",
            ) from None
