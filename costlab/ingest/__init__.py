"""One load: connector -> raw -> staging model -> lake, with every row accounted for."""

from __future__ import annotations

from costlab.ingest.load import ingest
from costlab.ingest.report import COLUMNS, IngestReport, PeriodReport

__all__ = ["COLUMNS", "IngestReport", "PeriodReport", "ingest"]
