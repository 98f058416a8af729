"""What a vendor changed is shown to the last digit, per group and currency."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from costlab.errors import UnknownValue
from costlab.warehouse.restatements import restatement
from tests.support import focus_rows, write_revision


def test_only_what_changed_is_listed_largest_first(tmp_path: Path) -> None:
    same = {"ServiceName": "S3", "BilledCost": 5}
    older = write_revision(
        tmp_path,
        focus_rows([same, {"ServiceName": "EC2", "BilledCost": 10}, {"ServiceName": "Gone", "BilledCost": "0.5"}]),
        revision="r1",
    )
    newer = write_revision(
        tmp_path, focus_rows([same, {"ServiceName": "EC2", "BilledCost": 7}, {"ServiceName": "New"}]), revision="r2"
    )
    changes = restatement(tmp_path, older.revision, newer.revision, by=["ServiceName"])
    assert [(c.group["ServiceName"], c.billed_change, c.effective_change) for c in changes] == [
        ("EC2", Decimal(-3), Decimal(-3)),
        ("New", Decimal(1), Decimal(1)),
        ("Gone", Decimal("-0.5"), Decimal("-0.5")),
    ]
    assert (changes[1].billed_before, changes[1].rows_before, changes[2].billed_after) == (None, 0, None)


def test_rows_moved_between_accounts_show_although_the_total_is_the_same(tmp_path: Path) -> None:
    older = write_revision(tmp_path, focus_rows([{"SubAccountId": "1"}]), revision="r1")
    newer = write_revision(tmp_path, focus_rows([{"SubAccountId": None}]), revision="r2")
    changes = restatement(tmp_path, older.revision, newer.revision)
    assert {(c.group["SubAccountId"], c.billed_change) for c in changes} == {("1", Decimal(-1)), (None, Decimal(1))}


def test_currencies_are_never_added(tmp_path: Path) -> None:
    older = write_revision(tmp_path, focus_rows([{"BilledCost": 1}]), revision="r1")
    newer = write_revision(tmp_path, focus_rows([{"BilledCost": 1, "BillingCurrency": "EUR"}]), revision="r2")
    changes = restatement(tmp_path, older.revision, newer.revision, by=["ServiceName"])
    assert {c.group["BillingCurrency"] for c in changes} == {"USD", "EUR"}


def test_equal_revisions_have_no_changes(tmp_path: Path) -> None:
    rows = focus_rows([{"BilledCost": "0.1"}, {"BilledCost": "0.2"}])
    older = write_revision(tmp_path, rows, revision="r1")
    newer = write_revision(tmp_path, rows[::-1], revision="r2")
    assert restatement(tmp_path, older.revision, newer.revision) == []


def test_an_unknown_column_is_refused(tmp_path: Path) -> None:
    known = write_revision(tmp_path, focus_rows([{}]))
    with pytest.raises(UnknownValue, match="ServiceNam"):
        restatement(tmp_path, known.revision, known.revision, by=["ServiceNam"])
