"""Pages are found by their files: one file in ``dashboards/pages`` is one page, in the order of the files' names.

The file's name is ``<number>_<address>.py``; its docstring starts with the title and a colon; ``ICON`` names a
Material symbol.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costlab.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"\d+_(?P<address>[a-z]+(?:_[a-z]+)*)\.py")
_TITLE = re.compile(r"(?P<title>[A-Z][^:\n]{1,40}): (?P<about>\S.*)")
_ICON = re.compile(r":material/[a-z0-9_]+:")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the dashboard, as its file describes itself."""

    path: Path
    address: str
    """Its part of the URL, as Streamlit makes it of the file's name; "" for the first page."""
    title: str
    about: str
    icon: str


def pages(folder: Path) -> list[Page]:
    """Return the pages in a folder, in order.

    Raises
    ------
    ModelError
        If a file does not say its title and icon.
    """
    return [_page(path, is_first=place == 0) for place, path in enumerate(sorted(folder.glob("[0-9]*.py")))]


def _page(path: Path, *, is_first: bool) -> Page:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = _NAME.fullmatch(path.name)
    title = _TITLE.match(ast.get_docstring(tree) or "")
    icon = next((value for target, value in _constants(tree) if target == "ICON"), "")
    if name is None or title is None or _ICON.fullmatch(icon) is None:
        raise ModelError(
            f"{path.name} does not describe a page",
            hint='Name it "<number>_<address>.py", start its docstring with "Title: what it shows", set ICON',
        )
    return Page(path, "" if is_first else name["address"], title["title"], title["about"], icon)


def _constants(tree: ast.Module) -> list[tuple[str, str]]:
    return [
        (target.id, node.value.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
