"""The commitments the company owns, and the whole company put together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from costlab.simulate.gcp import services
from costlab.simulate.gcp.commitments import Cud
from costlab.simulate.gcp.company import PROJECTS, Builder, Company, add_machines
from costlab.simulate.prices import rate

if TYPE_CHECKING:
    from datetime import date


def build(seed: int, start: date, end: date, *, size: int) -> Company:
    """Return the company of a size: 0 is one machine of a group, 1 the ordinary one, n has n times the machines."""
    builder = Builder(seed, start, end, size)
    add_machines(builder)
    services.add_storage(builder)
    services.add_network(builder)
    services.add_data(builder)
    services.add_serverless(builder)
    services.add_trouble(builder)
    builder.company.commitments = portfolio(builder.company)
    return builder.company


def portfolio(company: Company) -> list[Cud]:
    """Return resource-based and flexible commitments of both terms; a resource-based one is not used up."""
    estate, size = company.estate, max(company.size, 1)
    small = company.size == 0
    owner = {p.id.removeprefix("quill-"): i for i, p in enumerate(PROJECTS)}
    rng = np.random.default_rng([estate.seed, 31])

    def resource(project: str, series: str, region: str, cores: int, memory: int, years: int, start: int) -> Cud:
        number = owner[project]
        name = f"{series}-{region}-{years}y"
        path = f"//compute.googleapis.com/projects/{PROJECTS[number].number}/regions/{region}/commitments/{name}"
        return Cud(path, name, number, years, start, series, region, cores, memory)

    def flexible(name: str, project: str, dollars: str, years: int, start: int) -> Cud:
        return Cud(_uuid(rng), name, owner[project], years, start, covers=rate(dollars) * size)

    etl = (8, 64) if small else (20 * size, 136 * size)
    kafka = (4, 16) if small else (16 * size, 64 * size)
    half = estate.hours // 2 // 24 * 24 + 8
    return [
        replace(resource("data-prod", "n2", "us-central1", *etl, 3, -9008), shared=False),
        resource("shop-prod", "n2d", "us-central1", *kafka, 1, -3016),
        resource("eu-prod", "n2", "europe-west1", 4 * size, 16 * size, 1, half),
        flexible("flexible-3y", "shared", "0.3" if small else "0.6", 3, -9000),
        flexible("flexible-1y", "shared", "0.3" if small else "0.5", 1, -1504),
    ]


def _uuid(rng: np.random.Generator) -> str:
    text = rng.bytes(16).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
