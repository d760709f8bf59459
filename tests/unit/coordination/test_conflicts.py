"""What a submission does about the other jobs of its lock, alone and against others at the same moment."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.unit.coordination.every_order import Turns, in_every_order
from tests.unit.coordination.journaled_lock import LOCK, PARTITION, JournaledLock

from contracts.policies import ON_CONFLICT, OnConflict
from coordination.clients.conflicts import (
    MOST_REPLACED,
    AlreadyThereError,
    LockBusyError,
    TooManyWaitingError,
)
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import JobExistsError, NewJob, Submitted, Submitter
from coordination.journal import rows
from coordination.outcomes import Cancelled, Completed, Interrupted
from coordination.ports import CoordinationError, RefusedError, Row
from coordination.testing.memory import InMemoryNotifier, InMemoryRegister, VirtualClock


@dataclass
class Desk:
    """Where jobs of one lock are submitted."""

    lock: JournaledLock = field(default_factory=JournaledLock)
    register: InMemoryRegister = field(default_factory=InMemoryRegister)
    notifier: InMemoryNotifier = field(default_factory=InMemoryNotifier)
    clock: VirtualClock = field(default_factory=VirtualClock)

    async def submit(self, job_id: str, on_conflict: OnConflict = "queue", **more: Any) -> Submitted:
        new: dict[str, Any] = {
            "job_id": job_id,
            "order": job_id,
            "kind": "kind",
            "lock_name": LOCK,
            "parameters": "{}",
            "actor": "bob",
            "on_conflict": on_conflict,
            "has_new_id": True,
        }
        submitter = Submitter(self.register, JobWriter(self.lock.journal, self.notifier, self.clock))
        return await submitter.submit(NewJob(**new | more))

    def read_row_by_row(self) -> None:
        """Read ranges as the real store does, which takes no snapshot of them."""
        journal = self.lock.journal
        at_once = journal.read_range

        async def read_range(
            partition: str, prefix: str, limit: int | None = None, after: str = ""
        ) -> list[Row]:
            found: list[Row] = []
            while limit is None or len(found) < limit:
                following = await at_once(partition, prefix, 1, found[-1].key if found else after)
                if not following:
                    break
                found += following
            return found

        journal.read_range = read_range  # type: ignore[method-assign]

    async def run(self, job_id: str) -> None:
        """Submit a job and start it."""
        await self.lock.submit(job_id)
        await self.lock.take_over()

    async def is_registered(self, job_id: str) -> bool:
        return await self.register.find(job_id) is not None

    async def refused(self, error: type[CoordinationError], *asked: Any, **more: Any) -> Any:
        """Submit what must be refused, which must leave nothing behind."""
        before = dict(self.lock.journal.partitions[PARTITION])
        with pytest.raises(error) as refused:
            await self.submit(*asked, **more)
        assert self.lock.journal.partitions[PARTITION] == before
        assert not await self.is_registered(asked[0])
        assert (self.notifier.wake_ups, self.notifier.announcements) == ([], [])
        return refused.value


@pytest.mark.parametrize("policy", ON_CONFLICT)
async def test_under_a_free_lock_every_job_is_accepted(policy: OnConflict) -> None:
    desk = Desk()
    submitted = await desk.submit("n", policy)
    assert (submitted.job.status, submitted.stopping) == ("Queued", None)
    assert desk.lock.tickets() == ["n"]
    assert [wake_up.job_id for wake_up in desk.notifier.wake_ups] == ["n"]
    assert await desk.is_registered("n")
    about = json.loads(desk.lock.events("n")[0].data)
    assert about.get("on_conflict", "queue") == policy


@pytest.mark.parametrize("policy", ["reject", "skip"])
async def test_a_job_that_runs_or_else_waits_is_named_and_nothing_is_left_behind(policy: OnConflict) -> None:
    desk, error = Desk(), LockBusyError if policy == "reject" else AlreadyThereError
    await desk.lock.submit("a")
    await desk.lock.submit("b")
    assert (await desk.refused(error, "n", policy)).job == desk.lock.job("a")
    await desk.lock.take_over()
    busy = await desk.refused(error, "n", policy)
    assert (busy.job.job_id, busy.job.status) == ("a", "Running")
    await desk.lock.end(Completed(), chain=True)
    await desk.lock.end(Completed())
    assert (await desk.submit("n", policy)).job.job_id == "n"


async def test_a_job_that_has_expired_keeps_no_lock_busy() -> None:
    desk = Desk()
    await desk.lock.submit("a", expires_in=1.0)
    desk.clock.jump(60)
    assert (await desk.submit("n", "reject")).job.job_id == "n"


async def test_the_jobs_that_wait_are_cancelled_in_the_transaction_of_the_new_one() -> None:
    desk = Desk()
    await desk.run("r")
    for job_id in "ab":
        await desk.lock.submit(job_id)
    submitted = await desk.submit("n", "replace-waiting")

    assert submitted.stopping is None
    assert (desk.lock.tickets(), desk.lock.job("r").cancel_requested) == (["n"], False)
    for job_id in "ab":
        job, event = desk.lock.job(job_id), desk.lock.events(job_id)[-1]
        assert (job.status, job.cancel_actor, job.cancel_reason) == ("Cancelled", "bob", "replaced by job n")
        assert event.message == "cancelled by bob while waiting: replaced by job n"
        assert json.loads(event.data) == {"reason": "replaced by job n", "replaced_by": "n"}
        assert (event.op_id, event.worker) == (desk.lock.events("n")[0].op_id, None)
    assert {told.job_id for told in desk.notifier.announcements} == {"a", "b", "n"}
    # The holder goes on, and chains to the new job.
    draft, _ = await desk.lock.end(Completed(), chain=True)
    assert draft.job is not None
    assert draft.job.job_id == "n"


async def test_the_running_job_is_asked_to_stop_too_and_only_once() -> None:
    desk = Desk()
    await desk.run("r")
    await desk.lock.submit("a")
    submitted = await desk.submit("n", "cancel-running")

    assert submitted.stopping is not None
    assert submitted.stopping == desk.lock.job("r")
    assert submitted.stopping.cancel_requested
    assert submitted.stopping.cancel_reason == "replaced by job n"
    assert json.loads(desk.lock.events("r")[-1].data)["replaced_by"] == "n"
    assert (desk.lock.job("a").status, desk.lock.tickets()) == ("Cancelled", ["n"])
    again = await desk.submit("o", "cancel-running")
    assert again.stopping is None
    assert desk.lock.statuses("r").count("CancelRequested") == 1
    assert (desk.lock.job("n").status, desk.lock.tickets()) == ("Cancelled", ["o"])


async def test_as_many_jobs_are_replaced_as_fit_into_a_transaction() -> None:
    desk = Desk()
    await desk.run("r")
    for number in range(MOST_REPLACED):
        await desk.lock.submit(f"a{number:02d}")
    await desk.submit("n", "cancel-running", parameters='{"long":"' + "x" * 3000 + '"}')
    assert desk.lock.tickets() == ["n"]


async def test_more_waiting_jobs_than_can_be_replaced_refuse_the_submission() -> None:
    desk = Desk()
    for number in range(MOST_REPLACED + 1):
        await desk.lock.submit(f"a{number:02d}")
    error = await desk.refused(TooManyWaitingError, "n", "replace-waiting")
    assert str(error).startswith("more than 30 jobs of lock 'L' wait")


@pytest.mark.parametrize("policy", ON_CONFLICT)
async def test_a_repetition_finds_its_own_job_and_not_a_busy_lock(policy: OnConflict) -> None:
    desk = Desk()
    await desk.submit("n", policy, has_new_id=False)
    before = dict(desk.lock.journal.partitions[PARTITION])
    with pytest.raises(JobExistsError) as exists:
        await desk.submit("n", policy, has_new_id=False)
    assert exists.value.same_request
    assert exists.value.job == desk.lock.job("n")
    assert desk.lock.journal.partitions[PARTITION] == before


async def test_an_id_of_a_caller_stays_free_after_a_refusal() -> None:
    desk = Desk()
    await desk.lock.submit("a")
    await desk.refused(LockBusyError, "n", "reject", has_new_id=False)
    await desk.lock.take_over()
    await desk.lock.end(Completed())
    assert (await desk.submit("n", "reject", has_new_id=False)).job.job_id == "n"


async def test_a_submission_that_waits_in_line_reads_nothing_and_writes_no_guard() -> None:
    desk = Desk()
    seen: list[str] = []

    async def note(when: str, call: str) -> None:
        if when == "before":
            seen.append(call)

    desk.lock.journal.calls.fault = note
    await desk.submit("n")
    assert seen == ["journal.commit"]
    assert desk.lock.row(rows.SUBMISSION_GUARD) is None


# --- races ---------------------------------------------------------------------------


async def race(desk: Desk, turns: Turns, *players: Any) -> list[Any]:
    """Play in the order of these turns; nothing but what a rule refuses may be refused."""
    desk.lock.journal.calls.fault = turns
    ends = await turns.play(*players)
    desk.lock.journal.calls.fault = None
    assert desk.lock.tickets() is not None
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, CoordinationError):
            raise end
    return ends


async def test_of_two_rejects_at_once_exactly_one_is_accepted() -> None:
    async def play(turns: Turns) -> None:
        desk = Desk()
        ends = await race(desk, turns, desk.submit("m", "reject"), desk.submit("n", "reject"))
        (accepted,) = [end.job.job_id for end in ends if isinstance(end, Submitted)]
        (busy,) = [end for end in ends if isinstance(end, LockBusyError)]
        assert busy.job.job_id == accepted
        assert desk.lock.tickets() == [accepted]
        assert [await desk.is_registered(job_id) for job_id in "mn"].count(True) == 1
        assert await desk.is_registered(accepted)

    assert await in_every_order(play) > 20


async def test_of_two_replacements_at_once_one_replaces_the_other() -> None:
    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.lock.submit("a")
        ends = await race(
            desk, turns, desk.submit("m", "replace-waiting"), desk.submit("n", "replace-waiting")
        )
        assert all(isinstance(end, Submitted) for end in ends)
        (left,) = desk.lock.tickets()
        (gone,) = {"m", "n"} - {left}
        assert desk.lock.job(gone).cancel_reason == f"replaced by job {left}"
        assert desk.lock.job("a").cancel_reason in {f"replaced by job {gone}", f"replaced by job {left}"}

    assert await in_every_order(play) > 20


async def test_a_job_is_either_replaced_or_started() -> None:
    seen: set[Any] = set()

    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.lock.submit("a")
        started, submitted = await race(
            desk, turns, desk.lock.build_and_commit(), desk.submit("n", "replace-waiting")
        )
        assert isinstance(submitted, Submitted)
        job = desk.lock.job("a")
        seen.add(job.status)
        if job.status == "Cancelled":
            assert job.cancel_reason == "replaced by job n"
            assert desk.lock.statuses("a") == ["Submitted", "Cancelled"]
            # The start was refused, found nothing, or took the new job.
            assert started is None or isinstance(started, RefusedError) or started.job.job_id == "n"
        else:
            assert desk.lock.statuses("a") == ["Submitted", "LeaseAcquired", "Started"]
            assert (job.cancel_requested, desk.lock.tickets()) == (False, ["n"])

    assert await in_every_order(play) > 10
    assert seen == {"Cancelled", "Running"}


@pytest.mark.parametrize("policy", ["reject", "skip"])
async def test_a_job_that_is_started_or_cut_off_meanwhile_keeps_the_lock_busy(policy: OnConflict) -> None:
    async def play_a_start(turns: Turns) -> None:
        desk = Desk()
        desk.read_row_by_row()
        await desk.run("earlier")
        await desk.lock.end(Completed())
        await desk.lock.submit("a")
        _, end = await race(desk, turns, desk.lock.build_and_commit(), desk.submit("n", policy))
        assert isinstance(end, LockBusyError | AlreadyThereError)
        assert end.job.job_id == "a"

    async def play_an_interruption(turns: Turns) -> None:
        desk = Desk()
        await desk.run("a")
        _, end = await race(
            desk, turns, desk.lock.end(Interrupted("the worker is stopping")), desk.submit("n", policy)
        )
        assert isinstance(end, LockBusyError | AlreadyThereError)
        assert end.job.job_id == "a"

    assert await in_every_order(play_a_start) > 5
    assert await in_every_order(play_an_interruption) > 2


async def test_a_finish_meanwhile_is_seen_or_not_but_never_half() -> None:
    seen: set[Any] = set()

    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.run("r")
        _, end = await race(desk, turns, desk.lock.end(Completed()), desk.submit("n", "skip"))
        assert desk.lock.job("r").status == "Completed"
        seen.add(type(end))
        if isinstance(end, Submitted):
            assert desk.lock.tickets() == ["n"]
        else:
            assert isinstance(end, AlreadyThereError)
            assert (end.job.job_id, end.job.status) == ("r", "Running")
            assert (desk.lock.tickets(), await desk.is_registered("n")) == ([], False)

    assert await in_every_order(play) > 2
    assert seen == {Submitted, AlreadyThereError}


async def test_a_job_is_asked_to_stop_or_ends_of_its_own() -> None:
    seen: set[Any] = set()

    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.run("r")

        async def finish() -> None:
            try:
                await desk.lock.end(Completed())
            except RefusedError:
                desk.lock.take_in("r")
                await desk.lock.end(Cancelled())

        _, end = await race(desk, turns, finish(), desk.submit("n", "cancel-running"))
        assert isinstance(end, Submitted)
        job = desk.lock.job("r")
        seen.add((job.status, job.cancel_requested))
        assert desk.lock.tickets() == ["n"]

    assert await in_every_order(play) > 2
    assert seen == {("Completed", False), ("Cancelled", True)}
