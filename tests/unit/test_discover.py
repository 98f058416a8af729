"""Connectors are found by file name; an unknown one names the nearest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import costlab_connectors
from costlab.discover import connector, connector_names
from costlab.errors import UnknownValue
from costlab.paths import shipped

FILES = sorted(p.stem for p in Path(costlab_connectors.__path__[0]).glob("[!_]*.py"))


def test_every_connector_file_is_a_connector_with_its_name() -> None:
    assert [name.replace("-", "_") for name in connector_names()] == FILES
    for name in connector_names():
        assert connector(name).name == name


def test_an_unknown_connector_names_the_nearest() -> None:
    with pytest.raises(UnknownValue) as caught:
        connector("aws-curr")
    assert re.search(r"Did you mean 'aws-cur'\?", caught.value.hint)


def test_every_connector_has_its_staging_model() -> None:
    staging = {path.stem for path in (shipped("sql") / "staging").glob("*.sql")}
    assert staging
