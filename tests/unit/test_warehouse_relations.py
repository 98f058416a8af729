"""People's SQL reads tables and nothing else; errors say what to do and leak no paths."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costlab.errors import DataError, UsageError
from costlab.warehouse.relations import Database
from tests.support import catalogue, focus_rows, write_revision


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def db(workspace: Path) -> Iterator[Database]:
    rows = focus_rows([{"BilledCost": "0.1", "Tags": '{"team": "web"}'}, {"BilledCost": "0.2", "SubAccountId": "007"}])
    with catalogue(workspace, write_revision(workspace, rows)) as database:
        yield database


def test_rows_have_exact_money_and_naive_instants(db: Database) -> None:
    row = db.rows("select ChargeDate, BillingPeriodStart, sum(BilledCost) as b from marts.daily_costs group by 1, 2")[0]
    assert row == {"ChargeDate": date(2026, 3, 1), "BillingPeriodStart": datetime(2026, 3, 1), "b": Decimal("0.3")}


def test_a_frame_has_floats_for_numeric_work(db: Database) -> None:
    assert db.frame("select BilledCost from focus.costs")["BilledCost"].dtype == "float64"


def test_values_are_bound_by_position_and_by_name(db: Database) -> None:
    assert db.rows("select count(*) as n from focus.costs where SubAccountId = ?", ["007"]) == [{"n": 1}]
    named = db.rows("select count(*) as n from focus.costs where SubAccountId = $id", {"id": "' or true --"})
    assert named == [{"n": 0}]


def test_tags_are_read_through_the_macro(db: Database) -> None:
    assert db.rows("select tag(Tags, 'team') as team from focus.costs order by 1") == [{"team": "web"}, {"team": None}]


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from focus.costs",
        "with a as (select 1 as x) select x from a",
        "values (1), (2)",
        "from marts.daily_costs",
        "describe focus.costs",
        "show all tables",
        "summarize marts.daily_costs",
        "select * from range(3)",
        "select unnest([1, 2])",
    ],
)
def test_reading_statements_run(db: Database, sql: str) -> None:
    assert db.query(sql).rows


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to 'x.csv'",
        "attach 'x.duckdb'",
        "install httpfs",
        "load httpfs",
        "pragma database_list",
        "set threads = 1",
        "create table t as select 1",
        "drop view focus.costs",
        "insert into findings.runs values (1)",
        "delete from findings.runs",
        "call pragma_version()",
        "checkpoint",
        "export database 'x'",
        "select 1; select 2",
        "explain analyze select 1",
        "prepare p as select 1",
        "begin",
        "",
    ],
)
def test_everything_else_is_refused(db: Database, sql: str) -> None:
    with pytest.raises(UsageError):
        db.query(sql)


@pytest.mark.parametrize(
    "source",
    [
        "read_text('/etc/passwd')",
        "read_csv('/etc/passwd')",
        "read_csv_auto('/etc/passwd')",
        "read_blob('/etc/passwd')",
        "read_json('x.json')",
        "read_parquet('lake/focus/**/*.parquet')",
        "parquet_metadata('x.parquet')",
        "glob('/etc/*')",
        "sniff_csv('/etc/passwd')",
        "query('select 1')",
        "query_table('focus.costs')",
        "duckdb_settings()",
        "'/etc/passwd'",
        "'x.csv'",
        "(select * from read_text('/etc/passwd'))",
    ],
)
def test_files_cannot_be_read(db: Database, source: str) -> None:
    for sql in (f"select * from {source}", f"select 1 where exists (select 1 from {source})"):
        with pytest.raises(UsageError):
            db.query(sql)


def test_the_sandbox_holds_without_the_guard(db: Database, workspace: Path) -> None:
    (workspace / "secret.txt").write_text("secret")
    for sql in (
        f"select * from read_text('{workspace}/secret.txt')",
        "select * from read_text('/etc/passwd')",
        "select * from read_text('lake/../secret.txt')",
        f"select * from read_text('{workspace}/lake/../secret.txt')",
        f"copy (select 1) to '{workspace}/out.csv'",
        "attach '/tmp/other.duckdb'",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
    ):
        with pytest.raises(Exception, match=r"Permission Error|locked|disabled"):
            db.rows(sql)


def test_python_variables_are_not_tables(db: Database) -> None:
    secret = db.frame("select 1 as x")
    assert len(secret) == 1
    with pytest.raises(UsageError, match="secret"):
        db.query("select * from secret")


def test_a_mistyped_name_gets_the_nearest_one(db: Database) -> None:
    with pytest.raises(UsageError) as caught:
        db.query("select BiledCost from focus.costs")
    assert "BiledCost" in caught.value.message
    assert "BilledCost" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        db.query("select * from marts.daily_cost")
    assert "daily_costs" in caught.value.hint


def test_a_syntax_error_is_one_line(db: Database) -> None:
    with pytest.raises(UsageError, match=r"syntax error at or near .selec.") as caught:
        db.query("selec 1")
    assert "\n" not in caught.value.message


def test_no_message_shows_a_path(tmp_path: Path) -> None:
    with catalogue(tmp_path, write_revision(tmp_path, focus_rows([{}]))) as db:
        for path in (tmp_path / "lake").rglob("*.parquet"):
            path.unlink()
        with pytest.raises(UsageError) as caught:
            db.query("select sum(BilledCost) from focus.costs")
    assert str(tmp_path) not in caught.value.message + caught.value.hint


def test_the_same_file_opens_twice_in_one_process(tmp_path: Path) -> None:
    first = catalogue(tmp_path, write_revision(tmp_path, focus_rows([{}])))
    with first, Database.open(tmp_path / "built" / "catalogue.duckdb", tmp_path) as second:
        assert first.rows("select count(*) as n from focus.costs") == second.rows(
            "select count(*) as n from focus.costs"
        )


def test_the_same_file_opens_twice_in_an_interactive_session(tmp_path: Path) -> None:
    catalogue(tmp_path, write_revision(tmp_path, focus_rows([{}]))).close()
    path = tmp_path / "built" / "catalogue.duckdb"
    # a program given with -c has no file of its own: DuckDB takes it for a notebook and wants a progress bar
    twice = "from costlab.warehouse.relations import Database; from pathlib import Path; import sys; "
    twice += "opened = [Database.open(*map(Path, sys.argv[1:])) for _ in range(2)]"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    line = [sys.executable, "-c", twice, str(path), str(tmp_path)]
    assert subprocess.run(line, env=environment, capture_output=True, check=False).stderr == b""


def test_a_catalogue_that_cannot_be_opened_says_how_to_build_it_again(tmp_path: Path) -> None:
    path = tmp_path / "damaged.duckdb"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(DataError, match=r"damaged\.duckdb cannot be opened") as caught:
        Database.open(path, tmp_path)
    assert "costlab ingest" in caught.value.hint


def test_many_threads_open_the_same_file_at_once(tmp_path: Path) -> None:
    catalogue(tmp_path, write_revision(tmp_path, focus_rows([{}]))).close()

    def count(_: int) -> int:
        with Database.open(tmp_path / "built" / "catalogue.duckdb", tmp_path) as db:
            return len(db.rows("select * from focus.costs"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(count, range(16))) == [1] * 16
