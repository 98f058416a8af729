"""Google's billing export read from BigQuery, over its REST API served on loopback, with Google's own client."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from costlab.errors import ConfigError, SchemaDrift, SourceError, UsageError
from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.period import Month
from costlab_connectors import _bigquery
from tests.connectors.bigquery_server import BigQuery, Fault, Served, column, record
from tests.connectors.test_gcp_ingest import LINE, actions, load, loaded, write_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from costlab.ingest import IngestReport

Row = dict[str, Any]
LABEL = (column("key"), column("value"))
SCHEMA = (
    column("billing_account_id"),
    record("service", column("id"), column("description")),
    record("sku", column("id"), column("description")),
    column("usage_start_time", "TIMESTAMP"),
    column("usage_end_time", "TIMESTAMP"),
    record(
        "project",
        column("id"),
        column("number"),
        column("name"),
        record("labels", *LABEL, repeated=True),
        column("ancestry_numbers"),
    ),
    record("labels", *LABEL, repeated=True),
    record("system_labels", *LABEL, repeated=True),
    record("tags", *LABEL, column("inherited", "BOOLEAN"), column("namespace"), repeated=True),
    record("location", column("location"), column("country"), column("region"), column("zone")),
    record("resource", column("name"), column("global_name")),
    column("cost", "FLOAT"),
    column("currency"),
    column("currency_conversion_rate", "FLOAT"),
    record(
        "usage",
        column("amount", "FLOAT"),
        column("unit"),
        column("amount_in_pricing_units", "FLOAT"),
        column("pricing_unit"),
    ),
    record(
        "credits",
        column("name"),
        column("amount", "FLOAT"),
        column("full_name"),
        column("id"),
        column("type"),
        repeated=True,
    ),
    record("invoice", column("month"), column("publisher_type")),
    column("cost_type"),
    column("export_time", "TIMESTAMP"),
    column("cost_at_list", "FLOAT"),
    record(
        "price",
        column("list_price", "NUMERIC"),
        column("effective_price", "NUMERIC"),
        column("pricing_unit_quantity", "NUMERIC"),
    ),
)
TABLE = "acme-billing.export.gcp_billing_export_resource_v1_0A0A0A_0B0B0B_0C0C0C"
URI = f"bigquery://{TABLE.replace('.', '/')}"
MARCH = [LINE, LINE | {"cost": 12345.678901234567, "credits": [], "labels": []}, LINE | {"cost": -0.25}]
APRIL = LINE | {"invoice": {"month": "202604", "publisher_type": "GOOGLE"}, "export_time": "2026-04-02 07:00:00 UTC"}


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQuery]:
    patience = {"initial": 0.01, "maximum": 0.02, "multiplier": 1.0, "timeout": 0.3}
    monkeypatch.setattr(_bigquery, "PATIENCE", patience)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with Served() as state:
        state.create(TABLE, SCHEMA)
        yield state


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


def pull(
    workspace: Path,
    google: BigQuery,
    uri: str = URI,
    *,
    period: str = "",
    told: list[str] | None = None,
    options: dict[str, str] | None = None,
    **more: str,
) -> IngestReport:
    return ingest(
        workspace,
        "gcp-billing-export",
        uri,
        source="gcp",
        options={"endpoint": google.endpoint, **(options or {}), **more},
        period=Month.parse(period) if period else None,
        progress=(told if told is not None else []).append,
    )


def fill(google: BigQuery) -> None:
    google.insert(TABLE, MARCH, loaded="2026-03-06")
    google.insert(TABLE, [APRIL], loaded="2026-04-02")


def test_a_table_gives_the_same_charges_as_its_files(workspace: Path, tmp_path: Path, google: BigQuery) -> None:
    fill(google)
    report = pull(workspace, google)
    assert (report.exit_code, report.warnings) == (0, [])
    assert actions(report) == [("2026-03", "loaded"), ("2026-04", "loaded")]
    load(workspace, write_lines(tmp_path / "a.jsonl", [*MARCH, APRIL]), source="files")
    assert loaded(workspace) == loaded(workspace, source="files")
    march = report.periods[0].item()
    assert march["billed_cost_loaded"] == Decimal("12345.678901234567") + Decimal("-0.15") - 2 * Decimal("0.010002")


def test_every_query_bounds_the_partitions_names_its_columns_and_has_a_limit(workspace: Path, google: BigQuery) -> None:
    fill(google)
    pull(workspace, google, max_gb="2")
    assert len(google.ran) == 3
    for sql, limit, _ in google.queries:
        assert "_PARTITIONTIME >= @since" in sql
        assert "*" not in sql.replace("COUNT(*)", "")
        assert limit <= 2_000_000_000
    # what is left aside is not paid for
    assert not any("ancestry" in sql or "conversion_rate" in sql or "publisher_type" in sql for sql in google.ran)


def test_the_price_is_said_before_a_query_runs(workspace: Path, google: BigQuery) -> None:
    fill(google)
    google.row_bytes = 1 << 30
    told: list[str] = []
    pull(workspace, google, told=told)
    said = [line for line in told if "USD" in line]
    assert said[0].endswith(
        "looking for new rows reads 4.295 GB, 0.0244 USD on demand (6.25 USD per TiB, US list price of 2026-11)"
    )
    assert "reading 2 month(s) reads 4.295 GB, 0.0244 USD" in said[1]
    assert told.index(said[1]) < next(i for i, line in enumerate(told) if "2026-03: reading" in line)


def test_an_unchanged_table_costs_one_cheap_query(workspace: Path, google: BigQuery) -> None:
    fill(google)
    pull(workspace, google)
    before, manifest = len(google.ran), Lake(workspace).current()
    report = pull(workspace, google)
    assert len(google.ran) == before + 1
    assert "billing_month" in google.ran[-1]
    assert {action for _, action in actions(report)} == {"unchanged"}
    assert Lake(workspace).current() == manifest


def test_rows_that_arrive_five_days_later_replace_the_month(workspace: Path, google: BigQuery) -> None:
    fill(google)
    pull(workspace, google)
    april = loaded(workspace, "count(*) as n")
    late = LINE | {"export_time": "2026-04-05 07:00:00 UTC", "cost": 0.5, "credits": []}
    google.insert(TABLE, [late], loaded="2026-04-05")
    before = len(google.ran)
    report = pull(workspace, google)
    assert dict(actions(report))["2026-03"] == "replaced"
    assert len(google.ran) == before + 2  # april is not read again
    assert loaded(workspace, "count(*) as n")[0]["n"] == april[0]["n"] + 1
    revision = Lake(workspace).current().find("focus", "gcp", "2026-03")
    assert revision is not None
    assert revision.order == "2026-04-05 07:00:00"
    # the month is older than the partitions looked at: its newest rows alone tell that nothing is new
    assert actions(pull(workspace, google)) == [("2026-03", "unchanged"), ("2026-04", "unchanged")]
    assert len(google.ran) == before + 3


def test_a_month_that_was_rejected_between_others_is_read_again(workspace: Path, google: BigQuery) -> None:
    fill(google)
    may = LINE | {"invoice": {"month": "202605"}, "export_time": "2026-05-02 07:00:00 UTC"}
    google.insert(TABLE, [may], loaded="2026-05-02")
    told: list[str] = []
    for period in ("2026-03", "2026-05"):
        pull(workspace, google, period=period)
    report = pull(workspace, google, told=told)
    assert actions(report) == [("2026-04", "loaded"), ("2026-05", "unchanged")]
    assert any(line.endswith("months before 2026-03 are read with --period only") for line in told)


def test_fewer_rows_than_were_counted_reject_the_month(
    workspace: Path, google: BigQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(google)
    whole = google.results
    monkeypatch.setattr(google, "results", lambda job, start: {**whole(job, start), "pageToken": None})
    report = pull(workspace, google)
    assert actions(report) == [("2026-03", "rejected"), ("2026-04", "loaded")]
    assert report.periods[0].error == "2026-03: BigQuery counted 3 rows and delivered fewer"


def test_months_whose_files_were_lost_are_read_again(workspace: Path, google: BigQuery) -> None:
    fill(google)
    pull(workspace, google)
    (workspace / Lake(workspace).current().revisions[1].files[0].path).unlink()
    assert actions(pull(workspace, google)) == [("2026-03", "unchanged"), ("2026-04", "replaced")]


def test_one_period_is_read_alone(workspace: Path, google: BigQuery) -> None:
    fill(google)
    assert actions(pull(workspace, google, period="2026-04")) == [("2026-04", "loaded")]
    assert len(google.ran) == 2
    with pytest.raises(SourceError, match="nothing of 2026-05"):
        pull(workspace, google, period="2026-05")


def test_a_dataset_is_searched_for_the_detailed_export_first(workspace: Path, google: BigQuery) -> None:
    fill(google)
    plain = "acme-billing.export.gcp_billing_export_v1_0A0A0A_0B0B0B_0C0C0C"
    google.create(plain, SCHEMA)
    pull(workspace, google, "bigquery://acme-billing/export")
    assert all(TABLE in sql for sql in google.ran)
    del google.tables[TABLE]
    google.insert(plain, [LINE], loaded="2026-03-06")
    pull(workspace, google, "bigquery://acme-billing/export/")
    assert plain in google.ran[-1]
    del google.tables[plain]
    with pytest.raises(SourceError, match="no billing table there"):
        pull(workspace, google, "bigquery://acme-billing/export")


def test_a_run_that_would_read_more_than_it_may_reads_nothing(workspace: Path, google: BigQuery) -> None:
    fill(google)
    google.row_bytes = 10**9
    with pytest.raises(ConfigError, match=r"looking for new rows would read 4.000 GB, 0.0227 USD on demand; at most 3"):
        pull(workspace, google, max_gb="3")
    assert google.ran == []
    with pytest.raises(ConfigError, match=r"4.000 GB.* after 4.000 GB in this run; at most 7.000 GB") as caught:
        pull(workspace, google, max_gb="7")
    assert "max_gb" in caught.value.hint
    assert len(google.ran) == 1
    assert Lake(workspace).current().revisions == ()


@pytest.mark.parametrize(
    "status",
    [(503, "backendError"), (429, "rateLimitExceeded"), (403, "rateLimitExceeded"), (0, "the connection is cut")],
)
def test_a_passing_fault_is_tried_again(workspace: Path, google: BigQuery, status: tuple[int, str]) -> None:
    fill(google)
    google.faults = [Fault(pattern, *status, times=2) for pattern in ("tables", "POST.*jobs", "queries")]
    assert actions(pull(workspace, google)) == [("2026-03", "loaded"), ("2026-04", "loaded")]
    assert [fault.times for fault in google.faults] == [0, 0, 0]


def test_another_project_may_pay_for_the_queries(workspace: Path, google: BigQuery) -> None:
    fill(google)
    pull(workspace, google, job_project="acme-analytics")
    jobs = {request for request in google.requests if request.startswith("POST")}
    assert jobs == {"POST /bigquery/v2/projects/acme-analytics/jobs"}
    assert all("`acme-billing.export." in sql for sql, *_ in google.queries)


def test_a_storm_of_faults_leaves_the_live_month(workspace: Path, google: BigQuery) -> None:
    fill(google)
    pull(workspace, google)
    manifest = Lake(workspace).current()
    google.insert(TABLE, [LINE | {"export_time": "2026-04-05 07:00:00 UTC"}], loaded="2026-04-05")
    google.faults = [Fault("GET .*/queries/", 503, "backendError")]
    with pytest.raises(SourceError, match="does not answer now"):
        pull(workspace, google)
    assert Lake(workspace).current() == manifest


def test_a_failed_job_is_explained(workspace: Path, google: BigQuery) -> None:
    fill(google)
    google.job_error = {"reason": "resourcesExceeded", "message": "Resources exceeded during query execution\nmore"}
    with pytest.raises(SourceError, match=r"refused the query: .*Resources exceeded during query execution"):
        pull(workspace, google)


def test_a_missing_permission_is_named(workspace: Path, google: BigQuery) -> None:
    denied = "Access Denied: Project acme-billing: User does not have bigquery.jobs.create permission in project"
    google.faults = [Fault("POST", 403, "accessDenied", denied)]
    with pytest.raises(ConfigError, match=r"permission bigquery\.jobs\.create is missing") as caught:
        pull(workspace, google)
    assert "roles/bigquery.jobUser" in caught.value.hint
    google.faults = [Fault("POST", 403, "accessDenied", "Access Denied: Table x: User may not query it")]
    with pytest.raises(ConfigError, match=r"permission bigquery\.tables\.getData is missing"):
        pull(workspace, google)


def test_an_expired_token_is_a_matter_of_configuration(workspace: Path, google: BigQuery) -> None:
    google.faults = [Fault("GET", 401, "authError", "Invalid Credentials")]
    with pytest.raises(ConfigError, match="expired, revoked or wrong"):
        pull(workspace, google)


def test_a_key_that_was_revoked_is_a_matter_of_configuration_and_never_shown(workspace: Path, google: BigQuery) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = {
        "type": "service_account",
        "client_email": "costlab@acme-billing.iam.gserviceaccount.com",
        "private_key": private.decode(),
        "token_uri": f"{google.endpoint}/token",
    }
    google.faults = [Fault("POST /token", 400, "invalid_grant", "Invalid JWT Signature.")]
    with pytest.raises(ConfigError, match="expired, revoked or wrong") as caught:
        pull(workspace, google, credentials=json.dumps(key))
    assert private.decode()[100:140] not in str(caught.value) + caught.value.hint
    assert google.requests == ["POST /token"]


def test_a_table_without_rows_and_one_without_a_column_are_told(workspace: Path, google: BigQuery) -> None:
    with pytest.raises(SourceError, match="holds no rows"):
        pull(workspace, google)
    google.create(TABLE, [item for item in SCHEMA if item["name"] not in {"cost", "export_time"}])
    with pytest.raises(SchemaDrift, match="mandatory column missing: cost, export_time"):
        pull(workspace, google)
    with pytest.raises(SourceError, match="was not found in BigQuery"):
        pull(workspace, google, "bigquery://acme-billing/export/other")


def test_rows_without_an_invoice_month_are_counted_and_told(workspace: Path, google: BigQuery) -> None:
    fill(google)
    google.insert(TABLE, [LINE | {"invoice": {"month": None, "publisher_type": None}}], loaded="2026-03-06")
    report = pull(workspace, google)
    assert report.warnings[0] == "1 rows without an invoice month were not read"


def test_new_columns_are_kept_and_told(workspace: Path, google: BigQuery) -> None:
    extra = (*SCHEMA, column("carbon", "INTEGER"), column("odd`; drop"))
    google.tables[TABLE]["schema"]["fields"] = [*extra]
    google.con.execute(f'alter table "{TABLE}" add column carbon bigint')
    google.con.execute(f'alter table "{TABLE}" add column "odd`; drop" varchar')
    google.insert(TABLE, [LINE | {"carbon": 3}], loaded="2026-03-06")
    report = pull(workspace, google)
    assert report.warnings == [
        "columns with unusual names were not read: 'odd`; drop'",
        "2026-03: columns that are not known, kept in x_extra: carbon",
    ]
    assert {row["x_extra"] for row in loaded(workspace)} == {'{"carbon":"3"}'}


def test_a_table_in_one_piece_and_one_by_another_column_are_read_too(workspace: Path, google: BigQuery) -> None:
    view = "acme-billing.export.gcp_billing_export_v1_view"
    google.create(view, SCHEMA, partition=None)
    google.insert(view, MARCH)
    assert actions(pull(workspace, google, f"bigquery://{view.replace('.', '/')}")) == [("2026-03", "loaded")]
    assert "@since" not in google.ran[-1]
    dated = "acme-billing.export.gcp_billing_export_v1_copy"
    google.create(dated, [*SCHEMA, column("day", "DATE")], partition="day")
    google.insert(dated, [item | {"day": "2026-03-05"} for item in MARCH])
    pull(workspace, google, f"bigquery://{dated.replace('.', '/')}")
    assert "`day` >= @since" in google.ran[-1]


@pytest.mark.parametrize(
    "uri",
    [
        "bigquery://p",
        "bigquery://acme-billing/a-b",
        "bigquery://acme-billing/export/t` where true --",
        "bigquery://a/b/c",
    ],
)
def test_what_is_no_name_never_reaches_a_query(workspace: Path, google: BigQuery, uri: str) -> None:
    with pytest.raises(UsageError, match="names no BigQuery table"):
        pull(workspace, google, uri)
    assert google.requests == []


@pytest.mark.parametrize(("option", "value"), [("max_gb", "much"), ("max_gb", "-1"), ("lookback_days", "x")])
def test_options_that_are_no_numbers_are_refused(workspace: Path, google: BigQuery, option: str, value: str) -> None:
    with pytest.raises(UsageError, match=option):
        pull(workspace, google, options={option: value})
    assert google.ran == []


def test_tokens_go_over_https_only_and_keys_are_not_shown(workspace: Path, google: BigQuery, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not https"):
        pull(workspace, google, endpoint="http://bigquery.example.com")
    key = tmp_path / "key.json"
    key.write_text('{"type": "service_account", "private_key": "s3cr3t"}')
    with pytest.raises(ConfigError, match="the key file is not complete") as caught:
        pull(workspace, google, credentials=str(key))
    assert "s3cr3t" not in str(caught.value)
    for text in ("{broken", '{"type": "external_account"}', str(tmp_path / "gone.json")):
        with pytest.raises(ConfigError, match="option credentials"):
            pull(workspace, google, credentials=text)


def test_without_googles_package_its_extra_is_named(
    workspace: Path, google: BigQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.bigquery", None)
    monkeypatch.delattr("google.cloud.bigquery", raising=False)
    with pytest.raises(ConfigError, match="needs google-cloud-bigquery") as caught:
        pull(workspace, google)
    assert caught.value.hint == "pip install 'costlab[bigquery]'"
