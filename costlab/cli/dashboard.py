"""``costlab dashboard``."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from costlab.cli._state import STATE


def dashboard(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port to listen on.")] = 8501,
) -> None:
    """Open the dashboard: a local web server until Ctrl-C."""
    from costlab.paths import shipped

    settings = STATE.settings()
    app = shipped("dashboards") / "app.py"
    command = [
        sys.executable, "-m", "streamlit", "run", str(app),
        "--server.headless=true", f"--server.address={host}", f"--server.port={port}",
        "--browser.gatherUsageStats=false", "--server.fileWatcherType=none", "--client.toolbarMode=minimal",
        "--", "--workspace", str(settings.workspace),
    ]  # fmt: skip
    STATE.note(f"dashboard of {settings.workspace} on http://{host}:{port}")
    done = subprocess.run(command, check=False)  # noqa: S603 - our own interpreter and arguments
    raise typer.Exit(0 if done.returncode in {0, -2, 130} else 3)
