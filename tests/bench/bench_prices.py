"""A price list of one million offers: how long loading takes, and a look-up.

Made offers in a price file of AWS's form: 40 regions of 1,250 shapes, each with twenty ways to buy it.
"""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.measure import Row, fresh

TITLE = "Prices: one million offers"
REGIONS, SHAPES, WAYS = 40, 1_250, 20
GOAL_LOAD, GOAL_LOOK_UP = 10.0, 5.0
_ABOUT = "FormatVersion,v1.0\nDisclaimer,made\nPublication Date,2026\nVersion,1\nOfferCode,AmazonEC2\n"
_COMMON = {
    "RateCode": "R", "EffectiveDate": "2026-10-01", "StartingRange": "0", "EndingRange": "Inf", "Unit": "Hrs",
    "Currency": "USD", "Product Family": "Compute Instance", "serviceCode": "AmazonEC2", "vCPU": "2", "Memory": "8 GiB",
    "Tenancy": "Shared", "License Model": "No License required", "CapacityStatus": "Used", "Pre Installed S/W": "NA",
    "operation": "RunInstances",
}  # fmt: skip
_COLUMNS = (
    *_COMMON, "SKU", "OfferTermCode", "TermType", "PricePerUnit", "LeaseContractLength", "PurchaseOption",
    "OfferingClass", "Operating System", "Instance Type", "Region Code", "usageType",
)  # fmt: skip
_SYSTEMS = ("Linux", "Windows", "RHEL", "SUSE")
_LOAD = """
import json, time
from pathlib import Path
from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.warehouse.catalogue import publish_lake
began = time.process_time()
report = ingest(Path(argv[0]), "aws-prices", argv[1])
assert report.exit_code == 0, [p.error for p in report.rejected]
took = time.process_time() - began
publish_lake(Lake(Path(argv[0])))
print(json.dumps({"cpu": took, "rows": sum(p.item()["rows_received"] for p in report.periods)}))
"""
_LOOK_UP = """
import json, statistics, time
from pathlib import Path
from costlab.prices import Catalogue
from costlab.warehouse.catalogue import open_current
with open_current(Path(argv[0]))[1] as db:
    catalogue, seen = Catalogue(db), []
    for number in range(400):
        began = time.perf_counter()
        found = catalogue.price("aws", f"region-{number % 40}", f"m{number * 3}.large")
        seen.append((time.perf_counter() - began) * 1000)
        assert found.x_source == "aws-prices", found
print(json.dumps({"median": statistics.median(seen), "first": statistics.median(seen[:40])}))
"""


def offer_file(path: Path) -> None:
    """Write the offers: on demand for four systems, and sixteen reservations, of each shape in each region."""
    with path.open("w", newline="") as out:
        out.write(_ABOUT)
        rows = csv.DictWriter(out, _COLUMNS, restval="")
        rows.writeheader()
        for region in range(REGIONS):
            for shape in range(SHAPES):
                rows.writerows(_COMMON | row for row in _ways(region, shape))


def _ways(region: int, shape: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, system in enumerate(_SYSTEMS):
        thing = {
            "SKU": f"{region}-{shape}-{number}", "Operating System": system, "Instance Type": f"m{shape}.large",
            "Region Code": f"region-{region}", "usageType": f"BoxUsage:m{shape}.large",
            "PricePerUnit": f"0.{shape + number + 1:06d}",
        }  # fmt: skip
        found.append(thing | {"TermType": "OnDemand", "OfferTermCode": "JRTCKXETXF"})
        found += [
            thing | {"TermType": "Reserved", "OfferTermCode": f"{years}{kind}", "LeaseContractLength": f"{years}yr",
                     "PurchaseOption": "No Upfront", "OfferingClass": kind}
            for years in (1, 3) for kind in ("standard", "convertible")
        ]  # fmt: skip
    return found


def run() -> list[Row]:
    """Load once and look up four hundred prices, ten in each region, each in a fresh process."""
    with tempfile.TemporaryDirectory(prefix="costlab-bench-") as folder:
        place = Path(folder) / "index.csv"
        offer_file(place)
        workspace = str(Path(folder) / "ws")
        load = fresh(_LOAD, workspace, str(place))
        look_up = fresh(_LOOK_UP, workspace)
    loaded, asked = (json.loads(usage.output.strip().splitlines()[-1]) for usage in (load, look_up))
    return [
        Row(f"loading a price file of {loaded['rows']:,} offers", f"{loaded['cpu']:.1f} s CPU, {load.peak_mb:.0f} MB",
            f"< {GOAL_LOAD} s CPU", loaded["cpu"] < GOAL_LOAD),
        Row("one price of them, median of 400 in 40 regions", f"{asked['median']:.3f} ms; the first of a region "
            f"{asked['first']:.0f} ms", f"median < {GOAL_LOOK_UP} ms", asked["median"] < GOAL_LOOK_UP),
    ]  # fmt: skip


if __name__ == "__main__":
    for row in run():
        print(row.claim, row.figure, row.goal, row.met)
