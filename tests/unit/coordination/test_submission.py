"""Submitting: one id is one job, in the partition where it was registered, whatever is repeated or lost."""

import asyncio
import json
import random
from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest

from contracts import lock_names
from contracts.policies import JobPolicy
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import (
    JobExistsError,
    NewJob,
    RetryOf,
    Submitted,
    Submitter,
    build_submission,
)
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import (
    ActiveJob,
    Announcement,
    Insert,
    InvalidTransactionError,
    Registration,
    Transaction,
    UnknownOutcomeError,
    WakeUp,
)
from coordination.testing.faults import Fault
from coordination.testing.memory import InMemoryJournal, InMemoryNotifier, InMemoryRegister, VirtualClock

PARTITION = lock_names.partition("L")
NEW = NewJob(
    job_id="018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
    order="order-1",
    kind="import",
    lock_name="L",
    parameters='{"path":"a"}',
    actor="ann",
    name="nightly",
    description="All of it.",
    priority=3,
    properties='{"team":"x"}',
    traceparent="00-trace",
    policy=JobPolicy(max_runner_crashes=7, max_worker_losses=8),
)
#: One other value for each field that belongs to what is asked for.
OTHERS = {
    "kind": "export",
    "lock_name": "M",
    "parameters": '{"path":"b"}',
    "name": "daily",
    "description": "A part of it.",
    "priority": 4,
    "properties": '{"team":"y"}',
    "options": '{"expires_in":60}',
    "retry": RetryOf("another"),
}
#: One other value for each field that may differ when the same is asked for again.
MAY_DIFFER = {
    "order": "order-2",
    "actor": "bob",
    "traceparent": None,
    "policy": JobPolicy(1, 1),
    # What its kind says; what the submission says is among its options.
    "expires_in": 60.0,
    "timeout": 5.0,
    "cancel_grace": 1.0,
    "on_conflict": "reject",
    "has_new_id": True,
}
#: What it waits for: among its options, too (`test_followers`).
CHAINED = {"after": ["other"], "after_failure": "skip", "awaited": {"other": "M"}}
#: What is not in the job's row by its name.
NOT_STORED = {
    *("expires_in", "on_conflict", "has_new_id", "options", "retry"),
    # Those that name no other jobs say nothing of them.
    *("after", "after_failure", "awaited"),
}


@dataclass
class MessageReader:
    clock: VirtualClock = field(default_factory=VirtualClock)
    notifier: InMemoryNotifier = field(default_factory=InMemoryNotifier)
    journal: InMemoryJournal = field(default_factory=InMemoryJournal)
    register: InMemoryRegister = field(default_factory=InMemoryRegister)

    @property
    def submitter(self) -> Submitter:
        return Submitter(self.register, JobWriter(self.journal, self.notifier, self.clock))

    def with_fault(self, fault: Fault) -> None:
        self.journal.calls.fault = self.register.calls.fault = fault

    async def begin(self, new: NewJob) -> Registration:
        """Do what a submission does first, and no more, as if its process had died then."""
        partition = lock_names.partition(new.lock_name)
        job = Registration(
            new.job_id, new.lock_name, partition, new.request_hash, self.clock.now(), None, True
        )
        await self.register.add(job)
        return job

    async def refused(self, new: NewJob) -> JobExistsError:
        """Submit what must be refused, which must change nothing and notify no worker."""
        before = (
            json.dumps(sorted(self._keys())),
            list(self.notifier.wake_ups),
            list(self.notifier.announcements),
        )
        with pytest.raises(JobExistsError) as error:
            await self.submitter.submit(new)
        assert (
            json.dumps(sorted(self._keys())),
            self.notifier.wake_ups,
            self.notifier.announcements,
        ) == before
        return error.value

    def _keys(self) -> list[tuple[str, str, str]]:
        found = self.journal.partitions.items()
        return [(name, key, row.etag) for name, stored in found for key, row in stored.items()]

    def row(self, key: str) -> dict[str, Any]:
        return dict(self.journal.partitions[PARTITION][key].values)


@pytest.fixture
def reader() -> MessageReader:
    return MessageReader()


async def test_a_submission_writes_job_ticket_and_first_event(reader: MessageReader) -> None:
    job = (await reader.submitter.submit(NEW)).job
    now = events.timestamp(reader.clock.now())
    assert job == JobRow.from_values(reader.row(rows.job_key(NEW.job_id)))
    assert (job.status, job.seq, job.attempt, job.fence, job.worker) == ("Queued", 1, 0, 0, "")
    assert (job.submitted_at, job.queued_at, job.started_at, job.finished_at) == (now, now, "", "")
    assert job.request_hash == NEW.request_hash
    for name in {one.name for one in fields(NEW)} - NOT_STORED:
        assert getattr(job, name) == getattr(NEW, name), name
    assert JobRow.from_values(reader.row(job.ticket_key)) == job
    event = EventRow.from_values(reader.row(rows.event_key(NEW.job_id, 1)))
    assert job.event_hash == event.hash == events.chain_hash(event)
    assert len(reader.journal.partitions[PARTITION]) == 3


async def test_the_first_event_says_what_was_asked_for_and_by_whom(reader: MessageReader) -> None:
    await reader.submitter.submit(NEW)
    event = EventRow.from_values(reader.row(rows.event_key(NEW.job_id, 1)))
    assert (event.status, event.seq, event.message) == ("Submitted", 1, "submitted by ann")
    assert (event.actor, event.traceparent, event.previous_hash) == ("ann", "00-trace", "")
    assert (event.fence, event.worker, event.attempt, event.lock_name) == (None, None, 0, "L")
    assert event.timestamp == events.timestamp(reader.clock.now())
    assert event.op_id == f"{NEW.job_id}:order-1"
    assert json.loads(event.data) == {
        "kind": "import",
        "name": "nightly",
        "description": "All of it.",
        "priority": 3,
        "properties": {"team": "x"},
    }


async def test_a_submission_registers_the_job_publishes_its_event_and_notifies_the_workers(
    reader: MessageReader,
) -> None:
    await reader.submitter.submit(NEW)
    now = reader.clock.now()
    expected = Registration(NEW.job_id, "L", PARTITION, NEW.request_hash, now, None, True)
    assert await reader.register.find(NEW.job_id) == expected
    assert [job async for job in reader.register.active(now)] == [
        ActiveJob(NEW.job_id, "L", PARTITION, now, None, True)
    ]
    assert reader.notifier.wake_ups == [WakeUp("L", NEW.job_id, traceparent="00-trace", reason="submitted")]
    assert reader.notifier.announcements == [Announcement("L", NEW.job_id, 1, 1, "00-trace")]


async def test_a_job_is_written_only_once_its_id_is_registered(reader: MessageReader) -> None:
    calls: list[str] = []

    async def note(when: str, call: str) -> None:
        if when == "before":
            calls.append(call)

    reader.with_fault(note)
    await reader.submitter.submit(NEW)
    assert calls == ["journal.mark", "journal.register", "journal.commit"]


async def test_nothing_is_written_when_it_is_unknown_whether_the_id_was_registered(
    reader: MessageReader,
) -> None:
    async def lose(when: str, call: str) -> None:
        if (when, call) == ("after", "journal.register"):
            raise UnknownOutcomeError

    reader.with_fault(lose)
    with pytest.raises(UnknownOutcomeError):
        await reader.submitter.submit(NEW)
    assert reader.journal.partitions == {}
    assert (reader.notifier.wake_ups, reader.notifier.announcements) == ([], [])


async def test_a_submission_that_could_never_be_stored_does_not_use_up_its_id(reader: MessageReader) -> None:
    too_long = replace(NEW, properties=json.dumps({"team": "x" * 40_000}))
    with pytest.raises(InvalidTransactionError, match="properties has 40012 UTF-16 units"):
        await reader.submitter.submit(too_long)
    assert await reader.register.find(NEW.job_id) is None
    assert (await reader.submitter.submit(NEW)).job.job_id == NEW.job_id


@pytest.mark.parametrize("changed", MAY_DIFFER)
async def test_a_submission_that_got_no_further_than_its_registration_may_be_repeated(
    reader: MessageReader, changed: str
) -> None:
    await reader.begin(NEW)
    again = replace(NEW, **{changed: MAY_DIFFER[changed]})  # type: ignore[arg-type]
    job = (await reader.submitter.submit(again)).job
    assert job == JobRow.from_values(reader.row(rows.job_key(NEW.job_id)))
    assert [wake_up.job_id for wake_up in reader.notifier.wake_ups] == [NEW.job_id]
    assert [told.job_id for told in reader.notifier.announcements] == [NEW.job_id]


@pytest.mark.parametrize("changed", OTHERS)
async def test_an_id_that_was_registered_for_one_request_is_not_used_for_another(
    reader: MessageReader, changed: str
) -> None:
    """Else a job of another lock would be written where its registration does not lead."""
    registered = await reader.begin(NEW)
    error = await reader.refused(replace(NEW, **{changed: OTHERS[changed]}))  # type: ignore[arg-type]
    assert (error.existing, error.same_request, error.is_closed) == (registered, False, False)
    assert str(error) == f"job id {NEW.job_id} is already used by a job of lock 'L'"
    assert reader.journal.partitions == {}


@pytest.mark.parametrize("changed", [*OTHERS, *MAY_DIFFER])
async def test_an_id_that_has_a_job_is_refused_and_the_same_request_is_recognised(
    reader: MessageReader, changed: str
) -> None:
    await reader.submitter.submit(NEW)
    other = replace(NEW, **{changed: (OTHERS | MAY_DIFFER)[changed]})  # type: ignore[arg-type]
    error = await reader.refused(other)
    assert error.existing == await reader.register.find(NEW.job_id)
    assert (error.same_request, error.is_closed) == (changed in MAY_DIFFER, False)


def test_every_field_of_a_submission_either_belongs_to_the_request_or_may_differ() -> None:
    assert {one.name for one in fields(NEW)} == {"job_id", *OTHERS, *MAY_DIFFER, *CHAINED}
    hashes = [replace(NEW, **{name: other}).request_hash for name, other in OTHERS.items()]  # type: ignore[arg-type]
    assert len({NEW.request_hash, *hashes}) == len(OTHERS) + 1
    assert {replace(NEW, **{name: other}).request_hash for name, other in (MAY_DIFFER | CHAINED).items()} == {  # type: ignore[arg-type]
        NEW.request_hash
    }


def test_text_that_moves_from_one_field_to_another_is_another_request() -> None:
    one = replace(NEW, name="ab", description="c").request_hash
    assert one != replace(NEW, name="a", description="bc").request_hash


async def test_an_id_that_was_closed_is_not_used_by_another_request_either(reader: MessageReader) -> None:
    await reader.begin(NEW)
    tombstone = JobRow(NEW.job_id, "", "L", status=JobRow.TOMBSTONE)
    closing = Insert(rows.job_key(NEW.job_id), tombstone.values())
    await reader.journal.commit(PARTITION, Transaction("op", [closing]), 1)
    for new in (NEW, replace(NEW, kind="export")):
        error = await reader.refused(new)
        assert (error.is_closed, error.same_request) == (True, False)


async def test_an_answer_that_was_lost_makes_the_submission_neither_fail_nor_happen_twice(
    reader: MessageReader,
) -> None:
    tries: list[str] = []

    async def lose_first(when: str, call: str) -> None:
        if (when, call) == ("after", "journal.commit"):
            tries.append(call)
            if len(tries) == 1:
                raise UnknownOutcomeError

    reader.with_fault(lose_first)
    submitting = asyncio.ensure_future(reader.submitter.submit(NEW))
    await reader.clock.advance(1)
    await submitting
    assert len(tries) == 2
    assert len(reader.notifier.wake_ups) == len(reader.notifier.announcements) == 1
    assert len(reader.journal.partitions[PARTITION]) == 3


async def test_of_two_processes_that_repeat_one_submission_the_second_finds_a_job_of_the_same_request(
    reader: MessageReader,
) -> None:
    """Both find the id registered and no job, and both write; the orders they gave differ."""
    registered = await reader.begin(NEW)
    both_have_read = asyncio.Barrier(2)

    async def wait_for_the_other(when: str, call: str) -> None:
        if (when, call) == ("before", "journal.commit"):
            await both_have_read.wait()

    reader.with_fault(wait_for_the_other)
    second = replace(NEW, order="order-2")
    results = await asyncio.gather(
        reader.submitter.submit(NEW), reader.submitter.submit(second), return_exceptions=True
    )
    [error] = [result for result in results if isinstance(result, BaseException)]
    [job] = [result.job for result in results if isinstance(result, Submitted)]
    assert isinstance(error, JobExistsError)
    assert (error.existing.job_id, error.same_request, error.is_closed) == (NEW.job_id, True, False)
    assert error.existing == registered
    assert job == JobRow.from_values(reader.row(rows.job_key(NEW.job_id)))
    assert len(reader.notifier.wake_ups) == len(reader.notifier.announcements) == 1


async def test_a_submission_gives_up_when_its_patience_is_over_and_notifies_no_worker(
    reader: MessageReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts: list[float] = []

    async def lose(partition: str, transaction: Transaction, timeout: float) -> Any:
        timeouts.append(timeout)
        raise UnknownOutcomeError

    monkeypatch.setattr(reader.journal, "commit", lose)
    monkeypatch.setattr(random, "uniform", lambda low, high: (low + high) / 2)
    began = reader.clock.boot()
    submitting = asyncio.ensure_future(reader.submitter.submit(NEW))
    await reader.clock.settle()
    while not submitting.done():
        assert await reader.clock.advance_to_next()
    assert isinstance(submitting.exception(), UnknownOutcomeError)
    # Pauses of 0.05, 0.1, 0.2, 0.4 and 0.8 s, and then of one second each, within eight seconds.
    assert reader.clock.boot() - began == pytest.approx(7.55)
    assert set(timeouts) == {2.0}
    assert (reader.notifier.wake_ups, reader.notifier.announcements) == ([], [])


@pytest.mark.parametrize("length", [rows.INLINE_CHARACTERS, rows.INLINE_CHARACTERS + 1])
def test_parameters_beyond_two_thousand_characters_have_a_row_of_their_own(length: int) -> None:
    parameters = '{"a":"' + "x" * (length - 8) + '"}'
    assert len(parameters) == length
    change = build_submission(replace(NEW, parameters=parameters), Writer("ann", "op", "now"))
    job, transaction = change.job, change.transaction
    inserts = {one.key: one.values for one in transaction.operations if isinstance(one, Insert)}
    key = rows.parameters_key(NEW.job_id)
    assert inserts[rows.job_key(NEW.job_id)] == inserts[job.ticket_key] == job.values()
    if length == 2_000:
        assert job.parameters == parameters
        assert key not in inserts
    else:
        assert job.parameters == ""
        assert rows.join_text(inserts[key]) == parameters
