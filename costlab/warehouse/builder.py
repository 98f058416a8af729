"""Build the catalogue: one DuckDB file with ``focus.*``, ``marts.*``, ``metrics.*``, ``lake.*`` and ``findings.*``.

Facts stay in the lake's Parquet files and are seen through views on explicit file lists (a folder may hold
older revisions, which would count twice). File names in views are relative to the workspace, so that it can be
moved; DuckDB tries the current folder before the workspace, which is harmless because revisions are named by
their content.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from costlab.errors import ModelError
from costlab.interfaces.connector import Dataset
from costlab.interfaces.datasets import COVERAGE, INSTANTS, OBSERVATIONS, RELATIONS, STATES, TYPES
from costlab.paths import shipped
from costlab.period import Month, utc_now
from costlab.warehouse.connection import Error, connect
from costlab.warehouse.discounts import write_discounts
from costlab.warehouse.findings import Findings, write_findings
from costlab.warehouse.lake_tables import write_lake_tables
from costlab.warehouse.marts import MartCache, Part, costs_view, prepare
from costlab.warehouse.models import Materialized, Model, load_models
from costlab.warehouse.offers import default_offers
from costlab.warehouse.parquet import file_list, literal, typed_select

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from costlab.interfaces.discount import Discount
    from costlab.lake import KnownRevision, Revision
    from costlab.warehouse.connection import Connection

DEFAULT_TAG_KEYS = ("team", "env", "app", "owner", "cost-center")
_SMALL = 1_000_000
_POOR_REDUCTION = 5.0
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelRun:
    """How one model was built: its rows, how many revisions were computed or reused, seconds."""

    name: str
    rows: int
    computed: int = 0
    reused: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class BuildReport:
    """What a build made; ``mart_files`` are the cached files the catalogue's views read."""

    path: Path
    cost_rows: int
    models: list[ModelRun] = field(default_factory=list[ModelRun])
    mart_files: list[str] = field(default_factory=list[str])


def build(
    workspace: Path,
    revisions: Sequence[KnownRevision],
    target: Path,
    *,
    as_of: datetime | None = None,
    tag_keys: Sequence[str] = DEFAULT_TAG_KEYS,
    discounts: Sequence[Discount] = (),
    findings: Findings | None = None,
    keep_marts: bool = False,
) -> BuildReport:
    """Write a new catalogue file.

    Parameters
    ----------
    revisions
        What counts as known: the lake's ``known_at(as_of)``.
    target
        The file to make. A name is never used twice: within a process DuckDB answers a second open of a path
        from the first file while any handle on that is alive.
    as_of
        Rows of revisions marked as clipped count if their charge (at the latest: their billing period) ended by
        then, metric samples if they are older.
    discounts
        Negotiated ones; those in force at ``as_of`` (default: now) count.
    keep_marts
        Keep the marts of whole revisions in the workspace's cache (a publish does; otherwise it is only read).

    Returns
    -------
    BuildReport
        Rows per model, and what was computed rather than reused.

    Raises
    ------
    ModelError
        If a SQL model is wrong.
    """
    models = load_models(shipped("sql"), workspace / "sql")
    costs = [_part(known, as_of) for known in revisions if known.revision.dataset == Dataset.FOCUS]
    report = BuildReport(target, sum(part.revision.rows_loaded for part in costs))
    target.parent.mkdir(parents=True, exist_ok=True)
    con = connect(target, search_path=workspace)
    try:
        for schema in ("focus", "marts", "metrics", "inventory", "prices", "advice", "lake"):
            con.execute(f"create schema {schema}")
        prepare(con, tag_keys)
        con.execute(f"create view focus.costs as {costs_view(con, costs)}")
        for dataset, name in RELATIONS.items():
            con.execute(f"create view {name} as {_rows_of(con, dataset, revisions, as_of)}")
        _split_coverage(con)
        con.execute(f"create view prices.default_offers as {default_offers(workspace)}")
        write_discounts(con, discounts, (as_of or utc_now()).date())
        write_lake_tables(con, [known.revision for known in revisions])
        scratch = target.with_suffix(".marts")
        with MartCache(workspace, scratch, tag_keys, keep=keep_marts) as cache:
            for model in models:
                report.models.append(_materialize(con, model, costs, cache, report))
        _describe(con, models, report)
        write_findings(con, findings or Findings())
        con.execute("checkpoint")
    finally:
        con.close()
    _report_reduction(report)
    return report


def _part(known: KnownRevision, as_of: datetime | None) -> Part:
    if as_of is None or not known.is_first or Month.parse(known.revision.period).end <= as_of:
        return Part(known.revision)
    # a charge that outlasts its billing period (an upfront purchase) is known when the period is over
    return Part(known.revision, f"least(ChargePeriodEnd, BillingPeriodEnd) <= timestamp {literal(str(as_of))}")


def _rows_of(con: Connection, dataset: Dataset, revisions: Sequence[KnownRevision], as_of: datetime | None) -> str:
    """Return the SELECT of all rows of a dataset other than FOCUS; of a state, what each source told last."""
    condition = f"{INSTANTS[dataset]} < timestamp {literal(str(as_of))}" if as_of else ""
    known = [known.revision for known in revisions if known.revision.dataset == dataset]
    if as_of:
        known = [revision for revision in known if Month.parse(revision.period).start < as_of]
    if dataset in STATES:
        known = _newest(con, known, condition)
    return typed_select(con, [([file.path for file in r.files], condition) for r in known], TYPES[dataset])


def _newest(con: Connection, known: Sequence[Revision], condition: str) -> list[Revision]:
    """Return of each source the newest revision that tells something under the condition."""
    found: dict[str, Revision] = {}
    for revision in sorted(known, key=lambda revision: revision.period, reverse=True):
        if revision.source not in found and _tells(con, revision, condition):
            found[revision.source] = revision
    return list(found.values())


def _tells(con: Connection, revision: Revision, condition: str) -> bool:
    if not condition:
        return True
    files = file_list([file.path for file in revision.files])
    return bool(con.execute(f"select 1 from {files} where {condition} limit 1").fetchall())


def _split_coverage(con: Connection) -> None:
    """Tell what was looked at from the resources that were found."""
    rows = RELATIONS[Dataset.INVENTORY]
    con.execute(f"alter view {rows} rename to {OBSERVATIONS.partition('.')[2]}")
    con.execute(f"create view {rows} as select * from {OBSERVATIONS} where resource_kind <> '{COVERAGE}'")
    con.execute(
        "create view inventory.coverage as select provider, sub_account_id, region_id, name as resource_kind, state, "
        "cast(json_extract_string(properties, '$.resources') as bigint) as resources, "
        "json_extract_string(properties, '$.missing') as missing, "
        "json_extract_string(properties, '$.reason') as reason, "
        f"observed_at, x_source from {OBSERVATIONS} where resource_kind = '{COVERAGE}'"
    )


def _materialize(
    con: Connection, model: Model, costs: Sequence[Part], cache: MartCache, report: BuildReport
) -> ModelRun:
    began = time.perf_counter()
    computed = reused = 0
    try:
        if model.materialized.by_revision:
            files = [cache.rows_of(model, part) for part in costs if part.files]
            report.mart_files.extend(file.path for file in files)
            reused = sum(file.reused for file in files)
            computed = len(files) - reused
            _gather(con, model, [file.path for file in files])
        else:
            kind = "view" if model.materialized is Materialized.VIEW else "table"
            con.execute(f"create {kind} {model.name} as {model.sql}")
    except Error as error:
        raise ModelError(f"{model.path}:1: {error}") from error
    rows = con.execute(f"select count(*) from {model.name}").fetchall()[0][0]
    return ModelRun(model.name, rows, computed, reused, time.perf_counter() - began)


def _gather(con: Connection, model: Model, paths: Sequence[str]) -> None:
    """Put the rows of all revisions together: as a table, or as a view on the files."""
    if not paths:
        # over no revisions focus.costs is an empty typed view: the model itself gives the right types
        con.execute(f"create table {model.name} as {model.sql}")
    elif model.materialized is Materialized.PER_REVISION_FILES:
        con.execute(f"create view {model.name} as select * from {file_list(paths)}")
    else:
        con.execute(f"create table {model.name} as select * from {file_list(paths)}")


def _describe(con: Connection, models: Sequence[Model], report: BuildReport) -> None:
    """Write ``settings.models``: what each model is and how large, so that questions can go to the smallest."""
    con.execute(
        "create table settings.models (name varchar, description varchar, grain varchar, materialized varchar, "
        "complete varchar, complete_per varchar, rows bigint)"
    )
    for model, run in zip(models, report.models, strict=True):
        con.execute(
            "insert into settings.models values (?, ?, ?, ?, ?, ?, ?)",
            [
                model.name,
                model.description,
                ", ".join(model.grain),
                model.materialized.value,
                ", ".join(model.complete),
                model.complete_per,
                run.rows,
            ],
        )


def _report_reduction(report: BuildReport) -> None:
    for run in report.models:
        factor = report.cost_rows / run.rows if run.rows else 0.0
        too_little = run.name.startswith("marts.daily_") and factor < _POOR_REDUCTION and report.cost_rows > _SMALL
        _logger.log(
            logging.WARNING if too_little else logging.INFO,
            "%s: %d rows, %.1fx fewer than charges, %d revisions computed, %d reused, %.2f s",
            run.name, run.rows, factor, run.computed, run.reused, run.seconds,
        )  # fmt: skip
