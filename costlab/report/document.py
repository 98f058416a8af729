"""A report as Markdown or as one HTML file that needs nothing else; text of a bill cannot become markup."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from costlab.errors import UnknownValue
from costlab.report.formats import as_csv, as_markdown, escape_markdown
from costlab.report.text import visible
from costlab.report.views import Grid, grid

if TYPE_CHECKING:
    from pathlib import PurePath

    from costlab.answer import Answer


class FileType(StrEnum):
    """What a report can be written as."""

    MARKDOWN = "md"
    HTML = "html"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a sentence or two, and a table."""

    title: str
    notes: tuple[str, ...] = ()
    table: Answer | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A report: what it is called, what it is about, its sections, and the table that goes into a CSV file."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    data: Answer
    warnings: tuple[str, ...] = field(default=())


def file_type(path: PurePath) -> FileType:
    """Return what a file's ending asks for.

    Raises
    ------
    UnknownValue
        If no report can be written as that.
    """
    ending = path.suffix.lower().lstrip(".")
    if ending not in set(FileType):
        raise UnknownValue("report file type", ending or path.name, FileType)
    return FileType(ending)


def render_document(document: Document, form: FileType) -> str:
    """Return the report as text."""
    match form:
        case FileType.CSV:
            return as_csv(document.data)
        case FileType.MARKDOWN:
            return _markdown(document)
        case FileType.HTML:
            return _html(document)


def _markdown(document: Document) -> str:
    parts = [f"# {escape_markdown(visible(document.title))}", escape_markdown(visible(document.subtitle))]
    parts += [f"> **Note:** {escape_markdown(visible(warning))}" for warning in document.warnings]
    for section in document.sections:
        parts.append(f"## {escape_markdown(visible(section.title))}")
        parts += [escape_markdown(visible(note)) for note in section.notes]
        if section.table is not None and section.table.items:
            parts.append(as_markdown(grid(section.table)).rstrip("\n"))
    return "\n\n".join(parts) + "\n"


def _html(document: Document) -> str:
    body = [f"<h1>{_escaped(document.title)}</h1>", f"<p class='sub'>{_escaped(document.subtitle)}</p>"]
    body += [f"<p class='warning'>{_escaped(warning)}</p>" for warning in document.warnings]
    for section in document.sections:
        body.append(f"<h2>{_escaped(section.title)}</h2>")
        body += [f"<p>{_escaped(note)}</p>" for note in section.notes]
        if section.table is not None and section.table.items:
            body.append(_html_table(grid(section.table)))
    return _PAGE.format(title=_escaped(document.title), body="\n".join(body))


def _html_table(table: Grid) -> str:
    def row(cells: list[str], tag: str) -> str:
        written = (_cell(text, tag, number=number) for text, number in zip(cells, table.numeric, strict=True))
        return f"<tr>{''.join(written)}</tr>"

    rows = "\n".join(row(cells, "td") for cells in table.rows)
    footer = "".join(f"<p class='total'>{_escaped(line)}</p>" for line in table.footer)
    return f"<table>\n<thead>{row(table.headings, 'th')}</thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n{footer}"


def _cell(text: str, tag: str, *, number: bool) -> str:
    # only long names may be broken anywhere, or short words would be
    mark = " class='n'" if number else " class='long'" if len(text) > _LONG else ""
    return f"<{tag}{mark}>{_escaped(text)}</{tag}>"


def _escaped(text: str) -> str:
    return html.escape(visible(text), quote=True)


_LONG = 24
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430 }}
h1 {{ margin-bottom: 0 }} h2 {{ margin-top: 2.2rem; border-bottom: 1px solid #d5dae1 }}
.sub, .total {{ color: #51607a }}
.warning {{ background: #fff4dc; border-left: 4px solid #d08700; padding: .5rem 1rem }}
table {{ border-collapse: collapse; width: 100%; font-size: 14px }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #e6e9ee }}
td:not(.long), th {{ white-space: nowrap }} .long {{ overflow-wrap: anywhere }}
th {{ background: #f4f6f9 }} .n {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #12161d; color: #dde3ec }} th {{ background: #1c232e }} td, th, h2 {{ border-color: #2c3646 }}
  .sub, .total {{ color: #9aa8bd }} .warning {{ background: #3a2f14 }}
}}
</style>
</head>
<body>
{body}
</body>
</html>
"""
