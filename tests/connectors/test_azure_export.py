"""Azure's exports from the container to the lake: a pair is one bill, counted once, and the newest run wins."""

from __future__ import annotations

import csv
import io
import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from costlab.errors import SourceError
from costlab.ingest import ingest
from costlab.lake import Action, Lake
from costlab.lake.transport import LocalTransport
from costlab.period import Month
from costlab.warehouse.connection import connect
from costlab_connectors.azure_export import COLUMNS, CONNECTOR, FOCUS_COLUMNS, FOCUS_IGNORED, IGNORED
from tests.connectors.azure_support import ACTUAL, AMORTIZED, COMMON, PLAN, RESERVATION, USAGE, csv_text, export
from tests.connectors.test_focus_ingest import CHARGE
from tests.connectors.test_focus_ingest import loaded as loaded_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from costlab.ingest import IngestReport
    from costlab.interfaces.connector import Snapshot

Row = dict[str, Any]
CASH = Decimal("144.8")
EFFECTIVE = Decimal("122.3")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


@pytest.fixture
def container(tmp_path: Path) -> Path:
    (tmp_path / "container").mkdir()
    return tmp_path / "container"


def pair(container: Path, **given: Any) -> tuple[Path, Path]:
    return export(container, "actual", ACTUAL, **given), export(container, "amortized", AMORTIZED, **given)


def load(workspace: Path, uri: Path, **given: Any) -> IngestReport:
    return ingest(workspace, "azure-export", str(uri), source="bill", **given)


def loaded(workspace: Path) -> list[Row]:
    return loaded_rows(workspace)


def snapshots(uri: Path) -> list[Snapshot]:
    return list(CONNECTOR.snapshots(LocalTransport(), str(uri), source="bill"))


def outcome(report: IngestReport) -> list[tuple[str, str, int, dict[str, int]]]:
    items = (period.item() for period in report.periods)
    return [(i["billing_period"], i["action"], i["rows_loaded"], i["rows_dropped"]) for i in items]


def total(rows: list[Row], column: str, **where: Any) -> Decimal:
    return sum(
        (row[column] for row in rows if all(row[name] == value for name, value in where.items())), start=Decimal(0)
    )


def test_a_pair_is_one_bill(workspace: Path, container: Path) -> None:
    pair(container)
    report = load(workspace, container)
    assert outcome(report) == [("2026-09", "loaded", len(AMORTIZED) + 3, {"actual": 5})]
    item = report.periods[0].item()
    assert item["rows_received"] == len(ACTUAL) + len(AMORTIZED)
    assert item["billed_cost_received"] == item["billed_cost_loaded"] == CASH
    assert item["effective_cost_loaded"] == EFFECTIVE
    assert (report.warnings, report.exit_code) == ([], 0)


def test_a_pair_keeps_the_invariants_of_a_bill(workspace: Path, container: Path) -> None:
    pair(container)
    load(workspace, container)
    rows = loaded(workspace)
    # what is billed is what the actual export says was paid
    assert total(rows, "BilledCost") == sum(Decimal(row["CostInBillingCurrency"]) for row in ACTUAL)
    # effective - billed = amortised part of what was paid upfront - the payment - what was given back
    assert total(rows, "EffectiveCost") - total(rows, "BilledCost") == Decimal(12) - 36 + Decimal("1.5")
    # used and unused are what was committed: 3 an hour; a day of the 36 for three
    for commitment, cost in ((RESERVATION, 72), (PLAN, 12)):
        assert total(rows, "EffectiveCost", CommitmentDiscountId=commitment) == cost
    usage = [r for r in rows if r["ChargeCategory"] == "Usage" and r["CommitmentDiscountStatus"] != "Unused"]
    assert len(usage) == 3
    assert all(r["ListCost"] >= r["ContractedCost"] >= r["EffectiveCost"] for r in usage)
    assert all(r["ContractedUnitPrice"] * r["PricingQuantity"] == r["ContractedCost"] for r in usage)
    assert total(rows, "BilledCost", PublisherName="Vendor") == 30
    assert total(rows, "EffectiveCost", ChargeCategory="Tax") == Decimal("3.5")
    assert total(rows, "BilledCost", ChargeClass="Correction") == Decimal("-1.5")


def test_the_same_pair_again_changes_nothing_and_a_newer_run_replaces_it(workspace: Path, container: Path) -> None:
    pair(container)
    load(workspace, container)
    assert [i[1] for i in outcome(load(workspace, container))] == ["unchanged"]
    export(container, "amortized", [*AMORTIZED, USAGE], submitted="2026-10-03T04:05:06Z")
    assert [i[1:3] for i in outcome(load(workspace, container))] == [("replaced", len(AMORTIZED) + 4)]
    older = container.parent / "older"
    pair(older)
    assert [i[1] for i in outcome(load(workspace, older))] == ["ignored-older"]


def test_of_the_runs_of_a_month_the_last_submitted_counts(container: Path) -> None:
    for day, rows in (("03", COMMON * 3), ("04", COMMON), ("02", COMMON * 2)):
        export(container, "actual", rows, submitted=f"2026-10-{day}T04:05:06.1234567Z")
        export(container, "amortized", rows, submitted=f"2026-10-{day}T05:05:06.1234567Z")
    (found,) = snapshots(container)
    assert found.rows == 2 * len(COMMON)
    assert found.snapshot_id == "actual-2026-10-04T0405+amortized-2026-10-04T0505"
    assert found.order.startswith("20261004050506")
    assert {file.label for file in found.files} == {"actual", "amortized"}


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_parts_and_gzip_make_no_difference(workspace: Path, container: Path, suffix: str) -> None:
    pair(container, parts=3, suffix=suffix)
    load(workspace, container)
    assert (total(loaded(workspace), "BilledCost"), total(loaded(workspace), "EffectiveCost")) == (CASH, EFFECTIVE)


def test_parquet_makes_no_difference(workspace: Path, container: Path) -> None:
    for folder in pair(container):
        con = connect()
        source, target = folder / "part_0_0001.csv", folder / "part_0_0001.snappy.parquet"
        con.execute(
            f"copy (select * replace (cast(Quantity as double) as Quantity, cast(CostInBillingCurrency as double) as "
            "CostInBillingCurrency, strptime(Date, '%m/%d/%Y') as Date, strptime(BillingPeriodStartDate, '%m/%d/%Y') "
            f"as BillingPeriodStartDate) from read_csv('{source}', all_varchar=true)) to '{target}' (format parquet)"
        )
        con.close()
        source.unlink()
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        blob = manifest["blobs"][0]
        blob |= {"blobName": blob["blobName"].replace(".csv", ".snappy.parquet"), "byteCount": target.stat().st_size}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    report = load(workspace, container)
    assert report.exit_code == 0
    assert (total(loaded(workspace), "BilledCost"), total(loaded(workspace), "EffectiveCost")) == (CASH, EFFECTIVE)
    assert {str(row["ChargePeriodStart"]) for row in loaded(workspace)} == {"2026-09-21 00:00:00"}


SPELLINGS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "camel": lambda name: name[0].lower() + name[1:],
    "older": lambda name: {"CostInBillingCurrency": "Cost", "BillingCurrencyCode": "BillingCurrency"}.get(name, name),
    "german": lambda name: f"Genutzter Dienst ({name})",
}


@pytest.mark.parametrize("dialect", SPELLINGS)
def test_headers_are_understood_in_every_dialect(workspace: Path, container: Path, dialect: str) -> None:
    spelled = SPELLINGS[dialect]
    for kind, rows in (("actual", ACTUAL), ("amortized", AMORTIZED)):
        export(container, kind, [{spelled(name): value for name, value in row.items()} for row in rows])
    report = load(workspace, container)
    assert (report.warnings, report.exit_code) == ([], 0)
    assert (total(loaded(workspace), "BilledCost"), total(loaded(workspace), "EffectiveCost")) == (CASH, EFFECTIVE)


def test_an_amortized_export_alone_is_loaded_with_a_warning(workspace: Path, container: Path) -> None:
    export(container, "amortized", AMORTIZED)
    report = load(workspace, container)
    assert outcome(report) == [("2026-09", "loaded", len(AMORTIZED), {})]
    assert [text for text in report.warnings if "no actual cost export beside the amortized one" in text]
    item = report.periods[0].item()
    assert item["billed_cost_received"] == item["billed_cost_loaded"] == Decimal("38.3")
    assert item["effective_cost_loaded"] == EFFECTIVE


def test_an_actual_export_alone_is_loaded_with_a_warning(workspace: Path, container: Path) -> None:
    export(container, "actual", ACTUAL)
    report = load(workspace, container)
    assert outcome(report) == [("2026-09", "loaded", len(ACTUAL), {})]
    assert [text for text in report.warnings if "no amortized cost export beside the actual one" in text]
    assert report.periods[0].item()["billed_cost_loaded"] == CASH


def test_the_other_half_of_a_pair_joins_when_it_arrives(workspace: Path, container: Path) -> None:
    export(container, "amortized", AMORTIZED)
    load(workspace, container)
    export(container, "actual", ACTUAL)
    assert outcome(load(workspace, container)) == [("2026-09", "replaced", len(AMORTIZED) + 3, {"actual": 5})]
    assert total(loaded(workspace), "BilledCost") == CASH


@pytest.mark.parametrize("blobs", [[], [{"blobName": "gone.csv", "byteCount": 0, "dataRowCount": 0}]])
def test_a_month_without_rows_is_nothing_to_load(workspace: Path, container: Path, blobs: list[Row]) -> None:
    for kind in ("actual", "amortized"):
        export(container, kind, [], blobs=blobs, blobCount=len(blobs))
    for report in (load(workspace, container), load(workspace, container, period=Month(2026, 9))):
        assert (report.periods, report.exit_code) == ([], 0)
    with pytest.raises(SourceError, match="nothing of 2026-08"):
        load(workspace, container, period=Month(2026, 8))


@pytest.mark.parametrize("actual", [[], ACTUAL[1:]])
def test_halves_of_a_pair_that_do_not_fit_together_are_said(
    workspace: Path, container: Path, actual: list[Row]
) -> None:
    export(container, "actual", actual)
    export(container, "amortized", AMORTIZED)
    report = load(workspace, container)
    assert [(p.period, p.action) for p in report.periods] == [("2026-09", Action.LOADED)]
    assert [text for text in report.warnings if "received and loaded differ" in text]


def test_the_months_of_a_container_are_loaded_in_order_or_one_by_one(workspace: Path, container: Path) -> None:
    pair(container)
    october = [row | {"BillingPeriodStartDate": "10/01/2026", "BillingPeriodEndDate": "10/31/2026"} for row in COMMON]
    export(container, "amortized", october, span=("2026-10-01", "2026-10-15"), submitted="2026-10-16T04:00:00Z")
    report = load(workspace, container, period=Month(2026, 10))
    assert [i[:3] for i in outcome(report)] == [("2026-10", "loaded", len(COMMON))]
    assert [i[:2] for i in outcome(load(workspace, container))] == [("2026-09", "loaded"), ("2026-10", "unchanged")]


def test_the_longest_tail_that_exists_is_the_file(workspace: Path, container: Path) -> None:
    actual, amortized = pair(container)
    shutil.move(actual / "manifest.json", container / "root" / "actual" / "manifest.json")
    (container / "part_0_0001.csv").write_text("another file", encoding="utf-8")
    (container / "root" / "actual" / "part_0_0001.csv").write_text("a third", encoding="utf-8")
    assert load(workspace, container).exit_code == 0
    assert total(loaded(workspace), "BilledCost") == CASH
    (found,) = snapshots(amortized / "manifest.json")
    assert [file.stored.uri for file in found.files] == [str(amortized / "part_0_0001.csv")]


def _touch_bytes(folder: Path) -> None:
    with (folder / "part_0_0001.csv").open("a", encoding="utf-8") as file:
        file.write("\n")


def _change(**fields: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        manifest |= {k: v for k, v in fields.items() if k != "blob"}
        manifest["blobs"] = [blob | fields.get("blob", {}) for blob in manifest["blobs"]]
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_touch_bytes, "bytes, its manifest says"),
        (lambda folder: (folder / "part_0_0001.csv").unlink(), "which is not there"),
        (_change(dataRowCount=99, blob={"dataRowCount": 99}), "promises"),
        (_change(dataRowCount=99), "promises 99 rows, its blobs"),
        (_change(blobCount=7), "promises 7 blobs"),
        (_change(blob={"blobName": "../../secret.csv"}), "leaves"),
        (_change(blob={"dataRowCount": "many"}), "not a number"),
        (lambda folder: (folder / "manifest.json").write_text("{", encoding="utf-8"), "is not JSON"),
    ],
)
def test_half_a_pair_that_cannot_be_trusted_rejects_the_month(
    workspace: Path, container: Path, spoil: Callable[[Path], None], told: str
) -> None:
    pair(container)
    load(workspace, container)
    later = export(container, "actual", [*ACTUAL, USAGE], submitted="2026-10-05T04:05:06Z")
    spoil(later)
    report = load(workspace, container)
    assert [(p.period, p.action) for p in report.periods] == [("2026-09", Action.REJECTED)]
    assert told in report.periods[0].error
    assert report.exit_code == 3
    assert total(loaded(workspace), "BilledCost") == CASH


def test_an_older_broken_manifest_does_not_stand_in_the_way(workspace: Path, container: Path) -> None:
    actual = export(container, "actual", COMMON, submitted="2026-09-30T04:00:00Z")
    (actual / "manifest.json").write_text("{", encoding="utf-8")
    pair(container)
    assert load(workspace, container).exit_code == 0


def test_exports_of_two_scopes_are_refused(container: Path) -> None:
    pair(container)
    export(container, "amortized", AMORTIZED, scope="/subscriptions/00aa", submitted="2026-10-04T04:00:00Z")
    with pytest.raises(SourceError, match="2 exports of unlike scope"):
        snapshots(container)


def test_exports_without_charges_are_left_alone_and_alone_refused(container: Path) -> None:
    export(container, "PriceSheet", COMMON)
    with pytest.raises(SourceError, match="there are: PriceSheet"):
        snapshots(container)
    pair(container)
    assert [len(found.files) for found in snapshots(container)] == [2]


def test_an_export_of_some_days_is_said(container: Path) -> None:
    config = {"exportName": "once", "type": "AmortizedCost", "timeFrame": "Custom"}
    export(container, "amortized", COMMON, span=("2026-09-10", "2026-09-16"), exportConfig=config)
    (found,) = snapshots(container)
    assert [text for text in found.warnings if "covers only 2026-09-10 to 2026-09-16" in text]


def focus_row(**given: str) -> Row:
    period = {"BillingPeriodStart": "2026-09-01T00:00Z", "BillingPeriodEnd": "2026-10-01T00:00Z"}
    charge = {"ChargePeriodStart": "2026-09-21T00:00Z", "ChargePeriodEnd": "2026-09-22T00:00Z"}
    return CHARGE | period | charge | {"ProviderName": "Microsoft", "x_SkuMeterName": "D4s v5"} | given


def test_a_focus_export_is_taken_instead_of_the_pair(workspace: Path, container: Path) -> None:
    pair(container)
    export(container, "focus", [focus_row(x_InvoiceId="G1", x_SkuTier="1")])
    report = load(workspace, container)
    assert outcome(report) == [("2026-09", "loaded", 1, {})]
    assert report.warnings == ["2026-09: the FOCUS export is taken, the actual and amortized ones are the same charges"]
    (row,) = loaded(workspace)
    assert (row["BilledCost"], row["InvoiceId"], row["SkuMeter"]) == (Decimal("1.10"), "G1", "D4s v5")
    assert row["x_extra"] is None


def test_a_month_without_a_focus_export_is_the_pairs(container: Path) -> None:
    pair(container)
    export(container, "focus", [])
    export(container, "focus", [focus_row()], span=("2026-10-01", "2026-10-05"), submitted="2026-10-06T04:00:00Z")
    assert [(str(found.period), found.staging) for found in snapshots(container)] == [
        ("2026-09", "azure_export"),
        ("2026-10", "focus"),
    ]


def write(path: Path, rows: tuple[Row, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(csv_text(rows), encoding="utf-8")


def test_files_without_a_manifest_are_a_pair_by_their_names(workspace: Path, container: Path) -> None:
    write(container / "sep-actual.csv", ACTUAL)
    write(container / "sep-amortized.csv", AMORTIZED)
    report = load(workspace, container)
    assert outcome(report) == [("2026-09", "loaded", len(AMORTIZED) + 3, {"actual": 5})]
    assert total(loaded(workspace), "BilledCost") == CASH
    assert [i[1] for i in outcome(load(workspace, container))] == ["unchanged"]


@pytest.mark.parametrize(
    "names",
    [
        ("a/one.csv", "b/two.csv"),
        ("actual.csv", "other.csv"),
        ("actual/20260901-20260930/x1.csv", "actual/20260901-20260930/x2.csv"),
        ("actual/20260901-20260930/r1/part_0_0001.csv", "actual/20260901-20260930/r2/part_0_0001.csv"),
    ],
)
def test_files_without_a_manifest_that_may_repeat_each_other_are_refused(
    container: Path, names: tuple[str, str]
) -> None:
    for name in names:
        write(container / name, COMMON)
    with pytest.raises(SourceError, match=r"may be actual or amortized|may repeat each other"):
        snapshots(container)


def test_unreadable_rows_are_put_aside_and_a_new_column_is_kept(workspace: Path, container: Path) -> None:
    bad = [USAGE | {"CostInBillingCurrency": "ten"}, USAGE | {"Date": "21.09.2026"}, USAGE | {"NewColumn": "x"}]
    export(container, "amortized", [*AMORTIZED, *bad])
    report = load(workspace, container)
    item = report.periods[0].item()
    assert (item["rows_loaded"], item["rows_quarantined"], report.exit_code) == (len(AMORTIZED) + 1, 2, 5)
    assert [json.loads(row["x_extra"]) for row in loaded(workspace) if row["x_extra"]] == [{"NewColumn": "x"}]


def test_a_charge_type_nobody_knows_is_said(workspace: Path, container: Path) -> None:
    export(container, "actual", [USAGE])
    export(container, "amortized", [USAGE, USAGE | {"ChargeType": "Surprise", "CostInBillingCurrency": "-1"}])
    report = load(workspace, container)
    assert [text for text in report.warnings if "charge type Surprise is not known, taken as Adjustment" in text]
    assert total(loaded(workspace), "BilledCost", ChargeCategory="Adjustment") == -1


@pytest.mark.parametrize("column", ["CostInBillingCurrency", "Date", "ChargeType", "BillingCurrencyCode"])
def test_an_export_without_a_mandatory_column_is_rejected(workspace: Path, container: Path, column: str) -> None:
    export(container, "amortized", [{name: value for name, value in USAGE.items() if name != column}])
    report = load(workspace, container)
    assert [p.action for p in report.periods] == [Action.REJECTED]
    assert Lake(workspace).current().revisions == ()


def columns_of(shared_data: Path, name: str) -> list[str]:
    schema = json.loads((shared_data / "azure" / "export_schemas" / f"{name}.json").read_text(encoding="utf-8"))
    return [mapping["source"]["name"] for mapping in schema["translator"]["mappings"]]


@pytest.mark.shared
@pytest.mark.parametrize("name", ["actualcost_c360-2025-04", "amortizedcost_c360-2025-04"])
def test_every_column_of_the_published_schema_is_known(shared_data: Path, name: str) -> None:
    known = {spelling.lower() for column in COLUMNS for spelling in (column.name, *column.aliases)}
    assert {c.lower() for c in columns_of(shared_data, name)} <= known | {c.lower() for c in IGNORED}


@pytest.mark.shared
@pytest.mark.parametrize("version", ["1.0", "1.0r2", "1.2-preview", "1.2"])
def test_focus_exports_are_told_by_their_header_and_every_column_is_known(
    shared_data: Path, container: Path, version: str
) -> None:
    header = columns_of(shared_data, f"focuscost_{version}")
    known = {spelling.lower() for column in FOCUS_COLUMNS for spelling in (column.name, *column.aliases)}
    assert {c.lower() for c in header} <= known | {c.lower() for c in FOCUS_IGNORED}
    text = io.StringIO()
    csv.writer(text).writerow(header)
    (container / "part_0_0001.csv").write_text(text.getvalue(), encoding="utf-8")
    (found,) = snapshots(container)
    assert found.staging == "focus"


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "column", "currency", "told"),
    [
        ("EA_ActualCost_Small.csv", "Cost", "USD", "8.5450077867419368"),
        ("ea_export_sample_27.csv", "CostInBillingCurrency", "CAD", "1.26136926505726"),
    ],
)
def test_public_exports_are_loaded_to_the_last_digit(
    workspace: Path, shared_data: Path, name: str, column: str, currency: str, told: str
) -> None:
    path = shared_data / "azure" / name
    with path.open(encoding="utf-8-sig", newline="") as file:
        given = [Decimal(row[column]) for row in csv.DictReader(file)]
    assert sum(given) == Decimal(told)
    report = load(workspace, path)
    assert [i[:3] for i in outcome(report)] == [("2023-09", "loaded", len(given))]
    rows = loaded(workspace)
    digits = Decimal("1e-12")
    assert total(rows, "BilledCost") == sum(cost.quantize(digits) for cost in given)
    assert abs(total(rows, "BilledCost") - Decimal(told)) < len(given) * digits
    assert {row["BillingCurrency"] for row in rows} == {currency}
    assert {row["x_extra"] for row in rows} == {None}
    assert "Other" not in {row["ServiceCategory"] for row in rows}
    assert all(row["RegionId"] == row["RegionId"].lower() for row in rows if row["RegionId"])


@pytest.mark.shared
def test_the_public_reservation_is_a_purchase_and_the_spot_machines_are_dynamic(
    workspace: Path, shared_data: Path
) -> None:
    load(workspace, shared_data / "azure" / "EA_ActualCost_Small.csv")
    rows = loaded(workspace)
    # blocks of 10K calls among them, whose quantity counts blocks
    assert all(abs(r["EffectiveCost"] - r["ContractedCost"]) < Decimal("1e-6") for r in rows if r["EffectiveCost"])
    (purchase,) = [row for row in rows if row["ChargeCategory"] == "Purchase"]
    assert (purchase["BilledCost"], purchase["EffectiveCost"], purchase["ChargeFrequency"]) == (
        Decimal("3.25"),
        0,
        "Recurring",
    )
    assert (purchase["CommitmentDiscountType"], purchase["CommitmentDiscountStatus"]) == ("Reservation", None)
    ingest(workspace, "azure-export", str(shared_data / "azure" / "ea_export_sample_27.csv"), source="other")
    assert sum(r["PricingCategory"] == "Dynamic" for r in loaded_rows(workspace, source="other")) == 3
