"""Processes that write or read a lake until they end or are killed: ``python -m tests.lake_child MODE WORKSPACE``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from costlab.lake import Lake, Retention, writing
from tests.lake_support import live_version, publish_version

SHORT = Retention(revisions=1, days=0, manifests=2, grace=timedelta(0))
"""Forgets at once, so that every publish has something to remove."""
STEPS = ("fsync", "replace", "mkdir", "unlink", "rmdir")


def say(text: object) -> None:
    print(text, flush=True)


def publish_on(workspace: Path, times: int) -> None:
    """Publish the next versions, tidying up after each."""
    with writing(workspace, retention=SHORT) as writer:
        say("ready")
        for _ in range(times):
            publish_version(writer, live_version(workspace) + 1)
            writer.collect()


def stop_at(workspace: Path, step: int, how: str) -> None:
    """Publish once, but die or be interrupted just before the n-th change to the disk."""
    left = step

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0 and how == "die":
                os._exit(9)
            if left == 0:
                raise KeyboardInterrupt
            return call(*args, **options)

        return counting

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    publish_on(workspace, 1)


def read_until(workspace: Path, version: int) -> None:
    """Read again and again, each time one manifest and all of its files, until it shows ``version``."""
    lake = Lake(workspace)
    seen: list[int] = []
    say("ready")
    deadline = time.monotonic() + 60
    while not seen or seen[-1] != version:
        manifest = lake.current()
        time.sleep(0.001)
        seen.append(live_version(workspace, manifest))
        assert seen == sorted(seen)
        assert time.monotonic() < deadline
    say(len(set(seen)))


def hold(workspace: Path) -> None:
    """Take the lock and keep it until killed."""
    with writing(workspace):
        say("ready")
        time.sleep(60)


if __name__ == "__main__":
    mode, folder, *rest = sys.argv[1:]
    if mode == "publish":
        publish_on(Path(folder), int(rest[0]))
    elif mode == "stop":
        stop_at(Path(folder), int(rest[0]), rest[1])
    elif mode == "read":
        read_until(Path(folder), int(rest[0]))
    else:
        hold(Path(folder))
