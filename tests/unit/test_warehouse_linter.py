"""Every SQL file stays in the portable subset; each construct outside of it is named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from costlab.paths import shipped
from costlab.warehouse.linter import lint

SQL = sorted(path for path in shipped("sql").rglob("*.sql") if path.parent.name != "seeds")
MACROS = sorted((shipped("sql") / "seeds").glob("*.sql"))


@pytest.mark.parametrize("path", SQL, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_shipped_models_are_portable(path: Path) -> None:
    assert [str(problem) for problem in lint(path)] == []


@pytest.mark.parametrize("path", MACROS, ids=lambda path: path.stem)
def test_shipped_macros_are_portable(path: Path, tmp_path: Path) -> None:
    comment, head, body = path.read_text(encoding="utf-8").partition("create macro")
    model = tmp_path / "staging" / "macro.sql"
    model.parent.mkdir()
    model.write_text(f"{comment}select {body.partition(' as ')[2]} as result from raw", encoding="utf-8")
    assert head
    assert [str(problem) for problem in lint(model)] == []


@pytest.mark.parametrize("path", SQL, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_shipped_models_can_be_written_for_spark(path: Path) -> None:
    from sqlglot import ErrorLevel, transpile

    statements = transpile(
        path.read_text(encoding="utf-8"), read="duckdb", write="spark", unsupported_level=ErrorLevel.RAISE
    )
    assert len(statements) == 1


def problems(tmp_path: Path, sql: str, folder: str = "marts") -> list[str]:
    path = tmp_path / folder / "planted.sql"
    path.parent.mkdir(exist_ok=True)
    path.write_text(sql, encoding="utf-8")
    return [str(problem).removeprefix(f"{path}:") for problem in lint(path)]


@pytest.mark.parametrize(
    ("sql", "line", "words"),
    [
        ("select a,\n sum(b) as b\nfrom t\ngroup by all", 4, "GROUP BY ALL"),
        ("select a, sum(b) as b from t\ngroup by 1", 2, "GROUP BY position"),
        ("select a from t\nasof join u on t.a >= u.a", 2, "ASOF"),
        ("select a from\nt natural join u", 2, "NATURAL"),
        ("select\ncolumns('a.*') from t", 1, "COLUMNS"),
        ("select a from t\nqualify row_number() over (order by a) = 1", 2, "QUALIFY"),
        ("select\n map {'a': b} as m from t", 2, "MAP"),
        ("select\n map(['a'], [b]) as m from t", 2, "MAP"),
        ("select\n {'a': b} as m from t", 2, "STRUCT"),
        ("select\n time_bucket(interval '1 hour', ts) as ts from t", 2, "time_bucket"),
        ("select\n strptime(a, '%Y') as a from t", 2, "strptime"),
        ("select a\n cost from t", 2, "'cost' without AS"),
        ("select a from t\n u", 2, "'u' without AS"),
        ("select\n * from t", 1, "SELECT *"),
        ("select t.\n* from t", 1, "SELECT *"),
        ("select sum(\na) from t", 2, "has no name"),
        ("select\n list(distinct a) as a from t", 2, "list(DISTINCT"),
        ("select\n array_agg(distinct a) as a from t", 2, "list(DISTINCT"),
        ("select\n Tags['team'] as team from t", 2, "tag(Tags"),
        ("select\n json_extract_string(Tags, '$.team') as team from t", 2, "json_extract_string"),
        ("select\n Tags ->> 'team' as team from t", 2, "json_extract_scalar"),
        ("select distinct on (a) a from t", 1, "DISTINCT ON"),
        ("select\n quantile_cont(a, 0.5) as a from t", 2, "percentile_cont"),
        ("select\n now() as a", 2, "now"),
        ("select\n a from (pivot t on a using sum(b))", 1, "PIVOT"),
    ],
)
def test_each_construct_outside_the_subset_is_named(tmp_path: Path, sql: str, line: int, words: str) -> None:
    found = problems(tmp_path, sql)
    assert any(words in problem for problem in found), found
    numbers = {int(problem.split(":")[0]) for problem in found if words in problem}
    assert abs(min(numbers) - line) <= 1


@pytest.mark.parametrize(
    "sql",
    [
        "select a, sum(b) as b from t group by a",
        "with a as (select * from t) select a.x as x from a as b",
        "select tag(Tags, 'team') as team from focus.costs",
        "select count(*) filter (where a > 0) as n, cast(a as decimal(38, 12)) as d from t group by a",
        "select date_trunc('hour', ts) as hour, row_number() over (partition by a order by b) as n from t",
        "select a from t where a in (1, 2) and exists (select 1 from u) union all select b as a from u",
    ],
)
def test_the_subset_itself_passes(tmp_path: Path, sql: str) -> None:
    assert problems(tmp_path, sql) == []


def test_staging_may_read_json_but_marts_may_not(tmp_path: Path) -> None:
    sql = "select json_extract_string(a, '$.b') as b from raw"
    assert problems(tmp_path, sql, "staging") == []
    assert problems(tmp_path, sql, "marts") != []


def test_all_problems_of_a_file_are_named_in_order(tmp_path: Path) -> None:
    found = problems(tmp_path, "select a cost,\n now() as b\nfrom t")
    assert [problem.split(":")[0] for problem in found] == ["1", "2"]
