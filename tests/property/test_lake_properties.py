"""Whatever is loaded, removed and tidied up in whatever order: each period counts once, and its files are there."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from costlab.lake import Action, Lake, Retention, writing
from costlab.lake.verify import changed_files
from costlab.lake.writer import decide
from tests.lake_support import live_texts, load

PERIODS = ("2026-01", "2026-02")
RETENTIONS = st.builds(
    Retention,
    revisions=st.integers(0, 3),
    days=st.integers(0, 2),
    manifests=st.integers(1, 3),
    grace=st.sampled_from([timedelta(0), timedelta(days=1)]),
)
DELIVERY = st.tuples(st.just("deliver"), st.sampled_from(PERIODS), st.integers(0, 5))
STEPS = st.one_of(
    DELIVERY,
    DELIVERY,
    st.tuples(st.just("remove"), st.sampled_from(PERIODS), st.just(0)),
    st.tuples(st.just("collect"), st.just(""), st.just(0)),
    st.tuples(st.just("crash"), st.sampled_from(PERIODS), st.just(0)),
)


def deliver(workspace: Path, retention: Retention, period: str, number: int) -> Action:
    """Load delivery ``number`` of a period as ingest does: its number is its order."""
    with writing(workspace, retention=retention) as writer:
        live = writer.lake.current().find("focus", "aws", period)
        action = decide(live, str(number), str(number), ["v1"])
        if action in {Action.LOADED, Action.REPLACED}:
            revision = load(writer, period, str(number), loaded_at=datetime(2026, 3, 1))
            writer.publish([replace(revision, order=str(number))])
    return action


@settings(deadline=None, max_examples=40)
@given(RETENTIONS, st.lists(STEPS, max_size=14))
def test_each_period_counts_once_and_the_newest_delivery_wins(
    retention: Retention, steps: list[tuple[str, str, int]]
) -> None:
    expected: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        for what, period, number in steps:
            if what == "deliver":
                action = deliver(workspace, retention, period, number)
                assert action is _expected(expected.get(period), number)
                expected[period] = max(number, expected.get(period, 0))
            elif what == "remove":
                with writing(workspace, retention=retention) as writer:
                    writer.publish([], removed=[("focus", "aws", period)])
                expected.pop(period, None)
            elif what == "crash":
                stray = workspace / f"lake/focus/source=aws/billing_period={period}/crashed"
                stray.mkdir(parents=True, exist_ok=True)
            else:
                with writing(workspace, retention=retention) as writer:
                    writer.collect()
            check(workspace, expected)


def _expected(live: int | None, number: int) -> Action:
    if live is None:
        return Action.LOADED
    if live == number:
        return Action.UNCHANGED
    return Action.REPLACED if number > live else Action.IGNORED_OLDER


def check(workspace: Path, expected: dict[str, int]) -> None:
    lake = Lake(workspace)
    manifest = lake.current()
    keys = [r.key for r in manifest.revisions]
    assert len(keys) == len(set(keys))
    assert live_texts(workspace) == [str(number) for _, number in sorted(expected.items())]
    # every kept manifest and the history it names can still be read in full
    for kept in lake.history():
        assert changed_files(lake, kept) == []
        for revision in lake.revisions(kept):
            assert all((workspace / f.path).is_file() for f in revision.files)
    firsts = [r.key for r in lake.revisions() if r.is_first]
    assert len(firsts) == len(set(firsts))
