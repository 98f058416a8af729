"""Starting the dashboard, and pages that describe themselves."""

from __future__ import annotations

import socket
import tomllib
from pathlib import Path

import pytest

from costlab.errors import ModelError, UsageError
from costlab.paths import shipped
from costlab.ui.launch import address, command, is_local
from costlab.ui.pages import pages
from costlab.ui.palette import STRONG


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_command_serves_the_shipped_app_on_this_machine_only(tmp_path: Path) -> None:
    port = free_port()
    line = command(tmp_path, port=port)
    assert Path(line[line.index("run") + 1]).is_file()
    assert line[line.index("--server.address") + 1] == "127.0.0.1"
    assert line[line.index("--browser.gatherUsageStats") + 1] == "false"
    assert line[-2:] == ["--workspace", str(tmp_path)]


def test_a_busy_port_is_a_clear_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        with pytest.raises(UsageError, match=f"127.0.0.1:{port}") as caught:
            command(tmp_path, port=port)
    assert f"--port {port + 1}" in caught.value.hint


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 0), ("127.0.0.1", 70000), ("203.0.113.7", 8501)])
def test_an_address_that_cannot_be_used_is_a_usage_error(tmp_path: Path, host: str, port: int) -> None:
    with pytest.raises(UsageError):
        command(tmp_path, host, port)


def test_only_loopback_is_local() -> None:
    assert is_local("127.0.0.1")
    assert is_local("localhost")
    assert not is_local("0.0.0.0")
    assert address("0.0.0.0", 1) == "http://127.0.0.1:1"


def test_every_page_says_its_title_and_icon_in_order() -> None:
    found = pages(shipped("dashboards") / "pages")
    assert [page.title for page in found] == [
        "Overview",
        "Explorer",
        "Recommendations",
        "Anomalies",
        "Allocation",
        "Data health",
    ]
    assert len({page.address for page in found}) == len(found)
    assert all(page.about for page in found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("10_a.py", '"""No colon."""\nICON = ":material/home:"\n'),
        ("10_a.py", '"""Title: about."""\n'),
        ("10_a.py", '"""Title: about."""\nICON = "home"\n'),
        ("10-a.py", '"""Title: about."""\nICON = ":material/home:"\n'),
    ],
)
def test_a_page_that_does_not_describe_itself_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ModelError, match="does not describe a page"):
        pages(tmp_path)


def test_the_theme_has_the_colours_of_the_charts() -> None:
    theme = tomllib.loads((shipped("dashboards") / ".streamlit" / "config.toml").read_text())["theme"]
    assert tuple(theme["chartCategoricalColors"]) == STRONG
    assert {"light", "dark"} <= theme.keys()


def test_nothing_of_the_look_comes_from_the_internet() -> None:
    folder = shipped("dashboards")
    for path in (
        folder / "style.css",
        folder / "logo.svg",
        folder / "logo-mark.svg",
        folder / ".streamlit" / "config.toml",
    ):
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text
        assert "@import" not in text
