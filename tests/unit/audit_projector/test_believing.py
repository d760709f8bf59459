"""What a message says is believed only under a seal, and leads to the rows that the journal leads to."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.audit_projector.doubles import LOCK, World, content
from tests.unit.audit_projector.messages import (
    ParsingReader,
    body_of,
    handler_of,
    message,
    seal_of,
    sealed,
)

from audit_projector.projection import Projection
from contracts.policies import JobPolicy, RetryPolicy
from contracts.statuses import EventStatus
from coordination.clients.job_writer import JobWriter
from coordination.clients.pinning import Pinner
from coordination.clients.retrying import RETRYABLE
from coordination.clients.submission import NewJob, Submitter
from coordination.journal import events
from coordination.journal.events import Writer
from coordination.journal.rows import EventRow, JobRow, event_key
from coordination.outcomes import Completed, Failed, Interrupted, RunOutcome
from coordination.ports import Announcement, RecordedRows
from coordination.retention_times import RetentionTimes
from coordination.testing.memory import InMemoryJournal


class Counted:
    """A world whose reads of the journal are counted."""

    def __init__(self) -> None:
        self.reads = 0
        self.is_counting = False
        self.world = World(journal=InMemoryJournal(self._note))

    async def _note(self, moment: str, name: str) -> None:
        self.reads += self.is_counting and moment == "before" and name.startswith("journal.read")

    async def hear(self, *messages: Any) -> int:
        """Handle messages one by one; returns how often the journal was read."""
        self.is_counting, before = True, self.reads
        handler = handler_of(self.world)
        for each in messages:
            await handler.on_events(each)
        self.is_counting = False
        return self.reads - before


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def world(counted: Counted) -> World:
    return counted.world


async def run(world: World) -> tuple[str, list[Announcement]]:
    """Return a job that went through one step to its end, and what was announced of it."""
    job_id = await world.submit("sums")
    await world.start()
    await world.step("load")
    await world.end(Completed())
    return job_id, world.notifier.take_announcements()


async def as_from_the_journal(world: World) -> None:
    expected = World(world.journal, world.register, world.notifier, world.clock)
    async for job in world.register.all():
        await expected.project(job.job_id)
    assert content(world.models) == content(expected.models)
    assert not world.violations


async def test_what_continues_the_trail_is_taken_from_sealed_messages_without_reading_the_journal(
    counted: Counted, world: World
) -> None:
    _, told = await run(world)
    assert await counted.hear(*map(sealed, told)) == 0
    await as_from_the_journal(world)
    assert await world.active() == set()


async def test_a_sealed_message_says_that_a_job_was_finalized(counted: Counted, world: World) -> None:
    job_id = await world.submit()
    await world.cancel(job_id)
    await counted.hear(*map(sealed, world.notifier.take_announcements()))
    assert not world.models.summaries[job_id][0].finalized
    await world.finalize(job_id)
    assert await counted.hear(*map(sealed, world.notifier.take_announcements())) == 0
    assert world.models.summaries[job_id][0].finalized
    await as_from_the_journal(world)


async def test_a_sealed_message_says_when_a_job_is_tried_again(counted: Counted, world: World) -> None:
    retry = RetryPolicy(3, delay=60.0, jitter=0.0)
    job_id = await world.submit(policy=JobPolicy(retry=retry))
    await world.start()
    failed = Failed("OSError", "no route", error_classes=("OSError",))
    await world.end(failed)
    await counted.hear(*map(sealed, world.notifier.take_announcements()))
    shown, _ = world.models.summaries[job_id]
    due_at = world.clock.now() + timedelta(seconds=60)
    assert (shown.status, shown.next_attempt_at, shown.queued_at) == ("Queued", due_at, due_at)
    assert world.trail(job_id)[-1] == "AttemptFailed"
    (run,) = world.models.runs.values()
    assert (run.outcome, run.ended_at) == ("AttemptFailed", world.clock.now())
    await as_from_the_journal(world)

    await world.clock.advance(60)
    await world.start()
    await counted.hear(*map(sealed, world.notifier.take_announcements()))
    shown, _ = world.models.summaries[job_id]
    assert (shown.status, shown.next_attempt_at) == ("Running", None)
    again = world.models.runs[next(key for key in world.models.runs if key[1] == 2)]
    # It did not wait for its turn before it was due.
    assert again.queued_at == due_at
    await as_from_the_journal(world)


async def test_a_sealed_message_says_when_a_job_may_go(counted: Counted, world: World) -> None:
    times = RetentionTimes(keep=86_400.0, ids=60.0)
    world._projection = Projection(
        world.journal, world.register, world.models, world.observed.append, times=times
    )
    job_id = str(world.ids.next())
    new = NewJob(job_id, job_id, "ten-steps", LOCK, "{}", "test", policy=JobPolicy(keep=90.0))
    await Submitter(world.register, JobWriter(world.journal, world.notifier, world.clock)).submit(new)
    await world.cancel(job_id)
    assert await counted.hear(*map(sealed, world.notifier.take_announcements())) == 0
    (removal,) = world.register.removals.values()
    assert (removal.at - world.clock.now()).total_seconds() == 90.0


async def test_a_sealed_message_says_that_a_job_is_pinned(counted: Counted, world: World) -> None:
    times = RetentionTimes(keep=86_400.0, ids=60.0)
    world._projection = Projection(
        world.journal, world.register, world.models, world.observed.append, times=times
    )
    job_id = await world.submit()
    await world.cancel(job_id)
    await counted.hear(*map(sealed, world.notifier.take_announcements()))
    assert len(world.register.removals) == 1
    world.register.removals.clear()
    registration = await world.register.find(job_id)
    assert registration is not None
    writer = JobWriter(world.journal, world.notifier, world.clock)
    await Pinner(Submitter(world.register, writer)).pin(registration, "test")
    assert await counted.hear(*map(sealed, world.notifier.take_announcements())) == 0
    assert (world.register.removals, await world.active()) == ({}, set())


async def test_a_message_with_the_whole_life_of_a_job_is_one_projection(
    counted: Counted, world: World
) -> None:
    _, told = await run(world)
    assert await counted.hear(sealed(*told)) == 0
    await as_from_the_journal(world)
    assert len(world.observed) == 1


async def test_messages_that_come_twice_or_late_change_nothing_and_read_nothing(
    counted: Counted, world: World
) -> None:
    _, told = await run(world)
    await counted.hear(*map(sealed, told))
    before = content(world.models)
    assert await counted.hear(*map(sealed, [*told, *reversed(told)])) == 0
    assert content(world.models) == before


async def test_what_comes_after_a_gap_is_read_from_the_journal(counted: Counted, world: World) -> None:
    _, told = await run(world)
    assert await counted.hear(sealed(told[0]), sealed(told[2])) > 0
    await as_from_the_journal(world)


async def test_messages_in_another_order_lead_to_the_same_rows(counted: Counted, world: World) -> None:
    _, told = await run(world)
    await counted.hear(*map(sealed, reversed(told)))
    await as_from_the_journal(world)


async def test_messages_in_another_order_that_are_in_hand_together_are_put_in_order(
    counted: Counted, world: World
) -> None:
    _, told = await run(world)
    assert await counted.hear(sealed(*reversed(told))) == 0
    await as_from_the_journal(world)


def forged(job_id: str, told: Announcement) -> Announcement:
    """Return an announcement whose event never happened, made as carefully as its hash allows."""
    assert told.recorded is not None
    before = EventRow.from_values(told.recorded.events[-1])
    job = replace(JobRow.from_values(told.recorded.job), status="Failed", error_type="Forged")
    writer = Writer("mallory", "op", "2026-01-01T00:00:00.000000Z", worker="mallory")
    job, event = events.record(
        replace(job, seq=before.seq, event_hash=before.hash), EventStatus.FAILED, "forged", writer
    )
    (announcement,) = events.announcements([event], {job_id: job})
    return announcement


@pytest.mark.parametrize(
    "seal",
    [
        None,
        "",
        "a-key:" + "0" * 64,
        seal_of().of(b"another body"),
    ],
)
async def test_a_forged_message_puts_nothing_into_the_trail(
    counted: Counted, world: World, seal: str | None
) -> None:
    job_id = await world.submit()
    (told,) = world.notifier.take_announcements()
    await counted.hear(sealed(told))
    body = body_of([forged(job_id, told)])
    assert b"Forged" in body
    await counted.hear(message(body, seal))
    assert world.trail(job_id) == ["Submitted"]
    await as_from_the_journal(world)


@pytest.mark.parametrize("key", [b"", b"another secret"])
async def test_a_message_sealed_with_another_key_is_taken_for_numbers(
    counted: Counted, world: World, key: bytes
) -> None:
    job_id, told = await run(world)
    body = body_of([*told, forged(job_id, told[-1])])
    assert await counted.hear(message(body, seal_of(key).of(body) or "a-key:")) > 0
    await as_from_the_journal(world)


async def test_forged_rows_are_the_only_thing_that_a_seal_stands_against(
    counted: Counted, world: World
) -> None:
    """The tests above could not fail if rows were never taken from messages."""
    job_id = await world.submit()
    (told,) = world.notifier.take_announcements()
    await counted.hear(sealed(told), sealed(forged(job_id, told)))
    assert world.trail(job_id) == ["Submitted", "Failed"]


Change = Callable[[dict[str, Any]], object]

#: Ways in which rows do not fit together.
MISFITS: dict[str, Change] = {
    "an event says something else": lambda item: item["events"][0].update(message="other"),
    "a hash is another": lambda item: item["events"][1].update(hash="0" * 64),
    "an event follows from none": lambda item: item["events"][1].update(previous_hash="0" * 64),
    "an event is missing": lambda item: item["events"].pop(),
    "an event is too many": lambda item: item["events"].append(item["events"][-1]),
    "the numbers are others": lambda item: item.update(first=1, last=2),
    "an event lacks a value": lambda item: item["events"][0].pop("op_id"),
    "the job lacks a value": lambda item: item["job"].pop("kind"),
    "there is no job": lambda item: item.pop("job"),
    "there are no events": lambda item: item.pop("events"),
    "the lock is another": lambda item: item.update(lock="other"),
    "the job is another": lambda item: item.update(job_id="018f6c3e-7b1a-7c4e-9d3a-0123456789ab"),
    "the lock is spelled otherwise": lambda item: item.update(lock=f" {LOCK}"),
    "the job is spelled otherwise": lambda item: item.update(job_id=item["job_id"].upper()),
}


@pytest.mark.parametrize("change", MISFITS.values(), ids=MISFITS)
async def test_rows_that_do_not_fit_together_are_read_from_the_journal(
    counted: Counted, world: World, change: Change
) -> None:
    await world.submit()
    await world.start()
    submitted, started = world.notifier.take_announcements()
    document = json.loads(body_of([started]))
    change(document["items"][0])
    body = json.dumps(document).encode()
    assert await counted.hear(sealed(submitted), message(body, seal_of().of(body))) > 0
    await counted.hear(message(body_of([replace(started, recorded=None)]), None))
    await as_from_the_journal(world)


async def test_rows_that_do_not_continue_what_is_projected_are_read_from_the_journal(
    counted: Counted, world: World
) -> None:
    job_id, told = await run(world)
    await counted.hear(sealed(told[0]))
    summary, mark = world.models.summaries[job_id]
    world.models.summaries[job_id] = summary, replace(mark, hash="0" * 64)
    world._projection = None  # remembers nothing
    assert await counted.hear(sealed(*told[1:])) > 0
    assert len(world.trail(job_id)) == 5


async def test_values_that_only_a_later_release_stores_are_no_hindrance(
    counted: Counted, world: World
) -> None:
    _, told = await run(world)
    assert told[0].recorded is not None
    recorded = told[0].recorded
    later = RecordedRows([{**row, "new": 1} for row in recorded.events], {**recorded.job, "new": 1})
    assert await counted.hear(sealed(replace(told[0], recorded=later), *told[1:])) == 0
    await as_from_the_journal(world)


async def test_names_that_cannot_be_are_quarantined(world: World) -> None:
    reader = ParsingReader()
    handler = handler_of(world, reader)
    for lock, job_id in (("\u0000", "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"), ("ledger", "../../x?#")):
        await handler.on_events(message(body_of([Announcement(lock, job_id, 1, 1)]), None))
    await handler.on_events(message(b"{}", None))
    assert len(reader.quarantined) == 3
    assert not world.models.trail


async def test_the_trail_tells_of_an_altered_journal_what_was_written_first(
    counted: Counted, world: World
) -> None:
    job_id, told = await run(world)
    (rows,) = world.journal.partitions.values()
    key = event_key(job_id, 4)
    rows[key] = replace(rows[key], values={**rows[key].values, "message": "altered"})
    await counted.hear(*map(sealed, told))
    assert "altered" not in {entry.event.message for entry in world.models.trail.values()}


ENDS: dict[str, RunOutcome] = {
    "end": Completed(),
    "fail": Failed("ValueError", "wrong"),
    "interrupt": Interrupted("shutdown"),
}

#: What happens next: to a job, or a message out of those announced so far: which, how many, sealed or not.
STEPS = st.one_of(
    st.sampled_from(["submit", "start", "step", "state", "end", "fail", "interrupt", "cancel", "finalize"]),
    st.tuples(st.integers(0, 30), st.integers(1, 6), st.booleans()),
)


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(STEPS, max_size=40),
    order=st.randoms(use_true_random=False),
    part=st.integers(1, 5),
    lost=st.sets(st.integers(0, 40), max_size=5),
)
def test_believing_leads_to_the_rows_that_reading_the_journal_leads_to(
    steps: list[Any], order: Any, part: int, lost: set[int]
) -> None:
    asyncio.run(_believe(steps, order, part, lost))


async def _believe(steps: list[Any], order: Any, part: int, lost: set[int]) -> None:
    world = World()
    told: list[Announcement] = []
    first = await world.submit()
    hearing = handler_of(world)
    another = handler_of(World(world.journal, world.register, world.notifier, world.clock, world.models))

    async def hear(items: list[Announcement], *, is_sealed: bool) -> None:
        body = body_of(items)
        by = order.choice([hearing, another])
        await by.on_events(message(body, seal_of().of(body) if is_sealed else None))

    for step in steps:
        if isinstance(step, tuple):
            which, count, is_sealed = step
            if items := told[which : which + count]:
                await hear(items, is_sealed=is_sealed)
        else:
            await _happen(world, step, first)
        told += world.notifier.take_announcements()
    # Some messages are lost, some come twice, and they come in any order.
    kept = [item for number, item in enumerate(told) if number not in lost]
    messages = [kept[start : start + part] for start in range(0, len(kept), part)] * 2
    order.shuffle(messages)
    for items in messages:
        await hear(items, is_sealed=True)
    # What the sweeper announces again of lost ones.
    async for job in world.register.all():
        row = await world.job(job.job_id)
        await hear([Announcement(LOCK, job.job_id, 1, row.seq)], is_sealed=order.random() < 0.5)
    await as_from_the_journal(world)


async def _happen(world: World, what: str, first: str) -> None:
    """Let something happen, if it can."""
    active = {job_id: (await world.job(job_id)).status for job_id in await world.active()}
    match what:
        case "submit":
            await world.submit()
        case "start" if world.held is None and "Queued" in active.values():
            await world.start()
        case "cancel" if active.get(first) in {"Queued", "Running"}:
            await world.cancel(first)
        case "finalize" if (await world.job(first)).status in RETRYABLE:
            await world.finalize(first)
        case "step" if world.held is not None:
            await world.step("a step")
        case "state" if world.held is not None:
            await world.save_state("{}")
        case _ if what in ENDS and world.held is not None:
            await world.end(ENDS[what])
