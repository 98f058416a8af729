"""Streams whose shards are paid and never written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import HoursWithoutTraffic
from costlab.analyzers.bill import local_id
from costlab.analyzers.propose import Advice, bill_evidence, group_of, quoted
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource


class IdleKinesisStream(HoursWithoutTraffic):
    """Idle Kinesis stream.

    Fires when shard hours are billed but in 14 days nothing was put on the stream.
    Saving: the shard hours and extended retention.
    Cannot see: a stream kept for an event that comes less often than every 14 days.
    Source: AWS Kinesis Data Streams pricing (shard hours and PUT payload units).
    """

    id = "waste_idle_kinesis_stream"
    pattern = r"ShardHour$"
    hours = pattern
    traffic = r"PutRequestPayloadUnits$|OnDemand-BilledIncomingBytes$"
    limit_per_hour = 0.0

    def idle(self, resource: Resource, through: float) -> Advice:
        """Return the advice to delete it."""
        name = quoted(resource.resource_name or local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Delete the idle Kinesis stream",
            why="Its shards are billed, but in 14 days nothing was written.",
            action=Action("delete", "idle stream", ""),
            remedy=Remedy(
                command=f"aws kinesis delete-stream --stream-name {name}",
                terraform="remove the aws_kinesis_stream resource",
                rollback="aws kinesis create-stream with the same shard count; records that were in it are lost",
            ),
            risk={"availability": Level.MEDIUM},
            effort=Effort.LOW,
            basis=Basis.INFERRED,
            confidence=0.85,
            evidence=(bill_evidence(resource, "payload units put in the window", through, "units"),),
            reversible=False,
            exclusive_group=group_of(resource),
        )


CHECK = IdleKinesisStream()
