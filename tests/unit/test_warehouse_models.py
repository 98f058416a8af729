"""Models are found, ordered by what they read, and refused with file and line when they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from costlab.errors import ModelError
from costlab.paths import shipped
from costlab.warehouse.models import Materialized, load_models


def model(root: Path, name: str, sql: str, *, grain: str = "a", materialized: str = "table") -> Path:
    schema, stem = name.split(".")
    path = root / schema / f"{stem}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    header = f"-- {name}: one row per a\n-- grain: {grain}\n-- materialized: {materialized}\n"
    path.write_text(header + sql, encoding="utf-8")
    return path


def test_shipped_models_come_after_what_they_read() -> None:
    models = load_models(shipped("sql"))
    position = {m.name: i for i, m in enumerate(models)}
    for m in models:
        assert all(position[source] < position[m.name] for source in m.sources if source in position)
    assert {"marts.daily_costs", "focus.contract_commitments"} <= position.keys()


def test_every_shipped_model_says_its_grain_in_columns_it_has() -> None:
    for m in load_models(shipped("sql")):
        assert m.grain
        assert m.description


def test_common_table_expressions_are_not_sources(tmp_path: Path) -> None:
    model(tmp_path, "marts.a", "with x as (select a from focus.costs) select a from x")
    assert load_models(tmp_path)[0].sources == {"focus.costs"}


def test_a_workspace_replaces_and_adds_models(tmp_path: Path) -> None:
    model(tmp_path / "one", "marts.a", "select 1 as a")
    model(tmp_path / "two", "marts.a", "select 2 as a")
    model(tmp_path / "two", "marts.b", "select a from marts.a", materialized="view")
    models = load_models(tmp_path / "one", tmp_path / "two", tmp_path / "absent")
    assert [(m.name, m.materialized) for m in models] == [
        ("marts.a", Materialized.TABLE),
        ("marts.b", Materialized.VIEW),
    ]
    assert "select 2" in models[0].sql


@pytest.mark.parametrize(
    ("sql", "where", "words"),
    [
        ("select a\nfrom marts.nothing", ":5", "unknown table 'marts.nothing'"),
        ("select a\nfrom marts.a", ":5", "in a circle"),
        ("select a from\n(", ":", "cannot be parsed"),
        ("select 1 as a; select 2 as a", ":1", "exactly one SELECT"),
        ("create table x as select 1 as a", ":1", "exactly one SELECT"),
    ],
)
def test_wrong_sql_is_refused_with_file_and_line(tmp_path: Path, sql: str, where: str, words: str) -> None:
    path = model(tmp_path, "marts.a", sql)
    with pytest.raises(ModelError) as caught:
        load_models(tmp_path)
    assert caught.value.message.startswith(f"{path}{where}")
    assert words in caught.value.message


def test_a_circle_of_two_is_named(tmp_path: Path) -> None:
    model(tmp_path, "marts.a", "select a from marts.b")
    model(tmp_path, "marts.b", "select a from marts.a")
    with pytest.raises(ModelError, match=r"marts\.\w -> marts\.\w -> marts\.\w"):
        load_models(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select 1 as a", "no header line"),
        ("-- marts.other: one row\n-- grain: a\n-- materialized: view\nselect 1 as a", "'marts.a' belongs"),
        ("-- marts.a: one row\n-- materialized: view\nselect 1 as a", "no '-- grain:' line"),
        ("-- marts.a: one row\n-- grain: a\n-- materialized: often\nselect 1 as a", "'often' is unknown"),
        ("", "no header line"),
    ],
)
def test_an_incomplete_header_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = model(tmp_path, "marts.a", "")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=words):
        load_models(tmp_path)


def test_a_model_per_revision_reads_only_the_bill_and_names_the_revision_in_its_grain(tmp_path: Path) -> None:
    model(tmp_path, "marts.a", "select a from focus.costs", materialized="per_revision")
    with pytest.raises(ModelError, match="x_source and BillingPeriodStart"):
        load_models(tmp_path)
    model(tmp_path, "marts.b", "select 1 as a")
    model(tmp_path, "marts.a", "select a from marts.b", materialized="per_revision")
    with pytest.raises(ModelError, match=r"reads only focus\.costs, not 'marts\.b'"):
        load_models(tmp_path)
