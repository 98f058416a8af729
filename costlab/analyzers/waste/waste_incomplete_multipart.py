"""Uploads that were begun, never finished, and are stored all the same."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from costlab.analyzers._base import MetricCheck
from costlab.analyzers.propose import Advice, quoted, usage_evidence
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy
from costlab.money import ZERO

if TYPE_CHECKING:
    from costlab.analyzers.bill import Line, Resource
    from costlab.analyzers.usage import Usage

_GIB = 1024**3
_HOURS_PER_MONTH = 730
_MIN_GIB = 1.0


class IncompleteMultipart(MetricCheck):
    """Incomplete multipart uploads.

    Fires when a bucket holds at least 1 GiB of ``incomplete_multipart_bytes``.
    Saving: their share of the bucket's standard storage charge, from the smallest sample of 14 days (what was there
    all the time is abandoned, not under way).
    Cannot see: an upload that really takes weeks.
    Source: AWS S3 user guide, lifecycle rule AbortIncompleteMultipartUpload; S3 Storage Lens metric.
    """

    id = "waste_incomplete_multipart"
    needs = frozenset({"incomplete_multipart_bytes"})
    pattern = r"TimedStorage-ByteHrs$"

    def advise(self, resource: Resource, usage: dict[str, Usage]) -> Advice | None:
        """Return the advice to add a lifecycle rule, or None when there is little."""
        stale = usage["incomplete_multipart_bytes"]
        if stale.low / _GIB < _MIN_GIB:
            return None
        rule = (
            '{"Rules":[{"ID":"abort-multipart","Status":"Enabled","Filter":{},'
            '"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}]}'
        )
        name = quoted(resource.resource_id)
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Abort incomplete multipart uploads",
            why=f"{stale.low / _GIB:.1f} GiB of unfinished uploads are stored.",
            action=Action("configure", "no rule", "abort after 7 days"),
            remedy=Remedy(
                command=f"aws s3api get-bucket-lifecycle-configuration --bucket {name}  # merge, put replaces all:\n"
                f"aws s3api put-bucket-lifecycle-configuration --bucket {name} "
                f"--lifecycle-configuration {quoted(rule)}",
                terraform="abort_incomplete_multipart_upload { days_after_initiation = 7 } in the lifecycle rule",
                rollback="put the lifecycle configuration printed by the first command back",
            ),
            risk={"data": Level.LOW},
            effort=Effort.VERY_LOW,
            basis=Basis.MEASURED,
            confidence=0.95 * stale.coverage,
            evidence=(usage_evidence(stale, statistic="low", unit="bytes"),),
            reversible=False,
        )

    def kept(self, resource: Resource, line: Line, *, usage: dict[str, Usage]) -> Decimal | None:
        """Return the finished objects' share of the storage charge."""
        if not line.usage_type.endswith("TimedStorage-ByteHrs") or not line.quantity:
            return None
        stored = line.quantity * _HOURS_PER_MONTH / resource.hours  # GB-months of the window -> GB at any time
        stale = Decimal(usage["incomplete_multipart_bytes"].low) / _GIB
        return max(ZERO, 1 - stale / stored)


CHECK = IncompleteMultipart()
