"""The columns of every dataset in the lake that is not FOCUS, with their DuckDB types.

Staging models produce them, connectors aim at them, ``metrics.*``, ``inventory.*``, ``prices.*`` and ``advice.*`` show
them. Descriptions of columns are in docs/storage.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.interfaces.connector import Dataset

if TYPE_CHECKING:
    from collections.abc import Mapping

_MONEY: Final = "DECIMAL(38,12)"

METRIC_TYPES: Final[Mapping[str, str]] = {
    "provider": "VARCHAR",
    "resource_id": "VARCHAR",
    "metric": "VARCHAR",
    "ts": "TIMESTAMP",
    "avg": "DOUBLE",
    "max": "DOUBLE",
    "shape": "VARCHAR",
    "region": "VARCHAR",
    "x_source": "VARCHAR",
}
INVENTORY_TYPES: Final[Mapping[str, str]] = {
    "provider": "VARCHAR",
    "resource_id": "VARCHAR",
    "resource_kind": "VARCHAR",
    "native_type": "VARCHAR",
    "name": "VARCHAR",
    "sub_account_id": "VARCHAR",
    "region_id": "VARCHAR",
    "zone": "VARCHAR",
    "state": "VARCHAR",
    "shape": "VARCHAR",
    "size_gib": "DOUBLE",
    "attached_to": "VARCHAR",
    "created_at": "TIMESTAMP",
    "tags": "VARCHAR",
    "properties": "VARCHAR",
    "observed_at": "TIMESTAMP",
    "x_source": "VARCHAR",
}
OFFER_TYPES: Final[Mapping[str, str]] = {
    "provider": "VARCHAR",
    "service_code": "VARCHAR",
    "sku_id": "VARCHAR",
    "region_id": "VARCHAR",
    "zone": "VARCHAR",
    "resource_kind": "VARCHAR",
    "shape": "VARCHAR",
    "family": "VARCHAR",
    "vcpu": "DOUBLE",
    "memory_gib": "DOUBLE",
    "gpu_count": "DOUBLE",
    "arch": "VARCHAR",
    "os": "VARCHAR",
    "license": "VARCHAR",
    "tenancy": "VARCHAR",
    "attributes": "VARCHAR",
    "instrument": "VARCHAR",
    "term_months": "INTEGER",
    "payment": "VARCHAR",
    "upfront": _MONEY,
    "unit": "VARCHAR",
    "price": _MONEY,
    "currency": "VARCHAR",
    "tier_from": _MONEY,
    "tier_to": _MONEY,
    "valid_from": "TIMESTAMP",
    "valid_to": "TIMESTAMP",
    "observed_at": "TIMESTAMP",
    "confidence": "VARCHAR",
    "x_source": "VARCHAR",
}
ADVICE_TYPES: Final[Mapping[str, str]] = {
    "provider": "VARCHAR",
    "native_id": "VARCHAR",
    "tool": "VARCHAR",
    "kind": "VARCHAR",
    "action": "VARCHAR",
    "resource_id": "VARCHAR",
    "sub_account_id": "VARCHAR",
    "region_id": "VARCHAR",
    "from_shape": "VARCHAR",
    "to_shape": "VARCHAR",
    "monthly_saving": _MONEY,
    "currency": "VARCHAR",
    "term_months": "INTEGER",
    "payment": "VARCHAR",
    "hourly_commitment": _MONEY,
    "detail": "VARCHAR",
    "observed_at": "TIMESTAMP",
    "x_source": "VARCHAR",
}
BUDGET_TYPES: Final[Mapping[str, str]] = {
    "provider": "VARCHAR",
    "budget_id": "VARCHAR",
    "name": "VARCHAR",
    "billing_account_id": "VARCHAR",
    "scope": "VARCHAR",
    "amount": _MONEY,
    "currency": "VARCHAR",
    "cadence": "VARCHAR",
    "thresholds": "VARCHAR",
    "observed_at": "TIMESTAMP",
    "x_source": "VARCHAR",
}

TYPES: Final[Mapping[Dataset, Mapping[str, str]]] = {
    Dataset.METRICS: METRIC_TYPES,
    Dataset.INVENTORY: INVENTORY_TYPES,
    Dataset.PRICES: OFFER_TYPES,
    Dataset.ADVICE: ADVICE_TYPES,
    Dataset.BUDGETS: BUDGET_TYPES,
}
INSTANTS: Final[Mapping[Dataset, str]] = {
    Dataset.METRICS: "ts",
    Dataset.INVENTORY: "observed_at",
    Dataset.PRICES: "observed_at",
    Dataset.ADVICE: "observed_at",
    Dataset.BUDGETS: "observed_at",
}
"""The column whose month is a row's period in the lake."""
RELATIONS: Final[Mapping[Dataset, str]] = {
    Dataset.METRICS: "metrics.utilization",
    Dataset.INVENTORY: "inventory.resources",
    Dataset.PRICES: "prices.history",
    Dataset.ADVICE: "advice.recommendations",
    Dataset.BUDGETS: "advice.budgets",
}
"""How the catalogue calls it."""
STATES: Final = frozenset({Dataset.INVENTORY, Dataset.ADVICE, Dataset.BUDGETS})
"""Datasets that say how things are: of each source only what was observed last counts."""
COVERAGE: Final = "coverage"
"""The ``resource_kind`` of inventory rows that say what was looked at: shown as ``inventory.coverage``."""
OBSERVATIONS: Final = "inventory.observations"
"""Both together, as they lie in the lake."""
