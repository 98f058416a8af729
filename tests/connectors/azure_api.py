"""What the tests of Azure's APIs have in common: a made-up token, errors in Azure's shape."""

from __future__ import annotations

import time
from typing import Any

from tests.connectors.served import Reply

SUBSCRIPTION = "00000000-0000-0000-0000-00000000cafe"


class FakeCredential:
    """Gives a token without asking anybody."""

    def get_token(self, *scopes: str, **_: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("made-up", int(time.time()) + 3600)


def azure_error(code: str, status: int) -> Reply:
    return Reply({"error": {"code": code, "message": "no"}}, status)
