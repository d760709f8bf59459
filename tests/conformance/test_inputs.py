"""What every adapter of foreign queues does, and the double in memory."""

import asyncio

import pytest
from tests.conformance.queues import ForeignQueue

from inputs.port import (
    Delivery,
    DeliveryLostError,
    Input,
    InputUnavailableError,
    Refusal,
    RefusalReason,
)

REFUSAL = Refusal(RefusalReason.UNREADABLE, "the body is not JSON: ä")


async def pulled(queue: ForeignQueue, input_: Input, count: int) -> list[Delivery]:
    """Pull until so many messages came."""
    found: list[Delivery] = []
    for _ in range(60):
        found += await queue.in_time(input_.pull(count - len(found), 5.0))
        if len(found) == count:
            return found
    raise AssertionError(f"only {len(found)} messages came")


async def test_a_message_comes_as_it_was_sent(foreign_queue: ForeignQueue) -> None:
    input_ = foreign_queue.input()
    sent = await foreign_queue.send(b'{"tenant": "\xc3\xa4"}', "m-1 \xe4", {"region": "eu", "tries": "3"})

    (delivery,) = await pulled(foreign_queue, input_, 1)

    assert delivery.body == b'{"tenant": "\xc3\xa4"}'
    assert delivery.message_id == sent
    assert delivery.deliveries in {1, None}
    if foreign_queue.has_properties:
        assert delivery.properties["region"] == "eu"
        assert delivery.properties["tries"] == "3"


async def test_an_empty_queue_returns_nothing_after_the_wait(foreign_queue: ForeignQueue) -> None:
    assert await foreign_queue.in_time(foreign_queue.input().pull(5, 0.5)) == []


async def test_no_more_come_than_were_asked_for_and_none_twice(foreign_queue: ForeignQueue) -> None:
    input_ = foreign_queue.input()
    sent = [await foreign_queue.send(b"{}", f"m-{number}") for number in range(5)]

    first = await pulled(foreign_queue, input_, 2)
    rest = await pulled(foreign_queue, input_, 3)

    assert len(first) == 2
    assert sorted(str(each.message_id) for each in first + rest) == sorted(sent)
    assert await foreign_queue.in_time(input_.pull(5, 0.5)) == []


async def test_what_is_accepted_never_comes_again(foreign_queue: ForeignQueue) -> None:
    input_ = foreign_queue.input()
    await foreign_queue.send(b"{}")

    (delivery,) = await pulled(foreign_queue, input_, 1)
    await input_.accept(delivery)
    await input_.close()

    assert await foreign_queue.in_time(foreign_queue.input().pull(5, 1.0)) == []
    assert await foreign_queue.dead() == []


async def test_what_is_refused_is_among_the_dead_letters_with_the_reason(foreign_queue: ForeignQueue) -> None:
    input_ = foreign_queue.input()
    sent = await foreign_queue.send(b"\xffpoison", properties={"region": "eu"})

    (delivery,) = await pulled(foreign_queue, input_, 1)
    await input_.refuse(delivery, REFUSAL)
    await input_.close()

    assert await foreign_queue.in_time(foreign_queue.input().pull(5, 1.0)) == []
    (letter,) = await foreign_queue.dead()
    assert (letter.body, letter.message_id) == (b"\xffpoison", sent)
    assert (letter.reason, letter.explanation) == (REFUSAL.reason, REFUSAL.explanation)


async def test_what_is_given_back_comes_again(foreign_queue: ForeignQueue) -> None:
    input_ = foreign_queue.input()
    sent = await foreign_queue.send(b"{}")

    (delivery,) = await pulled(foreign_queue, input_, 1)
    await input_.give_back(delivery)
    await input_.close()
    (again,) = await pulled(foreign_queue, foreign_queue.input(), 1)

    assert again.message_id == sent
    assert await foreign_queue.dead() == []


async def test_what_is_kept_stays_with_its_receiver(foreign_queue: ForeignQueue) -> None:
    input_ = foreign_queue.input()
    await foreign_queue.send(b"{}")
    (delivery,) = await pulled(foreign_queue, input_, 1)

    if input_.holds_for is not None:
        for _ in range(4):
            await foreign_queue.pass_time(input_.holds_for / 2)
            await input_.keep(delivery)
    await input_.keep(delivery)
    assert await foreign_queue.in_time(foreign_queue.input().pull(5, 0.5)) == []
    await input_.accept(delivery)


async def test_what_is_not_kept_comes_again_and_is_lost_to_the_first(foreign_queue: ForeignQueue) -> None:
    input_ = foreign_queue.input()
    if input_.holds_for is None:
        return
    sent = await foreign_queue.send(b"{}")
    (lost,) = await pulled(foreign_queue, input_, 1)
    await foreign_queue.pass_time(input_.holds_for + 1)

    (again,) = await pulled(foreign_queue, foreign_queue.input(), 1)
    with pytest.raises(DeliveryLostError):
        await input_.accept(lost)
    assert again.message_id == sent


async def test_closing_gives_back_what_is_not_settled(foreign_queue: ForeignQueue) -> None:
    input_ = foreign_queue.input()
    for number in range(3):
        await foreign_queue.send(b"{}", f"m-{number}")
    (first, second, third) = await pulled(foreign_queue, input_, 3)
    await input_.accept(first)

    await input_.close()

    again = await pulled(foreign_queue, foreign_queue.input(), 2)
    assert {each.message_id for each in again} == {second.message_id, third.message_id}
    for settle in (input_.accept, input_.give_back, input_.keep):
        with pytest.raises(DeliveryLostError):
            await settle(second)
    with pytest.raises(DeliveryLostError):
        await input_.refuse(third, REFUSAL)


async def test_a_pull_that_is_cancelled_loses_no_message(foreign_queue: ForeignQueue) -> None:
    input_ = foreign_queue.input()
    await foreign_queue.in_time(input_.pull(1, 0.1))
    pulling = asyncio.create_task(input_.pull(5, 60.0))
    await asyncio.sleep(0)
    pulling.cancel()
    await asyncio.gather(pulling, return_exceptions=True)
    await foreign_queue.send(b"{}")

    assert len(await pulled(foreign_queue, input_, 1)) == 1


async def test_two_receivers_share_a_queue(foreign_queue: ForeignQueue) -> None:
    first, second = foreign_queue.input(), foreign_queue.input()
    for number in range(4):
        await foreign_queue.send(b"{}", f"m-{number}")

    one = await pulled(foreign_queue, first, 2)
    await first.accept(one[0])
    await first.accept(one[1])
    await first.close()
    other = await pulled(foreign_queue, second, 2)

    assert len({each.message_id for each in one + other}) == 4


async def test_the_lag_counts_what_waits(foreign_queue: ForeignQueue) -> None:
    input_ = foreign_queue.input()
    assert (await input_.lag()).waiting in {0, None}
    for number in range(3):
        await foreign_queue.send(b"{}", f"m-{number}")

    lag = await input_.lag()

    assert lag.waiting in {3, None}
    assert lag.oldest_seconds is None or 0 <= lag.oldest_seconds < 60


async def test_a_probe_returns_while_the_queue_answers_and_raises_when_it_is_closed(
    foreign_queue: ForeignQueue,
) -> None:
    input_ = foreign_queue.input()
    await input_.probe()
    await foreign_queue.in_time(input_.pull(1, 0.1))
    await input_.probe()

    await input_.close()
    await input_.close()

    with pytest.raises(InputUnavailableError):
        await input_.probe()
    with pytest.raises(InputUnavailableError):
        await input_.pull(1, 0.1)
