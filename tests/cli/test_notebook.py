"""The notebook runs from top to bottom on the demo, and what it prints is what the command line says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from costlab import open as open_lab
from tests.cli.conftest import Demo

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(path: Path) -> Any:
    return nbformat.read(str(path), as_version=4)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_committed_notebooks_carry_their_outputs_and_no_paths_of_a_machine(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    assert sum(bool(cell.outputs) for cell in cells) >= len(cells) / 2
    text = path.read_text()
    assert "/home/" not in text
    assert "/tmp/" not in text


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Jupyter's own
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_run_on_the_demo(path: Path, demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTLAB_WORKSPACE", str(demo.workspace))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "connectors")]))
    notebook = read(path)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    printed = "".join(output.get("text", "") for cell in cells for output in cell.outputs)
    with open_lab(demo.workspace) as lab:
        plan, totals = lab.recommend(), lab.ask_recommend().totals["by_currency"]
    assert set(totals) == {"USD", "EUR"}
    for currency, sums in totals.items():
        own = sum(plan[plan["currency"] == currency]["monthly_saving"])
        assert own == sums["monthly_saving"]
        assert f"the plan saves {own} {currency} a month" in printed
