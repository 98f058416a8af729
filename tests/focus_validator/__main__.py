"""``python -m tests.focus_validator [FILE.parquet]``: say what the official validator thinks of an export.

Without a file a bill of each cloud is exported and checked, one also with planted faults. Exit code 1 if a rule fails
that is not on the allowlist, or a planted fault is not noticed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.focus_validator.environment import Unavailable, Validator, validator
from tests.focus_validator.report import allowlist
from tests.focus_validator.samples import (
    CLOUDS,
    FAULTS,
    WHOLE_FAULTS,
    simulated_export,
    stratified,
    with_faults,
    with_whole_fault,
)


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    try:
        found = validator()
    except Unavailable as error:
        sys.stderr.write(f"not checked: {error}\n")
        return 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments:
            wrong = _sound(found, stratified(Path(arguments[0]), folder / "sample.parquet"))
        else:
            exports = {cloud: simulated_export(folder, cloud) for cloud in CLOUDS}
            wrong = sum(
                _sound(found, stratified(export, folder / f"{cloud}-sample.parquet"), cloud)
                for cloud, export in exports.items()
            )
            wrong += _faulty(found, folder, stratified(exports["aws"], folder / "small.parquet", rows=500))
    return 1 if wrong else 0


def _sound(found: Validator, sample: Path, name: str = "") -> int:
    began = time.perf_counter()
    report = found.run(sample)
    sys.stdout.write(f"{name} {report}".lstrip() + f" in {time.perf_counter() - began:.1f} s\n")
    unknown = {rule: text for rule, text in report.failed.items() if rule not in allowlist()}
    for rule, text in unknown.items():
        sys.stdout.write(f"FAIL {rule} ({text}\n")
    return len(unknown)


def _faulty(found: Validator, folder: Path, small: Path) -> int:
    planted = [fault for fault in FAULTS if fault.rule]
    failed = found.run(with_faults(small, folder / "faults.parquet")).failed
    missed = [fault.name for fault in planted if fault.rule not in failed]
    for fault in WHOLE_FAULTS:
        report = found.run(with_whole_fault(small, folder / "whole.parquet", fault))
        missed += [fault.name] if fault.rule not in report.failed else []
    sys.stdout.write(f"{len(planted) + len(WHOLE_FAULTS) - len(missed)} planted faults noticed\n")
    for name in missed:
        sys.stdout.write(f"MISSED {name}\n")
    return len(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
