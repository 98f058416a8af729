"""``costlab init``, and which folder is the workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_init_writes_a_commented_file_where_one_stands(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("init")
    assert (done.code, done.out) == (0, "")
    assert "costlab.toml" in done.err
    lines = (tmp_path / "costlab.toml").read_text().splitlines()
    assert all(not line or line.startswith(("#", "[")) for line in lines)
    assert run("sources").code == 0


def test_init_makes_the_folder_that_is_named(run: Run, tmp_path: Path) -> None:
    assert run("--workspace", tmp_path / "a" / "b", "init").code == 0
    assert (tmp_path / "a" / "b" / "costlab.toml").is_file()


def test_init_never_overwrites(run: Run, tmp_path: Path) -> None:
    (tmp_path / "costlab.toml").write_text("# mine\n")
    done = run("--workspace", tmp_path, "init")
    assert done.code == 2
    assert "there already" in done.err
    assert (tmp_path / "costlab.toml").read_text() == "# mine\n"


def test_the_workspace_is_found_from_below_and_by_its_variable(
    run: Run, bill_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTLAB_WORKSPACE", str(bill_workspace))
    assert run("cost").code == 0
    monkeypatch.delenv("COSTLAB_WORKSPACE")
    inner = tmp_path / "x"
    inner.mkdir()
    (tmp_path / "costlab.toml").write_text('[[sources]]\nname = "far"\nconnector = "focus"\nfrom = "bill"\n')
    monkeypatch.chdir(inner)
    item = run("sources", "--format", "json").json["items"][0]
    assert (item["source"], item["from"]) == ("far", str(tmp_path / "bill"))


def test_a_setting_of_the_environment_wins(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTLAB_REPORT_TOP", "none")
    done = run("--workspace", tmp_path, "sources")
    assert done.code == 4
    assert "COSTLAB_REPORT_TOP" in done.err


def test_a_tag_that_nothing_has_is_said(run: Run, bill_workspace: Path) -> None:
    done = run("--workspace", bill_workspace, "cost", "--by", "Tags.taem", "--format", "json")
    assert done.code == 0
    assert "has the tag 'taem'" in done.json["warnings"][0]
    assert run("--workspace", bill_workspace, "cost", "--by", "Tags.team", "--format", "json").json["warnings"] == []
