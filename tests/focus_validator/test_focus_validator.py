"""The official validator finds nothing in an export but what it finds in every file, and notices planted faults."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from costlab.focus.conformance import PAID_IS_USED, Weight, breaches
from costlab.warehouse.connection import connect
from costlab.warehouse.relations import Database
from tests.focus_validator.environment import FOLDER_VARIABLE, Unavailable, Validator, validator
from tests.focus_validator.report import allowlist, parse
from tests.focus_validator.samples import (
    CLOUDS,
    FAULTS,
    WHOLE_FAULTS,
    Fault,
    WholeFault,
    as_costs,
    simulated_export,
    stratified,
    with_faults,
    with_whole_fault,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.focus_validator.report import Report

OUTPUT = """
=== Validation Results ===
Total: 4 | Pass: 1 | Fail: 2 | Skipped: 1
⏭️ A-C-003-C: SKIPPED  (violations=0, reason=Rule skipped)
✅ A-C-000-C: PASS  (violations=0, 1.4ms)
❌ B-C-003-M: FAIL  (violations=1, msg=B MUST NOT be NULL., 1.9ms)
❌ B-C-000-M: FAIL  (violations=1, msg=B-C-000-M: AND failed - failed child rules: [B-C-003-M])
"""


def test_a_report_is_read_from_its_text() -> None:
    report = parse(OUTPUT)
    assert (report.total, report.passed, report.skipped) == (4, 1, 1)
    assert list(report.failed) == ["B-C-003-M", "B-C-000-M"]
    assert str(report) == "4 rules: 1 pass, 2 fail, 1 skipped"


@pytest.mark.parametrize("text", ["", "Traceback: crashed", OUTPUT.replace("Fail: 2", "Fail: 3")])
def test_no_report_is_not_a_good_report(text: str) -> None:
    with pytest.raises(ValueError, match="validator"):
        parse(text)


def test_every_known_artefact_has_a_reason() -> None:
    assert len(allowlist()) == 11
    assert all(allowlist().values())


@pytest.fixture(scope="module")
def official() -> Validator:
    try:
        return validator(may_install=FOLDER_VARIABLE in os.environ)
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=CLOUDS)
def cloud(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sample(cloud: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("focus")
    return stratified(simulated_export(folder, cloud), folder / "sample.parquet")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    return stratified(simulated_export(folder), folder / "small.parquet", rows=500)


@pytest.fixture(scope="module")
def faulty(official: Validator, small: Path) -> Report:
    return official.run(with_faults(small, small.with_name("faulty.parquet")))


@pytest.mark.slow
def test_the_validator_finds_nothing_but_its_own_artefacts(official: Validator, sample: Path) -> None:
    report = official.run(sample)
    assert report.failed.keys() <= allowlist().keys()
    assert report.passed >= 357
    assert report.skipped == 210


@pytest.mark.slow
def test_the_validator_finds_nothing_in_an_export_of_real_charges(
    official: Validator, shared_data: Path, tmp_path: Path
) -> None:
    from costlab.ingest import ingest
    from costlab.lake import Lake
    from costlab.warehouse.catalogue import publish_lake
    from costlab.warehouse.export import export_focus

    ingest(tmp_path, "focus", str(shared_data / "focus" / "focus_sample_1000.csv"), source="sample")
    publish_lake(Lake(tmp_path))
    export_focus(tmp_path, "1.2", tmp_path / "out.parquet")
    report = official.run(tmp_path / "out.parquet")
    assert report.failed.keys() <= allowlist().keys()
    assert report.passed >= 357


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.rule], ids=lambda fault: fault.name)
def test_a_planted_fault_is_noticed(faulty: Report, fault: Fault) -> None:
    assert fault.rule in faulty.failed
    assert fault.rule not in allowlist()


@pytest.mark.slow
@pytest.mark.parametrize("fault", WHOLE_FAULTS, ids=lambda fault: fault.name)
def test_a_fault_of_the_whole_file_is_noticed(
    official: Validator, small: Path, tmp_path: Path, fault: WholeFault
) -> None:
    assert fault.rule in official.run(with_whole_fault(small, tmp_path / "whole.parquet", fault)).failed


@pytest.mark.slow
def test_costlab_notices_what_the_validator_cannot(small: Path) -> None:
    found = _own_rules(with_faults(small, small.with_name("own.parquet")))
    assert {fault.own for fault in FAULTS if fault.own} <= found


@pytest.mark.slow
def test_an_export_breaks_no_rule_of_costlab(cloud: str, sample: Path) -> None:
    # a sample of the charges is not all of a commitment's, nor does an export tell what was paid upfront;
    # Google bills usage at a commitment's price and takes it off the fee (docs/sources.md)
    expected = {PAID_IS_USED.id, *({"BilledCost-used"} if cloud == "gcp" else ())}
    assert _own_rules(sample) - expected == set()


def _own_rules(file: Path) -> set[str]:
    con = connect()
    try:
        as_costs(con, file)
        return {breach.rule.id for breach in breaches(Database(con)) if breach.rule.weight is Weight.BROKEN}
    finally:
        con.close()
