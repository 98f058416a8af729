"""The validator's own Python environment, and one run of it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.focus_validator.report import Report, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUIREMENTS = ("focus-validator==2.2.1", "pyarrow<21")
VERSION = "1.2.0.1"
MODEL_SHA256 = "639b302ace9edd05922e3d15fcedf62723c92e7cf25e0a7a6684dd4fd4076fec"
FOLDER_VARIABLE = "COSTLAB_FOCUS_VALIDATOR"
_TIMEOUT = 600


class Unavailable(Exception):
    """The validator cannot be had on this machine."""


@dataclass(frozen=True, slots=True)
class Validator:
    """An installed validator; ``packages`` is its site-packages folder."""

    folder: Path
    packages: Path

    def run(self, data: Path) -> Report:
        """Return what it says about a Parquet file with the columns of FOCUS 1.2.

        Its exit code says nothing (0 with failures), so the report is read. It opens its currency list relative to the
        working directory, and would ask GitHub for newer models.
        """
        command = [
            str(self.folder / "bin" / "focus-validator"),
            *("--data-file", str(data.absolute()), "--validate-version", VERSION),
            *("--focus-dataset", "CostAndUsage", "--applicability-criteria", "ALL"),
            *("--block-download", "--show-violations"),
        ]
        done = subprocess.run(command, cwd=self.packages, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
        return parse(done.stdout + done.stderr)


def validator(*, may_install: bool = True) -> Validator:
    """Return the validator, installed on first use (0.6 GB) in the folder that ``COSTLAB_FOCUS_VALIDATOR`` names.

    Without the variable it is a cache of the user.

    Raises
    ------
    Unavailable
        If there is no Python 3.12, the packages cannot be had, or the model is not the one known.
    """
    place = Path(os.environ.get(FOLDER_VARIABLE) or Path.home() / ".cache" / "costlab" / "focus-validator")
    found = _installed(place)
    if found is None and may_install:
        _install(place)
        found = _installed(place)
    if found is None:
        raise Unavailable(f"the validator is not in {place}; `python -m tests.focus_validator` installs it")
    _check_model(found.packages / "focus_validator" / "rules" / f"model-{VERSION}.json")
    return found


def _installed(folder: Path) -> Validator | None:
    packages = folder / "lib" / "python3.12" / "site-packages"
    ready = (folder / "bin" / "focus-validator").is_file() and (packages / "focus_validator").is_dir()
    return Validator(folder, packages) if ready else None


def _install(folder: Path) -> None:
    python = _python()
    try:
        subprocess.run(
            [python, "-m", "venv", "--clear", str(folder)], check=True, capture_output=True, timeout=_TIMEOUT
        )
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", *REQUIREMENTS]
        subprocess.run(pip, check=True, capture_output=True, timeout=_TIMEOUT)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"cannot install {' '.join(REQUIREMENTS)}: {error}") from error


def _python() -> str:
    for candidate in _candidates():
        try:
            told = subprocess.run(
                [candidate, "-c", "import sys; print(sys.version_info[:2] == (3, 12))"],
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
        except OSError:
            continue
        if told.stdout.strip() == "True":
            return candidate
    raise Unavailable("no Python 3.12 on this machine")


def _candidates() -> Iterator[str]:
    """Yield what may be Python 3.12; a version manager's stand-in may refuse to run."""
    for name in ("python3.12", "python3", "python"):
        if found := shutil.which(name):
            yield found
    for path in sorted((Path.home() / ".pyenv" / "versions").glob("3.12*/bin/python3.12"), reverse=True):
        yield str(path)


def _check_model(model: Path) -> None:
    found = hashlib.sha256(model.read_bytes()).hexdigest()
    if found != MODEL_SHA256:
        raise Unavailable(f"{model.name} is {found}, not the model these tests were written for")
