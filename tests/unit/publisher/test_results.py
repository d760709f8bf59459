"""GET /api/v1/jobs/{id}/result: the result, why there is none, and waiting for it."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.unit.publisher.doubles import Api, Listener, WorkerOf

from contracts.jobs import Accepted
from coordination.clients.expiry import build_expiry
from coordination.clients.job_writer import JobWriter
from coordination.outcomes import Completed, Failed, RunOutcome, TimedOut
from coordination.testing.memory import VirtualClock
from publisher.use_cases.jobs import find_job
from publisher.use_cases.results import JobResults
from publisher.use_cases.stream import JobStream


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def stream(api: Api, clock: VirtualClock) -> JobStream:
    return JobStream(api.journal, api.register, clock, lambda: False, most_followers=600)


@pytest.fixture
def results(api: Api, clock: VirtualClock, stream: JobStream) -> JobResults:
    found = JobResults(api.journal, api.register, clock, stream)
    api.app.state.use_cases = replace(api.use_cases, results=found, stream=stream)
    return found


async def running(api: Api, worker_of: WorkerOf) -> tuple[str, Any]:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    return job_id, worker


async def ask(api: Api, job_id: str, wait: object = 0) -> httpx.Response:
    return await api.client.get(f"/api/v1/jobs/{job_id}/result", params={"wait": str(wait)})


@pytest.mark.parametrize("result", ["null", "0", '{"booked":[1,2]}', '"' + "x" * 50_000 + '"'])
async def test_the_result_of_a_completed_job_is_what_its_handler_returned(
    api: Api, worker_of: WorkerOf, result: str
) -> None:
    job_id, worker = await running(api, worker_of)
    await worker.end(Completed(result))
    answer = await ask(api, job_id)

    assert answer.status_code == 200
    assert f'"result":{result},' in answer.text
    assert (answer.json()["job_id"], answer.json()["status"]) == (job_id, "Completed")
    assert answer.json()["finished_at"] == (await api.get(f"/api/v1/jobs/{job_id}"))["finished_at"]


async def test_a_job_that_has_not_ended_is_accepted_and_to_be_asked_for_again(api: Api) -> None:
    job_id = await api.submitted(lock="ledger")
    answer = await ask(api, job_id)

    assert (answer.status_code, answer.headers["retry-after"]) == (202, "1")
    assert answer.json() == {"job_id": job_id, "lock": "ledger", "status": "Queued", "existing": True}


@pytest.mark.parametrize(
    ("outcome", "name", "detail", "error"),
    [
        (
            Failed("ValueError", "no such month"),
            "job_failed",
            "The job failed: ValueError: no such month",
            {"type": "ValueError", "message": "no such month"},
        ),
        (
            Failed("KeyError", ""),
            "job_failed",
            "The job failed: KeyError",
            {"type": "KeyError", "message": ""},
        ),
        (
            TimedOut("ran longer than 5 s"),
            "job_timed_out",
            "The job was stopped: ran longer than 5 s",
            {"type": "TimedOut", "message": "ran longer than 5 s"},
        ),
    ],
)
async def test_a_problem_says_why_there_is_no_result(
    api: Api, worker_of: WorkerOf, outcome: RunOutcome, name: str, detail: str, error: object
) -> None:
    job_id, worker = await running(api, worker_of)
    await worker.end(outcome)
    answer = await ask(api, job_id, wait=50)

    assert answer.status_code == 409
    problem = answer.json()
    assert (problem["type"], problem["detail"]) == (f"urn:turnstile:problem:{name}", detail)
    assert (problem["job_id"], problem["error"]) == (job_id, error)
    assert problem["job_status"] == (await api.get(f"/api/v1/jobs/{job_id}"))["status"]


@pytest.mark.parametrize(
    ("reason", "detail"),
    [("", "The job was cancelled."), ("wrong month", "The job was cancelled: wrong month")],
)
async def test_a_cancelled_job_has_no_result(api: Api, reason: str, detail: str) -> None:
    job_id = await api.submitted(lock="ledger")
    await api.client.post(f"/api/v1/jobs/{job_id}/cancel", json={"reason": reason})
    problem = (await ask(api, job_id)).json()

    assert (problem["type"], problem["status"]) == ("urn:turnstile:problem:job_cancelled", 409)
    assert (problem["detail"], problem["job_status"], "error" in problem) == (detail, "Cancelled", False)


async def test_an_expired_job_has_no_result(api: Api) -> None:
    job_id = await api.submitted(lock="ledger", expires_in=5)
    api.clock.jump(6)
    writer = JobWriter(api.journal, api.notifier, api.clock)
    await writer.change(await find_job(api.register, job_id), "scheduler", build_expiry)
    problem = (await ask(api, job_id)).json()

    assert (problem["type"], problem["status"]) == ("urn:turnstile:problem:job_expired", 409)
    assert problem["detail"] == "The job did not start in time."
    assert (problem["job_status"], "error" in problem) == ("Expired", False)


@pytest.mark.parametrize("wait", ["51", "-1", "1e3", "soon", "", "nan"])
async def test_a_wait_out_of_bounds_is_refused_with_the_name_of_the_parameter(api: Api, wait: str) -> None:
    answer = await ask(api, await api.submitted(lock="ledger"), wait)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["wait"]


async def test_an_unknown_job_is_not_waited_for(api: Api, results: JobResults) -> None:
    assert (await ask(api, "018f6c3e-7b1a-7c4e-9d3a-0123456789ab", 50)).status_code == 404


@pytest.mark.usefixtures("results")
async def test_a_waiting_caller_gets_the_result_within_a_second_of_the_end(
    api: Api, clock: VirtualClock, worker_of: WorkerOf
) -> None:
    job_id, worker = await running(api, worker_of)
    asking = asyncio.ensure_future(ask(api, job_id, 50))
    await clock.advance(20)
    assert not asking.done()
    await worker.end(Completed('"done"'))
    await clock.advance(1)

    assert (await asking).json()["result"] == "done"


@pytest.mark.usefixtures("results")
async def test_a_wait_ends_after_its_seconds(api: Api, clock: VirtualClock, stream: JobStream) -> None:
    asking = asyncio.ensure_future(ask(api, await api.submitted(lock="ledger"), 7))
    await clock.advance(6.9)
    assert not asking.done()
    assert stream.followers == 1
    await clock.advance(0.1)

    assert (await asking).status_code == 202
    assert stream.followers == 0


async def test_five_hundred_waiting_callers_of_a_job_read_as_much_as_one(
    api: Api, results: JobResults, clock: VirtualClock, worker_of: WorkerOf
) -> None:
    job_id, _ = await running(api, worker_of)
    costs = []
    for count in (1, 500):
        asking = [asyncio.ensure_future(results.get(job_id, 20)) for _ in range(count)]
        await clock.advance(1)
        api.storage.calls.clear()
        await clock.advance(10)
        costs.append(api.storage.calls["journal.read"])
        assert api.storage.calls["journal.read_range"] == 0
        await clock.advance(10)
        assert all(isinstance(found, Accepted) for found in await asyncio.gather(*asking))
    assert 5 <= costs[1] <= 2 * costs[0], costs


async def test_a_follower_misses_nothing_where_a_waiting_caller_looked_first(
    api: Api, results: JobResults, stream: JobStream, clock: VirtualClock, worker_of: WorkerOf
) -> None:
    job_id = await api.submitted(lock="ledger")
    asking = asyncio.ensure_future(results.get(job_id, 50))
    await clock.advance(1)
    listener = Listener(stream, await find_job(api.register, job_id))
    await clock.advance(0.1)
    heard = listener.take()
    assert "id: 1\n" in heard
    assert '"position":1' in heard
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Completed("1"))
    await clock.advance(2)

    assert (asking.done(), listener.task.done()) == (True, True)
    assert [line for line in listener.take().split("\n") if line.startswith("id: ")] == [
        "id: 2",
        "id: 3",
        "id: 4",
    ]


async def test_followers_and_waiting_callers_are_limited_together(
    api: Api, clock: VirtualClock, worker_of: WorkerOf
) -> None:
    stream = JobStream(api.journal, api.register, clock, lambda: False, most_followers=2)
    results = JobResults(api.journal, api.register, clock, stream)
    api.app.state.use_cases = replace(api.use_cases, stream=stream, results=results)
    job_id, _ = await running(api, worker_of)
    listener = Listener(stream, await find_job(api.register, job_id))
    asking = asyncio.ensure_future(ask(api, job_id, 50))
    await clock.advance(0)
    for path in ("stream", "result?wait=1"):
        answer = await api.client.get(f"/api/v1/jobs/{job_id}/{path}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["type"] == "urn:turnstile:problem:too_many_followers"
    # One who does not wait costs no more than one who asks for the job.
    assert (await ask(api, job_id)).status_code == 202
    await clock.advance(50)
    assert (await asking).status_code == 202
    listener.task.cancel()
    await asyncio.gather(listener.task, return_exceptions=True)


async def test_a_caller_that_has_gone_is_not_waited_for(
    api: Api, results: JobResults, stream: JobStream, clock: VirtualClock
) -> None:
    gone: list[bool] = []

    async def is_gone() -> bool:
        return bool(gone)

    asking = asyncio.ensure_future(results.get(await api.submitted(lock="ledger"), 50, is_gone))
    await clock.advance(5)
    assert stream.followers == 1
    gone.append(True)
    await clock.advance(1)

    assert (asking.done(), stream.followers) == (True, 0)


async def test_a_server_that_stops_answers_those_who_wait(api: Api, clock: VirtualClock) -> None:
    stopping: list[bool] = []
    stream = JobStream(api.journal, api.register, clock, lambda: bool(stopping))
    results = JobResults(api.journal, api.register, clock, stream)
    asking = asyncio.ensure_future(results.get(await api.submitted(lock="ledger"), 50))
    await clock.advance(5)
    stopping.append(True)
    await clock.advance(1)

    assert isinstance(await asking, Accepted)


@pytest.mark.usefixtures("results")
async def test_a_storage_that_does_not_answer_ends_the_wait(api: Api, clock: VirtualClock) -> None:
    asking = asyncio.ensure_future(ask(api, await api.submitted(lock="ledger"), 50))
    await clock.advance(5)
    api.storage.is_away = True
    await clock.advance(1)
    answer = await asking

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
