"""One id asked for by many at once, and a job that is cancelled while it ends.

FUZZ_IDS is how many ids, each asked for ten times at once; as many jobs are cancelled.
"""

import asyncio
import os
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.integration

_IDS = int(os.environ.get("FUZZ_IDS", "50"))
_AT_ONCE = 10
_TERMINAL = {"Completed", "Failed", "Cancelled", "TimedOut"}


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.publisher.url, timeout=60, trust_env=False) as client:
        yield client


async def statuses(client: httpx.AsyncClient, job_id: str) -> list[str]:
    events = (await client.get(f"/api/v1/jobs/{job_id}/events")).json()["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    return [event["status"] for event in events]


async def test_one_id_asked_for_by_many_at_once_is_one_job(stack: Stack, client: httpx.AsyncClient) -> None:
    lock = stack.new_lock()

    async def ask(job_id: str, number: int) -> tuple[int, httpx.Response]:
        # Every other one asks for something else under the same id.
        asked = {"kind": "nothing", "lock": lock, "job_id": job_id, "name": f"{number % 2}"}
        return number % 2, await client.post("/api/v1/jobs", json=asked)

    for _ in range(_IDS):
        job_id = str(uuid.uuid4())
        answers = await asyncio.gather(*(ask(job_id, number) for number in range(_AT_ONCE)))
        assert Counter(answer.status_code for _, answer in answers) == {202: 1, 409: _AT_ONCE - 1}
        ((winner, _),) = [(sort, answer) for sort, answer in answers if answer.status_code == 202]
        for sort, answer in answers:
            if answer.status_code == 409:
                problem = answer.json()
                assert problem["type"] == "urn:turnstile:problem:job_id_used"
                assert (problem["job_id"], problem["same_request"]) == (job_id, sort == winner)
        assert (await client.get(f"/api/v1/jobs/{job_id}")).json()["name"] == str(winner)
        stack.api.job(job_id, lock)
    for job in stack.api.submitted:
        assert job.wait_for_end(60)["status"] == "Completed"
        found = await statuses(client, job.id)
        assert (found.count("Submitted"), found.count("Completed")) == (1, 1)
    stack.api.submitted.clear()


async def test_a_job_cancelled_while_it_ends_has_one_end(stack: Stack, client: httpx.AsyncClient) -> None:
    chooser = random.Random(int(os.environ.get("FUZZ_SEED", "1")))
    ends: Counter[str] = Counter()
    answers: Counter[int] = Counter()

    asked: dict[str, Any] = {"kind": "ten-steps", "parameters": {"steps": 3, "seconds": 0.02}}
    began = time.monotonic()
    stack.api.submit(**asked, lock=stack.new_lock()).wait_for_end()
    length = time.monotonic() - began

    async def race(pause: float) -> str:
        answer = await client.post("/api/v1/jobs", json=asked | {"lock": stack.new_lock()})
        job_id = answer.json()["job_id"]
        await asyncio.sleep(pause)
        cancelled = [client.post(f"/api/v1/jobs/{job_id}/cancel") for _ in range(2)]
        for said in await asyncio.gather(*cancelled):
            answers[said.status_code] += 1
            assert said.status_code in {202, 409}, said.text
            if said.status_code == 409:
                assert said.json()["type"] == "urn:turnstile:problem:cancel_too_late"

        def ended() -> bool:
            state = stack.api.client.get(f"/api/v1/jobs/{job_id}").json()
            return state["status"] in _TERMINAL

        await asyncio.to_thread(until, ended, 60, f"job {job_id} to end")
        state = (await client.get(f"/api/v1/jobs/{job_id}")).json()
        found = await statuses(client, job_id)
        assert [status for status in found if status in _TERMINAL] == [state["status"]]
        assert found[-1] == state["status"]
        ends[state["status"]] += 1
        return str(state["status"])

    # Around the moment at which either may win, wherever that lies on this machine.
    pause = length / 2
    for _ in range(_IDS):
        ended_as = await race(chooser.uniform(0.5, 1.5) * pause)
        pause *= 0.7 if ended_as == "Completed" else 1.3
    assert set(ends) <= {"Completed", "Cancelled"}
    # Both won now and then, or nothing was tried.
    assert len(ends) == 2, ends
    assert not stack.unexpected_tracebacks()
