"""Servers on this machine that stand for clouds."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from tests.connectors.aws_support import Aws
from tests.connectors.served import serving


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Return the URL of an AWS of our own, without the public images that every account there would have."""
    from moto.server import ThreadedMotoServer

    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """Return AWS behind a door that can refuse, with credentials that work there."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    world = Aws(moto_url)
    with serving(world.answer) as door:
        world.url, world.asked = door.url, door.asked
        yield world
