"""Data on standard output, everything else on standard error, and an exit code that means something."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import HOSTILE, Run, environment


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "costlab", *map(str, arguments)]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("cots",), 2, "Did you mean 'cost'?"),
        (("cost", "--byy", "x"), 2, "--by"),
        (("query",), 2, "SQL"),
        (("query", "delete from focus.costs"), 2, "not a SELECT"),
        (("query", "select 1; select 2"), 2, "2 statements"),
        (("query", "select * from read_csv('/etc/passwd')"), 2, "not allowed"),
        (("query", "select nothing from focus.costs"), 2, "nothing"),
        (("recommend", "--kind", "wast"), 2, "Did you mean 'waste'?"),
        (("recommend", "--min-saving", "much"), 2, "not an amount"),
        (("anomalies", "--days", "0"), 2, "--days"),
        (("anomalies", "--fail-on", "old"), 2, "Valid: new"),
        (("report", "hourly", "-o", "x.md"), 2, "Valid: daily, monthly, weekly"),
        (("report", "daily", "-o", "x.docx"), 2, "Valid: csv, html, md"),
        (("explain", "--by", "Tag"), 2, "unknown column"),
        (("restatements", "--since", "x"), 2, "--since 'x' is not a day"),
        (("cost", "-o", "/nowhere/x.csv"), 2, "cannot write /nowhere/x.csv"),
        (("cost",), 0, ""),
        (("recommend",), 0, ""),
        (("anomalies",), 0, ""),
        (("explain",), 0, ""),
        (("sources",), 0, ""),
        (("recommend", "--fail-on", "0"), 1, ""),
        (("recommend", "--fail-on", "1"), 0, ""),
    ],
)
def test_the_exit_code_says_how_it_went(
    run: Run, bill_workspace: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = run("--workspace", bill_workspace, *arguments)
    assert done.code == code, done.err
    assert message in done.err
    assert "Traceback" not in done.err
    assert bool(done.out) == (code in {0, 1})


def test_an_empty_workspace_says_what_to_do(run: Run, tmp_path: Path) -> None:
    done = run("--workspace", tmp_path / "new", "cost")
    assert done.code == 5
    assert "nothing is loaded" in done.err
    assert "costlab ingest" in done.err
    assert not (tmp_path / "new").exists()


def test_a_wrong_configuration_exits_with_4(run: Run, tmp_path: Path) -> None:
    (tmp_path / "costlab.toml").write_text("[tagz]\n")
    done = run("cost", "--workspace", tmp_path)
    assert done.code == 4
    assert "costlab.toml:1: unknown key 'tagz'" in done.err
    assert "Did you mean 'tags'?" in done.err


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_global_options_may_stand_anywhere(run: Run, bill_workspace: Path, place: int) -> None:
    words: list[str | Path] = ["cost", "--by", "x_source"]
    words[place:place] = ["--workspace", bill_workspace, "-q"]
    if place == 2:
        return  # between an option and its value
    assert run(*words).code == 0


def test_a_terminal_cannot_be_driven_by_a_name_in_a_bill(run: Run, bill_workspace: Path) -> None:
    for form in ("table", "md", "json"):
        out = run("--workspace", bill_workspace, "cost", "--by", "SubAccountName", "--format", form).out
        assert "\x1b" not in out, form
    assert "api\\x1b[31m|<b>" in run("--workspace", bill_workspace, "cost", "--by", "SubAccountName").out


def test_json_and_csv_keep_the_vendors_text(run: Run, bill_workspace: Path) -> None:
    arguments = ("--workspace", bill_workspace, "cost", "--by", "SubAccountName", "--format")
    assert HOSTILE in {item["SubAccountName"] for item in json.loads(run(*arguments, "json").out)["items"]}
    assert HOSTILE in {row["SubAccountName"] for row in csv.DictReader(run(*arguments, "csv").out.splitlines())}


def test_quiet_is_quiet_and_a_file_leaves_standard_output_empty(run: Run, bill_workspace: Path, tmp_path: Path) -> None:
    done = run("-q", "--workspace", bill_workspace, "cost", "-o", tmp_path / "x.json")
    assert (done.out, done.err) == ("", "")
    assert json.loads((tmp_path / "x.json").read_text())["schema"] == "costlab/cost/1"


def test_a_failed_write_leaves_the_old_file(run: Run, bill_workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("old")
    assert run("--workspace", bill_workspace, "cost", "--by", "nonsense", "-o", tmp_path / "x.csv").code == 2
    assert (tmp_path / "x.csv").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "x.csv"]


def test_queries_give_one_object_per_row_with_exact_decimals(run: Run, bill_workspace: Path) -> None:
    sql = (
        "select 1 as a, 2 as a, cast('0.100000000001' as decimal(38,12)) as d, cast('nan' as double) as n, "
        "timestamptz '2026-01-01 00:00:00+02' as t, [1, null] as l, null as z, "
        "170141183460469231731687303715884105727 as h"
    )
    done = run("--workspace", bill_workspace, "query", sql, "--format", "json")
    assert done.json["items"] == [
        {
            "a": 1, "a_1": 2, "d": "0.100000000001", "n": None, "t": "2025-12-31T22:00:00Z", "l": [1, None], "z": None,
            "h": 170141183460469231731687303715884105727,
        }
    ]  # fmt: skip


def test_the_catalogue_is_read_only_and_reaches_no_files(run: Run, bill_workspace: Path) -> None:
    for sql in (
        "select * from '/etc/passwd'", "select * from read_text('/etc/passwd')", "copy (select 1) to '/tmp/x.csv'",
        "attach '/tmp/x.db'", "install httpfs", "set threads=1", "pragma database_list", "call pragma_version()",
        "select getenv('HOME')", "create table x as select 1", "select * from glob('/etc/*')",
        "select * from query('select 1')", "select * from sniff_csv('/etc/passwd')", "load httpfs",
    ):  # fmt: skip
        done = run("--workspace", bill_workspace, "query", sql)
        assert done.code == 2, (sql, done.out)
        assert done.out == ""


def test_the_reader_of_a_pipe_may_go_away(bill_workspace: Path) -> None:
    shell = (
        " ".join(command("-q", "--workspace", bill_workspace, "query", '"select * from range(200000)"')) + " | head -1"
    )
    done = subprocess.run(shell, shell=True, capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "slow",
    [
        "select sum(a.range * b.range) from range(3000000) a, range(3000000) b",
        "select count(*) from range(100000000000)",  # DuckDB itself does not notice a signal in this one
    ],
)
def test_ctrl_c_stops_without_a_traceback_and_changes_nothing(bill_workspace: Path, slow: str) -> None:
    before = sorted(bill_workspace.rglob("*"))
    with subprocess.Popen(
        command("--workspace", bill_workspace, "query", slow),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    ) as process:  # fmt: skip
        try:
            time.sleep(2)
            for _ in range(20):
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(3)
                    break
                except subprocess.TimeoutExpired:
                    continue
            out, err = process.communicate(timeout=5)
        finally:
            process.kill()
    # a signal that meets the interpreter on its way out ends it as a signal does: 130 for the shell as well
    assert process.returncode in {130, -signal.SIGINT}, err
    assert out == ""
    assert "Stopped" in err
    assert "Traceback" not in err
    assert sorted(bill_workspace.rglob("*")) == before


def test_verbose_shows_where_an_error_comes_from_and_hides_secrets(run: Run, tmp_path: Path) -> None:
    from costlab.cli import _errors
    from costlab.errors import SourceError

    with pytest.raises(SystemExit), _errors.explained():
        raise SourceError("cannot read https://user:hunter2@host/x?sig=abc%3D&sp=r and s3://b/k?X-Amz-Signature=f00")
    done = run("-v", "--workspace", tmp_path, "cost")
    assert "Traceback" in done.err


def test_messages_redact_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    from costlab.cli import _errors

    with pytest.raises(SystemExit):
        _errors.fail("cannot read https://user:hunter2@host/x?sig=abc%3D&sp=r", "see s3://b/k?X-Amz-Signature=f00", 3)
    err = capsys.readouterr().err
    assert "hunter2" not in err
    assert "abc%3D" not in err
    assert "f00" not in err
    assert "https://***@host/x?***&***" in err


def test_output_survives_a_terminal_without_unicode(bill_workspace: Path) -> None:
    sql = "select 'Zürich → 東京' as city"
    done = subprocess.run(
        command("--workspace", bill_workspace, "query", sql), capture_output=True, check=False,
        env=environment(PYTHONIOENCODING="ascii", PYTHONUTF8="0"),
    )  # fmt: skip
    assert done.returncode == 0
    assert b"Z\\xfcrich" in done.stdout
