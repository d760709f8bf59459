"""The publisher on real servers."""

import asyncio
import json
import uuid
from urllib.parse import quote

import aio_pika
import pytest
from httpx_sse import aconnect_sse
from tests.integration.publisher.running import Running, channel_to, count, take
from tests.waiting import until

from contracts import topology

pytestmark = pytest.mark.integration


async def test_a_submission_is_found_at_once_and_notifies(publisher: Running) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await publisher.client.post(
        "/api/v1/jobs",
        json={"kind": "ten-steps", "lock": "Büro/7", "parameters": {"seconds": 0}},
        headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
    )
    assert answer.status_code == 202
    job_id = answer.json()["job_id"]

    state = (await publisher.client.get(f"/api/v1/jobs/{job_id}")).json()
    assert (state["status"], state["position"], state["trace_id"]) == ("Queued", 1, trace)
    lock = (await publisher.client.get(f"/api/v1/locks/{quote('Büro/7', safe='')}")).json()
    assert (lock["lock"], lock["line"], lock["fence"]) == ("Büro/7", [job_id], 0)
    names = publisher.settings.topology
    async with channel_to(publisher.settings) as channel:
        notifier = await take(channel, names.jobs_queue)
        events = await take(channel, names.projector_queue)
    assert json.loads(notifier.body)["lock"] == "Büro/7"
    assert str(notifier.headers["traceparent"]).split("-")[1] == trace
    (announced,) = json.loads(events.body)["items"]
    assert (announced["job_id"], announced["first"], announced["last"]) == (job_id, 1, 1)


async def test_of_many_submissions_with_one_id_one_is_accepted(publisher: Running) -> None:
    job_id = str(uuid.uuid4())
    answers = await asyncio.gather(*(publisher.submit(job_id=job_id, lock="ledger") for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [202] + 7 * [409]
    assert all(answer.json()["same_request"] for answer in answers if answer.status_code == 409)
    assert (await publisher.client.get("/api/v1/locks/ledger")).json()["waiting"] == 1


async def test_parameters_may_be_as_large_as_a_body(publisher: Running) -> None:
    answer = await publisher.submit(parameters={"text": "ä💥" * 40_000})

    assert answer.status_code == 202, answer.text


async def test_the_line_is_in_order_of_priority_and_submission(publisher: Running) -> None:
    jobs = [(await publisher.submit(lock="ledger", priority=p)).json()["job_id"] for p in (5, 9, 5, 0)]
    lock = (await publisher.client.get("/api/v1/locks/ledger")).json()

    assert lock["line"] == [jobs[3], jobs[0], jobs[2], jobs[1]]
    state = (await publisher.client.get(f"/api/v1/jobs/{jobs[1]}")).json()
    assert (state["position"], state["waiting_for"]["ahead"]) == (4, [jobs[3], jobs[0], jobs[2]])


async def test_a_stream_tells_of_the_end_while_it_happens(publisher: Running) -> None:
    job_id = (await publisher.submit(lock="ledger")).json()["job_id"]
    heard = []
    async with aconnect_sse(publisher.client, "GET", f"/api/v1/jobs/{job_id}/stream") as source:
        async for event in source.aiter_sse():
            if event.event != "job_event":
                continue
            heard.append((event.id, json.loads(event.data)["status"]))
            if len(heard) == 1:
                assert (await publisher.client.post(f"/api/v1/jobs/{job_id}/cancel")).status_code == 202

    assert heard == [("1", "Submitted"), ("2", "Cancelled")]
    again = await publisher.client.get(f"/api/v1/jobs/{job_id}/stream", headers={"Last-Event-ID": "2"})
    assert again.status_code == 204


async def send_command(publisher: Running, body: bytes) -> None:
    names = publisher.settings.topology
    async with channel_to(publisher.settings) as channel:
        exchange = await channel.get_exchange(names.jobs_exchange)
        await exchange.publish(aio_pika.Message(body), topology.SUBMIT)


async def test_a_command_submits_once_however_often_it_is_delivered(publisher: Running) -> None:
    job_id = str(uuid.uuid4())
    command = {
        "version": 1,
        "actor": "billing",
        "job": {"kind": "ten-steps", "lock": "ledger", "job_id": job_id},
    }
    for _ in range(3):
        await send_command(publisher, json.dumps(command).encode())

    async def is_submitted() -> bool:
        return (await publisher.client.get(f"/api/v1/jobs/{job_id}/events")).status_code == 200

    await until(is_submitted)
    names = publisher.settings.topology
    async with channel_to(publisher.settings) as channel:

        async def is_settled() -> bool:
            return await count(channel, names.submissions_queue) == 0

        await until(is_settled)
        events = (await publisher.client.get(f"/api/v1/jobs/{job_id}/events")).json()["items"]
        assert [(event["status"], event["actor"]) for event in events] == [("Submitted", "billing")]
        assert await count(channel, names.quarantine_queue) == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not json", "not JSON"),
        (b'{"version": 1, "job": {"kind": "ten-steps"}}', "job.job_id"),
        (b'{"version": 9, "job": {"kind": "ten-steps"}}', "version"),
    ],
)
async def test_a_command_that_cannot_be_carried_out_is_set_aside_with_the_reason(
    publisher: Running, body: bytes, reason: str
) -> None:
    await send_command(publisher, body)

    async def is_seen() -> bool:
        return bool((await publisher.client.get("/api/v1/quarantine")).json()["total"])

    await until(is_seen)
    [seen] = (await publisher.client.get("/api/v1/quarantine")).json()["items"]
    assert (seen["body"], seen["queue"]) == (body.decode(), publisher.settings.topology.submissions_queue)
    assert reason in seen["reason"]
    async with channel_to(publisher.settings) as channel:
        message = await take(channel, publisher.settings.topology.quarantine_queue)
    assert message.body == body
    assert reason in str(message.headers["x-reason"])
