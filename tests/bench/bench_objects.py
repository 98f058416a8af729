"""Loading an AWS bill from an object store against the same files on disk: the whole ingest, interleaved pairs.

The store is moto in a process of its own on this machine, written in Python: what it spends runs on the same cores and
counts against us, so its CPU time is reported beside the ratio. ``COSTLAB_BENCH_CHUNKS`` sets the number of files,
``COSTLAB_BENCH_PAIRS`` the number of pairs.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from costlab.simulate import simulate
from tests.bench.bench_ingest import tiled
from tests.bench.measure import Row, Usage, fresh, pairs

TITLE = "Loading from an object store"
BUCKET = "exports"
GOAL_WALL = 1.25
GOAL_PEAK = 1.15
_KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_INGEST = """
import json, shutil
from pathlib import Path
from costlab.ingest import ingest
workspace, uri, options = Path(argv[0]), argv[1], json.loads(argv[2])
shutil.rmtree(workspace, ignore_errors=True)
report = ingest(workspace, "aws-cur", uri, options=options)
assert not report.rejected, [p.error for p in report.rejected]
print(sum(p.item()["rows_received"] for p in report.periods))
"""


@dataclass
class Server:
    """A store in a process of its own, and what it spent in each run."""

    url: str
    process: int
    spent: list[float] = field(default_factory=list[float])

    def cpu(self) -> float:
        """Return the seconds of CPU it has used."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run() -> list[Row]:
    """Measure and return the rows of the page."""
    chunks = int(os.environ.get("COSTLAB_BENCH_CHUNKS", "200"))
    count = int(os.environ.get("COSTLAB_BENCH_PAIRS", "7"))
    os.environ.update(_KEYS)
    with tempfile.TemporaryDirectory(prefix="costlab-bench-") as folder, _moto() as server:
        root = Path(folder)
        company = simulate(root / "company", seed=7, end=date(2026, 4, 1), months=1, renderings=("cur2",))
        export = tiled(company, root / "export", files=chunks)
        size = _upload(server, export)
        return _measured(server, root, export, count, f"{chunks} files of {size / chunks / 1e6:.1f} MB")


def _measured(server: Server, root: Path, export: Path, count: int, what: str) -> list[Row]:
    peaks: list[float] = []

    def disk() -> Usage:
        usage = fresh(_INGEST, str(root / "disk"), str(export), "{}")
        peaks.append(usage.peak_mb)
        return usage

    def store() -> Usage:
        before = server.cpu()
        usage = fresh(_INGEST, str(root / "store"), f"s3://{BUCKET}", json.dumps({"endpoint": server.url}))
        server.spent.append(server.cpu() - before)
        return usage

    ratios: dict[str, Any] = pairs(disk, store, count=count)
    ratios["server_cpu_s"] = round(statistics.median(server.spent), 2)
    peak = ratios["peak_mb"] / max(peaks)
    return [
        Row(
            f"an AWS export of {what} from S3 on this machine, against from disk",
            f"{ratios['wall_ratio']} x wall, {ratios['cpu_ratio']} x CPU, and {ratios['server_cpu_s']} s in the server",
            f"<= {GOAL_WALL} x wall",
            ratios["wall_ratio"] <= GOAL_WALL,
            ratios,
        ),
        Row(
            "peak memory from S3 against from disk",
            f"{ratios['peak_mb']} MB, {peak:.2f} x",
            f"<= {GOAL_PEAK} x",
            peak <= GOAL_PEAK,
        ),
    ]


@contextmanager
def _moto() -> Generator[Server]:
    """Yield an S3 server that runs for the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("moto did not start")


def _upload(server: Server, export: Path) -> int:
    """Put the export into a new bucket and return the bytes of its data files."""
    import boto3

    client = boto3.client("s3", endpoint_url=server.url, region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    size = 0
    for path in sorted(export.rglob("*")):
        if path.is_file():
            client.upload_file(str(path), BUCKET, path.relative_to(export).as_posix())
            size += path.stat().st_size if path.suffix == ".parquet" else 0
    return size
