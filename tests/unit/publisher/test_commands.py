"""SubmitJob commands from RabbitMQ."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from tests.unit.publisher.doubles import Api

from contracts.messages import SubmitJob
from publisher.commands import SubmitCommands
from publisher.submission import NotConfirmedError
from service_defaults.broker.intake import Intake, NotUnderstoodError, parse_body


@dataclass
class FakeMessage:
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


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
def intake() -> FakeIntake:
    return FakeIntake()


@pytest.fixture
def commands(api: Api, intake: FakeIntake) -> SubmitCommands:
    uses = api.use_cases
    return SubmitCommands(cast("Intake", intake), uses.reception, api.clock, uses.telemetry)


def message(job_id: str | None = None, *, actor: str = "billing", **job: object) -> Any:
    command = {"version": 1, "actor": actor, "job": {"kind": "ten-steps", "job_id": job_id, **job}}
    return FakeMessage(json.dumps(command).encode())


async def test_a_command_submits_its_job(api: Api, commands: SubmitCommands, intake: FakeIntake) -> None:
    job_id = str(uuid.uuid4())
    await commands.submit_job(message(job_id, lock="ledger"))

    events = (await api.client.get(f"/api/jobs/{job_id}")).json()["items"]
    assert [(event["status"], event["actor"], event["lock"]) for event in events] == [
        ("Submitted", "billing", "ledger")
    ]
    assert intake.reasons == []


async def test_a_redelivery_submits_nothing_and_is_a_success(
    api: Api, commands: SubmitCommands, intake: FakeIntake
) -> None:
    job_id = str(uuid.uuid4())
    for _ in range(3):
        await commands.submit_job(message(job_id, lock="ledger"))

    assert len((await api.client.get(f"/api/jobs/{job_id}")).json()["items"]) == 1
    assert intake.reasons == []


async def test_the_trace_of_the_message_is_the_trace_of_the_job(api: Api, commands: SubmitCommands) -> None:
    job_id, trace = str(uuid.uuid4()), "0af7651916cd43dd8448eb211c80319c"
    command = message(job_id)
    command.headers["traceparent"] = f"00-{trace}-b7ad6b7169203331-01"
    await commands.submit_job(command)

    assert (await api.client.get(f"/api/jobs/{job_id}/state")).json()["trace_id"] == trace


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (FakeMessage(b"{"), "not JSON"),
        (FakeMessage(b'{"job": {"kind": "k"}, "version": 2}'), "version"),
        (message(None), "job.job_id"),
        (message("1"), "job_id"),
        (message(str(uuid.uuid4()), actor=""), "actor"),
        (message(str(uuid.uuid4()), wish=1), "wish"),
    ],
)
async def test_what_can_never_be_done_is_quarantined_with_the_reason(
    commands: SubmitCommands, intake: FakeIntake, command: Any, reason: str
) -> None:
    await commands.submit_job(command)

    assert len(intake.reasons) == 1
    assert reason in intake.reasons[0]


async def test_an_id_used_for_another_job_is_quarantined(
    commands: SubmitCommands, intake: FakeIntake
) -> None:
    job_id = str(uuid.uuid4())
    await commands.submit_job(message(job_id, lock="ledger"))
    await commands.submit_job(message(job_id, lock="other"))

    assert [job_id in reason for reason in intake.reasons] == [True]


async def test_wrong_parameters_are_quarantined(
    api: Api, commands: SubmitCommands, intake: FakeIntake
) -> None:
    api.read_models.know("ten-steps", {"required": ["steps"]})
    await commands.submit_job(message(str(uuid.uuid4())))

    assert intake.reasons == ["parameters.steps: is required"]


async def test_a_command_waits_for_the_storage_to_come_back(
    api: Api, commands: SubmitCommands, intake: FakeIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = str(uuid.uuid4())
    api.storage.is_away = True
    sleep, waits = api.clock.sleep, 0

    async def come_back(seconds: float) -> None:
        nonlocal waits
        waits += 1
        api.storage.is_away = waits < 4
        await sleep(seconds)

    monkeypatch.setattr(api.clock, "sleep", come_back)
    await commands.submit_job(message(job_id))

    assert (await api.client.get(f"/api/jobs/{job_id}/state")).status_code == 200
    assert intake.reasons == []


async def test_a_command_goes_back_into_the_queue_when_the_storage_stays_away(
    api: Api, commands: SubmitCommands, intake: FakeIntake
) -> None:
    api.storage.is_away = True
    with pytest.raises(NotConfirmedError):
        await commands.submit_job(message(str(uuid.uuid4())))

    assert intake.reasons == []
