"""What the company owns: subscriptions, metered items, resources, machines and meters. Data only, no time loop."""

# ruff: noqa: E501 - tables of data and SQL read best with one entry on a line

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

import numpy as np

from costlab.simulate.azure import prices
from costlab.simulate.estate import Estate, Sku

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Item(Sku):
    """A meter as the bill names it.

    Of :class:`Sku`: ``code`` is the meter's category, ``operation`` its sub-category, ``usage_type`` its name,
    ``product_family`` the service family, ``service`` FOCUS's service name, ``list_rate`` counts 1e-10 USD.
    """

    consumed: str = "Microsoft.Compute"
    """The resource provider."""
    category: str = "Other"
    """FOCUS's service category."""
    subcategory: str = "Other (Other)"
    negotiated: int = 0
    """Percent off the list price that the agreement gives."""
    group: str = ""
    """What reservations of it may be exchanged for: the flexibility group; empty where there are none."""
    ratio: int = 1
    """Its size in the group."""
    multiple: int = 1
    """Units of an hour in which it runs: virtual cores of a database."""

    @property
    def list_price(self) -> int:
        """The pay-as-you-go price per unit, 1e-4 of the pricing currency."""
        return self.list_rate // 10**6

    @property
    def price(self) -> int:
        """The agreed price per unit."""
        return prices.less(self.list_price, self.negotiated)

    @property
    def plan_price(self) -> int | None:
        """The price under a one-year savings plan, None where no plan covers it."""
        percent = prices.PLANNED.get(self.group)
        return None if percent is None else prices.less(self.list_price, percent)


@dataclass(slots=True)
class AzureEstate(Estate):
    """Everything owned over the simulated span; ``accounts`` are the subscriptions, ``skus`` are items."""

    @property
    def items(self) -> Sequence[Item]:
        """The metered items."""
        return cast("Sequence[Item]", self.skus)


def guid(*key: int) -> str:
    """Return an id that looks random and depends on ``key`` only."""
    return str(UUID(bytes=np.random.default_rng([77, *key]).bytes(16), version=4))


def _meter_name(shape: str) -> str:
    return shape.removeprefix("Standard_").replace("_", " ")


def machine_item(shape: str, region: str, *, spot: bool = False, scale_set: bool = False) -> Item:
    """Return the compute meter of a machine size; of Windows machines too, whose licence is a meter of its own."""
    size = prices.SHAPES[shape]
    name = _meter_name(shape) + (" Spot" if spot else "")
    return Item(
        code="Virtual Machines",
        service="Virtual Machine Scale Sets" if scale_set else "Virtual Machines",
        usage_type=name,
        operation=f"{size.series} Series",
        unit="1 Hour",
        list_rate=size.price(region) * 10**6,
        region=region,
        product_family="Compute",
        instance_type=shape,
        description=f"Virtual Machines {size.series} Series - {name} - {prices.METER_REGIONS[region]}",
        category="Compute",
        subcategory="Virtual Machines",
        group="" if spot else size.series,
        ratio=size.ratio,
    )


def licence_item(cpus: int, region: str, *, scale_set: bool = False) -> Item:
    """Return the Windows Server licence of a machine with so many virtual CPUs."""
    return Item(
        code="Virtual Machines Licenses",
        service="Virtual Machine Scale Sets" if scale_set else "Virtual Machines",
        usage_type=f"{cpus} vCPU VM License",
        operation="Windows Server",
        unit="1 Hour",
        list_rate=prices.price(prices.LICENCE) * cpus * 10**6,
        region=region,
        product_family="Compute",
        description=f"Virtual Machines Licenses - Windows Server - {cpus} vCPU VM License",
        category="Compute",
        subcategory="Virtual Machines",
    )


_VM = ("Microsoft.Compute", "Virtual Machines")
_DISK = (*_VM, "Storage", "Block Storage", "Storage")
_NET = ("Microsoft.Network", "Virtual Network", "Networking", "Network Infrastructure", "Networking")
_VMNET = (*_VM, "Networking", "Network Infrastructure", "Networking")
_BLOB = ("Microsoft.Storage", "Storage Accounts", "Storage", "Storage Platforms", "Storage")
_LOGS = ("Microsoft.OperationalInsights", "Azure Monitor", "Management and Governance", "Observability",
         "Management and Governance")  # fmt: skip
_SQL = ("Microsoft.Sql", "Azure SQL Database", "Databases", "Relational Databases", "Databases")
_PG = ("Microsoft.DBforPostgreSQL", "Azure DB for PostgreSQL", "Databases", "Relational Databases", "Databases")
_WEB = ("Microsoft.Web", "Azure App Service", "Web", "Application Platforms", "Compute")

# what: (provider and service, meter category, sub-category, meter, unit, price in westeurope, percent agreed)
_ITEMS: Final = {
    "os-disk": (_DISK, "Storage", "Standard SSD Managed Disks", "E10 LRS Disk", "1/Month", "9.6", 3),
    "os-disk-ops": (_DISK, "Storage", "Standard SSD Managed Disks", "E10 LRS Disk Operations", "10K", "0.002", 0),
    "premium-disk": (_DISK, "Storage", "Premium SSD Managed Disks", "P20 LRS Disk", "1/Month", "73.22", 3),
    "large-disk": (_DISK, "Storage", "Premium SSD Managed Disks", "P30 LRS Disk", "1/Month", "135.17", 3),
    "ssd-disk": (_DISK, "Storage", "Standard SSD Managed Disks", "E20 LRS Disk", "1/Month", "38.4", 3),
    "snapshot": (_DISK, "Storage", "Standard HDD Managed Disks", "LRS Snapshots", "1 GB/Month", "0.05", 0),
    "egress": (_VMNET, "Bandwidth", "Rtn Preference: MGN", "Standard Data Transfer Out", "1 GB", "0.087", 0),
    "ingress": (_VMNET, "Bandwidth", "Rtn Preference: MGN", "Standard Data Transfer In", "1 GB", "0", 0),
    "cross-zone": (_VMNET, "Bandwidth", "Inter-Region", "Intra Continent Data Transfer Out", "1 GB", "0.02", 0),
    "peering": (_VMNET, "Virtual Network", "Peering", "Intra-Region Egress", "1 GB", "0.01", 0),
    "public-ip": (_NET, "Virtual Network", "IP Addresses", "Standard IPv4 Static Public IP", "1 Hour", "0.005", 0),
    "lb-hour": (("Microsoft.Network", "Load Balancer", "Networking", "Application Networking", "Networking"),
                "Load Balancer", "Standard", "Standard Included LB Rules and Outbound Rules", "1 Hour", "0.025", 0),
    "lb-gb": (("Microsoft.Network", "Load Balancer", "Networking", "Application Networking", "Networking"),
              "Load Balancer", "Standard", "Standard Data Processed", "1 GB", "0.005", 0),
    "gateway-hour": (("Microsoft.Network", "Application Gateway", "Networking", "Application Networking", "Networking"),
                     "Application Gateway", "Application Gateway Standard v2", "Standard Fixed Cost", "1 Hour", "0.246", 0),
    "gateway-unit": (("Microsoft.Network", "Application Gateway", "Networking", "Application Networking", "Networking"),
                     "Application Gateway", "Application Gateway Standard v2", "Standard Capacity Units", "1 Hour", "0.008", 0),
    "nat-hour": (("Microsoft.Network", "Azure NAT Gateway", "Networking", "Network Connectivity", "Networking"),
                 "NAT Gateway", "", "Standard Gateway", "1 Hour", "0.045", 0),
    "nat-gb": (("Microsoft.Network", "Azure NAT Gateway", "Networking", "Network Connectivity", "Networking"),
               "NAT Gateway", "", "Standard Data Processed", "1 GB", "0.045", 0),
    "sql-storage": (_SQL, "SQL Database", "Single General Purpose - Storage", "General Purpose Data Stored", "1 GB/Month", "0.115", 0),
    "sql-backup": (_SQL, "SQL Database", "LTR Backup Storage", "Backup RA-GRS Data Stored", "1 GB/Month", "0.05", 0),
    "pg-d2": (_PG, "Azure Database for PostgreSQL", "Flexible Server General Purpose Ddsv5 Series Compute", "vCore", "1 Hour", "0.089", 5),
    "pg-storage": (_PG, "Azure Database for PostgreSQL", "Flexible Server Storage", "Storage Data Stored", "1 GB/Month", "0.12", 0),
    "hot": (_BLOB, "Storage", "Tiered Block Blob", "Hot LRS Data Stored", "1 GB/Month", "0.0196", 3),
    "cool": (_BLOB, "Storage", "Tiered Block Blob", "Cool LRS Data Stored", "1 GB/Month", "0.01", 3),
    "blob-write": (_BLOB, "Storage", "Tiered Block Blob", "Hot LRS Write Operations", "10K", "0.054", 0),
    "blob-read": (_BLOB, "Storage", "Tiered Block Blob", "Hot Read Operations", "10K", "0.0043", 0),
    "blob-list": (_BLOB, "Storage", "Tiered Block Blob", "LRS List and Create Container Operations", "10K", "0.054", 0),
    "blob-other": (_BLOB, "Storage", "Tiered Block Blob", "All Other Operations", "10K", "0.0043", 0),
    "blob-delete": (_BLOB, "Storage", "Tiered Block Blob", "Delete Operations", "10K", "0", 0),
    "blob-tags": (_BLOB, "Storage", "Blob Features", "Index Tags", "10K/Month", "0.039", 0),
    "cool-retrieval": (_BLOB, "Storage", "Tiered Block Blob", "Cool Data Retrieval", "1 GB", "0.01", 0),
    "calls": (_WEB, "Functions", "", "Standard Total Executions", "1M", "0.2", 0),
    "gb-seconds": (_WEB, "Functions", "", "Standard Execution Time", "100 GB Seconds", "0.0016", 0),
    "plan-p1v3": (_WEB, "Azure App Service", "Premium v3 Plan", "P1 v3 App", "1 Hour", "0.161", 0),
    "aks": (("Microsoft.ContainerService", "Azure Kubernetes Service", "Compute", "Containers", "Containers"),
            "Azure Kubernetes Service", "", "Standard Uptime SLA", "1 Hour", "0.1", 0),
    "logs": (_LOGS, "Log Analytics", "", "Analytics Logs Data Ingestion", "1 GB", "2.99", 0),
    "log-retention": (_LOGS, "Log Analytics", "", "Analytics Logs Data Retention", "1 GB/Month", "0.13", 0),
    "log-free": (_LOGS, "Log Analytics", "", "Free Benefit - M365 Defender Data Ingestion", "1 GB", "0", 0),
    "defender": (("Microsoft.Security", "Microsoft Defender for Cloud", "Security", "Security Posture Management", "Security"),
                 "Microsoft Defender for Cloud", "Microsoft Defender for Servers", "Standard P2 Node", "1 Hour", "0.02", 0),
    "search": (("Microsoft.Search", "Azure AI Search", "Analytics", "Search", "Web"),
               "Azure Cognitive Search", "", "Standard S1 Unit", "1 Hour", "0.336", 0),
}  # fmt: skip
_PLACE: Final = {"westeurope": 100, "northeurope": 96, "germanywestcentral": 104, "eastus2": 90}
"""Percent of the price in westeurope."""


def item(what: str, region: str) -> Item:
    """Return a metered item other than machines, by its short name in this module."""
    (consumed, service, category, subcategory, family), code, operation, meter, unit, text, negotiated = _ITEMS[what]
    here = prices.price(text) * _PLACE[region] // 100
    return Item(
        code=code,
        service=service,
        usage_type=meter,
        operation=operation,
        unit=unit,
        list_rate=here * 10**6,
        region=region,
        product_family=family,
        description=" - ".join(p for p in (code, operation, meter, prices.METER_REGIONS[region]) if p),
        consumed=consumed,
        category=category,
        subcategory=subcategory,
        negotiated=negotiated,
    )


def database_item(cores: int, region: str) -> Item:
    """Return the compute meter of a provisioned SQL database, priced per virtual core."""
    return Item(
        code="SQL Database",
        service="Azure SQL Database",
        usage_type="vCore",
        operation="Single/Elastic Pool General Purpose - Compute Gen5",
        unit="1 Hour",
        list_rate=prices.price("0.1496") * _PLACE[region] // 100 * 10**6,
        region=region,
        product_family="Databases",
        instance_type=f"GP_Gen5_{cores}",
        description=f"SQL Database Single/Elastic Pool General Purpose - Compute Gen5 - vCore - {prices.METER_REGIONS[region]}",
        consumed="Microsoft.Sql",
        category="Databases",
        subcategory="Relational Databases",
        group="SQL",
        multiple=cores,
    )
