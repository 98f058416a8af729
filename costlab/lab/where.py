"""``--where``: one boolean expression over the columns of ``focus.costs``, and nothing else.

The text is parsed, checked node by node against a list of what is allowed, and written out again from the syntax
tree; nobody's text reaches the database as it came. ``Tags.<key>`` reads a tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from costlab.errors import UnknownValue, UsageError
from costlab.focus.columns import COLUMN_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlglot import exp

TAGS = "Tags"
CANONICAL: dict[str, str] = {name.lower(): name for name in COLUMN_TYPES}
_EXAMPLE = "For example: ServiceName = 'Amazon Simple Storage Service' and Tags.team is not null"
_OPERATORS = "And Or Not Paren EQ NEQ NullSafeEQ NullSafeNEQ GT GTE LT LTE Between In Is Like ILike Escape Neg Add Sub"
_VALUES = "Column Identifier Literal Boolean Null Cast DataType DataTypeParam Var TsOrDsToDate Date Mul Div Mod"
_CALLS = "Case If Coalesce Lower Upper Length Trim Substring StartsWith EndsWith Contains RegexpLike Concat DPipe Abs"
_PARTS = "Round Year Month Day Extract"
_NODES = frozenset(f"{_OPERATORS} {_VALUES} {_CALLS} {_PARTS}".split())
"""What an expression may be made of, as sqlglot calls it."""
_FUNCTIONS = frozenset({"contains", "starts_with", "ends_with", "prefix", "suffix", "regexp_matches"})
_FUNCTION_NAMES = "lower, upper, coalesce, length, trim, substring, concat, regexp_matches, year, month, day, ..."


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked expression: the columns and tag keys it reads, and how to write it as SQL."""

    tree: exp.Expr
    columns: frozenset[str]
    tag_keys: frozenset[str]

    def sql(self, tag: Callable[[str], str]) -> str:
        """Return DuckDB SQL; ``tag`` gives the SQL that reads a tag key."""
        from sqlglot import exp, parse_one

        def written(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, exp.Column):
                return node
            key = tag_key(node)
            if key is not None:
                return parse_one(tag(key), read="duckdb")
            return exp.column(CANONICAL[node.name.lower()], quoted=True)

        return self.tree.transform(written).sql(dialect="duckdb", comments=False)


def parse_condition(text: str) -> Condition:
    """Return the checked expression.

    Raises
    ------
    UsageError
        If it is not one expression, or uses anything but columns, values, operators and plain functions.
    UnknownValue
        If it names a column that ``focus.costs`` does not have.
    """
    from sqlglot import exp

    tree = _parsed(text)
    for node in tree.walk():
        _check(node)
    found = list(tree.find_all(exp.Column))
    keys = {column: tag_key(column) for column in found}
    columns = {_canonical(column) for column in found if keys[column] is None}
    return Condition(tree, frozenset(columns), frozenset(key for key in keys.values() if key is not None))


def canonical_column(name: str) -> str:
    """Return a column of ``focus.costs`` as FOCUS writes it; raises :class:`UnknownValue`."""
    if name.lower() not in CANONICAL:
        raise UnknownValue("column", name, [*COLUMN_TYPES, "Tags.<key>"])
    return CANONICAL[name.lower()]


def tag_key(column: exp.Column) -> str | None:
    """Return the key of ``Tags.<key>``, or None for another column."""
    return column.name if column.table.lower() == TAGS.lower() and not column.db else None


def _parsed(text: str) -> exp.Expr:
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        statements = parse(f"select 1 where ({text}\n)", read="duckdb")
    except (SqlglotError, RecursionError) as error:
        details = getattr(error, "errors", None) or [{}]
        reason = str(details[0].get("description") or "it is too deep").rstrip(".")
        raise UsageError(f"--where cannot be parsed: {reason}", hint=_EXAMPLE) from None
    select = statements[0] if len(statements) == 1 else None
    where = select.args.get("where") if isinstance(select, exp.Select) else None
    # a closing bracket in the text could end the condition and go on with clauses of its own
    if not isinstance(select, exp.Select) or where is None or not isinstance(where.this, exp.Paren):
        raise UsageError("--where is not one boolean expression", hint=_EXAMPLE)
    if any(value for key, value in select.args.items() if key not in {"kind", "expressions", "where"}):
        raise UsageError("--where is not one boolean expression", hint=_EXAMPLE)
    inner: exp.Expr = where.this.this
    return inner


def _check(node: exp.Expr) -> None:
    from sqlglot import exp

    name = type(node).__name__
    if isinstance(node, exp.In) and node.args.get("query"):
        raise UsageError("--where cannot contain a query", hint=_EXAMPLE)
    if isinstance(node, exp.Anonymous) and node.name.lower() in _FUNCTIONS:
        return
    if name in _NODES:
        return
    if isinstance(node, exp.Query | exp.Subquery):
        raise UsageError("--where cannot contain a query", hint=_EXAMPLE)
    if isinstance(node, exp.Func):
        called = node.name.lower() if isinstance(node, exp.Anonymous) else node.sql_name().lower()
        raise UsageError(f"--where cannot use the function {called!r}", hint=f"Allowed: {_FUNCTION_NAMES}")
    raise UsageError(f"--where cannot contain {node.sql(dialect='duckdb')[:60]!r}", hint=_EXAMPLE)


def _canonical(column: exp.Column) -> str:
    if column.table and column.table.lower() != "costs":
        raise UsageError(
            f"--where names {column.sql()!r}", hint=f"Columns have no table in front, tags are {TAGS}.<key>"
        )
    return canonical_column(column.name)
