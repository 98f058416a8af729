"""The code keeps to the shape that keeps it readable: short functions, documented names, layers."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = sorted(p for folder in ("costlab", "connectors", "dashboards") for p in (ROOT / folder).rglob("*.py"))
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def functions() -> Iterator[tuple[str, int]]:
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", length


def test_nine_functions_in_ten_fit_on_a_screen_and_none_is_long() -> None:
    lengths = sorted(functions(), key=lambda item: item[1])
    assert lengths[int(len(lengths) * 0.9)][1] <= 35
    assert [name for name, length in lengths if length > 80] == []


def test_no_file_is_long() -> None:
    assert [str(p.relative_to(ROOT)) for p in PRODUCT if p.read_text().count("\n") > 800] == []


def public_definitions(path: Path) -> Iterator[tuple[str, bool]]:
    tree = ast.parse(path.read_text())
    scopes: list[ast.Module | ast.ClassDef] = [tree, *(n for n in tree.body if isinstance(n, ast.ClassDef))]
    for scope in scopes:
        for node in scope.body:
            if isinstance(node, DEFINITIONS) and not node.name.startswith("_"):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", ast.get_docstring(node) is not None


def test_nearly_every_public_name_is_documented() -> None:
    seen = [item for path in PRODUCT for item in public_definitions(path)]
    missing = [name for name, documented in seen if not documented]
    assert len(missing) <= 0.05 * len(seen), missing


def test_the_layers_are_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'connectors'}", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    if "No module named 'importlinter'" in done.stderr:
        pytest.skip("import-linter is not installed")
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_settings_and_secrets_read_the_environment_and_only_the_warehouse_opens_duckdb() -> None:
    for path in PRODUCT:
        name, text = str(path.relative_to(ROOT)), path.read_text()
        if "os.environ" in text or "os.getenv" in text:
            assert name in {"costlab/settings.py", "costlab/secrets.py"}, name
        if re.search(r"^\s*(import duckdb|from duckdb)", text, re.MULTILINE):
            assert name.startswith("costlab/warehouse/"), name
