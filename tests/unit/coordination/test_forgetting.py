"""When a kind is forgotten, who publishes it, and whose rows are deleted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.jobs import Instance, Kind, Worker
from coordination.forgetting import JOBS, is_kind_gone, is_published_by, is_row_outdated

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def worker(name: str, *kinds: str, **fields: Any) -> Worker:
    """Return a worker's row; it was heard a moment ago, and began an hour ago, unless told otherwise."""
    row = {"seen_at": ago(seconds=5), "started_at": ago(hours=1), "jobs": "jobs"} | fields
    jobs = row.pop("jobs")
    return Worker(worker=name, kinds=[*kinds], properties={} if jobs is None else {JOBS: jobs}, **row)


KIND = Kind(kind="k", parameters={}, published_at=ago(minutes=4))
NEW = worker("new", "b", started_at=ago(seconds=10))
STOPPED = {"stopped_at": ago(seconds=20), "seen_at": ago(seconds=20)}


@pytest.mark.parametrize(
    ("others", "is_gone"),
    [
        pytest.param([], True, id="no worker lists it"),
        pytest.param([worker("old", "k")], False, id="an older worker still runs"),
        pytest.param([worker("old", "k", **STOPPED)], True, id="its worker was stopped and replaced"),
        pytest.param(
            [worker("old", "k", jobs="other", **STOPPED)], False, id="a worker with other modules may return"
        ),
        pytest.param(
            [worker("old", "k", jobs="other", stopped_at=ago(minutes=10), seen_at=ago(minutes=10))],
            True,
            id="a worker with other modules did not return for ten minutes",
        ),
        pytest.param(
            [worker("old", "k", jobs=None, **STOPPED)], False, id="a worker of an earlier version was stopped"
        ),
        pytest.param([worker("lost", "k", seen_at=ago(minutes=9))], False, id="a lost worker may return"),
        pytest.param([worker("lost", "k", seen_at=ago(minutes=10))], True, id="a lost worker did not return"),
        pytest.param(
            [worker("later", "k", started_at=ago(seconds=8), **STOPPED)],
            False,
            id="the one that was stopped began later",
        ),
        pytest.param(
            [worker("old", "k", **STOPPED), worker("older", "k")], False, id="one of two was stopped"
        ),
    ],
)
def test_a_kind_is_gone_when_no_worker_stands_for_it(others: list[Worker], is_gone: bool) -> None:
    assert is_kind_gone(KIND, [NEW, *others], NOW) is is_gone


def test_a_worker_that_replaced_others_and_is_lost_takes_no_kind_with_it() -> None:
    lost = worker("new", "b", started_at=ago(minutes=30), seen_at=ago(minutes=20))
    assert not is_kind_gone(KIND, [lost, worker("old", "k", **STOPPED)], NOW)


@pytest.mark.parametrize(("seconds", "is_gone"), [(29, False), (30, True)])
def test_a_kind_that_was_published_a_moment_ago_may_have_a_worker_that_is_not_listed_yet(
    seconds: float, is_gone: bool
) -> None:
    young = Kind(kind="k", parameters={}, published_at=ago(seconds=seconds))
    assert is_kind_gone(young, [NEW], NOW) is is_gone


@pytest.mark.parametrize(
    ("other", "is_mine"),
    [
        pytest.param(worker("old", "k", started_at=ago(hours=2)), True, id="the other is older"),
        pytest.param(worker("new", "k", started_at=ago(minutes=1)), False, id="the other is newer"),
        pytest.param(worker("new", "b", started_at=ago(minutes=1)), True, id="the newer does not know it"),
        pytest.param(
            worker("new", "k", started_at=ago(minutes=1), **STOPPED), True, id="the newer was stopped"
        ),
        pytest.param(
            worker("new", "k", started_at=ago(minutes=30), seen_at=ago(minutes=10)),
            True,
            id="the newer was not heard for ten minutes",
        ),
        pytest.param(worker("aaa", "k"), True, id="both began at the same time: the last by name"),
        pytest.param(worker("zzz", "k"), False, id="both began at the same time, and it is not the last"),
        pytest.param(
            worker("ancient", "k", started_at=None), True, id="the other does not say when it began"
        ),
    ],
)
def test_the_living_worker_that_began_last_publishes_a_kind(other: Worker, is_mine: bool) -> None:
    me = worker("me", "k")
    assert is_published_by(me, "k", [other, me], NOW) is is_mine


@pytest.mark.parametrize(("days", "is_outdated"), [(6.9, False), (7, True)])
def test_a_row_is_outdated_a_week_after_its_process_was_heard(days: float, is_outdated: bool) -> None:
    silent = worker("w", seen_at=ago(days=days))
    stopped = worker("w", seen_at=ago(days=days), stopped_at=ago(days=days))
    instance = Instance(
        service="s", instance="i", seen_at=ago(days=days), started_at=ago(days=20), version="1"
    )
    for process in (silent, stopped, instance):
        assert is_row_outdated(process, NOW) is is_outdated
