"""Readers take no lock and see one whole publish; of two writers one is told who the other is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from costlab.errors import Locked
from costlab.lake import Retention, writing
from tests.lake_support import live_version, publish_version
from tests.unit.test_lake_crash import child

PUBLISHES = 20


def ready(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_ten_readers_never_see_a_mixture_while_a_writer_publishes(tmp_path: Path) -> None:
    readers = [ready(child("read", tmp_path, PUBLISHES)) for _ in range(10)]
    with writing(tmp_path, retention=Retention(revisions=0, days=0, manifests=1)) as writer:
        for version in range(1, PUBLISHES + 1):
            publish_version(writer, version)
            writer.collect()
    ended = [(*reader.communicate(timeout=60), reader.returncode) for reader in readers]
    assert [errors for _, errors, _ in ended] == [""] * 10
    assert [code for _, _, code in ended] == [0] * 10
    assert max(int(seen) for seen, _, _ in ended) > 1  # they did read while it changed


def test_a_second_process_is_told_who_writes_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    holder = ready(child("hold", tmp_path))
    try:
        with pytest.raises(Locked, match=rf"process {holder.pid} on .* since 20\d\d-"), writing(tmp_path):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with writing(tmp_path) as writer:
        publish_version(writer, 1)
    assert live_version(tmp_path) == 1


def test_of_two_writers_at_once_each_publish_is_whole(tmp_path: Path) -> None:
    pair = [child("publish", tmp_path, 10) for _ in range(2)]
    ended = [(process.communicate(timeout=60), process.returncode) for process in pair]
    for (_, errors), code in ended:
        assert code == 0 or "Locked: another process is writing" in errors
    winners = [code for _, code in ended if code == 0]
    assert live_version(tmp_path) == 10 * len(winners)
    assert winners
