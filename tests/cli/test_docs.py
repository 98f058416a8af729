"""docs/cli.md says what the commands say, and every command is there."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from typing import Any

import costlab.cli
from costlab.cli._app import ORDER, build_app, command_names
from costlab.cli._docs import commands_of, documentation

ROOT = Path(__file__).resolve().parents[2]


def test_the_documentation_of_the_commands_is_current() -> None:
    assert (ROOT / "docs" / "cli.md").read_text() == documentation(), "run: python -m costlab.cli._docs > docs/cli.md"


def test_every_file_is_a_command_with_a_function_of_its_name() -> None:
    found = [info.name for info in pkgutil.iter_modules(costlab.cli.__path__) if not info.name.startswith("_")]
    files = {name.replace("_", "-") for name in found}
    assert set(command_names()) == files
    assert files <= set(ORDER)
    app = build_app()
    assert {c.name for c in app.registered_commands} | {g.name for g in app.registered_groups} == files


def test_every_option_has_a_help_text() -> None:
    import typer.main

    group: Any = typer.main.get_command(build_app())
    for name, command in commands_of(group):
        assert command.help, name
        for parameter in command.params:
            assert parameter.help, (name, parameter.name)
