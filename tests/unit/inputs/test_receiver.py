"""Instances that take messages of a queue, with everything that can go wrong between the two."""

import asyncio
from collections.abc import Callable

from tests.unit.inputs.post import LostAnswers, Outage, Post

from coordination.journal.rows import JobRow


async def until(post: Post, condition: Callable[[], bool], seconds: int = 3600) -> None:
    """Let time pass until something is so."""
    for _ in range(seconds):
        if condition():
            return
        await post.clock.advance(1.0)
    raise AssertionError(f"never so; {post.noted.said[-20:]}, {post.noted.waiting[-5:]}")


def tenants(jobs: list[JobRow]) -> list[str]:
    return [job.lock_name.removeprefix("tenant:") for job in jobs]


async def test_messages_become_jobs_and_are_accepted() -> None:
    post = Post()
    for number in range(10):
        post.send({"tenant": f"t{number}"}, f"m-{number}")

    async with post.receiving():
        await until(post, lambda: len(post.queue.accepted) == 10)

    assert sorted(tenants(post.jobs())) == sorted(f"t{number}" for number in range(10))
    assert post.noted.said == ["accepted"] * 10
    assert not post.queue.waiting
    assert not post.queue.delivered


async def test_a_message_is_accepted_only_once_its_job_is_in_the_journal() -> None:
    seen: list[int] = []
    post = Post()

    async def look(when: str, call: str) -> None:
        if call == "journal.commit":
            seen.append(len(post.queue.accepted))

    post.journal.calls.fault = look
    post.send()
    async with post.receiving():
        await until(post, lambda: len(post.queue.accepted) == 1)

    assert seen == [0, 0]


async def test_poison_goes_to_the_dead_letters_once_and_good_messages_are_unharmed() -> None:
    post = Post()
    for number in range(20):
        post.send(b"poison" if number % 2 else None, f"m-{number}")

    async with post.receiving():
        await until(post, lambda: len(post.queue.accepted) + len(post.queue.dead) == 20)

    assert sorted(post.dead()) == sorted((f"m-{number}", "Unreadable") for number in range(1, 20, 2))
    assert len(post.jobs()) == 10


async def test_an_outage_of_the_storage_costs_no_message_and_no_deliveries() -> None:
    outage = Outage()
    post = Post(outage)
    async with post.receiving(max_deliveries=3):
        outage.is_on = True
        for number in range(8):
            post.send(None, f"m-{number}")
        # Longer than many timeouts of messages together.
        for _ in range(3600):
            await post.clock.advance(1.0)
        assert post.jobs() == []
        outage.is_on = False
        await until(post, lambda: len(post.queue.accepted) == 8)

    assert post.dead() == []
    assert len(post.jobs()) == 8
    # What was in hand was given back once; then nothing was pulled any more.
    assert max(letter.deliveries for letter in post.queue.accepted) == 2
    assert post.noted.said.count("given back storage_unavailable") == 4


async def test_answers_of_the_queue_that_are_lost_lead_to_one_job_and_one_dead_letter() -> None:
    post = Post()
    post.queue.answers_to_lose = 2
    post.send()
    post.send(b"poison", "m-2")

    async with post.receiving():
        await until(post, lambda: not post.queue.waiting and not post.queue.delivered)

    assert len(post.jobs()) == 1
    assert post.dead() == [("m-2", "Unreadable")]


async def test_a_lost_answer_of_the_storage_leads_to_one_job() -> None:
    post = Post(LostAnswers("journal.commit", 3))
    post.send()

    async with post.receiving():
        await until(post, lambda: len(post.queue.accepted) == 1)

    assert len(post.jobs()) == 1


async def test_a_message_is_held_as_long_as_it_is_handled() -> None:
    outage = Outage()
    post = Post(outage, holds_for=10.0)
    async with post.receiving():
        outage.is_on = True
        post.send()
        for _ in range(100):
            await post.clock.advance(1.0)
        outage.is_on = False
        await until(post, lambda: len(post.queue.accepted) == 1)

    assert post.queue.accepted[0].deliveries == 1


async def test_a_message_that_takes_too_long_is_given_back() -> None:
    post = Post()
    late = asyncio.Event()

    async def hang(when: str, call: str) -> None:
        if call == "journal.commit" and when == "before" and len(post.noted.said) < 2:
            await late.wait()

    post.journal.calls.fault = hang
    post.send()
    async with post.receiving(message_timeout=100, kind_patience=10):
        await until(post, lambda: len(post.queue.accepted) == 1)
        # What was on its way arrives all the same, and finds the job.
        late.set()
        await post.clock.advance(1.0)

    assert post.noted.said == ["given back timeout", "given back timeout", "accepted"]
    assert len(post.jobs()) == 1


async def test_what_was_delivered_too_often_is_set_aside_with_a_reason() -> None:
    post = Post()
    post.send()
    post.queue.waiting[0].deliveries = 9

    async with post.receiving():
        await until(post, lambda: len(post.queue.dead) == 1)

    assert post.dead() == [("m-1", "DeliveredTooOften")]
    assert post.jobs() == []


async def test_what_was_delivered_too_often_is_accepted_if_it_is_a_job() -> None:
    post = Post()
    post.send()
    async with post.receiving():
        await until(post, lambda: len(post.queue.accepted) == 1)
    post.send()
    post.queue.waiting[0].deliveries = 9

    async with post.receiving():
        await until(post, lambda: len(post.queue.accepted) == 2)

    assert post.noted.said == ["accepted", "repeated"]
    assert post.dead() == []


async def test_an_input_pauses_while_a_line_is_too_long() -> None:
    post = Post()
    for number in range(6):
        post.send(None, f"m-{number}")

    async with post.receiving(most_waiting=3, at_once=1):
        for _ in range(1000):
            await post.clock.advance(1.0)
        assert len(post.jobs()) == 3
        # One was in hand; the others were left where they are.
        assert [letter.deliveries for letter in post.queue.waiting] == [1, 0, 0]
        for partition in post.journal.partitions.values():
            for key in [key for key in partition if key.startswith("line|ticket|")]:
                del partition[key]
        await until(post, lambda: len(post.queue.accepted) == 6)

    assert len(post.jobs()) == 6


async def test_a_queue_that_is_away_is_connected_to_again() -> None:
    post = Post()
    post.queue.is_away = True
    async with post.receiving() as receiver:
        await until(post, lambda: post.noted.said.count("unavailable") >= 3)
        assert receiver.answered_at is None
        post.queue.is_away = False
        post.send()
        await until(post, lambda: len(post.queue.accepted) == 1)

    assert len(post.jobs()) == 1


async def test_a_frozen_queue_is_noticed_within_a_minute() -> None:
    post = Post()
    async with post.receiving():
        await post.clock.advance(5.0)
        post.queue.is_frozen = True
        began = post.clock.boot()
        await until(post, lambda: "unavailable" in post.noted.said)
        assert post.clock.boot() - began <= 60
        post.queue.is_frozen = False
        post.send()
        await until(post, lambda: len(post.queue.accepted) == 1)


async def test_a_deaf_receiver_is_made_again_within_a_minute() -> None:
    post = Post()
    async with post.receiving():
        await post.clock.advance(5.0)
        post.queue.is_deaf = True
        post.send()
        began = post.clock.boot()
        await until(post, lambda: "unavailable" in post.noted.said)
        assert post.clock.boot() - began <= 60
        post.queue.is_deaf = False
        await until(post, lambda: len(post.queue.accepted) == 1)


async def test_messages_of_a_session_are_taken_in_order_and_none_passes_one_that_was_given_back() -> None:
    post = Post()
    release = asyncio.Event()

    async def hang(when: str, call: str) -> None:
        if call == "journal.commit" and when == "before":
            await release.wait()

    post.journal.calls.fault = hang
    for number in range(4):
        post.send({"tenant": "acme", "number": number}, f"m-{number}", session="s")
    async with post.receiving(message_timeout=100, kind_patience=10):
        await until(post, lambda: "given back timeout" in post.noted.said)
        release.set()
        await until(post, lambda: len(post.queue.accepted) == 4)

    assert [letter.sequence for letter in post.queue.accepted] == [1, 2, 3, 4]
    # The first one was given back, perhaps twice, and each time the others followed it.
    said = post.noted.said
    assert said.count("given back session") == 3 * said.count("given back timeout")
    assert len(post.jobs()) == 4


async def test_a_stop_gives_back_what_cannot_end_in_time() -> None:
    outage = Outage()
    post = Post(outage)
    async with post.receiving():
        outage.is_on = True
        for number in range(6):
            post.send(None, f"m-{number}")
        await until(post, lambda: bool(post.noted.waiting))

    assert len(post.queue.waiting) == 6
    assert not post.queue.delivered
    assert post.noted.said.count("given back stopping") == 4


async def test_two_instances_make_one_job_of_each_message() -> None:
    post = Post(holds_for=5.0)
    for number in range(30):
        post.send({"tenant": f"t{number}"}, f"m-{number}")
    turns = 0

    async def slow(when: str, call: str) -> None:
        nonlocal turns
        turns += 1
        if turns % 7 == 0:
            await post.clock.sleep(4.0)

    post.journal.calls.fault = slow
    async with post.receiving(), post.receiving():
        await until(post, lambda: len(post.queue.accepted) == 30)

    assert sorted(tenants(post.jobs())) == sorted(f"t{number}" for number in range(30))
