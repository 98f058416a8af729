"""The allocation rules and business metrics that a demo comes with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.simulate.business import write_business_metrics

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

RULES_FILE, METRICS_FILE = "allocation.toml", "business_metrics.csv"
_RULES = """\
# Made by `costlab demo`: whose cost it is. How to write such rules: docs/allocation.md.

[tags]                                  # other names of a tag key; case, "-", "_" and "." never matter
env = ["environment", "stage"]

[[dimensions]]
name = "team"
aliases = { ml = ["sandbox"], web = ["prod", "retail"] }   # the sandbox is where ml tries things

[[dimensions.rules]]                    # in order, the first that matches wins
value = "web"
where = "ResourceId like '%:pod/%/shop/%'"

[[dimensions.rules]]
take = "Tags.team"

[[dimensions.rules]]
value = "web"
where = "SubAccountName like 'web-%' or SubAccountName in ('quill-prod', 'quill-retail')"

[[dimensions.rules]]
value = "web"
where = "SubAccountId like 'quill-shop-%'"

[[dimensions.rules]]
value = "data"
where = "SubAccountName like 'data-%' or SubAccountName = 'quill-data' or SubAccountId like 'quill-data-%'"

[[dimensions.rules]]
value = "platform"
where = "SubAccountName like 'platform-%' or SubAccountName = 'quill-platform' or SubAccountId = 'quill-shared'"

[[dimensions.rules]]
value = "ml"
where = "SubAccountName in ('ml-prod', 'sandbox', 'quill-ml', 'quill-sandbox')"

[[dimensions.rules]]
value = "ml"
where = "SubAccountId in ('quill-ml-prod', 'quill-sandbox')"

# mobile and eu have no rule for their accounts: `costlab allocate --hygiene` finds what they left untagged

[[dimensions.rules]]
value = "security"
where = "SubAccountName = 'security'"

[[dimensions.shared]]                   # in order, a later one may split what an earlier one allocated
name = "Support"
where = "ServiceName ilike '%support%'"
split = "proportional"

[[dimensions.shared]]
name = "Unused commitments"
where = "CommitmentDiscountStatus = 'Unused'"
split = "proportional"

[[dimensions.shared]]
name = "Network"
where = "SubAccountName = 'network'"
split = "fixed"
shares = { web = 50, data = 30, eu = 20 }

[[dimensions.shared]]
name = "Security"
from = "security"
split = "even"
over = ["web", "data", "ml", "mobile", "eu", "platform"]

[[dimensions.shared]]
name = "Platform"
from = "platform"
split = "proportional"
over = ["web", "data", "ml", "mobile", "eu"]

[[dimensions]]
name = "environment"
default = "prod"
aliases = { prod = ["production"], dev = ["non-production", "nonprod"] }

[[dimensions.rules]]
take = "Tags.env"

[[dimensions.rules]]
value = "staging"
where = "SubAccountName like '%-staging' or SubAccountId like '%-staging'"

[[dimensions.rules]]
value = "dev"
where = "SubAccountName like '%-dev' or SubAccountId like '%-dev' or SubAccountName ilike '%sandbox'"
"""


def write_allocation(folder: Path, *, seed: int, start: date, end: date) -> None:
    """Write the rules and the business metrics of the days ``[start, end)`` into a demo's workspace."""
    (folder / RULES_FILE).write_text(_RULES, encoding="utf-8")
    write_business_metrics(folder / METRICS_FILE, seed=seed, start=start, end=end)
