"""Requests to AWS Cost Explorer: each costs money, so each try is booked before it is made.

The SDK's own retries are off here: they would be charged without being seen.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from costlab.interfaces.connector import PaidRequest
from costlab_connectors import _aws_billing as aws

if TYPE_CHECKING:
    from costlab.interfaces.connector import Landing

PRICE: Final = PaidRequest(
    "Cost Explorer request",
    Decimal("0.01"),
    "aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing, read 2026-11-24",
)
_WAITS: Final = (1.0, 4.0, 16.0)
"""Seconds before asking once more."""


def explorer(payer: aws.Payer) -> Any:
    """Return a client of Cost Explorer that never asks twice by itself."""
    return payer.client("ce", tries=1)


def ask(landing: Landing, key: str, service: Any, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return the kept answer, else the answer to one paid request; a busy service is asked again, three times at most.

    Raises
    ------
    ConfigError
        If the cap does not allow one more, or the permission ``ce:<operation>`` is missing.
    SourceError
        If Cost Explorer does not answer.
    """
    permission = f"ce:{service.meta.method_to_api_mapping[operation]}"

    def call() -> dict[str, Any]:
        with aws.explained(permission):
            return aws.plain_answer(getattr(service, operation)(**request))

    for wait in _WAITS:
        try:
            return dict(landing.paid(key, PRICE, call))
        except aws.Passing:
            landing.tell(f"Cost Explorer is busy: asking once more in {wait:.0f} s")
            time.sleep(wait)
    return dict(landing.paid(key, PRICE, call))
