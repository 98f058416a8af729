"""Keep SQL models in the subset of DuckDB's dialect that runs unchanged, in meaning, on a cluster.

Translators carry some constructs over without an error but with another meaning (``GROUP BY ALL``, map literals,
``list(distinct ...)``, date formats), so the subset is defined here and not by what translates: a list of functions
that may be used, and constructs that may not.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from costlab.warehouse.models import line_of, parse_select

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlglot import exp

_EVERYWHERE = """
    sum min max count avg any_value max_by min_by bool_or bool_and median stddev
    coalesce nullif greatest least abs round floor ceil sign
    lower upper trim ltrim rtrim replace substr substring left right length concat split_part starts_with contains
    regexp_extract regexp_replace regexp_matches md5
    cast try_cast date_trunc date_diff extract year month day hour
    row_number rank dense_rank lag lead first_value last_value
    tag
"""
_STAGING = """
    json_extract json_extract_string json_object json_array json_keys json_merge_patch json_type json_valid
    json_group_object json_group_array json_array_length json_exists json_contains to_json from_json
    list_filter list_transform list_contains list_concat list_distinct reduce array_to_string unnest
    concat_ws list_extract string_split
    machine_in day_in parts_in kind_in commitment_in
"""
FUNCTIONS = frozenset(_EVERYWHERE.split())
"""What every model may call."""
STAGING_FUNCTIONS = FUNCTIONS | frozenset(_STAGING.split())
"""What staging models may call, macros of ``sql/seeds`` included: they turn vendors' texts and objects into FOCUS's."""
_SYNTAX = frozenset({"Cast", "TryCast", "Case", "If", "Exists", "And", "Or", "Xor"})
"""What sqlglot calls a function but people write as an operator or keyword."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A place where a model leaves the subset."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def lint(path: Path) -> list[Problem]:
    """Return the places where a model leaves the portable subset, in order of lines.

    Raises
    ------
    ModelError
        If the file cannot be parsed or is not one SELECT.
    """
    text = path.read_text(encoding="utf-8")
    tree = parse_select(text, path)
    allowed = STAGING_FUNCTIONS if path.parent.name == "staging" else FUNCTIONS
    found = {
        *_construct_problems(tree, path, text),
        *_function_problems(tree, path, text, allowed),
        *_output_problems(tree, path),
        *_alias_problems(tree, path, text),
    }
    return sorted(found, key=lambda problem: (problem.line, problem.message))


def _construct_problems(tree: exp.Query, path: Path, text: str) -> Iterator[Problem]:
    from sqlglot import exp

    for node in tree.walk():
        message = _clause_problem(node) or _expression_problem(node)
        if message:
            everything = isinstance(node, exp.Group) and node.args.get("all")
            yield Problem(path, line_of(text, "group by all") if everything else _line(node), message)


def _clause_problem(node: exp.Expr) -> str:
    from sqlglot import exp

    match node:
        case exp.Group() if node.args.get("all"):
            return "GROUP BY ALL: list the columns"
        case exp.Group() if any(isinstance(item, exp.Literal) for item in node.expressions):
            return "GROUP BY position: list the columns"
        case exp.Join() if str(node.args.get("method") or "").upper() in {"ASOF", "POSITIONAL", "NATURAL"}:
            return f"{node.args['method']} JOIN: join on columns that are written out"
        case exp.Distinct() if node.args.get("on"):
            return "DISTINCT ON: use row_number()"
        case exp.Pivot():
            return "PIVOT: write sum(case when ... end) per column"
        case exp.Qualify():
            return "QUALIFY: filter a window function in an outer SELECT"
        case _:
            return ""


def _expression_problem(node: exp.Expr) -> str:
    from sqlglot import exp

    match node:
        case exp.Columns():
            return "COLUMNS(...): list the columns"
        case exp.ToMap() | exp.Map() | exp.VarMap():
            return "MAP literal: engines disagree on its type"
        case exp.Struct():
            return "STRUCT literal: list the columns"
        case exp.Bracket():
            return "[...] access: a missing key is an error elsewhere; read tags with tag(Tags, 'key')"
        case exp.ArrayAgg() if isinstance(node.this, exp.Distinct):
            return "list(DISTINCT ...): elsewhere it drops NULLs"
        case _:
            return ""


def _function_problems(tree: exp.Query, path: Path, text: str, allowed: frozenset[str]) -> Iterator[Problem]:
    from sqlglot import exp

    for node in tree.find_all(exp.Func):
        if isinstance(node, exp.ToMap | exp.Map | exp.VarMap | exp.Struct | exp.Columns):
            continue  # named as constructs
        name = _name(node, text)
        if name not in allowed and type(node).__name__ not in _SYNTAX:
            yield Problem(path, _line(node), f"function {name!r} is not in the portable subset")


def _output_problems(tree: exp.Query, path: Path) -> Iterator[Problem]:
    from sqlglot import exp

    for number, column in enumerate(tree.selects, start=1):
        if column.is_star:
            yield Problem(path, _line(column) or 1, "SELECT * in the outer SELECT: list the columns")
        elif not isinstance(column, exp.Column | exp.Alias):
            yield Problem(path, _line(column), f"output column {number} has no name: add AS")


def _alias_problems(tree: exp.Query, path: Path, text: str) -> Iterator[Problem]:
    from sqlglot import exp
    from sqlglot.dialects.duckdb import DuckDB

    tokens = DuckDB().tokenize(text)
    before = {token.start: previous for previous, token in pairwise(tokens)}
    for node in tree.find_all(exp.Alias, exp.TableAlias):
        name = node.args.get("alias") if isinstance(node, exp.Alias) else node.this
        if isinstance(node.parent, exp.CTE) or name is None or "start" not in name.meta:
            continue
        previous = before.get(name.meta["start"])
        if previous is not None and previous.text.lower() != "as":
            yield Problem(path, name.meta["line"], f"alias {name.name!r} without AS")


def _name(node: exp.Func, text: str) -> str:
    """Return a function's name as written, or sqlglot's where it does not remember the place."""
    if "start" not in node.meta:
        return node.sql_name().lower().replace("j_s_o_n", "json")  # sqlglot splits its own JSONObject at capitals
    return text[node.meta["start"] : node.meta["end"] + 1].lower()


def _line(node: exp.Expr) -> int:
    """Return the line of a node, or of the first part of it that has one."""
    return next((int(part.meta["line"]) for part in node.walk() if "line" in part.meta), 1)
