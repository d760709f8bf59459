"""SubmitJob commands from RabbitMQ."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from faststream import AckPolicy
from faststream.rabbit import RabbitBroker
from faststream.rabbit.subscriber.usecase import RabbitSubscriber
from tests.unit.publisher.doubles import Api

from contracts.identifiers import id_of_key
from contracts.lock_names import partition
from contracts.messages import SubmitJob
from contracts.topology import Topology
from coordination.journal.rows import JobRow, job_key
from coordination.ports import Row
from publisher.commands import SubmitCommands, subscribe
from service_defaults.broker.message_reader import MessageReader, NotUnderstoodError, parse_body
from submission import Patience, SubmissionUnknownError

JOB_ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"


@dataclass
class FakeMessage:
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    settled: list[str] = field(default_factory=list)

    async def reject(self, *, requeue: bool) -> None:
        self.settled.append("rejected, requeued" if requeue else "rejected")


@dataclass
class FakeIntake:
    """Parses as the real one does, and keeps the reasons for quarantine."""

    reasons: list[str] = field(default_factory=list)

    async def parse(self, message: FakeMessage, model: type[SubmitJob]) -> SubmitJob | None:
        try:
            return parse_body(message.body, model)
        except NotUnderstoodError as error:
            await self.quarantine(message, str(error))
            return None

    async def quarantine(self, message: FakeMessage, reason: str) -> None:
        self.reasons.append(reason)


@pytest.fixture
def reader() -> FakeIntake:
    return FakeIntake()


@pytest.fixture
def commands(api: Api, reader: FakeIntake) -> SubmitCommands:
    uses = api.use_cases
    return SubmitCommands(
        cast("MessageReader", reader), uses.submissions, Patience(api.clock), uses.telemetry
    )


def message(job_id: str | None = None, *, actor: str = "billing", **job: object) -> Any:
    command = {"version": 1, "actor": actor, "job": {"kind": "ten-steps", "job_id": job_id, **job}}
    return FakeMessage(json.dumps(command).encode())


async def test_a_command_submits_its_job(api: Api, commands: SubmitCommands, reader: FakeIntake) -> None:
    job_id = str(uuid.uuid4())
    await commands.submit_job(message(job_id, lock="ledger"))

    events = (await api.client.get(f"/api/v1/jobs/{job_id}/events")).json()["items"]
    assert [(event["status"], event["actor"], event["lock"]) for event in events] == [
        ("Submitted", "billing", "ledger")
    ]
    assert reader.reasons == []


async def test_a_redelivery_submits_nothing_and_is_a_success(
    api: Api, commands: SubmitCommands, reader: FakeIntake
) -> None:
    job_id = str(uuid.uuid4())
    for _ in range(3):
        await commands.submit_job(message(job_id, lock="ledger"))

    assert len((await api.client.get(f"/api/v1/jobs/{job_id}/events")).json()["items"]) == 1
    assert reader.reasons == []


async def test_the_trace_of_the_message_is_the_trace_of_the_job(api: Api, commands: SubmitCommands) -> None:
    job_id, trace = str(uuid.uuid4()), "0af7651916cd43dd8448eb211c80319c"
    command = message(job_id)
    command.headers["traceparent"] = f"00-{trace}-b7ad6b7169203331-01"
    await commands.submit_job(command)

    assert (await api.client.get(f"/api/v1/jobs/{job_id}")).json()["trace_id"] == trace


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (FakeMessage(b"{"), "not JSON"),
        (FakeMessage(b'{"job": {"kind": "k"}, "version": 2}'), "version"),
        (message("1"), "job_id"),
        (message(str(uuid.uuid4()), actor=""), "actor"),
        (message(str(uuid.uuid4()), wish=1), "wish"),
    ],
)
async def test_what_can_never_be_done_is_quarantined_with_the_reason(
    commands: SubmitCommands, reader: FakeIntake, command: Any, reason: str
) -> None:
    await commands.submit_job(command)

    assert len(reader.reasons) == 1
    assert reason in reader.reasons[0]


async def test_a_command_that_names_no_actor_comes_from_rabbitmq(
    api: Api, commands: SubmitCommands, reader: FakeIntake
) -> None:
    job_id = str(uuid.uuid4())
    body = {"version": 1, "job": {"kind": "ten-steps", "job_id": job_id}}
    await commands.submit_job(cast("Any", FakeMessage(json.dumps(body).encode())))

    events = (await api.get(f"/api/v1/jobs/{job_id}/events"))["items"]
    assert [(event["actor"], event["lock"]) for event in events] == [("rabbitmq", "default")]
    assert reader.reasons == []


async def test_blanks_around_an_actor_are_taken_away(api: Api, commands: SubmitCommands) -> None:
    job_id = str(uuid.uuid4())
    await commands.submit_job(message(job_id, actor=" ada "))

    assert (await api.get(f"/api/v1/jobs/{job_id}/events"))["items"][0]["actor"] == "ada"


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (
            None,
            message(None),
            "job.job_id: is required, or job.idempotency_key, so that a redelivery cannot submit twice",
        ),
        (None, message(JOB_ID, actor="x" * 101), "actor: must be 1 to 100 printable characters"),
        (
            None,
            message(JOB_ID, actor="schedule:nightly"),
            "actor: must not begin with schedule:, as the names of schedules do",
        ),
        (
            message(JOB_ID, lock="ledger"),
            message(JOB_ID, lock="ledger", priority=1),
            f"job id {JOB_ID} is already used by a job of lock 'ledger'",
        ),
        (
            message(JOB_ID, lock="ledger"),
            message(JOB_ID, lock="other"),
            f"job id {JOB_ID} is already used by a job of lock 'ledger'",
        ),
    ],
)
async def test_what_is_refused_is_quarantined_with_the_reason_and_no_second_job_is_made(
    api: Api, commands: SubmitCommands, reader: FakeIntake, first: Any, second: Any, reason: str
) -> None:
    if first is not None:
        await commands.submit_job(first)
    await commands.submit_job(second)

    assert reader.reasons == [reason]
    assert len(api.notifier.wake_ups) == (first is not None)


async def test_a_command_may_name_a_key_instead_of_an_id(
    api: Api, commands: SubmitCommands, reader: FakeIntake
) -> None:
    for priority in (5, 5, 1):
        await commands.submit_job(message(None, idempotency_key="march", priority=priority))

    used = (
        f"idempotency key 'march' was used for another request, that of job {id_of_key('billing', 'march')}; "
    )
    assert reader.reasons == [f"{used}use a new key for a new request"]
    assert len(api.notifier.wake_ups) == 1


async def test_a_closed_id_is_quarantined_even_for_the_same_content(
    api: Api, commands: SubmitCommands, reader: FakeIntake
) -> None:
    await commands.submit_job(message(JOB_ID, lock="ledger"))
    stored = api.journal.partitions[partition("ledger")]
    closed = JobRow(JOB_ID, "", "ledger", status=JobRow.TOMBSTONE)
    stored.clear()
    stored[job_key(JOB_ID)] = Row(job_key(JOB_ID), closed.values(), "closed")
    await commands.submit_job(message(JOB_ID, lock="ledger"))

    assert reader.reasons == [
        f"job id {JOB_ID} is closed, as its submission never arrived: submit under a new id"
    ]


async def test_wrong_parameters_and_unknown_kinds_are_quarantined(
    api: Api, commands: SubmitCommands, reader: FakeIntake
) -> None:
    api.directory.know("ten-steps", {"required": ["steps"]})
    await commands.submit_job(message(JOB_ID))
    await commands.submit_job(message(JOB_ID, kind="never-heard-of"))

    assert reader.reasons == [
        "parameters.steps: is required",
        "kind: no worker knows the kind 'never-heard-of'; known kinds: ten-steps",
    ]


async def test_what_can_never_be_stored_is_quarantined(
    api: Api, commands: SubmitCommands, reader: FakeIntake
) -> None:
    many = {"\u0001" * 60 + f"{number:04d}": "\u0001" * 256 for number in range(32)}
    await commands.submit_job(message(JOB_ID, properties=many))

    assert len(reader.reasons) == 1
    assert (await api.client.get(f"/api/v1/jobs/{JOB_ID}/events")).status_code == 404


@pytest.mark.parametrize(("returns_after", "tries"), [(0.0, 1), (5.0, 2), (1195.0, 240), (1200.0, 241)])
async def test_a_command_waits_up_to_twenty_minutes_for_the_storage_to_come_back(
    api: Api,
    commands: SubmitCommands,
    reader: FakeIntake,
    monkeypatch: pytest.MonkeyPatch,
    returns_after: float,
    tries: int,
) -> None:
    began, sleep = api.clock.boot(), api.clock.sleep
    api.storage.is_away = returns_after > 0

    async def come_back(seconds: float) -> None:
        assert seconds == 5
        await sleep(seconds)
        api.storage.is_away = api.clock.boot() - began < returns_after

    monkeypatch.setattr(api.clock, "sleep", come_back)
    await commands.submit_job(message(JOB_ID))

    assert api.storage.calls["journal.mark"] == tries
    assert api.clock.boot() - began == returns_after
    assert (await api.client.get(f"/api/v1/jobs/{JOB_ID}")).status_code == 200
    assert reader.reasons == []


async def test_a_command_goes_back_into_the_queue_when_the_storage_stays_away(
    api: Api, commands: SubmitCommands, reader: FakeIntake
) -> None:
    api.storage.is_away = True
    began = api.clock.boot()
    command = message(JOB_ID)
    with pytest.raises(SubmissionUnknownError) as given_back:
        await commands.submit_job(command)
    # Every version of RabbitMQ counts a reject, so that it ends; 4.3 does not count a nack.
    assert command.settled == ["rejected, requeued"]

    assert given_back.value.job_id == JOB_ID
    # RabbitMQ takes a consumer for dead after 30 minutes.
    assert api.clock.boot() - began == 1200
    assert reader.reasons == []


def test_commands_are_taken_from_their_queue_so_many_at_once_and_given_back_when_they_fail(
    commands: SubmitCommands,
) -> None:
    broker = RabbitBroker()
    subscribe(broker, Topology("blue"), commands, 7)

    (subscriber,) = broker.subscribers
    assert isinstance(subscriber, RabbitSubscriber)
    assert (subscriber.queue.name, subscriber.queue.routing()) == ("blue.submissions", "submit")
    assert subscriber.exchange.name == "blue.jobs"
    assert subscriber.channel is not None
    assert subscriber.channel.prefetch_count == 7
    assert subscriber.ack_policy is AckPolicy.NACK_ON_ERROR
    # An answer would go to wherever the message says.
    assert subscriber._no_reply
