"""Google's price catalogue: exact prices of SKUs, tiers and units, and machines put together from cores and memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials

from costlab.errors import ConfigError, SourceError
from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.paths import shipped
from costlab.prices import Catalogue, Missing, Offer
from costlab.warehouse.catalogue import open_current, publish_lake
from costlab.warehouse.connection import connect
from costlab.warehouse.relations import Database
from costlab_connectors import _gcp_catalog
from costlab_connectors._gcp_machines import part_of, shapes
from tests.connectors.served import Asked, Reply, Service, rows, serving

HOUR = {"usageUnit": "h", "baseUnit": "s", "baseUnitConversionFactor": 3600, "displayQuantity": 1}
GIB_HOUR = {"usageUnit": "GiBy.h", "baseUnit": "By.s", "baseUnitConversionFactor": 3865470566400, "displayQuantity": 1}


def rate(nanos: int, *, units: str = "0", start: float = 0) -> dict[str, Any]:
    return {"startUsageAmount": start, "unitPrice": {"currencyCode": "USD", "units": units, "nanos": nanos}}


def sku(
    name: str, description: str, *rates: dict[str, Any], usage: str = "OnDemand",
    regions: tuple[str, ...] = ("us-central1",),
    unit: dict[str, Any] = HOUR, group: str = "CPU", family: str = "Compute", service: str = "Compute Engine",
) -> dict[str, Any]:  # fmt: skip
    return {
        "name": f"services/6F81-5844-456A/skus/{name}", "skuId": name, "description": description,
        "category": {
            "serviceDisplayName": service, "resourceFamily": family, "resourceGroup": group, "usageType": usage,
        },
        "serviceRegions": list(regions), "serviceProviderName": "Google",
        "pricingInfo": [{
            "effectiveTime": "2026-10-01T09:00:00.123Z", "summary": "", "currencyConversionRate": 1,
            "pricingExpression": {**unit, "tieredRates": list(rates)},
        }],
    }  # fmt: skip


def family(called: str, core: int, ram: int, **more: Any) -> list[dict[str, Any]]:
    return [
        sku(f"{called}-C", f"{called} Core running in Americas", rate(core), **more),
        sku(f"{called}-R", f"{called} Ram running in Americas", rate(ram), unit=GIB_HOUR, group="RAM", **more),
    ]


MACHINES = [
    *family("E2 Instance", 21811590, 2923530),
    *family("N1 Predefined Instance", 31611000, 4237000),
    *family("N2 Instance", 31611000, 4237000),
    *family("Spot Preemptible N2 Instance", 9140000, 1220000, usage="Preemptible"),
]
COMMITTED = [
    sku("C1", "Commitment v1: N2 Cpu in Americas for 1 Year", rate(19915000), usage="Commit1Yr"),
    sku("R1", "Commitment v1: N2 Ram in Americas for 1 Year", rate(2669000), usage="Commit1Yr", unit=GIB_HOUR),
    sku("C3", "Commitment v1: Cpu in Americas for 3 Years", rate(14225000), usage="Commit3Yr"),
    sku("R3", "Commitment v1: Ram in Americas for 3 Years", rate(1907000), usage="Commit3Yr", unit=GIB_HOUR),
]


def load(tmp_path: Path, *skus: dict[str, Any]) -> Database:
    place = tmp_path / "skus.json"
    place.write_text(json.dumps({"skus": skus, "nextPageToken": ""}))
    assert ingest(tmp_path / "ws", "gcp-prices", str(place)).exit_code == 0
    publish_lake(Lake(tmp_path / "ws"))
    return open_current(tmp_path / "ws")[1]


def loaded(tmp_path: Path, *skus: dict[str, Any], columns: str) -> list[tuple[Any, ...]]:
    place = tmp_path / "skus.json"
    place.write_text(json.dumps(list(skus)))
    assert ingest(tmp_path / "ws", "gcp-prices", str(place)).exit_code == 0
    return rows(tmp_path / "ws", columns)


def test_machines_are_cores_and_memory_and_three_tables_agree_on_them(tmp_path: Path) -> None:
    wanted: list[tuple[str, dict[str, Any], str]] = [
        ("e2-standard-2", {}, "0.06701142"),
        ("e2-medium", {}, "0.03350571"),
        ("e2-small", {}, "0.016752855"),
        ("e2-micro", {}, "0.0083764275"),  # a quarter of a core
        ("n1-standard-1", {}, "0.04749975"),
        ("n2-standard-2", {}, "0.097118"),
        ("n2-standard-2", {"instrument": "spot"}, "0.02804"),
        ("n2-standard-2", {"instrument": "gcp-resource-cud", "term_months": 12}, "0.061182"),
        ("n1-standard-1", {"instrument": "gcp-resource-cud", "term_months": 36}, "0.02137625"),
    ]
    with load(tmp_path, *MACHINES, *COMMITTED) as db:
        for shape, more, price in wanted:
            found = Catalogue(db).price("gcp", "us-central1", shape, **more)
            assert isinstance(found, Offer)
            assert (shape, found.price, found.x_source) == (shape, Decimal(price), "gcp-prices")


def test_every_shape_agrees_with_the_prices_that_come_with_costlab() -> None:
    """Two shapes of a family give its core and memory prices; all others must follow from them."""
    known = dict(
        connect().execute(
            "select shape, price from read_parquet($1) where provider = 'gcp' and region_id = 'us-central1' "
            "and instrument = 'ondemand' and shape is not null", [str(shipped("prices") / "offers.parquet")],
        ).fetchall()
    )  # fmt: skip
    families: dict[str, list[Any]] = {}
    for shape in shapes():
        if shape.name in known:
            families.setdefault(shape.family, []).append(shape)
    assert sum(map(len, families.values())) > 230
    for members in families.values():
        a = max(members, key=lambda s: s.memory_gib / s.billed_vcpu)
        b = min(members, key=lambda s: s.memory_gib / s.billed_vcpu)
        det = a.billed_vcpu * b.memory_gib - b.billed_vcpu * a.memory_gib
        if not det:  # one price per vCPU is all there is to compare
            assert {round(known[s.name] / s.billed_vcpu, 9) for s in members} == {
                round(known[a.name] / a.billed_vcpu, 9)
            }
            continue
        core = (known[a.name] * b.memory_gib - known[b.name] * a.memory_gib) / det
        ram = (a.billed_vcpu * known[b.name] - b.billed_vcpu * known[a.name]) / det
        for shape in members:
            price = core * shape.billed_vcpu + ram * shape.memory_gib
            assert abs(price / known[shape.name] - 1) < Decimal("0.000001"), shape


@pytest.mark.parametrize(
    ("description", "part"),
    [
        ("E2 Instance Core running in Americas", ("e2", "core")),
        ("Spot Preemptible N2D AMD Instance Ram running in Frankfurt", ("n2d", "ram")),
        ("Compute optimized Core running in Americas", ("c2", "core")),
        ("T2A Arm Instance Core running in Iowa", ("t2a", "core")),
        ("Commitment v1: Ram in Americas for 1 Year", ("n1", "ram")),
        ("Commitment v1: N2D AMD Cpu in Americas for 3 Years", ("n2d", "core")),
        ("N2 Custom Instance Core running in Americas", None),
        ("N2 Custom Extended Instance Ram running in Americas", None),
        ("N2 Sole Tenancy Instance Core running in Americas", None),
        ("Sole Tenancy Premium for N2 Sole Tenancy Instance Core running in Americas", None),
        ("C4A Arm Instance Core running in Americas", None),
        ("SSD backed Local Storage", None),
        ("Nvidia L4 GPU running in Americas", None),
    ],
)
def test_only_cores_and_memory_of_plain_machines_count(description: str, part: tuple[str, str] | None) -> None:
    assert part_of(description) == part


def test_a_machine_without_one_of_its_parts_has_no_price(tmp_path: Path) -> None:
    with load(tmp_path, sku("X", "C4 Instance Core running in Moon", rate(1000000), regions=("moon1",))) as db:
        found = Catalogue(db).price("gcp", "moon1", "c4-standard-4")
    assert isinstance(found, Missing)


def test_a_price_is_units_and_nanos_exactly(tmp_path: Path) -> None:
    found = loaded(tmp_path, sku("G", "Nvidia GPU", rate(123456789, units="12"), group="GPU"),
                   columns="price, unit, resource_kind, valid_from::text")  # fmt: skip
    assert found == [(Decimal("12.123456789"), "hour", "compute-gpu", "2026-10-01 09:00:00.123")]


def test_a_price_is_shown_per_display_quantity_and_so_are_its_tiers(tmp_path: Path) -> None:
    requests = {"usageUnit": "count", "baseUnit": "count", "baseUnitConversionFactor": 1, "displayQuantity": 1000000}
    run = sku("Q", "Requests", rate(0), rate(400, start=2000000), unit=requests, family="ApplicationServices",
              group="Requests", service="Cloud Run", regions=("global",))  # fmt: skip
    assert loaded(tmp_path, run, columns="tier_from, tier_to, price, unit, service_code, resource_kind, region_id") == [
        (Decimal(0), Decimal(2), Decimal(0), "1000000 count", "Cloud Run", "applicationservices-requests", "global"),
        (Decimal(2), None, Decimal("0.4"), "1000000 count", "Cloud Run", "applicationservices-requests", "global"),
    ]


def test_parts_priced_by_another_unit_are_converted_through_the_base_unit(tmp_path: Path) -> None:
    per_second = HOUR | {"usageUnit": "s", "baseUnitConversionFactor": 1}
    per_mib = GIB_HOUR | {"usageUnit": "MiBy.h", "baseUnitConversionFactor": 3774873600}
    core = sku("C", "E2 Instance Core running in Moon", rate(6000), unit=per_second, regions=("moon1",))
    ram = sku("R", "E2 Instance Ram running in Moon", rate(3000), unit=per_mib, regions=("moon1",))
    with load(tmp_path, core, ram) as db:
        found = Catalogue(db).price("gcp", "moon1", "e2-standard-2")
    assert isinstance(found, Offer)
    assert found.price == Decimal("0.067776")  # 2 * 0.0216 + 8 * 0.003072


def test_a_sku_of_several_regions_is_an_offer_in_each(tmp_path: Path) -> None:
    found = loaded(tmp_path, sku("D", "SSD backed PD Capacity", rate(170000000), regions=("us-east1", "us-west1"),
                   unit={"usageUnit": "GiBy.mo", "displayQuantity": 1}, family="Storage", group="SSD"),
                   columns="region_id, unit, sku_id, resource_kind")  # fmt: skip
    assert found == [(region, "GiB-month", "D", "storage-ssd") for region in ("us-east1", "us-west1")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"skus": [', "ends too early"),
        ("[", "ends too early"),
        ('{"skus": [{"skuId": "X"}]}', "not a SKU"),
        ("[7]", "not a SKU"),
        ('{"items": []}', "no offer that costlab knows"),
        (json.dumps([sku("D", "x", {"startUsageAmount": "many", "unitPrice": {}})]), "not a SKU"),
    ],
)
def test_what_is_no_sku_changes_nothing(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "skus.json").write_text(content)
    with pytest.raises(SourceError, match=said):
        ingest(tmp_path / "ws", "gcp-prices", str(tmp_path / "skus.json"))
    assert Lake(tmp_path / "ws").current().revisions == ()


class Catalog:
    """Three services, one of them a stranger's; Compute Engine's SKUs come in two pages."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []

    def __call__(self, asked: Asked) -> Reply:
        if self.replies:
            return self.replies.pop(0)
        if asked.path == "/v1/services":
            names = (("6F81-5844-456A", "Compute Engine", "GCP"), ("95FF-2EF5-5EA1", "Cloud Storage", "GCP"),
                     ("AAAA-0000-0000", "Database of Others", "Others"))  # fmt: skip
            return Reply({"services": [
                {"name": f"services/{i}", "serviceId": i, "displayName": n,
                 "businessEntityName": f"businessEntities/{who}"}
                for i, n, who in names
            ]})  # fmt: skip
        if asked.path == "/v1/services/6F81-5844-456A/skus":
            core, ram = family("E2 Instance", 21811590, 2923530)
            last = "pageToken" in asked.query
            return Reply({"skus": [ram if last else core], "nextPageToken": "" if last else "2"})
        assert asked.path == "/v1/services/95FF-2EF5-5EA1/skus"
        return Reply({"skus": [sku("S", "Standard Storage US Regional", rate(20000000), service="Cloud Storage",
                                   unit={"usageUnit": "GiBy.mo", "displayQuantity": 1.0}, family="Storage",
                                   group="RegionalStorage")]})  # fmt: skip


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
def service(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(_gcp_catalog, "credentials", lambda _: AnonymousCredentials())  # type: ignore[no-untyped-call]
    with serving(catalog) as running:
        yield running


def pull(workspace: Path, service: Service, uri: str = "gcp://") -> None:
    assert ingest(workspace, "gcp-prices", uri, options={"endpoint": service.url}).exit_code == 0


def test_the_catalogue_is_read_page_by_page_from_google_s_own_services(
    tmp_path: Path, service: Service, catalog: Catalog
) -> None:
    catalog.replies.append(Reply({"error": {"code": 503, "message": "busy"}}, 503))
    pull(tmp_path, service)
    found = rows(tmp_path, "shape, sku_id, price")
    assert ("e2-standard-2", None, Decimal("0.06701142")) in found
    assert (None, "S", Decimal("0.02")) in found
    assert len(service.asked) == 5  # busy, services, two pages, one page


def test_only_the_services_that_are_named_are_read(tmp_path: Path, service: Service) -> None:
    pull(tmp_path, service, "gcp://Cloud Storage")
    assert rows(tmp_path, "service_code, sku_id") == [("Cloud Storage", "S")]


@pytest.mark.parametrize(
    ("status", "message", "error", "said"),
    [
        (401, "no", ConfigError, "does not accept the credentials"),
        (403, "API has not been used in project 1", ConfigError, "cloudbilling.googleapis.com is not enabled"),
        (403, "no", ConfigError, "denies serviceusage.services.use"),
        (400, "no", SourceError, "does not answer"),
    ],
)
def test_a_refusal_says_what_is_missing_and_changes_nothing(
    tmp_path: Path, service: Service, catalog: Catalog, status: int, message: str, error: type[Exception], said: str
) -> None:
    catalog.replies.append(Reply({"error": {"code": status, "message": message}}, status))
    with pytest.raises(error, match=said):
        pull(tmp_path, service)
    assert Lake(tmp_path).current().revisions == ()


def test_a_service_that_is_not_there_is_named(tmp_path: Path, service: Service) -> None:
    with pytest.raises(SourceError, match="'Cloud Magic' is not a service"):
        pull(tmp_path, service, "gcp://Cloud Magic")
