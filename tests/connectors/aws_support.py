"""AWS for tests: moto's server, and a door before it that refuses or throttles what a test names."""

from __future__ import annotations

import http.client
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.connectors.served import Asked, Reply

ACCESS_DENIED = "AccessDenied"
THROTTLED = "Throttling"
_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}


@dataclass
class Aws:
    """What a test sees of AWS. ``faults``: a part of a request (an action's name) -> the error code it gets."""

    moto: str
    url: str = ""
    """The door: what a connector is told as its endpoint."""
    faults: dict[str, str] = field(default_factory=dict[str, str])
    once: dict[str, str] = field(default_factory=dict[str, str])
    """Likewise, for the first request only."""
    asked: list[Asked] = field(default_factory=list[Asked])

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

    def answer(self, request: Asked) -> Reply:
        scope = request.headers.get("authorization", "").partition("Credential=")[2].partition(",")[0]
        target = request.headers.get("x-amz-target", "")
        told = f"{scope} {target} {request.method} {request.target} {request.body.decode()}"
        for faults in (self.once, self.faults):
            for what in list(faults):
                if what in told:
                    code = faults.pop(what) if faults is self.once else faults[what]
                    return _error(code, request)
        if "/provisioned-concurrency?" in request.target:  # which moto does not know
            kept = {"ProvisionedConcurrencyConfigs": [{"RequestedProvisionedConcurrentExecutions": 5}]}
            return Reply(kept)
        return self._forward(request)

    def _forward(self, request: Asked) -> Reply:
        where = urlsplit(self.moto)
        connection = http.client.HTTPConnection(where.hostname or "", where.port)
        try:
            connection.request(request.method, request.target, request.body, request.headers)
            got = connection.getresponse()
            kept = {name: value for name, value in got.getheaders() if name.lower() not in _HOP}
            return Reply(got.read(), got.status, kept)
        finally:
            connection.close()


def _error(code: str, request: Asked) -> Reply:
    """Return an error in the shape of the service's protocol."""
    status = 400 if code in {THROTTLED, "ExpiredToken"} else 403
    message = "User: arn:aws:iam::111122223333:user/x is not authorized"
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    if "x-amz-target" in request.headers:
        return Reply({"__type": code, "message": message}, status)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        is_ec2 = b"Version=2016-11-15" in request.body  # which has a shape of its own
        text = f"<Response><Errors>{error}</Errors></Response>" if is_ec2 else f"<ErrorResponse>{error}</ErrorResponse>"
        return Reply(text.encode(), status)
    if "/s3/" in request.headers.get("authorization", ""):
        return Reply(error.encode(), status)
    return Reply({"message": message}, status, {"x-amzn-ErrorType": code})
