"""Letting jobs go by themselves: when what goes, what keeps it, and whatever cuts it off."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.coordination.removal_world import QUICK, Installation, any_history
from tests.unit.coordination.test_pruning import Killed, Meanwhile
from tests.unit.verification.asking import broken, verdict_on
from tests.unit.verification.authored import BEGINNING, Author, eventful, job_id

from contracts.statuses import EventStatus
from coordination.clients.cancellation import Canceller
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import JobExistsError, NewJob, Submitter
from coordination.journal import rows
from coordination.journal.removal import MARK_KEY, RemovedJob, follow
from coordination.journal.rows import JobRow
from coordination.maintenance.due_jobs import Went
from coordination.maintenance.pauses import Pace
from coordination.maintenance.sweeper import Sweeper
from coordination.ports import AlreadyRegisteredError, Registration, UnknownOutcomeError
from coordination.retention_times import RetentionTimes
from coordination.testing.memory import InMemoryLeases, InMemoryNotifier

HOUR, DAY = 3600.0, 86_400.0
FIRST, SECOND, THIRD, FOURTH, FIFTH = (job_id(number) for number in range(1, 6))


async def of(author: Author, times: RetentionTimes, **more: Any) -> Installation:
    made = Installation()
    made.times = times
    await made.write(author, **more)
    assert await broken(made.records()) == {}
    return made


def one_job(**of_submission: Any) -> Author:
    author = Author()
    job = author.submit(**of_submission)
    author.start(job)
    author.end(job)
    return author


def after_end(author: Author, seconds: float, job: str = FIRST) -> datetime:
    """Return a moment so many seconds after the end of a job."""
    return datetime.fromisoformat(author.jobs[job].finished_at) + timedelta(seconds=seconds)


def row_of(made: Installation, job: str = FIRST) -> JobRow | None:
    row = made.journal.partitions[Author().partition].get(rows.job_key(job))
    return None if row is None else JobRow.from_row(row)


def status_of(made: Installation, job: str = FIRST) -> str:
    row = row_of(made, job)
    return "" if row is None else row.status


# --- when what goes ------------------------------------------------------------------------


async def test_a_job_goes_then_its_trail_and_then_its_id() -> None:
    author = one_job()
    made = await of(author, RetentionTimes(keep=10 * DAY, trail=30 * DAY, ids=DAY))
    assert await made.let_go(after_end(author, 10 * DAY - 1)) == Went()
    assert status_of(made) == "Completed"

    assert await made.let_go(after_end(author, 10 * DAY)) == Went(archived=1)
    assert made.left_of(FIRST) == {"trail"}
    assert await broken(made.records()) == {}

    assert await made.let_go(after_end(author, 30 * DAY - 1)) == Went()
    assert await made.let_go(after_end(author, 30 * DAY)) == Went(deleted=1)
    assert made.left_of(FIRST) == set()
    assert status_of(made) == "Removed"
    assert await broken(made.records()) == {}

    assert await made.let_go(after_end(author, 31 * DAY - 1)) == Went()
    assert await made.let_go(after_end(author, 31 * DAY)) == Went(forgotten=1)
    assert (row_of(made), await made.register.find(FIRST), made.register.removals) == (None, None, {})
    assert set(made.journal.partitions[author.partition]) == {rows.lock_key(), MARK_KEY}
    assert (await verdict_on(made.records())).holds
    (removal,) = (await verdict_on(made.records())).removals
    assert (removal.jobs, removal.runs, removal.fence, removal.forgotten, removal.actor) == (
        1,
        1,
        1,
        1,
        "scheduler",
    )


async def test_a_trail_that_stays_no_longer_than_its_job_goes_with_it() -> None:
    author = one_job()
    made = await of(author, RetentionTimes(keep=10 * DAY, trail=5 * DAY, ids=DAY))
    assert await made.let_go(after_end(author, 10 * DAY)) == Went(deleted=1)
    assert made.left_of(FIRST) == set()
    assert await made.let_go(after_end(author, 11 * DAY)) == Went(forgotten=1)


async def test_a_trail_without_a_time_is_kept_for_good() -> None:
    author = one_job()
    made = await of(author, RetentionTimes(keep=DAY, ids=DAY))
    assert await made.let_go(after_end(author, DAY)) == Went(archived=1)
    assert made.register.removals == {}, "nothing is left to look at"
    assert await made.let_go(after_end(author, 1000 * DAY)) == Went()
    assert made.left_of(FIRST) == {"trail"}


async def test_the_time_of_a_kind_comes_before_that_of_the_installation() -> None:
    author = Author()
    for keep in (2 * DAY, None, 4 * DAY):
        job = author.submit(keep=keep)
        author.start(job)
        author.end(job)
    made = await of(author, RetentionTimes(keep=3 * DAY, ids=DAY))
    gone = []
    for day in range(1, 6):
        await made.let_go(after_end(author, day * DAY, THIRD))
        gone.append(sorted(made.removed()))
        assert await broken(made.records()) == {}
    assert gone == [[], [FIRST], [FIRST, SECOND], [FIRST, SECOND, THIRD], [FIRST, SECOND, THIRD]]


async def test_without_any_time_jobs_stay_and_nothing_is_noted() -> None:
    author = eventful()
    made = await of(author, RetentionTimes())
    assert made.register.removals == {}
    assert await made.let_go(after_end(author, 1000 * DAY)) == Went()
    assert made.removed() == set()


async def test_nothing_goes_while_its_id_may_be_asked_for() -> None:
    author = one_job(keep=60.0)
    made = await of(author, RetentionTimes(trail=1.0, ids=DAY))
    assert await made.let_go(after_end(author, DAY - 1)) == Went()
    submitter = Submitter(made.register, JobWriter(made.journal, InMemoryNotifier(), made.clock))
    with pytest.raises(JobExistsError) as refused:
        await submitter.submit(NewJob(FIRST, "1", "ten-steps", "ledger", "{}", "ann"))
    assert refused.value.job is not None
    assert refused.value.job.status == "Completed"
    assert await made.let_go(after_end(author, DAY)) == Went(deleted=1)
    with pytest.raises(JobExistsError) as refused:
        await submitter.submit(NewJob(FIRST, "1", "ten-steps", "ledger", "{}", "ann"))
    assert refused.value.is_removed
    assert await made.let_go(after_end(author, 2 * DAY)) == Went(forgotten=1)
    await submitter.submit(NewJob(FIRST, "1", "ten-steps", "ledger", "{}", "ann"))
    assert status_of(made) == "Queued"


async def test_a_longer_time_that_was_set_since_counts() -> None:
    author = one_job()
    made = await of(author, RetentionTimes(keep=DAY, ids=DAY))
    made.times = RetentionTimes(keep=3 * DAY, ids=DAY)
    assert await made.let_go(after_end(author, DAY)) == Went()
    assert await made.let_go(after_end(author, 3 * DAY)) == Went(archived=1)
    other = await of(author, RetentionTimes(keep=DAY, ids=DAY))
    other.times = RetentionTimes()
    assert await other.let_go(after_end(author, DAY)) == Went()
    assert other.register.removals == {}


async def test_jobs_between_others_that_stay_go_and_the_rest_is_proved() -> None:
    author = Author()
    for number in range(9):
        job = author.submit(keep=DAY if number % 3 else 100 * DAY)
        author.start(job)
        author.end(job)
    made = await of(author, RetentionTimes(trail=2 * DAY, ids=DAY))
    for day, (row_count, forgotten) in enumerate([(9, 0), (9, 0), (9, 0), (3, 6)]):
        await made.let_go(after_end(author, day * DAY, job_id(9)))
        keys = [key for key in made.journal.partitions[author.partition] if key.startswith(rows.JOBS)]
        assert (len(keys), made.mark(author.partition).forgotten_jobs if day else 0) == (row_count, forgotten)
        assert await broken(made.records()) == {}
    assert made.mark(author.partition).forgotten_fences == "2-3,5-6,8-9"
    await made.let_go(after_end(author, 101 * DAY, job_id(9)))
    await made.let_go(after_end(author, 102 * DAY, job_id(9)))
    assert made.mark(author.partition).forgotten_fences == "1-9"
    assert await broken(made.records()) == {}


async def test_jobs_of_all_slots_go() -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    author.end(job)
    made = await of(author, RetentionTimes(keep=DAY, trail=DAY, ids=DAY))
    # The only run was in slot 2, whatever the checker thinks of that.
    partition = made.journal.partitions[author.partition]
    removed = RemovedJob.of(author.jobs[job], [], 1)
    assert "fences" not in removed.values()
    await made.let_go(after_end(author, DAY))
    assert partition[rows.job_key(job)].values["text_0"] == "1"


# --- what keeps it ---------------------------------------------------------------------------


async def test_a_job_stays_until_the_read_models_have_its_end() -> None:
    author = one_job()
    made = await of(author, RetentionTimes(keep=DAY, ids=DAY))
    summary, mark = made.models.summaries[FIRST]
    made.models.summaries[FIRST] = summary, replace(mark, seq=mark.seq - 1)
    assert await made.let_go(after_end(author, DAY)) == Went(put_off=1)
    assert status_of(made) == "Completed"
    made.models.summaries[FIRST] = summary, mark
    assert await made.let_go(after_end(author, DAY + HOUR - 1)) == Went()
    assert await made.let_go(after_end(author, DAY + HOUR)) == Went(archived=1)


async def test_a_job_stays_while_a_retry_needs_it() -> None:
    author = Author()
    old = author.submit(keep=DAY)
    author.start(old)
    author.step(old, "one")
    author.end(old, EventStatus.FAILED)
    new = author.submit(retry_of=old, history=[old])
    author.jobs[old] = replace(author.jobs[old], read_by=new)
    author._put(rows.job_key(old), author.jobs[old].values())
    made = await of(author, RetentionTimes(ids=DAY))
    assert await made.let_go(after_end(author, DAY)) == Went(put_off=1)
    registration = await made.register.find(new)
    assert registration is not None
    await Canceller(JobWriter(made.journal, InMemoryNotifier(), made.clock)).cancel(registration, "ann")
    await made.projection().project("ledger", new, 2)
    assert await made.let_go(after_end(author, DAY + HOUR)) == Went(archived=1)
    assert await broken(made.records()) == {}


@pytest.mark.parametrize("what", ["event", "trail", "shorter trail"])
async def test_a_job_that_does_not_add_up_stays_and_keeps_no_other(what: str) -> None:
    author = Author()
    for _ in range(3):
        job = author.submit()
        author.start(job)
        author.end(job)
    made = await of(author, RetentionTimes(keep=DAY, ids=DAY))
    if what == "event":
        found = made.journal.partitions[author.partition]
        row = found[rows.event_key(SECOND, 2)]
        found[row.key] = type(row)(row.key, {**row.values, "message": "x"}, row.etag)
        reason = f"the events of job {SECOND} do not add up to its row"
    else:
        key = f"{SECOND}-000002"
        if what == "trail":
            made.models.trail[key] = replace(made.models.trail[key], hash="x")
        else:
            del made.models.trail[key]
        reason = f"the audit trail of job {SECOND} is not that of the journal"
    went = await made.let_go(after_end(author, DAY, THIRD))
    assert went == Went(archived=2, put_off=1, broken=[(SECOND, reason)])
    assert made.removed() == {FIRST, THIRD}
    assert (await made.let_go(after_end(author, 2 * DAY, THIRD))).broken == [(SECOND, reason)]


async def test_a_job_that_runs_under_an_id_that_was_free_again_stays() -> None:
    author = one_job()
    made = await of(author, RetentionTimes(keep=DAY, trail=DAY, ids=DAY))
    (noted,) = made.register.removals.values()
    await made.let_go(after_end(author, DAY))
    await made.let_go(after_end(author, 2 * DAY))
    submitter = Submitter(made.register, JobWriter(made.journal, InMemoryNotifier(), made.clock))
    await submitter.submit(NewJob(FIRST, "1", "ten-steps", "ledger", "{}", "ann"))
    made.register.removals[noted.at, FIRST] = noted
    assert await made.let_go() == Went()
    assert (status_of(made), made.register.removals) == ("Queued", {})


async def test_ids_of_an_earlier_release_stay_in_use() -> None:
    author = one_job()
    made = await of(author, RetentionTimes(keep=DAY, ids=DAY))
    await made.prune(ended_before=after_end(author, 1))
    partition = made.journal.partitions[author.partition]
    for key, without in ((MARK_KEY, ("chained", "sum")), (rows.job_key(FIRST), ("removed_at",))):
        row = partition[key]
        values = {name: value for name, value in row.values.items() if name not in without}
        partition[key] = type(row)(key, values, row.etag)
    removed = RemovedJob.from_values(partition[rows.job_key(FIRST)].values)
    row = partition[MARK_KEY]
    partition[MARK_KEY] = type(row)(MARK_KEY, {**row.values, "digest": follow("", removed)}, row.etag)
    assert await broken(made.records()) == {}
    assert await made.let_go(after_end(author, 100 * DAY)) == Went()
    assert (status_of(made), made.register.removals) == ("Removed", {})
    assert await broken(made.records()) == {}


# --- ids that never became jobs ---------------------------------------------------------------


async def test_an_id_that_was_closed_is_free_again_after_its_time() -> None:
    made = Installation()
    made.times = RetentionTimes(keep=DAY, ids=DAY)
    registration = Registration(FIRST, "ledger", Author().partition, "hash", made.clock.now())
    await made.register.add(registration)
    sweeper = Sweeper(
        InMemoryLeases(made.clock),
        made.journal,
        made.register,
        InMemoryNotifier(),
        made.clock,
        made.models.projected_seqs,
        Pace(patience=-1.0),
        times=made.times,
    )
    made.clock.jump(DAY + 1)
    assert (await sweeper.sweep()).abandoned == 1
    assert await made.let_go(made.clock.now() + timedelta(seconds=DAY - 1)) == Went()
    assert status_of(made) == "Tombstone"
    assert await made.let_go(made.clock.now() + timedelta(seconds=1)) == Went(forgotten=1)
    assert (row_of(made), made.register.removals, await made.register.find(FIRST)) == (None, {}, None)
    await made.register.add(registration)


# --- whatever cuts it off -----------------------------------------------------------------------


MOMENTS = (2 * DAY, 4 * DAY, 5 * DAY)


@pytest.mark.parametrize(
    ("when", "make", "stride"),
    [("before", eventful, 1), ("after", eventful, 2), ("after", lambda: any_history(8), 7)],
)
async def test_it_may_be_killed_at_any_call_and_repeated(
    when: str, make: Callable[[], Author], stride: int
) -> None:
    turn, strikes, has_died = 1 - stride, 0, True
    while has_died:
        turn += stride
        author = make()
        made = await of(author, RetentionTimes(keep=2 * DAY, trail=4 * DAY, ids=DAY))
        network = Killed(turn, when)
        made.journal.calls = made.models.calls = made.register.calls = network
        has_died = False
        for seconds in MOMENTS:
            try:
                await made.let_go(author.now + timedelta(seconds=seconds))
            except UnknownOutcomeError:
                has_died = True
                # Nothing that stays, and nothing that is gone, looks like a hole.
                fault, network.fault = network.fault, None
                assert await broken(made.records()) == {}, f"killed {when} call {turn}"
                network.fault = fault
                await made.let_go()
        strikes += has_died
        network.fault = None
        for job, row in author.jobs.items():
            if row.is_terminal:
                assert (made.left_of(job), row_of(made, job)) == (set(), None), f"killed {when} call {turn}"
                assert await made.register.find(job) is None
        assert made.register.removals == {}
        assert await broken(made.records()) == {}
    assert strikes > 15


@pytest.mark.parametrize("turn", range(1, 50, 7))
async def test_two_at_once_do_no_harm(turn: int) -> None:
    author = any_history(23)
    made = await of(author, RetentionTimes(keep=2 * DAY, trail=4 * DAY, ids=DAY))

    async def another() -> None:
        made.journal.calls.fault = None
        await made.let_go()

    made.journal.calls.fault = Meanwhile(turn, another).fault
    for seconds in MOMENTS:
        await made.let_go(author.now + timedelta(seconds=seconds))
        await made.let_go()
    assert await broken(made.records()) == {}
    for job, row in author.jobs.items():
        assert not row.is_terminal or row_of(made, job) is None


async def test_a_removal_by_hand_and_one_by_itself_do_no_harm_to_each_other() -> None:
    author = eventful()
    made = await of(author, RetentionTimes(keep=2 * DAY, trail=4 * DAY, ids=DAY))
    await made.prune(ended_before=after_end(author, 1, SECOND))
    assert made.removed()
    for seconds in (2 * DAY, 3 * DAY, 4 * DAY, 5 * DAY, 6 * DAY):
        await made.let_go(author.now + timedelta(seconds=seconds))
        await made.prune(ended_before=BEGINNING)
        assert await broken(made.records()) == {}
    assert made.removed() == set()
    assert made.mark(author.partition).forgotten_jobs == len(author.jobs)


# --- ids that are used again at that moment ---------------------------------------------------


@pytest.mark.parametrize("turn", range(1, 8))
async def test_an_id_that_is_used_again_while_it_is_forgotten_is_closed_or_used(turn: int) -> None:
    author = one_job()
    made = await of(author, RetentionTimes(keep=DAY, trail=DAY, ids=DAY))
    await made.let_go(after_end(author, DAY))
    notifier = InMemoryNotifier()
    submitter = Submitter(made.register, JobWriter(made.journal, notifier, made.clock, patience=0.5))

    async def submit() -> None:
        made.register.calls.fault = made.journal.calls.fault = None
        with suppress(JobExistsError):
            await submitter.submit(NewJob(FIRST, "1", "ten-steps", "ledger", "{}", "ann"))

    meanwhile = Meanwhile(turn, submit).fault
    made.register.calls.fault = made.journal.calls.fault = meanwhile
    await made.let_go(after_end(author, 2 * DAY))
    made.register.calls.fault = made.journal.calls.fault = None
    registration = await made.register.find(FIRST)
    row = row_of(made)
    is_active = any(job == FIRST for _, job in made.register._active)
    # It is free; or used; or it waits for a submission, which the sweeper closes in time.
    assert (registration, row, is_active) == (None, None, False) or (registration is not None and is_active)
    with suppress(JobExistsError, AlreadyRegisteredError):
        await submitter.submit(NewJob(FIRST, "1", "ten-steps", "ledger", "{}", "ann"))
    assert status_of(made) == "Queued"


# --- its pace -------------------------------------------------------------------------------------


async def test_a_portion_ends_in_time_and_the_next_goes_on() -> None:
    author = Author()
    for _ in range(12):
        job = author.submit()
        author.start(job)
        author.end(job)
    made = await of(author, RetentionTimes(keep=DAY, ids=DAY))
    made.clock.jump((after_end(author, DAY, job_id(12)) - made.clock.now()).total_seconds())
    retention = made.retention(replace(QUICK, of_lock=4, most=12, portion=0.5))
    commit = made.journal.commit

    async def slow(*args: Any) -> Any:
        made.clock.jump(0.3)
        return await commit(*args)

    made.journal.commit = slow  # type: ignore[method-assign, assignment]
    counts = []
    while (went := await retention.go()) is not None:
        counts.append(went.archived)
    assert counts == [4, 4, 4]


async def test_it_looks_again_after_a_pause_and_asks_nothing_before() -> None:
    made = Installation()
    calls: list[str] = []

    async def note(when: str, call: str) -> None:
        if when == "before":
            calls.append(call)

    made.register.calls.fault = made.journal.calls.fault = note
    retention = made.retention(replace(QUICK, pause=600.0))
    assert await retention.go() == Went()
    assert calls == ["journal.due_removals"]
    made.clock.jump(599)
    assert await retention.go() is None
    made.clock.jump(1)
    assert await retention.go() == Went()
    assert calls == ["journal.due_removals"] * 2
