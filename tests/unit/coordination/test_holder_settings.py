"""What a worker goes by unless it is told otherwise, and records that are shared and so never changed."""

from dataclasses import FrozenInstanceError, fields
from typing import Any, get_args

import pytest
from tests.unit.coordination.setting import Setting

from coordination import observations
from coordination.holder.policy import HolderSettings, WorkerPolicy
from coordination.journal.rows import JobRow
from coordination.maintenance import queue_snapshot
from coordination.observations import HandOver, HandOverCause
from coordination.times import LeaseTimes

TIMES = LeaseTimes.of(15)


def test_a_worker_treats_its_locks_like_this_unless_it_is_told_otherwise() -> None:
    assert WorkerPolicy(capacity=3) == WorkerPolicy(
        capacity=3,
        deferral=5.0,
        linger=0.0,
        longest_tenure=60.0,
        watches=64,
        patience_for_kinds=60.0,
    )


def test_a_worker_goes_by_these_rules_unless_it_is_told_otherwise() -> None:
    assert HolderSettings("w1", TIMES) == HolderSettings("w1", TIMES, call_timeout=2.0, flush_seconds=1.0)


def test_a_snapshot_is_limited_to_so_much() -> None:
    limits = queue_snapshot.MOST_LOCKS, queue_snapshot.PLACES, queue_snapshot.SHOWN, queue_snapshot.MOST_LOOKS
    assert limits == (1000, 50, 10, 200)


def refuses_change(record: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, fields(record)[0].name, None)


@pytest.mark.parametrize("kind", get_args(observations.Observation))
def test_an_observation_that_several_observers_see_is_changed_by_none(kind: type[Any]) -> None:
    refuses_change(kind(**{field.name: None for field in fields(kind)}))


@pytest.mark.parametrize(
    "kind",
    [queue_snapshot.LineSeen, queue_snapshot.RunSeen, queue_snapshot.Look, queue_snapshot.QueueSnapshot],
)
def test_what_a_snapshot_has_seen_is_not_changed(kind: type[Any]) -> None:
    refuses_change(kind(*[None] * len(fields(kind))))


def test_what_a_worker_goes_by_is_not_changed_while_it_works() -> None:
    records = [
        WorkerPolicy(1),
        HolderSettings("w1", TIMES),
        TIMES,
        Setting().ports,
        HandOver(HandOverCause.CHAINED),
    ]
    for record in records:
        refuses_change(record)


def test_an_observation_says_by_default_as_little_as_is_known() -> None:
    job = JobRow("job", "kind", "L")
    assert observations.RunStarted(job) == observations.RunStarted(job, None, None, None)
    assert HandOver(HandOverCause.WORKER_LOST) == HandOver(HandOverCause.WORKER_LOST, "", "")
    assert queue_snapshot.QueueSnapshot() == queue_snapshot.QueueSnapshot(0, 0, (), (), ())
