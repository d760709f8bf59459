"""Looking into quarantine: everything is described, and everything stays."""

import asyncio
from datetime import UTC, datetime, timedelta

import aio_pika
import pytest
from aio_pika.abc import HeadersType
from deploy.servers.private import RabbitMQ
from faststream import AckPolicy
from faststream.rabbit import Channel
from faststream.rabbit.annotations import RabbitMessage
from tests.integration.broker.rig import Rig, connected, settings_for
from tests.waiting import until

from contracts.messages import RunJob
from contracts.quarantine import QuarantinePage
from service_defaults.broker import (
    QuarantineReader,
    QuarantineUnavailableError,
    jobs_exchange,
    jobs_queue,
)
from service_defaults.broker.faststream_internals import connection_of

pytestmark = pytest.mark.integration


@pytest.fixture
def quarantine(rig: Rig) -> QuarantineReader:
    return QuarantineReader(rig.broker, rig.topology)


async def put(rig: Rig, body: bytes, headers: HeadersType | None = None) -> None:
    """Put a message into quarantine, past all services."""
    exchange = await rig.channel.get_exchange(rig.topology.quarantine_exchange)
    message = aio_pika.Message(body, headers=headers, message_id="m", content_type="text/x", app_id="other")
    await exchange.publish(message, routing_key="quarantine")


async def consume(rig: Rig, *, rejects: bool = False) -> None:
    """Consume wake-ups as a worker does, or reject each of them."""
    subscriber = rig.broker.subscriber(
        jobs_queue(rig.topology),
        jobs_exchange(rig.topology),
        channel=Channel(prefetch_count=2),
        ack_policy=AckPolicy.MANUAL,
    )

    async def on_wake_up(message: RabbitMessage) -> None:
        if rejects:
            await message.reject()
        elif await rig.reader.parse(message, RunJob) is not None:
            await message.ack()

    subscriber(on_wake_up)
    await subscriber.start()


async def looked(quarantine: QuarantineReader, number: int = 1) -> QuarantinePage:
    """Look until there are so many."""
    pages: list[QuarantinePage] = []

    async def are_there() -> bool:
        pages.append(await quarantine.oldest(50))
        return pages[-1].total == number

    await until(are_there)
    return pages[-1]


async def test_a_message_that_a_service_refused_is_described(rig: Rig, quarantine: QuarantineReader) -> None:
    await consume(rig)
    began = datetime.now(UTC)
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    exchange = await rig.channel.get_exchange(rig.topology.jobs_exchange)
    message = aio_pika.Message(
        b"hello", headers=dict(headers), message_id="m-1", content_type="text/plain", app_id="legacy"
    )
    await exchange.publish(message, routing_key="run")
    [found] = (await looked(quarantine)).items

    assert found.reason.startswith("the body is not JSON")
    assert found.quarantined_at is not None
    assert timedelta(0) <= found.quarantined_at - began < timedelta(seconds=30)
    assert (found.queue, found.exchange) == (rig.topology.jobs_queue, rig.topology.jobs_exchange)
    assert (found.routing_key, found.message_id) == ("run", "m-1")
    assert (found.content_type, found.sender, found.trace_id) == ("text/plain", "legacy", trace_id)
    assert (found.body, found.size, found.truncated, found.headers) == ("hello", 5, False, {})


async def test_a_message_that_rabbitmq_moved_says_why_and_from_where(
    rig: Rig, quarantine: QuarantineReader
) -> None:
    await consume(rig, rejects=True)
    await rig.broker.publish(b"{}", exchange=jobs_exchange(rig.topology), routing_key="run", message_id="m-2")
    [found] = (await looked(quarantine)).items

    assert found.reason == "RabbitMQ moved it here: its consumer rejected it"
    assert (found.queue, found.routing_key, found.message_id) == (rig.topology.jobs_queue, "run", "m-2")
    assert found.quarantined_at is not None
    assert abs(found.quarantined_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert not [name for name in found.headers if name.startswith(("x-death", "x-first", "x-last"))]


async def test_a_look_changes_nothing_however_often(rig: Rig, quarantine: QuarantineReader) -> None:
    for number in range(7):
        await put(rig, str(number).encode())
    for _ in range(60):
        page = await quarantine.oldest(5)
        assert ([found.body for found in page.items], page.total) == (["0", "1", "2", "3", "4"], 7)
    await until(lambda: all_are_ready(rig, 7))


async def all_are_ready(rig: Rig, number: int) -> bool:
    return await rig.count(rig.topology.quarantine_queue) == number


async def test_looks_at_the_same_moment_see_the_same(rig: Rig, quarantine: QuarantineReader) -> None:
    for number in range(3):
        await put(rig, str(number).encode())
    pages = await asyncio.gather(*(quarantine.oldest(50) for _ in range(5)))

    assert [[found.body for found in page.items] for page in pages] == [["0", "1", "2"]] * 5


@pytest.mark.parametrize(
    ("body", "shown", "truncated"),
    [
        (b"", "", False),
        (b"x" * 4096, "x" * 4096, False),
        (b"x" * 4097, "x" * 4096, True),
        (b"\x00\xff", "\x00�", False),
        ("x" * 4094 + "\N{GHOST}", "x" * 4094, True),
        ("x" * 4092 + "\N{GHOST}y", "x" * 4092 + "\N{GHOST}", True),
        (b"\xff" * 300_000, "�" * 4096, True),
    ],
)
async def test_a_body_is_shown_as_text_up_to_four_kilobytes(
    rig: Rig, quarantine: QuarantineReader, body: bytes | str, shown: str, truncated: bool
) -> None:
    raw = body.encode() if isinstance(body, str) else body
    await put(rig, raw)
    [found] = (await quarantine.oldest(1)).items

    assert (found.body, found.size, found.truncated) == (shown, len(raw), truncated)
    assert found.reason == "unknown: it was not sent here by Turnstile"
    assert (found.message_id, found.content_type, found.sender) == ("m", "text/x", "other")


async def test_hostile_headers_are_shown_as_short_text(rig: Rig, quarantine: QuarantineReader) -> None:
    headers: HeadersType = {
        "x-death": "no list",
        "x-reason": {"a": 1},
        "x-quarantined-at": "yesterday",
        "traceparent": 7,
        "bytes": bytearray(b"\xff"),
        "long": "v" * 5000,
        **{f"n{number}": number for number in range(40)},
    }
    await put(rig, b"{}", headers)
    [found] = (await quarantine.oldest(1)).items

    assert (found.reason, found.quarantined_at, found.trace_id) == ("{'a': 1}", None, None)
    assert len(found.headers) == 20
    assert found.headers["long"] == "v" * 199 + "…"
    assert found.headers["bytes"]


async def test_without_its_queue_quarantine_is_empty(rabbitmq: RabbitMQ) -> None:
    async with connected(settings_for(rabbitmq.url)) as rig:
        page = await QuarantineReader(rig.broker, rig.topology).oldest(50)

    assert (page.items, page.total) == ([], 0)


async def test_while_rabbitmq_is_away_the_error_says_so_and_afterwards_the_messages_are_there(
    rig: Rig, quarantine: QuarantineReader
) -> None:
    await put(rig, b"kept")
    connection = connection_of(rig.broker)
    assert connection is not None
    connection.connected.clear()
    with pytest.raises(QuarantineUnavailableError):
        await quarantine.oldest(50)
    connection.connected.set()
    assert [found.body for found in (await quarantine.oldest(50)).items] == ["kept"]


async def test_a_look_that_takes_too_long_ends(rig: Rig) -> None:
    with pytest.raises(QuarantineUnavailableError):
        await QuarantineReader(rig.broker, rig.topology, timeout=0.0).oldest(50)
