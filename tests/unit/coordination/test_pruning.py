"""Removing old jobs: what goes and what stays, wherever it is cut off, and whoever is at work meanwhile."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.audit_projector.doubles import World
from tests.unit.coordination.removal_world import LATER, Installation, any_history
from tests.unit.verification.asking import broken, verdict_on
from tests.unit.verification.authored import BEGINNING, Author, eventful, job_id

from audit_projector.projection import Projection
from contracts.statuses import EventStatus
from coordination.clients.cancellation import Canceller
from coordination.clients.job_writer import JobRemovedError, JobWriter, existing_job
from coordination.clients.submission import JobExistsError, NewJob, Submitter
from coordination.journal import events, rows
from coordination.journal.removal import MARK_KEY
from coordination.journal.rows import JobRow, LockRow
from coordination.maintenance.pruning import Pruned
from coordination.maintenance.removable import Found, Kept
from coordination.outcomes import Completed
from coordination.ports import RefusedError, UnknownOutcomeError
from coordination.testing.faults import Calls
from coordination.testing.memory import InMemoryNotifier

FIRST, SECOND, THIRD, FOURTH, FIFTH = (job_id(number) for number in range(1, 6))


async def of(author: Author, **more: Any) -> Installation:
    made = Installation()
    await made.write(author, **more)
    assert await broken(made.records()) == {}
    return made


async def look(made: Installation, ended_before: Any = LATER) -> Found:
    (found,) = [found async for found in made.pruning().look(["ledger"], ended_before)]
    return found


# --- what goes and what stays --------------------------------------------------------


async def test_a_whole_history_goes_but_for_what_proves_it() -> None:
    author = eventful()
    made = await of(author)
    count = sum(job.seq for job in author.jobs.values())
    (done,) = await made.prune()
    assert (done.jobs, done.refusal, done.found) == (5, "", Found("ledger", 5, 7, count, {}, 0))
    for job in author.jobs:
        assert made.left_of(job) == set()
        row = JobRow.from_row(made.journal.partitions[author.partition][rows.job_key(job)])
        assert (row.status, row.seq, row.event_hash) == (
            "Removed",
            author.jobs[job].seq,
            author.jobs[job].event_hash,
        )
    assert set(made.journal.partitions[author.partition]) == {
        *map(rows.job_key, author.jobs),
        rows.lock_key(),
        MARK_KEY,
    }
    mark = made.mark(author.partition)
    assert (mark.jobs, mark.runs, mark.events, mark.fence, mark.actor) == (5, 7, count, 7, "ann")
    assert mark.last_end == max(job.finished_at for job in author.jobs.values())
    assert mark.unfinished == []
    lock = LockRow.from_row(made.journal.partitions[author.partition][rows.lock_key()])
    assert lock == author.lock_row, "the fence must never go back"
    verdict = await verdict_on(made.records())
    assert verdict.holds
    (removal,) = verdict.removals
    assert (removal.lock, removal.jobs, removal.runs, removal.fence, removal.actor) == (
        "ledger",
        5,
        7,
        7,
        "ann",
    )


async def test_rows_are_counted() -> None:
    made = await of(eventful())
    before = sum(map(len, made.journal.partitions.values()))
    models = made.models
    # One has failed, one was cancelled, and two were taken over.
    before += 4
    before += len(models.trail) + len(models.recent) + len(models.runs) + len(models.summaries)
    (done,) = await made.prune()
    assert done.deleted == before - 5 - 1, "the jobs' rows and the lock's stay"
    assert done.found.rows <= done.deleted


async def test_nothing_changes_when_it_is_only_looked_at() -> None:
    made = await of(eventful())
    before = {key: dict(found) for key, found in made.journal.partitions.items()}
    found = await look(made)
    assert (found.jobs, found.runs) == (5, 7)
    assert made.journal.partitions == before
    assert made.verified == []


async def test_what_is_young_not_over_or_not_projected_stays_and_all_that_ran_behind_it() -> None:
    author = Author()
    jobs = [author.submit() for _ in range(6)]
    for job in jobs[:4]:
        author.start(job)
        author.end(job)
    author.pause(3600)
    author.start(jobs[4])
    author.end(jobs[4])
    author.start(jobs[5])
    made = await of(author)
    young = BEGINNING + timedelta(minutes=30)
    found = await look(made, young)
    assert (found.jobs, found.kept) == (
        4,
        {Kept.YOUNG: 1, Kept.ACTIVE: 1},
    )
    # The read models lack the last event of the second: it stays, and what ran behind it.
    del made.models.summaries[jobs[1]]
    found = await look(made, young)
    assert (found.jobs, found.kept.get(Kept.NOT_PROJECTED), found.kept.get(Kept.BEHIND)) == (1, 1, 2)
    # The register has the first as active.
    registration = await made.register.find(jobs[0])
    assert registration is not None
    del made.register._registered[jobs[0]]
    await made.register.add(registration)
    found = await look(made, young)
    assert (found.jobs, found.kept.get(Kept.BEHIND), found.kept.get(Kept.ACTIVE)) == (0, 2, 2)


async def test_a_job_that_ended_at_the_very_moment_is_not_older() -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    author.end(job)
    made = await of(author)
    assert (await look(made, author.now)).jobs == 0
    assert (await look(made, author.now + timedelta(microseconds=1))).jobs == 1


async def test_a_job_that_ran_before_and_after_another_keeps_it() -> None:
    author = Author()
    spread, short, last = (author.submit() for _ in range(3))
    author.start(spread)
    author.take_over(spread, "w2", start=short)
    author.end(short)
    author.start(last)
    author.end(last)
    author.pause(3600)
    author.start(spread)
    author.end(spread)
    made = await of(author)
    found = await look(made, BEGINNING + timedelta(minutes=30))
    assert (found.jobs, found.kept.get(Kept.YOUNG), found.kept.get(Kept.BEHIND)) == (0, 1, 2)
    assert (await look(made)).jobs == 3


async def test_a_job_whose_last_run_is_behind_holds_back_what_ran_after_its_first() -> None:
    author = Author()
    first, spread, short, open_one = (author.submit() for _ in range(4))
    author.start(first)
    author.end(first)
    author.start(spread)
    author.take_over(spread, "w2", start=short)
    author.end(short)
    author.start(open_one)
    author.interrupt(open_one)
    author.start(spread)
    author.end(spread)
    found = await look(await of(author))
    # The open job ran before the last run of the second, whose first run was before the third.
    assert (found.jobs, found.kept.get(Kept.ACTIVE), found.kept.get(Kept.BEHIND)) == (1, 1, 2)


async def test_a_job_that_was_cancelled_in_line_goes_whatever_runs() -> None:
    author = Author()
    runs, waits, cancelled = (author.submit() for _ in range(3))
    author.start(runs)
    author.cancel(cancelled)
    made = await of(author)
    await made.prune()
    assert made.removed() == {cancelled}
    assert await broken(made.records()) == {}
    assert {runs, waits} == set(made.records().listed)


async def test_other_locks_are_left_alone() -> None:
    made = Installation()
    ledger, other = eventful(), eventful("other", first_number=50)
    await made.write(ledger, other)
    before = dict(made.journal.partitions[other.partition])
    await made.prune("ledger")
    assert made.journal.partitions[other.partition] == before
    assert made.removed() == set(ledger.jobs)
    assert await broken(made.records()) == {}


async def test_a_job_larger_than_a_transaction_goes_in_several() -> None:
    author = Author()
    job, small = author.submit(), author.submit()
    author.start(job)
    for number in range(230):
        author.step(job, f"step {number}")
    author.end(job, chain=small)
    author.end(small)
    made = await of(author)
    await made.prune()
    assert made.left_of(job) == made.left_of(small) == set()
    assert made.mark(author.partition).jobs == 2
    assert await broken(made.records()) == {}


# --- in several parts, and in any history ----------------------------------------------


@pytest.mark.parametrize("seed", range(60))
async def test_any_history_can_be_proved_after_each_removal_from_it(seed: int) -> None:
    author = any_history(seed)
    made = await of(author)
    ends = sorted(job.finished_at for job in author.jobs.values() if job.finished_at)
    for end in [*ends[::3], events.timestamp(LATER)]:
        found = await look(made, _moment(end))
        (done,) = await made.prune(ended_before=_moment(end))
        assert (done.jobs, done.refusal) == (found.jobs, "")
        assert await broken(made.records()) == {}, f"seed {seed}"
        _check_is_prefix(made, author)
    again = await look(made)
    assert again.jobs == 0
    assert again.removed_before == len(made.removed())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _check_is_prefix(made: Installation, author: Author) -> None:
    """See that no run stays below the mark's fence, and none is gone above it."""
    fence = made.mark(author.partition).fence if MARK_KEY in made.journal.partitions[author.partition] else 0
    starts = {
        (int(row.values["fence"] or 0), str(row.values["job_id"]))
        for row in made.journal.partitions[author.partition].values()
        if row.values.get("status") == EventStatus.STARTED and row.key.startswith("event|")
    }
    assert all(number > fence for number, _ in starts)
    wanted = {
        (int(values["fence"]), str(values["job_id"]))
        for key, (values, _) in author.rows.items()
        if key.startswith("event|") and values["status"] == EventStatus.STARTED and values["fence"] > fence
    }
    assert starts == wanted


# --- cut off --------------------------------------------------------------------------


class Killed(Calls):
    """Ends the process at the so-many-th call, before or after it was carried out."""

    def __init__(self, turn: int, when: str) -> None:
        super().__init__(self._strike)
        self.count = 0
        self._turn, self._when = turn, when

    async def _strike(self, when: str, name: str) -> None:
        if when == self._when:
            self.count += 1
            if self.count == self._turn:
                raise UnknownOutcomeError("killed")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("make", [eventful, lambda: any_history(8), lambda: any_history(23)])
async def test_it_may_be_killed_at_any_call_and_repeated(when: str, make: Callable[[], Author]) -> None:
    turn = strikes = 0
    while turn == strikes:
        turn += 1
        author = make()
        made = await of(author)
        network = Killed(turn, when)
        made.journal.calls = made.models.calls = made.register.calls = network
        try:
            await made.prune()
        except UnknownOutcomeError:
            strikes += 1
        network.fault = None
        # Nothing that stays, and nothing that is gone, looks like a hole.
        assert await broken(made.records()) == {}, f"killed {when} call {turn}"
        await made.prune()
        for job in made.removed():
            assert made.left_of(job) == set(), f"killed {when} call {turn}"
        assert made.mark(author.partition).unfinished == []
        assert await broken(made.records()) == {}
        assert (await look(made)).jobs == 0
    assert strikes > 10


@pytest.mark.parametrize("turn", range(1, 14))
async def test_a_large_job_may_be_half_deleted_when_it_is_killed(turn: int) -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    for number in range(250):
        author.step(job, f"step {number}")
    author.end(job)
    made = await of(author)
    made.journal.calls.fault = Killed(turn, "after").fault
    with suppress(UnknownOutcomeError):
        await made.prune()
    made.journal.calls.fault = None
    assert await broken(made.records()) == {}
    await made.prune()
    assert made.left_of(job) == set()
    assert await broken(made.records()) == {}


# --- others at work -------------------------------------------------------------------


class Meanwhile(Calls):
    """Does something else in the middle of the so-many-th call of the journal."""

    def __init__(self, turn: int, action: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(self._act)
        self._turn, self._action = turn, action
        self.count = 0

    async def _act(self, when: str, name: str) -> None:
        if when == "before":
            self.count += 1
            if self.count == self._turn:
                await self._action()


@pytest.mark.parametrize("turn", range(1, 40))
async def test_two_at_once_do_no_harm(turn: int) -> None:
    author = any_history(23)
    made = await of(author)
    others: list[Pruned] = []

    async def another() -> None:
        made.journal.calls.fault = None
        others.extend(await made.prune())

    made.journal.calls.fault = Meanwhile(turn, another).fault
    (done,) = await made.prune()
    assert made.mark(author.partition).jobs == len(made.removed())
    assert await broken(made.records()) == {}
    if others:
        assert others[0].refusal == "" or done.refusal == ""
        assert done.jobs + others[0].jobs == len(made.removed())
    assert done.refusal in {"", "Another process removes or retries jobs of this lock at the same time."}


async def test_a_late_or_repeated_submission_runs_no_removed_job_again() -> None:
    made = Installation()
    notifier = InMemoryNotifier()
    submitter = Submitter(made.register, JobWriter(made.journal, notifier, made.clock, patience=0.5))
    new = NewJob(FIRST, "0001", "kind", "ledger", "{}", "ann")
    arriving: list[Any] = []

    # A copy of the submission's transaction that is still on its way.
    commit = made.journal.commit

    async def noted(partition: str, transaction: Any, timeout: float) -> Any:
        arriving.append((partition, transaction))
        return await commit(partition, transaction, timeout)

    made.journal.commit = noted  # type: ignore[method-assign]
    job = (await submitter.submit(new)).job
    made.journal.commit = commit  # type: ignore[method-assign]
    await _finish_by_hand(made, job)
    await made.prune()
    assert made.removed() == {FIRST}
    partition, transaction = arriving[0]
    with pytest.raises(RefusedError):
        await made.journal.commit(partition, transaction, 1)
    for other in (new, NewJob(FIRST, "0002", "kind", "ledger", '{"a": 1}', "ann")):
        with pytest.raises(JobExistsError) as refused:
            await submitter.submit(other)
        assert refused.value.same_request is (other is new)
        assert not refused.value.is_closed
    row = await made.journal.read(rows_partition(), rows.job_key(FIRST))
    with pytest.raises(JobRemovedError):
        existing_job(row)


def rows_partition() -> str:
    return Author().partition


async def _finish_by_hand(made: Installation, job: JobRow) -> None:
    """Cancel the job, and project it."""
    registration = await made.register.find(job.job_id)
    assert registration is not None
    await Canceller(JobWriter(made.journal, InMemoryNotifier(), made.clock)).cancel(registration, "ann")
    await Projection(made.journal, made.register, made.models, lambda _: None).project(
        "ledger", job.job_id, 9
    )


async def test_a_projector_that_comes_late_finds_no_such_job() -> None:
    author = eventful()
    made = await of(author)
    await made.prune()
    projection = Projection(made.journal, made.register, made.models, lambda _: None)
    for job, row in author.jobs.items():
        assert await projection.project("ledger", job, row.seq, afresh=True) == 0
    assert not made.models.trail
    assert not made.models.summaries
    assert not made.models.runs


async def test_the_lock_goes_on_where_it_was() -> None:
    made = await of(eventful())
    world = World(made.journal, made.register, InMemoryNotifier(), made.clock, made.models)
    for fence in (8, 9, 10):
        await made.prune()
        job = await world.submit()
        await world.start()
        assert (await world.job(job)).fence == fence
        assert (await made.prune())[0].jobs == 0, "a running job stays"
        await world.step("one")
        await world.end(Completed())
        await world.project(job)
        assert await broken(made.records()) == {}
    await made.prune()
    assert made.mark(rows_partition()).fence == 10
    assert await broken(made.records()) == {}


# --- the check before -----------------------------------------------------------------


async def test_a_lock_whose_history_does_not_verify_is_left_alone() -> None:
    made = Installation()
    await made.write(eventful(), eventful("other", first_number=50))
    made.refusals = {"ledger": "I2: two runs overlap"}
    refused, done = await made.prune("ledger", "other")
    assert (refused.jobs, refused.refusal, done.jobs, done.refusal) == (0, "I2: two runs overlap", 5, "")
    assert made.verified == [(("ledger", "other"), LATER)]
    made.refusals = {None: "the trail has more jobs"}
    (refused,) = await made.prune("ledger")
    assert (refused.jobs, refused.refusal) == (0, "the trail has more jobs")
    assert len(made.removed()) == 5


@pytest.mark.parametrize("breaks", ["message", "row", "gap", "end"])
async def test_a_job_whose_events_do_not_add_up_is_not_removed(breaks: str) -> None:
    author = eventful()
    made = await of(author)
    found = made.journal.partitions[author.partition]
    last = author.jobs[THIRD].seq
    if breaks == "gap":
        del found[rows.event_key(THIRD, 2)]
    else:
        key = (
            rows.job_key(THIRD) if breaks == "row" else rows.event_key(THIRD, last if breaks == "end" else 3)
        )
        forged = {"message": {"message": "x"}, "row": {"event_hash": "x"}, "end": {"status": "Completed"}}
        row = found[key]
        found[key] = type(row)(key, {**row.values, **forged[breaks]}, row.etag)
    (done,) = await made.prune()
    assert done.refusal == f"the events of job {THIRD} do not add up to its row"
    assert THIRD not in made.removed()
    assert set(made.removed()) <= {FIRST, SECOND, FOURTH}
