"""The macros of ``sql/seeds`` say what expressions with groups said, in less time."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from costlab.ingest.seeds import create_seeds
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.warehouse.connection import Connection


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """A session with the seeds."""
    con = connect()
    create_seeds(con)
    yield con
    con.close()


def one(con: Connection, expression: str, *values: Any) -> Any:
    return con.execute(f"select {expression}", list(values)).fetchall()[0][0]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("09/21/2023", date(2023, 9, 21)),
        ("9/1/2023", date(2023, 9, 1)),
        ("09/21/2023 00:00:00", date(2023, 9, 21)),
        ("2023-09-21", date(2023, 9, 21)),
        ("2023-09-21T00:00:00Z", date(2023, 9, 21)),
        ("21/09/2023", None),
        ("02/30/2023", None),
        ("ab/cd/efgh", None),
        (None, None),
    ],
)
def test_a_day_is_read_in_the_usual_notations_and_never_guessed(con: Connection, written: str, day: date) -> None:
    assert one(con, "seeds.day_in(cast(? as varchar))", written) == day


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ("/subscriptions/s/providers/Microsoft.Sql/servers/n/databases/d", "microsoft.sql/servers/databases"),
        ("/subscriptions/s/providers/Microsoft.Compute/virtualMachines/vm-1", "microsoft.compute/virtualmachines"),
        ("/providers/A.B/x/1/providers/C.D/y/2", "c.d/y"),
        ("providers/Microsoft.Capacity/orders/1/reservations/2", "microsoft.capacity/orders/reservations"),
        ("/providers/A.B/x/1/y/2/z/3/more/4", "a.b/x/y/z"),
        ("/providers/Alone", "alone"),
        ("/subscriptions/s", None),
        (None, None),
    ],
)  # fmt: skip
def test_a_resource_id_tells_its_kind(con: Connection, resource: str, kind: str) -> None:
    assert one(con, "seeds.kind_in(seeds.parts_in(cast(? as varchar)))", resource) == kind


def test_what_the_tables_of_services_say_is_a_listed_value(con: Connection) -> None:
    kinds = " union all ".join(
        f"select cast(service_category as seeds.service_category), "
        f"cast(service_subcategory as seeds.service_subcategory) from seeds.{table}"
        for table in ("aws_services", "azure_services", "gcp_services")
    )
    assert one(con, f"count(*) > 500 from ({kinds})")
