"""``docs/cli.md``, made of the commands themselves: ``python -m costlab.cli._docs > docs/cli.md``."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import typer.main

from costlab.cli._app import build_app

_HEAD = """# Commands

Made by `python -m costlab.cli._docs > docs/cli.md`; edit the commands instead.

Standard output carries data only; progress, warnings and hints go to standard error. Global options may stand before
or after the command. Settings: option > `COSTLAB_*` > `costlab.toml` > default.

| exit code | meaning |
|--:|---|
| 0 | done |
| 1 | a threshold was crossed and `--fail-on` asked to say so |
| 2 | usage: unknown command, option, column or file, or a malformed date |
| 3 | a source or a run failed; nothing was changed |
| 4 | configuration or credentials |
| 5 | done, but data is incomplete, late, quarantined or does not reconcile |
| 130 | stopped with Ctrl-C |
"""


def documentation() -> str:
    """Return the text of ``docs/cli.md``."""
    group: Any = typer.main.get_command(build_app())
    parts = [_HEAD, "## Global options", _options(group)]
    for name, command in commands_of(group):
        arguments = " ".join(_argument(p) for p in command.params if p.param_type_name == "argument")
        usage = " ".join(part for part in ("costlab", name, arguments, "[OPTIONS]") if part)
        parts += [f"## {name}", f"`{usage}`", inspect.cleandoc(command.help or ""), _options(command)]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def commands_of(group: Any) -> list[tuple[str, Any]]:
    """Return the commands, and those of a command that has some, under their full names."""
    found: list[tuple[str, Any]] = []
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found += [(f"{name} {own}", each) for own, each in inner.items()] if inner else [(name, command)]
    return found


def _argument(parameter: Any) -> str:
    text = str(parameter.metavar or parameter.name.upper()).replace("[", "").replace("]", "")
    return text if parameter.required else f"[{text}]"


def _options(command: Any) -> str:
    lines = ["| option | |", "|---|---|"]
    for parameter in command.params:
        if parameter.param_type_name != "option":
            continue
        names = ", ".join(sorted(parameter.opts, key=len))
        metavar = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
        default = parameter.default
        shown = f" Default: `{default}`." if isinstance(default, str | int) and not isinstance(default, bool) else ""
        lines.append(f"| `{names}{metavar}` | {parameter.help or ''}{shown} |")
    return "\n".join(_escaped(line) for line in lines) + "\n" if len(lines) > 2 else ""


def _escaped(line: str) -> str:
    """Escape the bars inside code, which would end a table cell."""
    parts = line.split("`")
    return "`".join(part.replace("|", "\\|") if i % 2 else part for i, part in enumerate(parts))


if __name__ == "__main__":
    sys.stdout.write(documentation())
