"""What every implementation of the journal port does with the register of all jobs."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.conformance.stores import Store

from coordination.ports import ActiveJob, AlreadyRegisteredError, Journal, Registration, UnknownOutcomeError


def registration() -> Registration:
    moment = datetime(2026, 11, 21, 1, 47, 5, 840943, tzinfo=UTC)
    return Registration(str(uuid.uuid4()), "Ledger 2026, Köln", "ledger-2026-k-ln-0123", "hash", moment)


def as_active(job: Registration) -> ActiveJob:
    return ActiveJob(job.job_id, job.lock_name, job.partition, job.registered_at)


async def active(journal: Journal) -> set[ActiveJob]:
    jobs = [job async for job in journal.active()]
    assert len(set(jobs)) == len(jobs)
    return set(jobs)


async def test_a_job_is_found_where_it_was_registered(journal: Journal) -> None:
    job = registration()
    assert await journal.find(job.job_id) is None
    await journal.register(job)
    assert await journal.find(job.job_id) == job


async def test_a_job_id_is_registered_once(journal: Journal) -> None:
    job = registration()
    await journal.register(job)
    with pytest.raises(AlreadyRegisteredError):
        await journal.register(replace(job, lock_name="other"))
    assert await journal.find(job.job_id) == job
    assert await active(journal) == {as_active(job)}


async def test_of_several_who_register_one_id_at_once_exactly_one_succeeds(journal: Journal) -> None:
    job = registration()
    claims = [replace(job, request_hash=f"hash-{n}") for n in range(10)]
    results = await asyncio.gather(*(journal.register(claim) for claim in claims), return_exceptions=True)
    assert results.count(None) == 1
    assert [type(result) for result in results if result is not None] == [AlreadyRegisteredError] * 9
    assert await journal.find(job.job_id) == claims[results.index(None)]


async def test_active_jobs_are_all_that_were_registered_and_not_retired(journal: Journal) -> None:
    assert await active(journal) == set()
    jobs = [registration() for _ in range(40)]
    for job in jobs:
        await journal.register(job)
    for job in jobs[:10]:
        await journal.retire(job.job_id)
    assert await active(journal) == {as_active(job) for job in jobs[10:]}


async def test_a_retired_job_is_still_found_and_its_id_still_taken(journal: Journal) -> None:
    job = registration()
    await journal.register(job)
    await journal.retire(job.job_id)
    await journal.retire(job.job_id)
    assert await journal.find(job.job_id) == job
    with pytest.raises(AlreadyRegisteredError):
        await journal.register(job)
    assert await active(journal) == set()


async def test_retiring_an_unknown_job_is_harmless(journal: Journal) -> None:
    await journal.retire(str(uuid.uuid4()))


async def test_a_registration_whose_answer_was_lost_stands(store: Store) -> None:
    job = registration()
    store.lose_answers(True)
    with pytest.raises(UnknownOutcomeError):
        await store.journal.register(job)
    with pytest.raises(UnknownOutcomeError):
        await store.journal.find(job.job_id)
    with pytest.raises(UnknownOutcomeError):
        await anext(store.journal.active())
    with pytest.raises(UnknownOutcomeError):
        await store.journal.retire(job.job_id)
    store.lose_answers(False)
    with pytest.raises(AlreadyRegisteredError):
        await store.journal.register(job)
    assert await store.journal.find(job.job_id) == job
