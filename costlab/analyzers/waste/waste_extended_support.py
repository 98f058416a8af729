"""Surcharges for software the vendor no longer supports in the normal price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import BillCheck
from costlab.analyzers.propose import Advice
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource


class ExtendedSupport(BillCheck):
    """Extended support surcharge.

    Fires when a database, cache or Kubernetes cluster is charged for extended support of an old version.
    Saving: the surcharge, which ends with the upgrade.
    Cannot see: whether the application runs on the newer version.
    Source: AWS RDS and EKS pricing, extended support.
    """

    id = "waste_extended_support"
    pattern = r"(?i)ExtendedSupport"

    def advise(self, resource: Resource) -> Advice | None:
        """Return the advice to upgrade; the surcharge itself is the evidence."""
        versions = sorted({line.usage_type for line in resource.lines if "xtendedsupport" in line.usage_type.lower()})
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Upgrade to a version in standard support",
            why=f"It pays a surcharge for an old version ({', '.join(versions)}).",
            action=Action("upgrade", "extended support", "standard support"),
            remedy=Remedy(
                command="aws rds describe-db-engine-versions --default-only  # then: aws rds modify-db-instance "
                "--engine-version VERSION --allow-major-version-upgrade; for EKS: aws eks update-cluster-version",
                terraform="raise engine_version of the aws_db_instance, or version of the aws_eks_cluster",
                rollback="restore the snapshot taken before the upgrade; the version cannot be lowered in place",
            ),
            risk={"availability": Level.MEDIUM, "compatibility": Level.HIGH},
            effort=Effort.HIGH,
            basis=Basis.INFERRED,
            confidence=0.95,
            needs_restart=True,
            reversible=False,
        )


CHECK = ExtendedSupport()
