"""What every implementation of the register of jobs does."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from tests.conformance.stores import Store

from coordination.ports import (
    ActiveJob,
    AlreadyRegisteredError,
    DueRemoval,
    JobRegister,
    Registration,
    UnknownOutcomeError,
)

NOW = datetime(2026, 11, 21, 1, 47, 5, 840943, tzinfo=UTC)


def registration(due_at: datetime | None = None) -> Registration:
    return Registration(str(uuid.uuid4()), "Ledger 2026, Köln", "ledger-2026-k-ln-0123", "hash", NOW, due_at)


def as_active(job: Registration) -> ActiveJob:
    return ActiveJob(
        job.job_id,
        job.lock_name,
        job.partition,
        job.registered_at,
        job.due_at,
        job.is_marked,
        job.expires_at,
    )


async def active(register: JobRegister, due_by: datetime = NOW) -> set[ActiveJob]:
    jobs = [job async for job in register.active(due_by)]
    assert len(set(jobs)) == len(jobs)
    return set(jobs)


async def test_a_job_is_found_where_it_was_registered(register: JobRegister) -> None:
    job = registration()
    assert await register.find(job.job_id) is None
    await register.add(job)
    assert await register.find(job.job_id) == job


async def test_the_time_at_which_a_job_expires_is_kept_with_it(register: JobRegister) -> None:
    job = replace(registration(), expires_at=NOW + timedelta(seconds=60))
    await register.add(job)
    assert await register.find(job.job_id) == job
    assert as_active(job) in await active(register)


async def test_a_registration_that_is_withdrawn_is_gone_and_its_id_is_free(register: JobRegister) -> None:
    job, other = registration(), registration()
    await register.add(job)
    await register.add(other)
    for _ in range(2):
        await register.withdraw(job)
    assert await register.find(job.job_id) is None
    assert as_active(job) not in await active(register)
    assert await register.find(other.job_id) == other
    await register.add(job)


async def test_a_job_id_is_registered_once(register: JobRegister) -> None:
    job = registration()
    await register.add(job)
    with pytest.raises(AlreadyRegisteredError):
        await register.add(replace(job, lock_name="other"))
    assert await register.find(job.job_id) == job
    assert await active(register) == {as_active(job)}


async def test_a_job_that_was_retired_counts_as_active_again(register: JobRegister) -> None:
    job = registration()
    await register.add(job)
    await register.retire(job.job_id)
    for _ in range(2):
        await register.activate(replace(job, is_marked=True))
        assert await active(register) == {as_active(replace(job, is_marked=True))}
    await register.retire(job.job_id)
    assert await active(register) == set()
    assert await register.find(job.job_id) == job


async def test_of_several_who_register_one_id_at_once_exactly_one_succeeds(register: JobRegister) -> None:
    job = registration()
    claims = [replace(job, request_hash=f"hash-{n}") for n in range(10)]
    results = await asyncio.gather(*(register.add(claim) for claim in claims), return_exceptions=True)
    assert results.count(None) == 1
    assert [type(result) for result in results if result is not None] == [AlreadyRegisteredError] * 9
    assert await register.find(job.job_id) == claims[results.index(None)]


async def test_active_jobs_are_all_that_were_registered_and_not_retired(register: JobRegister) -> None:
    assert await active(register) == set()
    jobs = [registration() for _ in range(40)]
    for job in jobs:
        await register.add(job)
    for job in jobs[:10]:
        await register.retire(job.job_id)
    assert await active(register) == {as_active(job) for job in jobs[10:]}


async def test_a_retired_job_is_still_found_and_its_id_still_taken(register: JobRegister) -> None:
    job = registration()
    await register.add(job)
    await register.retire(job.job_id)
    await register.retire(job.job_id)
    assert await register.find(job.job_id) == job
    with pytest.raises(AlreadyRegisteredError):
        await register.add(job)
    assert await active(register) == set()


async def test_retiring_an_unknown_job_is_harmless(register: JobRegister) -> None:
    await register.retire(str(uuid.uuid4()))


async def test_a_registration_whose_answer_was_lost_stands(store: Store) -> None:
    job = registration()
    store.lose_answers(True)
    with pytest.raises(UnknownOutcomeError):
        await store.register.add(job)
    with pytest.raises(UnknownOutcomeError):
        await store.register.find(job.job_id)
    with pytest.raises(UnknownOutcomeError):
        await anext(store.register.active(NOW))
    with pytest.raises(UnknownOutcomeError):
        await store.register.retire(job.job_id)
    store.lose_answers(False)
    with pytest.raises(AlreadyRegisteredError):
        await store.register.add(job)
    assert await store.register.find(job.job_id) == job


async def test_a_job_is_active_from_its_due_time_on(register: JobRegister) -> None:
    at_once, now = registration(), registration(NOW.astimezone(timezone(timedelta(hours=-3))))
    soon, later = registration(NOW + timedelta(microseconds=1)), registration(NOW + timedelta(days=400))
    for job in (at_once, now, soon, later):
        await register.add(job)
        assert await register.find(job.job_id) == job
    assert await active(register) == {as_active(at_once), as_active(now)}
    assert await active(register, NOW + timedelta(microseconds=1)) == {
        as_active(job) for job in (at_once, now, soon)
    }
    await register.retire(now.job_id, now.due_at)
    await register.retire(later.job_id, later.due_at)
    assert await active(register, NOW + timedelta(days=500)) == {as_active(at_once), as_active(soon)}


async def test_all_jobs_are_listed_with_those_that_are_retired_or_not_due(register: JobRegister) -> None:
    jobs = [*(registration() for _ in range(40)), registration(NOW + timedelta(days=1))]
    for job in jobs:
        await register.add(job)
    await register.retire(jobs[0].job_id)
    listed = [job async for job in register.all()]
    assert len(listed) == len(jobs)
    assert set(listed) == set(jobs)


async def test_whether_its_submitter_marks_stands_with_the_job(register: JobRegister) -> None:
    jobs = [registration(), replace(registration(), is_marked=True)]
    for job in jobs:
        await register.add(job)
        assert await register.find(job.job_id) == job
    assert await active(register) == {as_active(job) for job in jobs}


async def test_each_mark_of_a_submitter_is_a_new_version_of_one_row(register: JobRegister) -> None:
    assert await register.marks() == {}
    await register.mark("one")
    await register.mark("another")
    first = await register.marks()
    assert first.keys() == {"one", "another"}
    assert await register.marks() == first
    await register.mark("one")
    second = await register.marks()
    assert second.keys() == first.keys()
    assert second["one"] != first["one"]
    assert second["another"] == first["another"]


async def test_a_mark_is_removed_in_the_version_that_was_seen_alone(register: JobRegister) -> None:
    await register.mark("one")
    old = await register.marks()
    await register.mark("one")
    await register.unmark("one", old["one"])
    new = await register.marks()
    assert new.keys() == {"one"}
    await register.unmark("one", new["one"])
    await register.unmark("one", new["one"])
    assert await register.marks() == {}
    await register.mark("one")
    assert (await register.marks())["one"] not in {old["one"], new["one"]}


async def test_marks_are_no_jobs(register: JobRegister) -> None:
    await register.mark("one")
    assert await active(register) == set()
    assert [job async for job in register.all()] == []


async def test_without_an_answer_the_outcome_of_a_mark_is_unknown(store: Store) -> None:
    store.lose_answers(True)
    for ask in (store.register.mark("one"), store.register.marks(), store.register.unmark("one", "v")):
        with pytest.raises(UnknownOutcomeError):
            await ask
    store.lose_answers(False)
    assert (await store.register.marks()).keys() <= {"one"}


# --- jobs that leave ---------------------------------------------------------------------


async def retired(register: JobRegister, at: datetime) -> DueRemoval:
    """Register a job, and retire it with a time at which it may go."""
    job = registration()
    await register.add(job)
    removal = DueRemoval(job.job_id, job.lock_name, job.partition, at)
    await register.retire(job.job_id, removal=removal)
    return removal


async def due(register: JobRegister, by: datetime, limit: int = 1000) -> list[DueRemoval]:
    found = await register.due_removals(by, limit)
    assert all(removal.version for removal in found)
    return sorted(found, key=lambda removal: removal.at)


async def test_a_removal_is_noted_with_the_retirement_and_due_at_its_time(register: JobRegister) -> None:
    removal = await retired(register, NOW)
    later = await retired(register, NOW + timedelta(seconds=1))
    assert await active(register) == set()
    assert await due(register, NOW - timedelta(microseconds=1)) == []
    assert await due(register, NOW) == [removal]
    assert await due(register, NOW + timedelta(days=1)) == [removal, later]
    # It is no active job, and its id stays in use.
    assert await active(register, NOW + timedelta(days=10_000)) == set()
    assert await register.find(removal.job_id) is not None


async def test_a_job_that_is_retired_already_is_not_noted_again(register: JobRegister) -> None:
    removal = await retired(register, NOW)
    (noted,) = await due(register, NOW)
    await register.move_removal(noted, None)
    await register.retire(removal.job_id, removal=removal)
    assert await due(register, NOW) == []


async def test_a_removal_that_was_noted_again_is_another_one(register: JobRegister) -> None:
    removal = await retired(register, NOW)
    (noted,) = await due(register, NOW)
    job = await register.find(removal.job_id)
    assert job is not None
    await register.activate(job)
    await register.retire(job.job_id, removal=removal)
    (again,) = await due(register, NOW)
    assert again.version != noted.version
    await register.move_removal(noted, None)
    await register.move_removal(noted, NOW + timedelta(days=1))
    assert await due(register, NOW + timedelta(days=2)) == [again]


async def test_a_removal_is_moved_and_removed(register: JobRegister) -> None:
    removal = await retired(register, NOW)
    (noted,) = await due(register, NOW)
    later = NOW + timedelta(hours=1)
    await register.move_removal(noted, later)
    await register.move_removal(noted, later)
    assert await due(register, NOW) == []
    (noted,) = await due(register, later)
    assert noted == replace(removal, at=later)
    for _ in range(2):
        await register.move_removal(noted, None)
    assert await due(register, later) == []


async def test_no_more_removals_are_read_than_needed(register: JobRegister) -> None:
    removals = [await retired(register, NOW + timedelta(seconds=number)) for number in range(40)]
    some = await due(register, NOW + timedelta(days=1), 16)
    assert 0 < len(some) < len(removals)
    left = removals
    while some:
        for removal in some:
            await register.move_removal(removal, None)
        left = [removal for removal in left if removal not in some]
        some = await due(register, NOW + timedelta(days=1), 16)
    assert left == []


async def test_the_registration_of_a_job_that_is_forgotten_is_gone_and_its_id_is_free(
    register: JobRegister,
) -> None:
    removal = await retired(register, NOW)
    for _ in range(2):
        await register.forget(removal.job_id)
    assert await register.find(removal.job_id) is None
    assert await due(register, NOW) == [removal]
    await register.add(Registration(removal.job_id, "other", "p", "other", NOW))


async def test_without_an_answer_the_outcome_of_a_removal_is_unknown(store: Store) -> None:
    removal = await retired(store.register, NOW)
    store.lose_answers(True)
    asks = (
        store.register.due_removals(NOW, 1),
        store.register.move_removal(removal, None),
        store.register.forget(removal.job_id),
        store.register.retire(removal.job_id, removal=removal),
    )
    for ask in asks:
        with pytest.raises(UnknownOutcomeError):
            await ask
    store.lose_answers(False)
