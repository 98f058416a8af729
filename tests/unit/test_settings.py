"""costlab.toml: precedence, and messages that name the line and the nearest key."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from costlab.errors import ConfigError, UsageError
from costlab.settings import (
    KEYS,
    Settings,
    Source,
    check_source_name,
    find_workspace,
    load_settings,
    source_block,
    template,
    wants_colour,
    write_template,
)


def settings(folder: Path, text: str, **environ: str) -> Settings:
    (folder / "costlab.toml").write_text(text)
    return load_settings(folder, environ=environ)


def test_a_workspace_without_a_file_has_the_defaults(tmp_path: Path) -> None:
    found = load_settings(tmp_path, environ={})
    assert found == Settings(tmp_path)


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    text = "[tags]\nkeys = ['cost']\n[freshness]\nlate_after_hours = 5\n"
    assert settings(tmp_path, text).tag_keys == ("cost",)
    assert settings(tmp_path, text).late_after_hours == 5
    found = settings(tmp_path, text, COSTLAB_TAGS_KEYS="a, b,,a", COSTLAB_FRESHNESS_LATE_AFTER_HOURS="7")
    assert found.tag_keys == ("a", "b")
    assert found.late_after_hours == 7


def test_sources_are_read_and_relative_locations_are_the_workspaces(tmp_path: Path) -> None:
    text = """
[[sources]]
name = "aws"
connector = "aws-cur"
from = "exports"
[[sources]]
name = "far"
connector = "focus"
from = "s3://bucket/x"
"""
    found = settings(tmp_path, text)
    assert found.sources == (
        Source("aws", "aws-cur", str(tmp_path / "exports")),
        Source("far", "focus", "s3://bucket/x"),
    )
    assert found.source("far") == found.sources[1]
    assert found.source("near") is None


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[tag]\nkeys = []\n", "costlab.toml:1: unknown key 'tag'", "Did you mean 'tags'?"),
        ("[tags]\nkyes = []\n", "costlab.toml:2: unknown key 'kyes' in [tags]", "Did you mean 'keys'?"),
        ("\n[[sources]]\nconector = 'x'\n", "costlab.toml:3: unknown key 'conector'", "Did you mean 'connector'?"),
        ("[tags]\nkeys = 'team'\n", "costlab.toml:2: keys must be a list of texts", ""),
        ("[retention]\nrevisions = 0\n", "costlab.toml:2: revisions must be a whole number", ""),
        ("[retention]\nrevisions = true\n", "revisions must be a whole number", ""),
        ("tags = 3\n", "costlab.toml:1: 'tags' must be a table", "[tags]"),
        ("[sources]\nname = 'x'\n", "'sources' must be a list of tables", "[[sources]]"),
        ("[[sources]]\nname = 'x'\nconnector = 'focus'\n", "a source needs 'from'", "name, connector, from"),
        ("[[sources]]\nname = '../x'\nconnector = 'f'\nfrom = 'x'\n", "cannot be a source's name", "letters"),
        ("keys = \n", "costlab.toml is not TOML", "quotes"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_nearest_key(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 4


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    block = source_block(Source("a", "focus", "x"))
    with pytest.raises(ConfigError, match="two sources are called 'a'"):
        settings(tmp_path, block + block)


def test_a_misspelt_variable_is_an_error_and_one_of_another_program_is_not(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, "", COSTLAB_TAG_KEYS="a")
    assert "COSTLAB_TAGS_KEYS" in caught.value.hint
    assert settings(tmp_path, "", COSTLAB_PORT_8501_TCP="tcp://10.0.0.1:8501") == Settings(tmp_path)
    with pytest.raises(ConfigError, match="COSTLAB_RETENTION_REVISIONS='many'"):
        settings(tmp_path, "", COSTLAB_RETENTION_REVISIONS="many")


def test_a_file_that_is_not_text_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "costlab.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path, environ={})


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "costlab.toml").write_bytes(b"\xef\xbb\xbf[report]\ntop = 3\n")
    assert load_settings(tmp_path, environ={}).report_top == 3


def test_the_workspace_is_the_option_then_the_variable_then_the_nearest_parent_then_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert find_workspace(environ={}) == Path("~/.costlab").expanduser()
    (tmp_path / "costlab.toml").touch()
    assert find_workspace(environ={}) == tmp_path
    assert find_workspace(environ={"COSTLAB_WORKSPACE": "/x"}) == Path("/x")
    assert find_workspace("here", environ={"COSTLAB_WORKSPACE": "/x"}) == inner / "here"


def test_the_template_is_valid_and_changes_nothing_and_names_every_key(tmp_path: Path) -> None:
    path = write_template(tmp_path / "new")
    assert load_settings(path.parent, environ={}) == Settings(path.parent)
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [[") else line for line in template().split("\n")
    )
    assert set(tomllib.loads(uncommented)) == {"sources", "discounts", *(key.section for key in KEYS)}
    for key in KEYS:
        assert tomllib.loads(uncommented)[key.section][key.name] == (
            list(key.default) if isinstance(key.default, tuple) else key.default
        )
        assert key.variable in template()


def test_init_never_overwrites(tmp_path: Path) -> None:
    path = write_template(tmp_path)
    path.write_text("[report]\ntop = 3\n")
    with pytest.raises(UsageError, match="there already"):
        write_template(tmp_path)
    assert path.read_text() == "[report]\ntop = 3\n"


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", "..", "a..b", "x" * 65, "a\nb"])
def test_a_source_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_source_name(name)


def test_colour_follows_no_color() -> None:
    assert wants_colour(environ={})
    assert not wants_colour(environ={"NO_COLOR": "1"})
    assert not wants_colour(environ={"TERM": "dumb"})
