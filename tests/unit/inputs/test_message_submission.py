"""A message becomes one job, whatever is delivered again and whatever fails."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.inputs.post import LostAnswers, Outage, Post, configured

from contracts.identifiers import id_of_message
from coordination.journal import rows
from coordination.journal.rows import JobRow
from coordination.ports import Insert, Transaction
from coordination.slot import Slot
from inputs.mapping import RefusedError
from inputs.message_submission import MessageSubmission, NotNowError
from inputs.port import Delivery

RECEIVED = datetime(2026, 3, 1, tzinfo=UTC)


def order(body: bytes = b'{"tenant": "acme"}', message_id: str | None = "m-1", **more: Any) -> Delivery:
    return Delivery(body=body, handle=None, message_id=message_id, **more)


async def submission(post: Post, **fields: Any) -> MessageSubmission:
    await post.kinds.all()
    return post.submission(configured(**fields))


async def refusal(submitting: MessageSubmission, delivery: Delivery) -> str:
    with pytest.raises(RefusedError) as caught:
        await submitting.submit(delivery)
    return caught.value.refusal.reason


async def test_a_redelivery_finds_the_job_of_its_message() -> None:
    post = Post()
    submitting = await submission(post)

    first = await submitting.submit(order())
    again = await submitting.submit(order())
    elsewhere = await (await submission(post)).submit(order())

    (job,) = post.jobs()
    assert (first.outcome, again.outcome, elsewhere.outcome) == ("accepted", "repeated", "repeated")
    assert first.job_id == again.job_id == job.job_id == id_of_message("orders", "m-1")
    assert (job.actor, job.lock_name) == ("input:orders", "tenant:acme")


async def test_the_same_id_with_other_content_is_refused() -> None:
    post = Post()
    submitting = await submission(post)
    await submitting.submit(order())

    assert await refusal(submitting, order(b'{"tenant": "other"}')) == "IdReused"
    assert len(post.jobs()) == 1


async def test_the_same_message_of_another_input_is_another_job() -> None:
    post = Post()
    await (await submission(post)).submit(order())
    await (await submission(post, name="returns")).submit(order())

    assert len(post.jobs()) == 2


async def test_an_input_with_a_new_name_and_its_old_identity_finds_its_jobs() -> None:
    post = Post()
    await (await submission(post)).submit(order())

    again = await (await submission(post, name="sales", identity="orders")).submit(order())

    assert again.outcome == "repeated"


@pytest.mark.parametrize("call", ["journal.register", "journal.commit", "journal.find", "journal.read"])
async def test_a_lost_answer_leads_to_one_job(call: str) -> None:
    post = Post(LostAnswers(call))
    submitting = await submission(post)

    outcomes = []
    for _ in range(3):
        try:
            outcomes.append((await post.in_time(submitting.submit(order()))).outcome)
        except NotNowError:
            continue
    assert outcomes
    assert len(post.jobs()) == 1


async def test_storage_that_is_away_is_waited_for() -> None:
    outage = Outage()
    post = Post(outage)
    submitting = await submission(post)
    outage.is_on = True

    with pytest.raises(NotNowError) as caught:
        await post.in_time(submitting.submit(order()))
    error = caught.value

    assert error.pauses_input
    assert not await error.is_over()
    outage.is_on = False
    assert await error.is_over()
    assert (await submitting.submit(order())).outcome == "accepted"


async def test_an_id_that_was_closed_gives_way_to_another_one_for_good() -> None:
    post = Post()
    submitting = await submission(post)
    await submitting.submit(order())
    (job,) = post.jobs()
    # Its submission never arrived, and the sweeper closed it.
    partition = Slot(job.lock_name).partition
    post.journal.partitions[partition].clear()
    closed = replace(job, status=JobRow.TOMBSTONE)
    await post.journal.commit(
        partition, Transaction("closing", [Insert(rows.job_key(job.job_id), closed.values())]), 1.0
    )

    second = await submitting.submit(order())
    third = await submitting.submit(order())

    assert second.job_id == third.job_id == id_of_message("orders", "m-1", 2)
    assert (second.outcome, third.outcome) == ("accepted", "repeated")


async def test_a_kind_that_no_worker_knows_is_waited_for_a_while() -> None:
    post = Post()
    submitting = await submission(post, job={"kind": "{properties.kind}", "lock": "l"})
    unknown = order(properties={"kind": "brand-new"})

    with pytest.raises(NotNowError) as caught:
        await submitting.submit(unknown)
    assert (caught.value.reason, caught.value.pauses_input) == ("unknown_kind", False)
    await post.clock.advance(61)
    assert await refusal(submitting, unknown) == "UnknownKind"
    # The next one of this kind does not wait as long again.
    assert (
        await refusal(submitting, order(message_id="m-2", properties={"kind": "brand-new"})) == "UnknownKind"
    )
    post.knows("brand-new", {})
    await post.clock.advance(3)
    assert (await submitting.submit(unknown)).outcome == "accepted"


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b'{"tenant": 7}', "InvalidJob"), (b"{}", "NoValue"), (b"nonsense", "Unreadable")],
)
async def test_poison_is_refused_and_leaves_no_job(body: bytes, reason: str) -> None:
    post = Post()

    assert await refusal(await submission(post), order(body)) == reason
    assert post.jobs() == []


@pytest.mark.parametrize("schema", [{"required": ["number"]}, None])
async def test_a_redelivery_finds_its_job_although_its_kind_has_changed(
    schema: dict[str, Any] | None,
) -> None:
    post = Post()
    submitting = await submission(post, job={"kind": "import-order"})
    await submitting.submit(order())
    if schema is None:
        post.directory.known_kinds.clear()
        post.knows("another", {})
    else:
        post.knows("import-order", schema)
    await post.clock.advance(3)

    assert (await submitting.submit(order())).outcome == "repeated"
    assert len(post.jobs()) == 1


async def test_what_a_lock_that_is_busy_does_is_what_the_mapping_says() -> None:
    post = Post()
    fields = {"kind": "import-order", "lock": "one"}
    await (await submission(post, job=fields)).submit(order())

    skipping = await submission(post, job=fields | {"on_conflict": "skip"})
    assert (await skipping.submit(order(message_id="m-2"))).outcome == "skipped"
    rejecting = await submission(post, job=fields | {"on_conflict": "reject"})
    assert await refusal(rejecting, order(message_id="m-3")) == "LockBusy"
    assert len(post.jobs()) == 1


async def test_a_long_line_is_waited_for_and_a_redelivery_is_not() -> None:
    post = Post()
    submitting = await submission(post, most_waiting=2)
    for number in (1, 2):
        await submitting.submit(order(message_id=f"m-{number}"))

    with pytest.raises(NotNowError) as caught:
        await submitting.submit(order(message_id="m-3"))
    assert (caught.value.reason, caught.value.pauses_input) == ("line_too_long", True)
    assert not await caught.value.is_over()
    assert (await submitting.submit(order(message_id="m-1"))).outcome == "repeated"
    (first, _) = post.jobs()
    partition = post.journal.partitions[Slot(first.lock_name).partition]
    del partition[first.ticket_key]
    assert await caught.value.is_over()
    assert (await submitting.submit(order(message_id="m-3"))).outcome == "accepted"


async def test_a_line_is_not_counted_for_an_input_without_a_limit() -> None:
    calls: list[str] = []

    async def noted(when: str, call: str) -> None:
        calls.append(call)

    post = Post(noted)
    submitting = await submission(post)
    await submitting.submit(order())

    assert "journal.read_range" not in calls


async def test_the_place_in_line_is_that_of_the_queue() -> None:
    post = Post()
    submitting = await submission(post)
    later = RECEIVED + timedelta(seconds=1)
    # As a second instance may be first with the second message.
    for name, at, sequence in (("c", later, 3), ("b", RECEIVED, 2), ("a", RECEIVED, 1)):
        await submitting.submit(order(message_id=name, enqueued_at=at, sequence=sequence))

    assert [job.properties.partition('"message_id":"')[2][0] for job in post.jobs()] == ["a", "b", "c"]
