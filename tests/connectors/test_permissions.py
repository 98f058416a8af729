"""The roles in docs/permissions.md are what the connectors say they need, no more and no less."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from costlab.discover import connector
from costlab.lab.permissions import STORES

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "permissions.md").read_text()
BLOCKS = re.findall(r"^```(?:json|yaml)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def of(*names: str) -> set[str]:
    return {permission for name in names for permission in getattr(connector(name), "permissions")}  # noqa: B009


def test_the_aws_policy_has_a_statement_per_connector() -> None:
    policy: dict[str, Any] = json.loads(BLOCKS[0])
    statements = {statement["Sid"]: set(statement["Action"]) for statement in policy["Statement"]}
    assert statements == {
        "Inventory": of("aws-inventory"),
        "Bills": set(STORES["s3"]),
        "Recommendations": of("aws-recommendations"),
        "CostExplorer": of("aws-cost-explorer"),
        "Budgets": of("aws-budgets"),
        "SpotPrices": of("aws-spot-prices"),
    }


def test_the_azure_role_reads_what_the_connectors_read() -> None:
    role = json.loads(BLOCKS[1])
    assert set(role["Actions"]) == of("azure-inventory", "azure-recommendations", "azure-budgets", "azure-cost-query")
    assert set(role["DataActions"]) == set(STORES["az"])


def test_the_google_role_reads_what_the_connectors_read() -> None:
    listed = set(re.findall(r"^- (\S+)$", BLOCKS[2], re.MULTILINE))
    assert listed == of("gcp-inventory", "gcp-billing-export", "gcp-recommendations", "gcp-prices") | set(STORES["gs"])


def test_nothing_may_be_changed() -> None:
    aws = re.findall(r'"[a-z0-9-]+:(\w+)"', BLOCKS[0])
    azure = re.findall(r'"Microsoft\.[\w/.]+/(\w+)"', BLOCKS[1])
    google = re.findall(r"^- .*\.(\w+)$", BLOCKS[2], re.MULTILINE)
    assert set(re.findall(r"\b[A-Z][a-z]+", " ".join(aws))) == {"Describe", "Get", "List", "View"}
    assert set(azure) == {"action", "read"}, "the action is a query of costs"
    assert set(google) == {"create", "get", "getData", "list", "listResource", "use"}, "what is created is a query"
