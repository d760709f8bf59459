"""Many who follow one job cost what one does, and a publisher serves a limited number of them."""

import asyncio
from dataclasses import replace

import pytest
from tests.unit.publisher.doubles import Api, Listener, WorkerOf

from coordination.outcomes import Completed
from coordination.testing.memory import VirtualClock
from publisher.use_cases.jobs import find_job
from publisher.use_cases.stream import JobStream


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def stream(api: Api, clock: VirtualClock) -> JobStream:
    return JobStream(api.journal, api.register, clock, lambda: False)


async def listeners(api: Api, stream: JobStream, job_id: str, count: int, after: int = 0) -> list[Listener]:
    registration = await find_job(api.register, job_id)
    return [Listener(stream, registration, after) for _ in range(count)]


async def test_five_hundred_followers_of_a_job_read_as_much_as_one(
    api: Api, stream: JobStream, clock: VirtualClock, worker_of: WorkerOf
) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    costs = []
    for count in (1, 500):
        found = await listeners(api, stream, job_id, count)
        await clock.advance(1)
        api.storage.calls.clear()
        await clock.advance(10)
        costs.append(api.storage.calls["journal.read"])
        for listener in found:
            listener.task.cancel()
        await asyncio.gather(*(listener.task for listener in found), return_exceptions=True)
    assert 5 <= costs[1] <= 2 * costs[0], costs
    assert stream.followers == 0


async def test_each_of_many_followers_hears_everything_once_wherever_it_began(
    api: Api, stream: JobStream, clock: VirtualClock, worker_of: WorkerOf
) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    late = await listeners(api, stream, job_id, 3, after=2)
    await clock.advance(3)
    early = await listeners(api, stream, job_id, 3)
    await clock.advance(0.3)
    await worker.step("load")
    await worker.end(Completed("1"))
    await clock.advance(5)
    await asyncio.gather(*(listener.task for listener in [*late, *early]))
    for listener, first in [*((each, 3) for each in late), *((each, 1) for each in early)]:
        numbers = [line for line in listener.take().split("\n") if line.startswith("id: ")]
        assert numbers == [f"id: {number}" for number in range(first, 6)]


async def test_all_hear_again_once_the_storage_answers_again(
    api: Api, stream: JobStream, clock: VirtualClock, worker_of: WorkerOf
) -> None:
    job_id = await api.submitted(lock="ledger")
    found = await listeners(api, stream, job_id, 5)
    await clock.advance(1)
    api.storage.is_away = True
    await clock.advance(5)
    api.storage.is_away = False
    await worker_of("ledger").start()
    await clock.advance(3)
    assert all("Started" in listener.take() for listener in found)
    for listener in found:
        listener.task.cancel()
    await asyncio.gather(*(listener.task for listener in found), return_exceptions=True)


async def test_more_followers_than_allowed_are_to_come_back_later(
    api: Api, clock: VirtualClock, worker_of: WorkerOf
) -> None:
    stream = JobStream(api.journal, api.register, clock, lambda: False, most_followers=2)
    api.app.state.use_cases = replace(api.use_cases, stream=stream)
    job_id = await api.submitted(lock="ledger")
    found = await listeners(api, stream, job_id, 2)
    await clock.advance(0)
    answer = await api.client.get(f"/api/v1/jobs/{job_id}/stream")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["type"] == "urn:turnstile:problem:too_many_followers"
    for listener in found:
        listener.task.cancel()
    await asyncio.gather(*(listener.task for listener in found), return_exceptions=True)
    assert stream.followers == 0
