"""The pool of a charge: what a commitment treats as one thing, in the names the rating engine understands.

=========  =======================================================================================================
AWS        the instance type with what makes its price: ``m5.large``, ``m5.large:windows``,
           ``db.r5.large:postgresql:multi-az``; else the usage type without its region
Azure      the instance type, else meter subcategory and meter
Google     cores and memory of a machine series (``n2-cpu``, ``n2-ram``), else the SKU's description
others     the instance type, else the meter
=========  =======================================================================================================

Platform and engine stand in the operation: AWS EC2 User Guide, "AMI billing information fields", and AWS billing
documentation of RDS usage types, read 2026-11. An operation that is not in the tables is part of the name as it is.
"""

from __future__ import annotations

from typing import Final

PLATFORMS: Final = {
    "0002": "windows", "0006": "windows-sql-std", "0102": "windows-sql-ent", "0202": "windows-sql-web",
    "0010": "rhel", "000g": "suse", "0004": "sql-std", "0100": "sql-ent", "0200": "sql-web", "0800": "windows-byol",
}  # fmt: skip
ENGINES: Final = {
    "0002": "mysql", "0014": "postgresql", "0016": "aurora-mysql", "0018": "mariadb", "0021": "aurora-postgresql",
}  # fmt: skip

_MACHINE: Final = (
    "(Box|Instance|Node|Heavy|Dedicated|Host|Multi-AZ|Multi-AZCluster|Mirror|ESInstance|Db|Cluster)(Usage)?(:|$)|"
    "ESInstance|Node:|Notebk:|Studio:|Train:|Hosting:|Host:|Processing:"
)
_REGION_PREFIX: Final = "^[A-Z]{2,4}[0-9]?-"


def _cases(operation: str, names: dict[str, str]) -> str:
    """Return a CASE that names what follows the colon of an operation; nothing follows: an empty text."""
    known = " ".join(f"when '{code}' then ':{name}'" for code, name in names.items())
    after = f"coalesce(regexp_extract({operation}, ':(.*)$', 1), '')"
    return f"case {after} when '' then '' {known} else ':' || lower({after}) end"


_AWS: Final = f"""
case
    when x_instance_type is null or not regexp_matches(coalesce(x_usage_type, 'BoxUsage:'), '{_MACHINE}')
        then regexp_replace(coalesce(x_usage_type, SkuMeter, SkuId), '{_REGION_PREFIX}', '')
    when x_instance_type like 'db.%'
        then x_instance_type || {_cases("x_operation", ENGINES)}
        || case
            when x_usage_type like '%Multi-AZCluster%' then ':multi-az-cluster'
            when x_usage_type like '%Multi-AZ%' then ':multi-az'
            else ''
        end
    when coalesce(x_operation, '') like 'RunInstances%'
        then x_instance_type || {_cases("x_operation", PLATFORMS)}
        || case when regexp_matches(x_usage_type, '(Dedicated|HostBox)Usage') then ':dedicated' else '' end
    else x_instance_type
end
"""
_AZURE: Final = "coalesce(x_instance_type, concat_ws(' ', x_operation, coalesce(SkuMeter, SkuId)))"
_NAME: Final = "coalesce(SkuMeter, ChargeDescription)"
_SERIES: Final = f"""
case
    when regexp_matches({_NAME}, '^(Commitment v.: )?(N1|Custom|Cpu|Ram) ') then 'n1'
    when regexp_matches({_NAME}, '^(Commitment v.: )?Compute optimized ') then 'c2'
    else nullif(lower(regexp_extract({_NAME}, '^(?:Commitment v.: )?([A-Z][0-9]+[A-Z]*) ', 1)), '')
end
"""
_GCP: Final = f"""
coalesce(
    ({_SERIES}) || case
        when regexp_matches({_NAME}, ' (Core|Cpu)( |$)') then '-cpu'
        when regexp_matches({_NAME}, ' Ram( |$)') then '-ram'
    end,
    {_NAME},
    SkuId
)
"""
POOL: Final = f"""
case ServiceProviderName
    when 'AWS' then {_AWS}
    when 'Microsoft' then {_AZURE}
    when 'Google Cloud' then {_GCP}
    else coalesce(x_instance_type, SkuMeter, SkuId)
end
"""
"""SQL over ``focus.costs``: the pool of a charge, NULL where nothing names one."""
