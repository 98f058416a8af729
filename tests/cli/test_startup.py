"""``costlab --help`` stays quick: heavy packages are imported inside the commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "pandas", "numpy", "duckdb", "pyarrow", "streamlit", "sqlglot", "altair", "boto3", "sklearn", "scipy",
    "rich.console", "rich.table", "rich.progress", "asyncio", "tomllib", "costlab.lab", "costlab.warehouse",
)  # fmt: skip


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    # coverage starts itself in every process, and imports what costlab must not
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    environment = {**kept, "PYTHONPATH": f"{ROOT}:{ROOT / 'connectors'}"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment, cwd="/"
    )


def test_help_imports_no_heavy_package() -> None:
    code = (
        "import sys, costlab.cli\n"
        "sys.argv = ['costlab', '--help']\n"
        "try: costlab.cli.main()\n"
        "except SystemExit as ended: assert not ended.code\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = python("-c", code)
    assert done.stdout.rstrip().endswith("LOADED []"), done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("cost", "--help"), ("--version",)])
def test_help_and_version_are_data_on_standard_output(arguments: tuple[str, ...]) -> None:
    done = python("-m", "costlab", *arguments)
    assert done.stdout
    assert done.stderr == ""
    assert done.returncode == 0


def test_no_command_at_all_is_a_usage_error_that_shows_the_help() -> None:
    done = python("-m", "costlab")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Commands:" in done.stderr
