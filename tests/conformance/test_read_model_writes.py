"""What every implementation of the read models does with writes: merging, versions, lost answers."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from tests.conformance.documents import NOON, entry, summary
from tests.conformance.stores import Models

from contracts.identifiers import new_id
from contracts.lock_names import partition
from coordination.ports import UnknownOutcomeError
from read_models.documents import KnownLock, LockRun, Overlap, StaleError, TrailEntry, Watermark
from read_models.filters import JobFilter

KEY = partition("ledger")


async def test_of_several_who_write_one_summary_at_once_exactly_one_succeeds(
    tables: Models,
) -> None:
    job = summary(NOON)
    results = await asyncio.gather(
        *(tables.writer.record_summary(job, Watermark(n, "h"), None) for n in range(1, 6)),
        return_exceptions=True,
    )
    assert [isinstance(result, StaleError) for result in results].count(True) == 4


async def test_the_audit_trail_of_a_job_is_in_order_and_its_last_version_counts(
    tables: Models,
) -> None:
    one, other = new_id(), new_id()
    trail = [entry(NOON - timedelta(seconds=seq), seq, job_id=one) for seq in range(1, 12)]
    await tables.writer.record_trail([entry(NOON, 1, job_id=other), *reversed(trail)])
    changed = entry(NOON, 5, job_id=one, fence=7)
    await tables.another_writer().record_trail([changed])
    expected = [each.event for each in trail[:4]] + [changed.event] + [each.event for each in trail[5:]]
    assert await tables.models.audit_trail(one) == expected
    assert await tables.models.audit_trail(new_id()) == []


async def test_the_entries_of_a_trail_keep_their_hashes_and_go_on_behind_a_number(tables: Models) -> None:
    one, other = new_id(), new_id()
    trail = [
        TrailEntry(entry(NOON, seq, job_id=one).event, f"h{seq}", f"h{seq - 1}", seq == 4)
        for seq in range(1, 6)
    ]
    await tables.writer.record_trail([*trail, entry(NOON, 6, job_id=other)])
    assert await tables.models.trail_entries(one) == trail
    assert await tables.models.trail_entries(one, after=3) == trail[3:]
    assert await tables.models.trail_entries(one, after=5) == []


async def test_what_is_known_of_a_run_meets_in_any_order(tables: Models) -> None:
    whole_run = LockRun(
        "ledger", 2**40, "j", 1, "w", "lease", NOON, NOON, "Completed", begun_in="x", ended_in="y",
        kind="ten-steps", name="close the \u2603", queued_at=NOON, last_event_at=NOON, ended_by="w",
        runner_died=False,
    )  # fmt: skip
    begun = LockRun(
        "ledger", 2**40, "j", 1, "w", "lease", NOON, begun_in="x", kind="ten-steps", name="close the \u2603",
        queued_at=NOON,
    )  # fmt: skip
    ended = LockRun(
        "ledger", 2**40, "j", 1, ended_at=NOON, outcome="Completed", ended_in="y", last_event_at=NOON,
        ended_by="w", runner_died=False,
    )  # fmt: skip
    for halves in ((begun, ended), (ended, begun), (begun, ended, begun)):
        await tables.writer.wipe()
        for half in halves:
            await tables.writer.record_lock_runs(KEY, [half])
        (found,) = await tables.writer.lock_runs_around(KEY, 2**40)
        assert found == whole_run
        assert len(found.runs) == 1


async def test_a_fence_keeps_every_run_that_was_written_for_it(tables: Models) -> None:
    one, other = new_id(), new_id()
    for run in ((one, 1), (other, 1), (one, 2), (one, 1)):
        await tables.writer.record_lock_runs(KEY, [LockRun("ledger", 3, *run)])
    (found,) = await tables.writer.lock_runs_around(KEY, 3)
    assert len(found.runs) == 3


async def test_the_runs_around_a_fence_are_two_on_either_side(tables: Models) -> None:
    fences = [0, 1, 2, 3, 6, 9, 999_999, 1_000_000]
    await tables.writer.record_lock_runs(KEY, [LockRun("ledger", fence) for fence in fences])
    await tables.writer.record_lock_runs(partition("other"), [LockRun("other", 4)])

    async def around(fence: int) -> list[int]:
        return [run.fence for run in await tables.another_writer().lock_runs_around(KEY, fence)]

    assert await around(0) == [0, 1, 2]
    assert await around(3) == [1, 2, 3]
    assert await around(4) == [2, 3, 6]
    assert await around(1_000_000) == [999_999, 1_000_000]
    assert await around(12) == []


async def test_an_overlap_is_marked_once_on_the_version_that_was_read(tables: Models) -> None:
    await tables.writer.record_lock_runs(KEY, [LockRun("ledger", 3, new_id(), 1, "w")])
    (seen,) = await tables.writer.lock_runs_around(KEY, 3)
    await tables.another_writer().record_lock_runs(KEY, [LockRun("ledger", 3, new_id(), 1)])
    with pytest.raises(StaleError):
        await tables.writer.mark_overlap(KEY, seen, "late")
    (seen,) = await tables.writer.lock_runs_around(KEY, 3)
    await tables.writer.mark_overlap(KEY, seen, "mine")
    with pytest.raises(StaleError):
        await tables.another_writer().mark_overlap(KEY, seen, "another's")
    (marked,) = await tables.another_writer().lock_runs_around(KEY, 3)
    assert (marked.overlap, marked.worker, len(marked.runs)) == ("mine", "w", 2)
    await tables.writer.record_lock_runs(KEY, [LockRun("ledger", 3, ended_at=NOON)])
    (marked,) = await tables.another_writer().lock_runs_around(KEY, 3)
    assert (marked.overlap, marked.ended_at) == ("mine", NOON)


async def test_marked_runs_of_all_locks_are_listed_and_wiped(tables: Models) -> None:
    other = partition("other")
    job_id = new_id()
    assert await tables.models.overlaps(10) == []
    for key, name, fence, job in (
        (other, "other", 12, None),
        (KEY, "ledger", 3, job_id),
        (KEY, "ledger", 9, None),
    ):
        await tables.writer.record_lock_runs(key, [LockRun(name, fence, job, 1 if job else None)])
        (seen,) = await tables.writer.lock_runs_around(key, fence)
        await tables.writer.mark_overlap(key, seen, "mine")
    found = [Overlap("ledger", 3, job_id), Overlap("ledger", 9, None), Overlap("other", 12, None)]
    assert await tables.models.overlaps(10) == found
    assert await tables.models.overlaps(2) == found[:2]
    # A list of locks is another list.
    assert (await tables.models.locks(10)).items == []
    await tables.writer.wipe()
    assert await tables.models.overlaps(10) == []


async def test_an_overlap_of_a_run_that_was_wiped_is_not_marked(tables: Models) -> None:
    await tables.writer.record_lock_runs(KEY, [LockRun("ledger", 3)])
    (seen,) = await tables.writer.lock_runs_around(KEY, 3)
    await tables.writer.wipe()
    with pytest.raises(StaleError):
        await tables.writer.mark_overlap(KEY, seen, "late")


async def test_a_wipe_counts_and_deletes_everything(tables: Models) -> None:
    writer, models = tables.writer, tables.models
    job = summary(NOON)
    trail = [entry(NOON, seq, job_id=job.job_id) for seq in (1, 2, 3)]
    await writer.record_trail(trail)
    await writer.record_recent(trail[:2])
    await writer.record_lock_runs(KEY, [LockRun("ledger", 1), LockRun("ledger", 2)])
    await writer.record_lock(KnownLock("ledger", KEY, 2))
    await writer.record_summary(job, Watermark(3, "h"), None)
    counts = await writer.wipe()
    assert counts.pop("JobSummaries") > 0
    assert counts == {"JobAuditTrail": 3, "RecentEvents": 2, "LockRuns": 2, "Locks": 1}
    assert await models.audit_trail(job.job_id) == []
    assert await writer.lock_runs_around(KEY, 1) == []
    for page in (await models.jobs(JobFilter(), 5), await models.events(5), await models.locks(5)):
        assert page.items == []
    assert set((await writer.wipe()).values()) == {0}


Ask = Callable[[Models], Awaitable[object]]
JOB, ENTRY = summary(NOON), entry(NOON)

CALLS: dict[str, Ask] = {
    "jobs": lambda store: store.models.jobs(JobFilter(), 1),
    "events": lambda store: store.models.events(1),
    "audit_trail": lambda store: store.models.audit_trail(JOB.job_id),
    "trail_entries": lambda store: store.models.trail_entries(JOB.job_id, 3),
    "lock_runs": lambda store: store.models.lock_runs("ledger", 1),
    "lock_runs_between": lambda store: store.models.lock_runs_between("ledger", 1, 2),
    "locks": lambda store: store.models.locks(1),
    "projected_seqs": lambda store: store.models.projected_seqs({JOB.job_id: NOON}),
    "watermark": lambda store: store.writer.watermark(JOB.job_id, NOON),
    "record_trail": lambda store: store.writer.record_trail([ENTRY]),
    "record_recent": lambda store: store.writer.record_recent([ENTRY]),
    "record_lock_runs": lambda store: store.writer.record_lock_runs(KEY, [LockRun("ledger", 1, "j", 1)]),
    "lock_runs_around": lambda store: store.writer.lock_runs_around(KEY, 1),
    "record_lock": lambda store: store.writer.record_lock(KnownLock("ledger", KEY, 1)),
    "record_summary": lambda store: store.writer.record_summary(JOB, Watermark(1, "h"), None),
    "wipe": lambda store: store.writer.wipe(),
}


@pytest.mark.parametrize("name", CALLS)
async def test_without_an_answer_the_outcome_is_unknown(tables: Models, name: str) -> None:
    tables.lose_answers(True)
    with pytest.raises(UnknownOutcomeError):
        await CALLS[name](tables)
    tables.lose_answers(False)
    if name != "record_summary":
        await CALLS[name](tables)


@pytest.mark.parametrize("name", ["record_trail", "record_recent", "record_lock_runs", "record_lock"])
async def test_what_is_written_twice_is_there_once(tables: Models, name: str) -> None:
    for _ in range(2):
        await CALLS[name](tables)
    assert [each for each in (await tables.writer.wipe()).values() if each] == [1]
