"""The committed samples are what the simulator makes today."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from costlab.paths import shipped
from costlab.simulate.__main__ import main
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

LEDGERS = ("ledger", "gcp/ledger", "azure/ledger")
LEDGER = ("costs", "lines", "commitments", "commitment_hours", "invoices", "resources")


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    assert main(["--out", str(folder), "--samples"]) == 0
    return folder


@pytest.mark.parametrize("ledger", LEDGERS)
def test_making_the_samples_again_gives_the_same_economics(again: Path, ledger: str) -> None:
    con = connect()
    for name in LEDGER:
        old, new = (f"select * from '{root}/{ledger}/{name}.parquet'" for root in (shipped("samples"), again))
        assert con.execute(f"select count(*) from ({old})").fetchall()[0][0] > 0
        assert con.execute(f"({old} except all {new}) union all ({new} except all {old})").fetchall() == []
    for name in ("planted.json", "summary.json"):
        texts = [json.loads((root / ledger / name).read_text()) for root in (shipped("samples"), again)]
        assert texts[0] == texts[1]


def test_making_the_samples_again_writes_the_same_files(again: Path) -> None:
    def files(root: Path) -> set[str]:
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.name != "README.md"}

    assert files(shipped("samples")) == files(again)


def test_the_samples_are_small() -> None:
    assert sum(path.stat().st_size for path in shipped("samples").rglob("*") if path.is_file()) < 14_000_000


def test_a_wrong_option_is_one_message_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path), "--scale", "smal"]) == 2
    assert "unknown scale 'smal' Did you mean 'small'?" in capsys.readouterr().err
