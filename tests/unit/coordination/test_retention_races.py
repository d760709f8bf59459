"""Letting a job go against those who want it at the same moment, in every order of their storage calls."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.unit.coordination.every_order import Turns, in_every_order
from tests.unit.coordination.removal_world import QUICK, Installation
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, job_id

from contracts.statuses import EventStatus
from coordination.clients.finalizing import Finalizer
from coordination.clients.job_writer import JobRemovedError, JobWriter, NoSuchJobError, Recorded
from coordination.clients.pinning import Pinner
from coordination.clients.retrying import Retrier
from coordination.clients.submission import JobExistsError, NewJob, RetryOf, Submitted, Submitter
from coordination.journal import rows
from coordination.journal.rows import JobRow
from coordination.maintenance.due_jobs import Went
from coordination.ports import CoordinationError, Registration
from coordination.retention_times import RetentionTimes
from coordination.testing.memory import InMemoryNotifier

DAY = 86_400.0
OLD, NEW = job_id(1), job_id(2)
AGAIN = NewJob(OLD, "1", "ten-steps", "ledger", "{}", "ann")


class Desk(Installation):
    """A job that has failed, whose time is over, and those who may want it."""

    def __init__(self) -> None:
        super().__init__()
        self.times = RetentionTimes(keep=DAY, trail=3 * DAY, ids=DAY)
        writer = JobWriter(self.journal, InMemoryNotifier(), self.clock, patience=30.0)
        self.submitter = Submitter(self.register, writer)
        self.author = Author()

    async def fail(self) -> None:
        """Write the job, and let its time pass."""
        author = self.author
        author.start(author.submit())
        author.step(OLD, "one")
        author.end(OLD, EventStatus.FAILED)
        await self.write(author)
        # As if it had been submitted as it is submitted again: with the same content.
        registration = await self.register.find(OLD)
        assert registration is not None
        self.register._registered[OLD] = replace(registration, request_hash=AGAIN.request_hash)
        await self.pass_by(DAY)

    async def pass_by(self, seconds: float) -> None:
        end = datetime.fromisoformat(self.author.jobs[OLD].finished_at) + timedelta(seconds=seconds)
        self.clock.jump((end - self.clock.now()).total_seconds())

    def registration(self) -> Registration:
        return self.register._registered.get(OLD) or Registration(
            OLD, "ledger", self.author.partition, "hash", self.clock.now()
        )

    async def retry(self) -> Recorded:
        new = NewJob(NEW, "1", "ten-steps", "ledger", "{}", "ann")
        return await Retrier(self.submitter).retry(self.registration(), new, RetryOf(OLD))

    async def finalize(self) -> Recorded:
        return await Finalizer(self.submitter).finalize(self.registration(), "ann")

    async def pin(self) -> JobRow:
        return await Pinner(self.submitter).pin(self.registration(), "ann")

    async def unpin_and_project(self) -> None:
        job = await Pinner(self.submitter).unpin(self.registration(), "ann")
        await self.projection().project("ledger", OLD, job.seq)

    async def submit(self) -> Submitted:
        return await self.submitter.submit(AGAIN)

    async def go(self) -> Went | None:
        return await self.retention(QUICK).go()

    async def race(self, turns: Turns, *players: Any) -> list[Any]:
        """Play in the order of these turns; nothing but what a rule refuses may be refused."""
        self.journal.calls.fault = turns
        ends = await turns.play(*players)
        self.journal.calls.fault = None
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, CoordinationError):
                raise end
        return ends

    def job(self, job: str) -> JobRow | None:
        row = self.journal.partitions[self.author.partition].get(rows.job_key(job))
        return None if row is None else JobRow.from_row(row)

    async def check(self, known: set[Any]) -> None:
        """Have the checker look at how it ended, unless it ended like that before."""
        for job in (OLD, NEW):
            row = self.job(job)
            if row is not None and not row.is_tombstone:
                await self.projection().project("ledger", job, row.seq)
        found = self.journal.partitions[self.author.partition]
        state = tuple(sorted(found)), self.job(OLD), self.job(NEW) is None
        shown = (state[0], state[1] and (state[1].status, state[1].seq), state[2])
        if shown not in known:
            known.add(shown)
            assert await broken(self.records()) == {}


async def test_a_job_goes_or_is_retried() -> None:
    seen: set[str] = set()
    known: set[Any] = set()

    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.fail()
        went, retried = await desk.race(turns, desk.go(), desk.retry())
        old = desk.job(OLD)
        assert old is not None
        if old.is_removed:
            assert isinstance(retried, JobRemovedError)
            assert desk.job(NEW) is None
            assert desk.left_of(OLD) == {"trail"}
        else:
            # Its steps are there, and what a removal has left undone is nothing.
            assert isinstance(retried, Recorded)
            assert (old.retried_by, old.read_by) == (NEW, NEW)
            assert {rows.event_key(OLD, 4), "trail", "jobs"} <= desk.left_of(OLD)
            assert isinstance(went, Went)
            assert went.archived == 0
        seen.add(old.status)
        await desk.check(known)
        # Whatever was refused, the next look finds it in order.
        await desk.go()
        await desk.check(known)

    assert await in_every_order(play) > 50
    assert seen == {"Failed", "Removed"}


async def test_a_job_goes_with_its_last_event_or_stays_for_it() -> None:
    seen: set[str] = set()
    known: set[Any] = set()

    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.fail()
        _, finalized = await desk.race(turns, desk.go(), desk.finalize())
        old = desk.job(OLD)
        assert old is not None
        if old.is_removed:
            assert isinstance(finalized, JobRemovedError)
            assert all(entry.event.seq <= old.seq for entry in desk.models.trail.values())
        else:
            assert isinstance(finalized, Recorded)
            assert old.finalized_by == "ann"
        seen.add(old.status)
        await desk.check(known)
        await desk.go()
        await desk.check(known)

    assert await in_every_order(play) > 20
    assert seen == {"Failed", "Removed"}


async def test_an_id_is_forgotten_or_refused_and_free_or_used_afterwards() -> None:
    seen: set[str] = set()
    known: set[Any] = set()

    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.fail()
        await desk.go()
        await desk.pass_by(3 * DAY)
        await desk.go()
        await desk.pass_by(4 * DAY)
        desk.register.calls.fault = turns
        _, submitted = await desk.race(turns, desk.go(), desk.submit())
        desk.register.calls.fault = None
        row, registered = desk.job(OLD), await desk.register.find(OLD)
        active = [job for _, job in desk.register._active]
        if isinstance(submitted, Submitted):
            assert row is not None
            assert (row.status, active) == ("Queued", [OLD])
            assert registered is not None
        else:
            assert isinstance(submitted, JobExistsError | NoSuchJobError)
            # Nothing stands in the way for good: the sweeper closes an id that is active without a job.
            assert (registered is None and row is None) or (active == [OLD] and row is None)
        seen.add(type(submitted).__name__)
        if not isinstance(submitted, Submitted):
            await desk.submit()
        await desk.projection().project("ledger", OLD, 1)
        ended = tuple(sorted(desk.journal.partitions[desk.author.partition]))
        if ended not in known:
            known.add(ended)
            assert await broken(desk.records()) == {}

    assert await in_every_order(play) > 20
    assert seen == {"Submitted", "JobExistsError"}


async def test_a_job_goes_or_is_pinned() -> None:
    seen: set[str] = set()
    known: set[Any] = set()

    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.fail()
        went, pinned = await desk.race(turns, desk.go(), desk.pin())
        old = desk.job(OLD)
        assert old is not None
        if old.is_removed:
            assert isinstance(pinned, JobRemovedError)
        else:
            assert isinstance(pinned, JobRow)
            assert (old.pinned_by, old.status) == ("ann", "Failed")
            assert isinstance(went, Went)
            assert went.archived == 0
        seen.add(old.status)
        await desk.check(known)
        await desk.go()
        await desk.check(known)
        still = desk.job(OLD)
        assert still is not None
        assert still.is_removed is old.is_removed, "a pinned job never goes"

    assert await in_every_order(play) > 20
    assert seen == {"Failed", "Removed"}


async def test_an_unpinned_job_goes_in_the_end_whoever_was_first() -> None:
    known: set[Any] = set()

    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.fail()
        await desk.pin()
        await desk.race(turns, desk.go(), desk.unpin_and_project())
        await desk.check(known)
        assert not desk.register._active
        # Whatever the look before has seen, its time is noted.
        await desk.go()
        old = desk.job(OLD)
        assert old is not None
        assert old.is_removed

    assert await in_every_order(play) > 20


async def test_a_removal_a_retry_and_a_pin_at_once_leave_a_whole_history() -> None:
    seen: set[tuple[bool, bool, bool]] = set()
    known: set[Any] = set()

    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.fail()
        # Their writes in every order; in pairs, their reads are above.
        turns.calls = {"journal.commit", "journal.register", "journal.activate"}
        desk.register.calls.fault = turns
        _, retried, pinned = await desk.race(turns, desk.go(), desk.retry(), desk.pin())
        desk.register.calls.fault = None
        old = desk.job(OLD)
        assert old is not None
        assert old.is_removed is not old.is_pinned
        assert isinstance(pinned, JobRow) is old.is_pinned
        assert isinstance(retried, Recorded) is (desk.job(NEW) is not None)
        if isinstance(retried, Recorded):
            assert not old.is_removed
            assert old.read_by == NEW
        seen.add((old.is_removed, old.is_pinned, isinstance(retried, Recorded)))
        await desk.check(known)

    assert await in_every_order(play) > 50
    assert seen == {(True, False, False), (False, True, True)}
