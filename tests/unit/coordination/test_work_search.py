"""Searches: what a worker finds without wake-ups, how soon, and how few requests that takes."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from unittest.mock import AsyncMock

import pytest
from tests.unit.coordination.setting import Setting

from contracts import lock_names
from contracts.policies import JobPolicy, RetryPolicy
from coordination.holder.dispatcher import LockDispatcher
from coordination.holder.work_search import WorkSearch
from coordination.outcomes import Failed
from coordination.ports import Registration, UnknownOutcomeError, WakeUp

#: The longest pause between two searches.
PAUSE = 3.0


class Searched(Setting):
    """A worker whose broker may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = True

    def searching(self, name: str = "w1", **policy: object) -> LockDispatcher:
        """Make a worker that searches from now on."""
        worker = self.worker(name, **policy)  # type: ignore[arg-type]
        self.spawn(WorkSearch(self.register, self.ports, worker, lambda: self.is_away).keep_searching())
        return worker

    def count(self) -> Counter[str]:
        """Count the requests since the last call of this."""
        counted = Counter(call.name for call in self.network.calls)
        self.network.calls.clear()
        return counted


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Searched]:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    made = Searched()
    yield made
    await made.close()


async def test_a_job_under_a_free_lock_starts_without_a_wake_up(world: Searched) -> None:
    world.searching()
    await world.clock.advance(100)
    job_id = await world.submit()
    await world.clock.advance(PAUSE)
    assert world.runs.jobs == [job_id]


async def test_as_long_as_the_broker_answers_no_request_is_sent(world: Searched) -> None:
    world.is_away = False
    world.searching()
    await world.submit()
    world.count()
    await world.clock.advance(600)
    assert not world.count()


async def test_a_worker_without_room_sends_no_request_and_searches_again_once_it_has_some(
    world: Searched,
) -> None:
    world.searching(capacity=1)
    first = await world.submit("L1")
    await world.clock.advance(PAUSE)
    second = await world.submit("L2")
    world.count()
    await world.clock.advance(10)
    assert not {"journal.active", "journal.marks"} & set(world.count())
    await world.end()
    await world.clock.advance(PAUSE)
    assert world.runs.jobs == [first, second]


async def test_a_job_whose_worker_was_lost_is_found_once_its_lease_is_over(world: Searched) -> None:
    job_id = await world.submit()
    await world.hold("lost")
    world.searching()
    await world.clock.advance(world.times.duration + PAUSE)
    assert world.runs.jobs == [job_id]
    assert world.job(job_id).interruptions == 1


async def test_a_lock_that_another_worker_holds_is_left_alone(world: Searched) -> None:
    await world.submit()
    await world.hold_elsewhere()
    world.searching()
    world.count()
    await world.clock.advance(30)
    assert "leases.acquire" not in world.count()


async def test_while_nothing_is_active_one_request_a_search_is_enough(world: Searched) -> None:
    world.searching()
    await world.clock.advance(PAUSE)
    world.count()
    await world.clock.advance(27)
    assert world.count() == {"journal.marks": 9}


async def test_a_job_that_comes_while_nothing_is_active_is_found_by_the_mark_of_its_submitter(
    world: Searched,
) -> None:
    world.searching()
    await world.clock.advance(10)
    job_id = await world.submit()
    await world.clock.advance(PAUSE)
    assert world.runs.jobs == [job_id]


async def test_a_job_that_is_registered_late_under_a_mark_already_seen_is_found(
    world: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.searching()
    await world.clock.advance(10)
    await world.register.mark("slow")
    await world.clock.advance(9)
    monkeypatch.setattr(world.register, "mark", AsyncMock())
    job_id = await world.submit()
    await world.clock.advance(PAUSE)
    assert world.runs.jobs == [job_id]


async def test_all_jobs_are_read_now_and_then_whatever_the_marks_say(world: Searched) -> None:
    world.searching()
    await world.clock.advance(10)
    world.count()
    await world.clock.advance(40)
    assert world.count()["journal.active"] == 1


async def test_jobs_that_have_ended_and_are_not_projected_yet_cost_less_and_less(world: Searched) -> None:
    worker = world.searching()
    for number in range(3):
        await world.submit(f"L{number}")
        await world.clock.advance(PAUSE)
        await world.end()
    assert not worker.running
    await world.clock.advance(600)
    world.count()
    await world.clock.advance(300)
    counted = world.count()
    # Each of the locks once in this time.
    assert (counted["leases.is_free"], counted["leases.acquire"]) == (3, 0)


async def test_a_new_job_of_a_lock_that_had_no_work_for_long_is_found_at_once(world: Searched) -> None:
    world.searching()
    await world.submit()
    await world.clock.advance(PAUSE)
    await world.end()
    await world.clock.advance(600)
    job_id = await world.submit()
    await world.clock.advance(PAUSE)
    assert world.runs.jobs[-1] == job_id


async def test_a_lock_whose_next_job_no_worker_here_can_run_is_tried_for_less_and_less_often(
    world: Searched,
) -> None:
    world.searching(knows=lambda kind: kind != "elsewhere", patience_for_kinds=1e6)
    await world.submit(kind="elsewhere")
    await world.clock.advance(30)
    assert 2 <= world.count()["leases.acquire"] <= 5


async def test_of_many_locks_all_that_are_free_are_found_by_one_list(world: Searched) -> None:
    for number in range(20):
        await world.submit(f"L{number:02}")
    await world.leases.acquire(lock_names.partition("L07"), 60, "another's", 1)
    world.searching(capacity=30)
    world.count()
    await world.clock.advance(PAUSE)
    assert len(world.runs.started) == 19
    counted = world.count()
    assert (counted["leases.list"], counted["leases.is_free"]) == (1, 0)


async def test_storage_that_does_not_answer_ends_one_search_only(world: Searched) -> None:
    job_id = await world.submit()
    world.network.before("journal.active", UnknownOutcomeError())
    world.searching()
    await world.clock.advance(PAUSE)
    assert not world.runs.started
    await world.clock.advance(PAUSE)
    assert world.runs.jobs == [job_id]


async def test_a_search_takes_a_quarter_of_the_time_at_most(world: Searched) -> None:
    await world.submit()
    await world.hold_elsewhere()
    world.network.before("journal.active", *[1.25] * 100)
    world.searching()
    await world.clock.advance(160)
    assert len(world.network.sent("journal.active")) == 32


async def test_a_search_that_takes_long_is_followed_by_a_short_pause_all_the_same(world: Searched) -> None:
    await world.submit()
    await world.hold_elsewhere()
    world.network.before("journal.active", *[4.0] * 100)
    world.searching()
    await world.clock.advance(160)
    assert len(world.network.sent("journal.active")) == 20


async def test_a_lock_that_is_watched_already_is_left_to_its_watch(world: Searched) -> None:
    await world.submit()
    await world.hold_elsewhere()
    worker = world.worker()
    await world.notify(worker, WakeUp("L"))
    assert worker.is_watching("L")
    await world.release_elsewhere()
    world.count()
    assert await worker.take_up("L")
    assert not world.count()


async def test_a_stopping_worker_takes_nothing_up(world: Searched) -> None:
    await world.submit()
    worker = world.searching()
    await worker.stop(0)
    await world.clock.advance(60)
    assert not world.runs.started


async def test_a_job_that_is_due_later_is_not_looked_at(world: Searched) -> None:
    now = world.clock.now()
    later = Registration("j", "L", lock_names.partition("L"), "", now, now + timedelta(seconds=100))
    await world.register.add(later)
    world.searching()
    world.count()
    await world.clock.advance(30)
    assert not world.count()["leases.is_free"]


async def test_a_job_that_another_worker_left_for_its_next_attempt_is_found_when_it_is_due(
    world: Searched,
) -> None:
    retry = RetryPolicy(2, delay=100.0, jitter=0.0)
    job_id = await world.submit(policy=JobPolicy(retry=retry))
    tenure, _ = await world.hold("lost")
    failed = Failed("OSError", "no route", error_classes=("OSError",))
    await tenure.finish(failed, None)
    await tenure.keeper.release()
    world.searching()
    await world.clock.advance(99)
    assert world.runs.jobs == []
    # It is not left alone for longer, as a lock of which nothing is due is.
    await world.clock.advance(2 * PAUSE)
    assert world.runs.jobs == [job_id]
