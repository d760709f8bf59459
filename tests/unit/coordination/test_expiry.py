"""Time in line: a job that has not started in its time ends as Expired, and is never started afterwards."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

import pytest
from tests.unit.coordination.every_order import Turns, in_every_order
from tests.unit.coordination.journaled_lock import LOCK, PARTITION, JournaledLock
from tests.unit.coordination.setting import Setting

from coordination.clients.expiry import build_expiry
from coordination.clients.job_writer import JobWriter
from coordination.journal import rows
from coordination.journal.line_reading import read_line_until
from coordination.journal.rows import JobRow
from coordination.maintenance.sweeper import Sweeper
from coordination.outcomes import Completed, Interrupted
from coordination.ports import ActiveJob, RefusedError
from coordination.slot import Slot
from coordination.testing.memory import InMemoryNotifier, VirtualClock


async def nothing_projected(_: Mapping[str, datetime]) -> Mapping[str, int]:
    return {}


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


def sweeper(world: Setting) -> Sweeper:
    return Sweeper(
        world.leases, world.journal, world.register, world.notifier, world.clock, nothing_projected
    )


def accept(_: JobRow) -> bool:
    return True


def registered(lock: JournaledLock, job_id: str, clock: VirtualClock) -> ActiveJob:
    return ActiveJob(job_id, LOCK, PARTITION, clock.now())


async def expire(lock: JournaledLock, job_id: str, clock: VirtualClock) -> JobRow:
    writer = JobWriter(lock.journal, InMemoryNotifier(), clock)
    return await writer.change(registered(lock, job_id, clock), "scheduler", build_expiry)


# --- the sweeper ends them -------------------------------------------------------


async def test_a_job_that_has_not_started_in_its_time_ends_as_expired(world: Setting) -> None:
    late, patient = await world.submit(expires_in=60.0), await world.submit()
    sweeping = sweeper(world)
    world.clock.jump(59)
    assert (await sweeping.sweep()).expired == []
    world.clock.jump(1)
    world.notifier.take_announcements()
    (ended,) = (await sweeping.sweep()).expired

    assert ended == world.job(late)
    assert (ended.status, ended.finished_at) == ("Expired", ended.expires_at)
    partition = world.journal.partitions[PARTITION]
    assert [key for key in partition if key.startswith(rows.TICKETS)] == [world.job(patient).ticket_key]
    event = partition[rows.event_key(late, 2)].values
    assert (event["status"], event["actor"], event.get("worker")) == ("Expired", "scheduler", None)
    assert event["message"] == f"expired: no run of it had started by {ended.expires_at}"
    assert json.loads(str(event["data"])) == {"expires_at": ended.expires_at}
    assert (late, 2, 2) in [(one.job_id, one.first, one.last) for one in world.notifier.announcements]
    assert (await sweeping.sweep()).expired == []


async def test_a_scheduler_that_takes_over_does_not_count_what_another_has_ended(world: Setting) -> None:
    await world.submit(expires_in=1.0)
    world.clock.jump(2)
    assert len((await sweeper(world).sweep()).expired) == 1
    assert (await sweeper(world).sweep()).expired == []


async def test_a_broker_that_is_away_prolongs_no_time(world: Setting) -> None:
    job_id = await world.submit(expires_in=1.0)
    sweeping = sweeper(world)
    sweeping.is_heard = lambda: False
    world.clock.jump(2)
    assert [job.job_id for job in (await sweeping.sweep()).expired] == [job_id]


async def test_jobs_whose_time_is_not_over_are_not_read_for_it(world: Setting) -> None:
    for _ in range(20):
        await world.submit(expires_in=3600.0)
    due = await world.submit(expires_in=1.0)
    world.clock.jump(2)
    before = len(world.network.calls)
    swept = await sweeper(world).sweep()
    assert [job.job_id for job in swept.expired] == [due]
    assert [call.name for call in world.network.calls[before:]] == [
        "journal.active",
        "journal.read",
        "journal.read",
        "journal.commit",
    ]


async def test_a_job_that_has_started_does_not_expire_and_is_looked_at_once(world: Setting) -> None:
    job_id = await world.submit(expires_in=1.0)
    await world.hold()
    world.clock.jump(3)
    sweeping = sweeper(world)
    assert (await sweeping.sweep()).expired == []
    looked = len(world.network.sent("journal.read"))
    assert looked == 1
    assert (await sweeping.sweep()).expired == []
    assert len(world.network.sent("journal.read")) == looked
    assert world.job(job_id).status == "Running"


async def test_an_id_without_a_job_is_not_asked_for_in_every_sweep(world: Setting) -> None:
    await world.submit(expires_in=1.0)
    world.journal.partitions[PARTITION].clear()
    world.clock.jump(2)
    sweeping = sweeper(world)
    for _ in range(3):
        assert (await sweeping.sweep()).expired == []
    assert len(world.network.sent("journal.read")) == 1


async def test_a_job_without_a_time_has_the_rows_of_earlier_releases(world: Setting) -> None:
    job_id = await world.submit()
    stored = world.journal.partitions[PARTITION]
    assert all("expires_at" not in row.values for row in stored.values())
    assert "expires_at" not in str(stored[rows.event_key(job_id, 1)].values["data"])


# --- and no holder starts them ------------------------------------------------------


async def test_a_holder_passes_over_a_job_that_has_expired(world: Setting) -> None:
    first = await world.submit()
    late = await world.submit(expires_in=5.0)
    last = await world.submit()
    tenure, run = await world.hold()
    assert run.job.job_id == first
    world.clock.jump(6)
    following = await tenure.finish(Completed(), accept)
    assert following is not None
    assert following.job.job_id == last
    assert await tenure.finish(Completed(), accept) is None
    assert world.job(late).status == "Queued"


async def test_a_ticket_that_expires_after_it_was_read_is_not_started(world: Setting) -> None:
    await world.submit()
    await world.submit(expires_in=0.3)
    tenure, _ = await world.hold()
    world.clock.jump(0.4)
    assert await tenure.finish(Completed(), accept) is None
    assert len(world.network.sent("journal.read_range")) == 1


async def test_no_transaction_starts_a_job_at_or_after_its_time() -> None:
    lock = JournaledLock()
    await lock.submit("a", expires_in=1.0)
    # The writers of the lock have a second of their own each: the next one has just that time.
    assert await lock.build_take_over() is None
    lock = JournaledLock()
    await lock.submit("a")
    await lock.submit("b", expires_in=2.0)
    await lock.take_over()
    draft, _ = await lock.end(Completed(), chain=True)
    assert (draft.job, lock.tickets()) == (None, ["b"])


async def test_a_job_starts_before_its_time() -> None:
    lock = JournaledLock()
    await lock.submit("a", expires_in=1.5)
    assert (await lock.take_over()).job is not None


async def test_a_line_of_expired_jobs_has_no_work() -> None:
    lock, clock = JournaledLock(), VirtualClock()
    await lock.submit("a", expires_in=60.0)
    assert (await read_line_until(lock.journal, clock, Slot(LOCK), clock.boot() + 5)).has_work
    clock.jump(100)
    line = await read_line_until(lock.journal, clock, Slot(LOCK), clock.boot() + 5)
    assert (line.has_work, line.first, line.expired) == (False, None, 1)


async def test_an_interrupted_job_waits_for_its_next_attempt_without_a_time() -> None:
    lock, clock = JournaledLock(), VirtualClock()
    await lock.submit("a", expires_in=10.0)
    await lock.take_over()
    await lock.end(Interrupted("the worker is stopping"))
    clock.jump(1000)
    assert (await expire(lock, "a", clock)).status == "Queued"
    assert (await read_line_until(lock.journal, clock, Slot(LOCK), clock.boot() + 5)).has_work
    for _ in range(10):
        lock.writer("passes the time")
    assert (await lock.take_over()).job is not None


# --- the race ------------------------------------------------------------------------


async def test_in_every_order_a_job_is_either_started_or_expired() -> None:
    ends: set[str] = set()

    async def play(turns: Turns) -> None:
        lock, clock = JournaledLock(), VirtualClock()
        await lock.submit("a", expires_in=30.0)
        # The scheduler's clock is ahead of the holder's.
        clock.jump(60)
        lock.journal.calls.fault = turns
        started, expired = await turns.play(lock.build_and_commit(), expire(lock, "a", clock))
        lock.journal.calls.fault = None
        job = lock.job("a")
        ends.add(job.status)
        assert lock.tickets() == []
        assert not isinstance(expired, BaseException), expired
        if job.status == "Expired":
            assert isinstance(started, RefusedError) or started is None
            assert lock.statuses("a") == ["Submitted", "Expired"]
        else:
            assert expired.status == "Running"
            assert lock.statuses("a") == ["Submitted", "LeaseAcquired", "Started"]

    assert await in_every_order(play) > 5
    assert ends == {"Expired", "Running"}
