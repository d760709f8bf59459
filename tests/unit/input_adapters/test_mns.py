"""What is particular to queues of MNS, on the stand-in."""

import base64
import json
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr, ValidationError
from tests.conformance.mns_server import KEY_ID, NAMESPACE, SECRET, MnsServer, serving

from input_adapters.mns import MnsInput
from input_adapters.mns_source import MnsSource
from inputs.port import Delivery, InputUnavailableError, Refusal, RefusalReason

REFUSAL = Refusal(RefusalReason.NO_ID, "send one")

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY c "&a;&a;&a;&a;&a;&a;">]>'
    f'<Messages xmlns="{NAMESPACE}"><Message><MessageBody>&c;</MessageBody></Message></Messages>'
).encode()


class Shop:
    """A stand-in with a queue, and an input on it."""

    def __init__(self, server: MnsServer, endpoint: str) -> None:
        self.server = server
        self.endpoint = endpoint
        self.inputs: list[MnsInput] = []
        server.queues |= {"orders": [], "orders-dead": []}

    def input(self, **fields: object) -> MnsInput:
        asked = {
            "endpoint": self.endpoint,
            "access_key_id": SecretStr(KEY_ID),
            "access_key_secret": SecretStr(SECRET),
            "security_token": None,
            "queue": "orders",
            "dead_letters": "orders-dead",
            "body": "base64",
        }
        self.inputs.append(MnsInput(MnsSource.model_construct(**asked | fields)))
        return self.inputs[-1]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    server = MnsServer()
    async with serving(server) as endpoint:
        shop = Shop(server, endpoint)
        yield shop
        for input_ in shop.inputs:
            await input_.close()


async def refused(input_: MnsInput) -> str:
    with pytest.raises(InputUnavailableError) as caught:
        await input_.probe()
    return str(caught.value)


async def pulled(input_: MnsInput) -> Delivery:
    (delivery,) = await input_.pull(1, 1.0)
    return delivery


async def test_what_is_wrong_with_the_access_is_said(shop: Shop) -> None:
    assert "correct source.access_key_secret" in await refused(
        shop.input(access_key_secret=SecretStr("other"))
    )
    assert "correct source.access_key_id" in await refused(shop.input(access_key_id=SecretStr("other")))
    assert "create the queue" in await refused(shop.input(queue="none"))
    shop.server.skew = 3600
    assert "correct the clock of this machine" in await refused(shop.input())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (BOMB, "document type"),
        (b"<open", "not XML"),
        (b" " * 2_200_000 + b"<a/>", "more than 2,097,152 bytes"),
    ],
)
async def test_an_answer_that_cannot_be_used_is_an_outage(shop: Shop, answer: bytes, words: str) -> None:
    shop.server.answer = answer

    assert words in await refused(shop.input())


async def test_an_outage_is_said_with_its_status(shop: Shop) -> None:
    shop.server.status = 503

    assert "status 503" in await refused(shop.input())


@pytest.mark.parametrize(
    ("how", "sent", "body"),
    [
        ("base64", base64.b64encode(b'{"a": 1}').decode(), b'{"a": 1}'),
        ("base64", '{"a": 1}', b'{"a": 1}'),
        ("text", "eyJhIjogMX0=", b"eyJhIjogMX0="),
        ("auto", ' {"a": "<&>"}', b' {"a": "<&>"}'),
        ("auto", "eyJhIjogMX0=", b'{"a": 1}'),
    ],
)
async def test_bodies_are_read_as_the_input_says(shop: Shop, how: str, sent: str, body: bytes) -> None:
    shop.server.send("orders", sent)

    assert (await pulled(shop.input(body=how))).body == body


async def test_a_receipt_that_was_extended_settles_the_message(shop: Shop) -> None:
    input_ = shop.input()
    shop.server.send("orders", "e30=")
    delivery = await pulled(input_)
    first = delivery.handle.receipt

    await input_.keep(delivery)
    assert delivery.handle.receipt != first
    await input_.accept(delivery)

    assert shop.server.queues["orders"] == []


async def test_deliveries_are_counted_and_ages_are_those_of_the_queue(shop: Shop) -> None:
    input_ = shop.input()
    shop.server.send("orders", "e30=")
    await input_.give_back(await pulled(input_))
    shop.server.ahead = 5

    again = await pulled(input_)

    assert again.deliveries == 2
    assert again.enqueued_at is not None
    assert input_.holds_for == 30


async def test_a_dead_letter_without_room_for_the_reason_is_the_message_itself(shop: Shop) -> None:
    input_ = shop.input(body="text")
    large = "x" * (64 * 1024 - 10)
    shop.server.send("orders", large)
    shop.server.send("orders", "small")

    await input_.refuse(await pulled(input_), REFUSAL)
    await input_.refuse(await pulled(input_), REFUSAL)

    first, second = shop.server.queues["orders-dead"]
    assert first.body == large
    assert json.loads(second.body) == {
        "reason": "NoId",
        "explanation": "send one",
        "message_id": "id-2",
        "body": "small",
    }


async def test_answers_that_come_too_soon_are_asked_for_less_and_less_often(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("input_adapters.mns.asyncio.sleep", pause)
    input_ = shop.input()
    for _ in range(7):
        await input_.pull(1, 20.0)
    shop.server.send("orders", "e30=")
    await pulled(input_)
    await input_.pull(1, 20.0)

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("endpoint", "mns.aliyuncs.com"),
        ("endpoint", "https://a.example/path"),
        ("endpoint", "https://user@a.example"),
        ("queue", "a/b"),
        ("dead_letters", "orders"),
        ("body", "xml"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused(field: str, value: str) -> None:
    asked = {"endpoint": "https://a.example", "queue": "orders", "dead_letters": "orders-dead", field: value}
    secrets = {key: {"env": "KEY"} for key in ("access_key_id", "access_key_secret")}

    with pytest.raises(ValidationError):
        MnsSource.model_validate({**asked, **secrets}, context={"environment": {"KEY": "secret"}})
