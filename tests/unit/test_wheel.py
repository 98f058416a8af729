"""The built wheel works on its own: in a clean environment, outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COSTLAB", "COV"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_carries_models_dashboards_and_samples(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"costlab", "costlab_connectors"}
    for folder, pattern in (("sql", "sql/**/*.sql"), ("dashboards", "dashboards/**/*.py")):
        there = {n.removeprefix("costlab/_shipped/") for n in names if n.startswith(f"costlab/_shipped/{folder}/")}
        assert {str(p.relative_to(ROOT)) for p in ROOT.glob(pattern)} <= there
    assert any(name.startswith("costlab/_shipped/samples/") for name in names)


@pytest.mark.slow
def test_the_installed_wheel_runs_the_demo_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", wheel, cwd=tmp_path)
    costlab = environment / "bin" / "costlab"
    run(costlab, "demo", "--dir", "here", "--months", "2", cwd=tmp_path)
    assert "EffectiveCost" in run(costlab, "--workspace", "here", "cost", "--by", "ServiceName", cwd=tmp_path)
    where = run(python, "-c", "from costlab.paths import shipped; print(shipped('dashboards'))", cwd=tmp_path)
    assert "_shipped" in where
