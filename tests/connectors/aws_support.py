"""AWS for tests: moto's server, and a door before it that refuses or throttles what a test names."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.connectors.loopback import Answer, Loopback, Request

ACCESS_DENIED = "AccessDenied"
THROTTLED = "Throttling"
_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}


@dataclass
class Aws:
    """What a test sees of AWS. ``faults``: a part of a request (an action's name) -> the error code it gets."""

    moto: str
    door: Loopback
    faults: dict[str, str] = field(default_factory=dict)
    once: dict[str, str] = field(default_factory=dict)
    """Likewise, for the first request only."""

    def __post_init__(self) -> None:
        self.door.answer = self._answer

    @property
    def url(self) -> str:
        """What a connector is told as its endpoint."""
        return self.door.url

    def client(self, service: str, region: str = "eu-west-1", *, account: str = "") -> Any:
        """Return a client that goes straight to moto, in an account of its own if one is named."""
        import boto3

        if not account:
            return boto3.client(service, region_name=region, endpoint_url=self.moto)
        given = self.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/reader", RoleSessionName="test")
        keys = given["Credentials"]
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.moto,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def _answer(self, request: Request) -> Answer:
        told = f"{request.headers.get('x-amz-target', '')} {request.method} {request.path} {request.body.decode()}"
        for faults in (self.once, self.faults):
            for what in list(faults):
                if what in told:
                    code = faults.pop(what) if faults is self.once else faults[what]
                    return _error(code, request)
        if "/provisioned-concurrency?" in request.path:  # which moto does not know
            kept = {"ProvisionedConcurrencyConfigs": [{"RequestedProvisionedConcurrentExecutions": 5}]}
            return Answer(200, json.dumps(kept).encode())
        return self._forward(request)

    def _forward(self, request: Request) -> Answer:
        where = urlsplit(self.moto)
        connection = http.client.HTTPConnection(where.hostname or "", where.port)
        try:
            connection.request(request.method, request.path, request.body, request.headers)
            got = connection.getresponse()
            kept = {name: value for name, value in got.getheaders() if name.lower() not in _HOP}
            return Answer(got.status, got.read(), kept)
        finally:
            connection.close()


def _error(code: str, request: Request) -> Answer:
    """Return an error in the shape of the service's protocol."""
    status = 400 if code in {THROTTLED, "ExpiredToken"} else 403
    message = "User: arn:aws:iam::111122223333:user/x is not authorized"
    if "x-amz-target" in request.headers:
        return Answer(status, json.dumps({"__type": code, "message": message}).encode())
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        if b"Version=2016-11-15" in request.body:  # EC2 has a shape of its own
            text = (
                f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
            )
        else:
            text = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        return Answer(status, text.encode())
    if "s3" in request.headers.get("authorization", ""):
        return Answer(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode())
    return Answer(status, json.dumps({"message": message}).encode(), {"x-amzn-ErrorType": code})
