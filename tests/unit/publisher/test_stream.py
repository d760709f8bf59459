"""GET /api/v1/jobs/{id}/stream."""

import json
from dataclasses import replace

import pytest
from httpx_sse import ServerSentEvent, aconnect_sse
from tests.unit.publisher.doubles import Api, Listener, WorkerOf

from coordination.outcomes import Completed
from coordination.testing.memory import VirtualClock
from publisher.use_cases.jobs import find_job
from publisher.use_cases.stream import JobStream


async def read_stream(api: Api, job_id: str, **headers: str) -> list[ServerSentEvent]:
    async with aconnect_sse(api.client, "GET", f"/api/v1/jobs/{job_id}/stream", headers=headers) as source:
        return [event async for event in source.aiter_sse()]


@pytest.fixture
async def finished_job(api: Api, worker_of: WorkerOf) -> str:
    job_id: str = (await api.submit(lock="ledger")).json()["job_id"]
    worker = worker_of("ledger")
    await worker.start()
    await worker.step("load")
    await worker.end(Completed("1"))
    return job_id


async def test_everything_is_told_from_the_beginning_to_the_end(api: Api, finished_job: str) -> None:
    events = await read_stream(api, finished_job)
    facts = [event for event in events if event.event == "job_event"]

    assert [event.id for event in facts] == ["1", "2", "3", "4", "5"]
    assert [json.loads(event.data)["status"] for event in facts] == [
        "Submitted",
        "LeaseAcquired",
        "Started",
        "Step",
        "Completed",
    ]
    assert events[-1].event == "job_event"


async def test_a_broken_stream_goes_on_where_it_was(api: Api, finished_job: str) -> None:
    events = await read_stream(api, finished_job, **{"Last-Event-ID": "3"})

    assert [event.id for event in events if event.event == "job_event"] == ["4", "5"]


@pytest.mark.parametrize("last", ["5", "6", "1000000000"])
async def test_a_follower_who_has_seen_the_end_must_not_come_back(
    api: Api, finished_job: str, last: str
) -> None:
    answer = await api.client.get(f"/api/v1/jobs/{finished_job}/stream", headers={"Last-Event-ID": last})

    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_follower_who_lacks_the_end_alone_gets_it(api: Api, finished_job: str) -> None:
    events = await read_stream(api, finished_job, **{"Last-Event-ID": "4"})

    told = [(event.event, event.id) for event in events if event.retry is None]
    assert told == [("progress", ""), ("job_event", "5")]


async def test_a_follower_who_has_seen_everything_of_a_running_job_may_wait_for_more(
    api: Api, worker_of: WorkerOf
) -> None:
    job_id = await api.submitted(lock="ledger")
    await worker_of("ledger").start()
    stopped = JobStream(api.journal, api.register, api.clock, is_stopping=lambda: True)
    api.app.state.use_cases = replace(api.use_cases, stream=stopped)
    answer = await api.client.get(f"/api/v1/jobs/{job_id}/stream", headers={"Last-Event-ID": "3"})

    assert (answer.status_code, answer.text) == (200, "retry: 1000\n\n")


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "1000000001", ""])
async def test_a_wrong_last_event_is_refused(api: Api, finished_job: str, last: str) -> None:
    answer = await api.client.get(f"/api/v1/jobs/{finished_job}/stream", headers={"Last-Event-ID": last})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "last-event-id"


async def test_events_are_told_in_the_same_words_as_in_the_list_of_events(
    api: Api, finished_job: str
) -> None:
    facts = [event for event in await read_stream(api, finished_job) if event.event == "job_event"]

    assert [json.loads(event.data) for event in facts] == (
        await api.get(f"/api/v1/jobs/{finished_job}/events")
    )["items"]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


async def test_progress_is_told_when_it_changes_and_only_then(
    api: Api, worker_of: WorkerOf, clock: VirtualClock
) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    worker = worker_of("ledger")
    await worker.start()
    stream = JobStream(api.journal, api.register, clock, lambda: False)
    listener = Listener(stream, await find_job(api.register, job_id))
    await clock.advance(0)
    assert listener.take().count("event: job_event") == 3

    await worker.report(1, 10, "load")
    await clock.advance(1)
    heard = listener.take()
    assert heard.count("event: progress") == 1
    assert '"step":"load","progress":{"value":1.0,"limit":10.0}' in heard

    await clock.advance(8)
    assert listener.take() == ""
    await clock.advance(5)
    assert listener.take().startswith(": ")

    await worker.end(Completed("1"))
    await clock.advance(1.5)
    assert '"status":"Completed"' in listener.take()
    await listener.task


async def test_a_server_that_stops_ends_its_streams(api: Api, clock: VirtualClock) -> None:
    job_id = (await api.submit()).json()["job_id"]
    stopping = False
    stream = JobStream(api.journal, api.register, clock, lambda: stopping)
    listener = Listener(stream, await find_job(api.register, job_id))
    await clock.advance(5)
    assert not listener.task.done()
    stopping = True
    await clock.advance(2)

    assert listener.task.done()


async def test_a_stream_outlives_a_short_silence_of_the_storage_but_not_a_long_one(
    api: Api, worker_of: WorkerOf, clock: VirtualClock
) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    stream = JobStream(api.journal, api.register, clock, lambda: False)
    listener = Listener(stream, await find_job(api.register, job_id))
    await clock.advance(5)
    listener.take()

    api.storage.is_away = True
    await clock.advance(20)
    api.storage.is_away = False
    await worker_of("ledger").start()
    await clock.advance(2)
    assert '"status":"Started"' in listener.take()

    api.storage.is_away = True
    await clock.advance(40)
    assert listener.task.done()


async def test_the_media_type_is_the_one_of_server_sent_events(api: Api, finished_job: str) -> None:
    answer = await api.client.get(f"/api/v1/jobs/{finished_job}/stream")

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    # Nothing on the way may keep events back.
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-store", "no")
    assert answer.text.startswith("retry: 1000\n\nevent: progress\n")


async def test_a_waiting_job_is_told_when_the_line_moves(
    api: Api, worker_of: WorkerOf, clock: VirtualClock
) -> None:
    first = (await api.submit(lock="ledger")).json()["job_id"]
    second = (await api.submit(lock="ledger")).json()["job_id"]
    listener = Listener(
        JobStream(api.journal, api.register, clock, lambda: False), await find_job(api.register, second)
    )
    await clock.advance(0)
    assert (
        f'"position":2,"waiting_for":{{"lock":"ledger","holder":null,"running":null,"ahead":["{first}"],"expected_start":null,"after":[]}}'
        in (listener.take())
    )

    await worker_of("ledger").start()
    await clock.advance(3.5)
    assert f'"position":1,"waiting_for":{{"lock":"ledger","holder":"worker-1","running":"{first}"' in (
        listener.take()
    )
    listener.task.cancel()
