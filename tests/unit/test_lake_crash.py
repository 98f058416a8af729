"""A process may die or be interrupted at any moment: the lake shows the old state or the new one, and heals."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from costlab.lake import writing
from tests.lake_child import SHORT
from tests.lake_support import folders, live_version, named_folders, publish_version

ROOT = Path(__file__).resolve().parents[2]


def child(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.lake_child", *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def heal(workspace: Path) -> None:
    """Publish once more, as the next run would, and check that nothing of the crash is left."""
    before = live_version(workspace)
    with writing(workspace, retention=SHORT) as writer:
        publish_version(writer, before + 1)
        writer.collect()
        writer.collect()
    assert live_version(workspace) == before + 1
    assert list((workspace / "lake").rglob("*.tmp")) == []
    kept_manifests = len(list((workspace / "lake/manifests").glob("[0-9]*.json")))
    assert kept_manifests <= 2
    # the previous manifest may still name what the newest has forgotten
    assert named_folders(workspace) <= folders(workspace)
    assert len(folders(workspace)) <= 2 * (kept_manifests + 2)


def seed(workspace: Path, versions: int) -> None:
    """Publish a few times, so that the next publish also has something to remove."""
    workspace.mkdir()
    with writing(workspace, retention=SHORT) as writer:
        for version in range(1, versions + 1):
            publish_version(writer, version)
            writer.collect()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["die", "interrupt"])
@pytest.mark.parametrize("before", [0, 4])
def test_stopping_at_any_step_leaves_the_old_state_or_the_new_one(tmp_path: Path, how: str, before: int) -> None:
    seed(tmp_path / "seed", before)
    outcomes: list[int] = []
    for step in range(1, 200):
        workspace = tmp_path / str(step)
        shutil.copytree(tmp_path / "seed", workspace)
        untouched = folders(workspace)
        process = child("stop", workspace, step, how)
        _, errors = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == 9 or errors.rstrip().endswith("KeyboardInterrupt"), errors
        outcomes.append(live_version(workspace) - before)
        if how == "interrupt" and outcomes[-1] == 0:
            assert folders(workspace) == untouched
        heal(workspace)
    else:
        pytest.fail("the child never ended by itself")
    # the old state up to the rename, the new one from then on
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {0, 1}
    assert len(outcomes) > 15


def test_an_interrupted_load_leaves_no_files(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    seed(workspace, 1)
    before = folders(workspace)

    def interrupted() -> None:
        with writing(workspace) as writer:
            _, folder = writer.stage("focus", "aws", "2026-05", "x")
            (folder / "part-0.parquet").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert folders(workspace) == before


@pytest.mark.slow
def test_kill_9_at_a_hundred_random_moments(tmp_path: Path) -> None:
    chance = random.Random(20260403)
    versions = [0]
    for _ in range(100):
        process = child("publish", tmp_path, 1000)
        assert process.stdout is not None
        assert process.stderr is not None
        with process.stdout, process.stderr:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
            process.wait()
        assert process.returncode == -9
        versions.append(live_version(tmp_path))
    assert versions == sorted(versions)
    assert len(set(versions)) > 10  # it did get to publish in between
    heal(tmp_path)
