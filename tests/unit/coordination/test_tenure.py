"""One tenure after another on one lock: who may write, and until when."""

import asyncio
from dataclasses import dataclass

import pytest

from contracts import identifiers, lock_names
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import NewJob, Submitter
from coordination.holder.held_rows import FencedError
from coordination.holder.lease_keeper import LeaseKeeper
from coordination.holder.policy import HolderSettings, Ports
from coordination.holder.runs import Run, StepDone
from coordination.holder.tenure import Tenure
from coordination.journal import rows
from coordination.journal.rows import JobRow, LockRow
from coordination.observations import Fenced, Observation
from coordination.outcomes import Completed, StopReason
from coordination.ports import InvalidTransactionError, LeaseHeldError, RefusedError, Row, UnknownOutcomeError
from coordination.slot import Slot
from coordination.testing.memory import (
    InMemoryJournal,
    InMemoryLeases,
    InMemoryNotifier,
    InMemoryRegister,
    VirtualClock,
)
from coordination.times import LeaseTimes

TIMES = LeaseTimes.of(15)
PARTITION = lock_names.partition("L")


@dataclass
class Lock:
    """One lock in a small world."""

    clock: VirtualClock
    leases: InMemoryLeases
    journal: InMemoryJournal
    register: InMemoryRegister
    notifier: InMemoryNotifier
    observed: list[Observation]

    async def submit(self, priority: int = 5) -> str:
        job_id = identifiers.new_id()
        new = NewJob(job_id, identifiers.new_id(), "kind", "L", "{}", "test", priority=priority)
        await Submitter(self.register, JobWriter(self.journal, self.notifier, self.clock)).submit(new)
        return job_id

    def tenure(self, worker: str, clock: VirtualClock | None = None) -> Tenure:
        ports = Ports(self.leases, self.journal, self.notifier, clock or self.clock)
        return Tenure(Slot("L"), ports, HolderSettings(worker, TIMES), self.observed.append)

    async def hold(self, worker: str, clock: VirtualClock | None = None) -> tuple[Tenure, Run]:
        tenure = self.tenure(worker, clock)
        await tenure.keeper.acquire()
        run = await tenure.take_over(lambda _: True)
        assert run is not None
        return tenure, run

    def rows(self) -> dict[str, Row]:
        return dict(self.journal.partitions[PARTITION])

    def job(self, job_id: str) -> JobRow:
        return JobRow.from_row(self.rows()[rows.job_key(job_id)])


@pytest.fixture
def lock() -> Lock:
    clock = VirtualClock()
    return Lock(clock, InMemoryLeases(clock), InMemoryJournal(), InMemoryRegister(), InMemoryNotifier(), [])


def stopped_clock(lock: Lock) -> VirtualClock:
    """Return a clock by which no time passes for a holder; the journal alone must then refuse it."""
    return VirtualClock(boot=lock.clock.boot())


async def test_every_write_of_an_older_holder_is_refused_whatever_its_clock_says(lock: Lock) -> None:
    job_id = await lock.submit()
    stale, stale_run = await lock.hold("w1", stopped_clock(lock))
    await stale_run.record_step(StepDone("one", "1", 0.1))
    await lock.clock.advance(16)
    _, run = await lock.hold("w2")
    assert (run.job.job_id, run.fence, run.job.attempt) == (job_id, stale_run.fence + 1, 2)
    assert [step.name for step in run.recorded] == ["one"]
    before = lock.rows()
    with pytest.raises(FencedError):
        await stale_run.record_step(StepDone("two", "2", 0.1))
    with pytest.raises(FencedError):
        await stale_run.save_state('"late"')
    with pytest.raises(FencedError):
        await stale.finish(Completed(), None)
    assert lock.rows() == before
    assert stale_run.stop.reason is StopReason.LOST
    assert [seen.job_id for seen in lock.observed if isinstance(seen, Fenced)] == [job_id]
    await run.record_step(StepDone("two", "2", 0.1))


async def test_a_holder_that_returns_to_find_another_job_running_is_refused_too(lock: Lock) -> None:
    await lock.submit()
    stale, _ = await lock.hold("w1", stopped_clock(lock))
    await lock.clock.advance(16)
    urgent = await lock.submit(priority=0)
    _, run = await lock.hold("w2")
    assert run.job.job_id == urgent
    before = lock.rows()
    with pytest.raises(FencedError):
        await stale.finish(Completed('"stale"'), lambda _: True)
    assert lock.rows() == before


async def test_a_take_over_that_read_the_line_before_another_one_is_refused(lock: Lock) -> None:
    await lock.submit()
    earlier, _ = await lock.hold("w0")
    await earlier.finish(Completed(), None)
    await earlier.keeper.release()
    job_id = await lock.submit()
    reading, going_on = asyncio.Event(), asyncio.Event()

    async def wait_after_reading(when: str, call: str) -> None:
        await asyncio.sleep(0)
        if (when, call) == ("after", "journal.read_range") and not reading.is_set():
            reading.set()
            await going_on.wait()

    lock.journal.calls.fault = wait_after_reading
    stale = lock.tenure("w1", stopped_clock(lock))
    await stale.keeper.acquire()
    taking_over = asyncio.ensure_future(stale.take_over(lambda _: True))
    await reading.wait()
    await lock.clock.advance(16)
    urgent = await lock.submit(priority=0)
    _, run = await lock.hold("w2")
    assert run.job.job_id == urgent
    before = lock.rows()
    going_on.set()
    with pytest.raises(RefusedError):
        await taking_over
    assert lock.rows() == before
    assert lock.job(job_id).attempt == 0


async def test_an_interrupted_job_goes_back_to_its_place_in_line(lock: Lock) -> None:
    first, second = await lock.submit(), await lock.submit()
    await lock.hold("w1")
    await lock.clock.advance(16)
    urgent = await lock.submit(priority=0)
    tenure, run = await lock.hold("w2")
    assert run.job.job_id == urgent
    order = []
    following: Run | None = run
    while following is not None:
        order.append(following.job.job_id)
        tenure.hint()
        following = await tenure.finish(Completed(), lambda _: True)
    assert order == [urgent, first, second]
    assert (lock.job(first).attempt, lock.job(first).interruptions) == (2, 1)
    assert not [key for key in lock.rows() if key.startswith(rows.TICKETS)]


async def test_nothing_is_written_once_the_soft_deadline_has_passed(lock: Lock) -> None:
    await lock.submit()
    _, run = await lock.hold("w1")
    began = lock.clock.boot()
    await lock.clock.advance(TIMES.soft - 0.125)
    await run.record_step(StepDone("in time", "1", 0.1))
    before = lock.rows()
    await lock.clock.advance(0.125)
    assert lock.clock.boot() == began + TIMES.soft
    with pytest.raises(FencedError):
        await run.record_step(StepDone("too late", "2", 0.1))
    assert lock.rows() == before


async def test_a_job_with_too_many_events_records_no_more_but_ends(
    lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "LAST_RECORD", 5)
    job_id = await lock.submit()
    tenure, run = await lock.hold("w1")
    await run.record_step(StepDone("one", "1", 0.1))
    await run.save_state('"two"')
    with pytest.raises(InvalidTransactionError, match="the job has 5 events, and no more"):
        await run.record_step(StepDone("three", "3", 0.1))
    with pytest.raises(InvalidTransactionError, match="save less often"):
        await run.save_state('"three"')
    await tenure.finish(Completed(), None)
    assert (lock.job(job_id).status, lock.job(job_id).steps) == ("Completed", 1)


def test_keys_of_events_sort_by_number_as_far_as_events_are_recorded() -> None:
    most = rows.LAST_RECORD + 1_000
    keys = [rows.event_key("job", seq) for seq in (1, 9, 10, 99_999, 100_000, rows.LAST_RECORD, most)]
    assert keys == sorted(keys)
    assert rows.step_key("job", 9) < rows.step_key("job", 10) < rows.step_key("job", most)


async def test_a_late_write_of_an_ended_run_finds_nobody_to_write_for(lock: Lock) -> None:
    await lock.submit()
    await lock.submit()
    tenure, first = await lock.hold("w1")
    second = await tenure.finish(Completed(), lambda _: True)
    assert second is not None
    before = lock.rows()
    with pytest.raises(FencedError):
        await first.record_step(StepDone("late", "1", 0.1))
    assert lock.rows() == before
    await second.record_step(StepDone("one", "1", 0.1))


async def test_the_fence_rises_with_every_start_also_from_job_to_job(lock: Lock) -> None:
    for _ in range(3):
        await lock.submit()
    tenure, run = await lock.hold("w1")
    fences = [run.fence]
    following = await tenure.finish(Completed(), lambda _: True)
    while following is not None:
        fences.append(following.fence)
        following = await tenure.finish(Completed(), lambda _: True)
    assert fences == [1, 2, 3]
    assert LockRow.from_row(lock.rows()[rows.lock_key()]).job_id == ""


async def test_a_lost_answer_is_recognised_as_ones_own_write(lock: Lock) -> None:
    await lock.submit()
    lost = 0

    async def lose_answers(when: str, call: str) -> None:
        nonlocal lost
        if when == "after" and call == "journal.commit" and lost < 1:
            lost += 1
            raise UnknownOutcomeError

    lock.journal = InMemoryJournal(lose_answers)
    job_id = await _retried(lock)
    lost = 0
    holding = asyncio.ensure_future(lock.hold("w1"))
    await lock.clock.advance(1)
    tenure, run = await holding
    lost = 0
    stepping = asyncio.ensure_future(run.record_step(StepDone("one", "1", 0.1)))
    await lock.clock.advance(1)
    await stepping
    lost = 0
    ending = asyncio.ensure_future(tenure.finish(Completed('"ok"'), None))
    await lock.clock.advance(1)
    await ending
    job = lock.job(job_id)
    assert (job.status, job.attempt, job.steps, job.seq) == ("Completed", 1, 1, 5)


async def _retried(lock: Lock) -> str:
    submitting = asyncio.ensure_future(lock.submit())
    await lock.clock.advance(1)
    return await submitting


async def test_a_renewal_counts_from_before_it_was_sent(lock: Lock) -> None:
    async def slow(when: str, call: str) -> None:
        if when == "after" and call == "leases.renew":
            await lock.clock.sleep(1.2)

    leases = InMemoryLeases(lock.clock, slow)
    keeper = LeaseKeeper("L", PARTITION, leases, lock.clock, TIMES, lock.observed.append, lambda _: None)
    await keeper.acquire()
    granted = lock.clock.boot()
    keeping = asyncio.ensure_future(keeper.keep())
    await lock.clock.advance(TIMES.renew_every + 1.3)
    assert keeper.soft_deadline == granted + TIMES.renew_every + TIMES.soft
    keeping.cancel()


async def test_a_lock_that_is_held_cannot_be_acquired_and_a_definite_loss_is_told_at_once(lock: Lock) -> None:
    told: list[StopReason] = []
    keeper = LeaseKeeper("L", PARTITION, lock.leases, lock.clock, TIMES, lock.observed.append, told.append)
    await keeper.acquire()
    other = LeaseKeeper("L", PARTITION, lock.leases, lock.clock, TIMES, lock.observed.append, told.append)
    with pytest.raises(LeaseHeldError):
        await other.acquire()
    await lock.leases.release(PARTITION, keeper.lease_id, 1)
    await other.acquire()
    keeping = asyncio.ensure_future(keeper.keep())
    await lock.clock.advance(TIMES.renew_every + 0.1)
    await keeping
    assert told == [StopReason.LOST]
