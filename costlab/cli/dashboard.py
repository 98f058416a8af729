"""``costlab dashboard``."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from costlab.cli._state import STATE


def dashboard(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port to listen on.")] = 8501,
) -> None:
    """Open the dashboard: a local web server until Ctrl-C."""
    from costlab.ui.launch import address, command, is_local

    settings = STATE.settings()
    line = command(settings.workspace, host, port)
    STATE.note(f"dashboard of {settings.workspace} on {address(host, port)}")
    if not is_local(host):
        STATE.note(f"everybody who can reach {host} can see this bill: there is no password")
    # the server takes this process's place: who ends the command ends the server, and none is left behind
    os.execv(line[0], line)  # noqa: S606 - our own interpreter and arguments
