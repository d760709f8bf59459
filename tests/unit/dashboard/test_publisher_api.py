"""The publisher as pages use it: each case that they must tell apart, against the real application."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.unit.dashboard.publisher_app import InProcess
from tests.unit.publisher.doubles import (
    CountingDirectory,
    HintingNotifier,
    ImpatientClock,
    ScriptedQuarantine,
    StorageSwitch,
)

from contracts.identifiers import new_id
from contracts.jobs import Worker
from contracts.quarantine import QuarantinedMessage
from contracts.statuses import JobStatus
from coordination.testing.memory import InMemoryJournal, InMemoryRegister
from dashboard.publisher_api import (
    FieldError,
    NotFoundError,
    PublisherApi,
    PublisherAwayError,
    RefusedError,
)
from publisher.http.application import make_application
from publisher.use_cases import make_use_cases
from read_models.memory import InMemoryReadModels

URL = "http://publisher"


@dataclass
class Publisher:
    """A publisher, and the dashboard's connection to it."""

    api: PublisherApi
    network: InProcess
    storage: StorageSwitch
    directory: CountingDirectory
    quarantine: ScriptedQuarantine

    def submitted(self, **fields: object) -> str:
        return self.api.submit(submission(**fields), "ann").job_id

    def events(self, job_id: str) -> list[tuple[str, str, str]]:
        """Return status, actor and message of a job's events."""
        client = httpx.Client(transport=self.network, base_url=URL)
        events = client.get(f"/api/v1/jobs/{job_id}/events").json()["items"]
        return [(event["status"], event["actor"], event["message"]) for event in events]


def submission(**fields: Any) -> dict[str, Any]:
    return {"kind": "ten-steps", "job_id": new_id(), **fields}


@pytest.fixture
def publisher() -> Publisher:
    storage = StorageSwitch()
    journal, register = InMemoryJournal(storage), InMemoryRegister(storage)
    directory, quarantine = CountingDirectory(), ScriptedQuarantine()
    use_cases = make_use_cases(
        journal,
        register,
        HintingNotifier(),
        InMemoryReadModels(storage),
        directory,
        ImpatientClock(),
        quarantine,
        schedule_table=InMemoryJournal(storage),
    )
    network = InProcess(make_application(use_cases))
    return Publisher(PublisherApi(URL, transport=network), network, storage, directory, quarantine)


def test_a_job_is_submitted_under_the_viewers_name(publisher: Publisher) -> None:
    asked = submission(lock="ledger", name="Close")
    accepted = publisher.api.submit(asked, "Zoë 👻")

    assert (accepted.job_id, accepted.lock, accepted.status) == (asked["job_id"], "ledger", JobStatus.QUEUED)
    assert publisher.events(accepted.job_id) == [("Submitted", "Zoë 👻", "submitted by Zoë 👻")]


@pytest.mark.parametrize(
    ("name", "recorded"), [("a\r\nx: y", "ax: y"), ("x" * 150, "x" * 100), ("\x00 ", "dashboard")]
)
def test_a_name_that_the_publisher_would_refuse_is_made_usable(
    publisher: Publisher, name: str, recorded: str
) -> None:
    job_id = publisher.api.submit(submission(), name).job_id
    assert publisher.events(job_id)[0][1] == recorded


def test_wrong_fields_come_with_their_places(publisher: Publisher) -> None:
    publisher.directory.know("ten-steps", {"type": "object", "properties": {"steps": {"type": "integer"}}})
    with pytest.raises(RefusedError) as refused:
        publisher.api.submit(submission(parameters={"steps": "many"}), "ann")

    assert refused.value.name == "invalid_fields"
    [field] = refused.value.fields
    assert field.field == "parameters.steps"
    assert str(refused.value) == f"parameters.steps: {field.message}"


def test_an_id_that_another_job_has_is_refused(publisher: Publisher) -> None:
    job_id = publisher.submitted()
    with pytest.raises(RefusedError, match="different content") as refused:
        publisher.api.submit(submission(job_id=job_id, name="other"), "ann")
    assert (refused.value.name, refused.value.fields) == ("job_id_used", [])


@pytest.mark.parametrize("error", [httpx.ReadError("reset"), httpx.RemoteProtocolError("closed")])
def test_a_submission_whose_answer_is_lost_is_sent_again_and_runs_once(
    publisher: Publisher, error: Exception
) -> None:
    publisher.network.after = [error]
    asked = submission()
    assert publisher.api.submit(asked, "ann").job_id == asked["job_id"]
    assert len(publisher.events(str(asked["job_id"]))) == 1


def test_a_submission_that_is_never_answered_may_be_done(publisher: Publisher) -> None:
    publisher.network.after = [httpx.ReadError("reset"), httpx.ReadError("reset")]
    with pytest.raises(PublisherAwayError, match="not confirmed") as away:
        publisher.submitted()
    assert away.value.may_be_done


def test_a_job_is_cancelled_with_a_reason_and_under_the_viewers_name(publisher: Publisher) -> None:
    job_id = publisher.submitted()
    job = publisher.api.cancel(job_id, "bob", "wrong month")

    assert (job.status, job.cancel_requested_by, job.cancel_reason) == (
        JobStatus.CANCELLED,
        "bob",
        "wrong month",
    )
    assert publisher.events(job_id)[-1] == (
        "Cancelled",
        "bob",
        "cancelled by bob while waiting: wrong month",
    )


def test_a_reason_may_be_left_out(publisher: Publisher) -> None:
    job = publisher.api.cancel(publisher.submitted(), "bob")
    assert (job.status, job.cancel_reason) == (JobStatus.CANCELLED, None)


def test_a_cancellation_that_comes_too_late_is_refused_in_the_publishers_words(publisher: Publisher) -> None:
    job_id = publisher.submitted()
    publisher.api.cancel(job_id, "bob")
    with pytest.raises(RefusedError, match=r"^The job has already ended: Cancelled\.$") as refused:
        publisher.api.cancel(job_id, "bob")
    assert refused.value.name == "cancel_too_late"


def test_a_job_is_retried_once_with_a_reason_and_under_the_viewers_name(publisher: Publisher) -> None:
    job_id = publisher.submitted()
    publisher.api.cancel(job_id, "ann")
    new = publisher.api.retry(job_id, "bob", "open again", is_fresh=True)

    again = publisher.api.retry(job_id, "bob", is_fresh=True)
    assert (again.job_id, new.existing, again.existing) == (new.job_id, False, True)
    assert publisher.events(new.job_id) == [
        ("Submitted", "bob", f"submitted by bob as a retry of {job_id}: open again")
    ]
    with pytest.raises(RefusedError, match="already retried") as refused:
        publisher.api.retry(job_id, "bob")
    assert refused.value.name == "already_retried"


def test_a_job_is_finalized_with_a_reason_and_under_the_viewers_name(publisher: Publisher) -> None:
    job_id = publisher.submitted()
    publisher.api.cancel(job_id, "ann")
    job = publisher.api.finalize(job_id, "bob", "booked by hand")

    assert (job.status, job.finalized_by, job.finalize_reason) == (
        JobStatus.CANCELLED,
        "bob",
        "booked by hand",
    )
    assert publisher.api.finalize(job_id, "eve") == job


def test_a_job_is_pinned_and_unpinned_under_the_viewers_name(publisher: Publisher) -> None:
    job_id = publisher.submitted()
    publisher.api.cancel(job_id, "ann")
    job = publisher.api.pin(job_id, "bob", "an audit")

    assert (job.status, job.pinned_by, job.pin_reason) == (JobStatus.CANCELLED, "bob", "an audit")
    assert publisher.api.unpin(job_id, "eve").pinned_by is None


def test_a_reason_that_is_too_long_is_refused_at_its_field(publisher: Publisher) -> None:
    with pytest.raises(RefusedError) as refused:
        publisher.api.cancel(publisher.submitted(), "bob", "x" * 501)
    assert refused.value.fields == [FieldError("reason", "must have at most 500 characters, and has 501")]


@pytest.mark.parametrize("job_id", [new_id(), "nothing", "a/b?c#d ..", ".."])
def test_a_job_that_does_not_exist_is_not_found(publisher: Publisher, job_id: str) -> None:
    with pytest.raises(NotFoundError):
        publisher.api.cancel(job_id, "bob")


def test_without_storage_it_is_not_confirmed(publisher: Publisher) -> None:
    job_id = publisher.submitted()
    publisher.storage.is_away = True
    with pytest.raises(PublisherAwayError, match="The storage does not answer") as away:
        publisher.api.cancel(job_id, "bob")
    assert away.value.may_be_done


@pytest.mark.parametrize(
    ("error", "may_be_done"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.ReadTimeout("slow"), True),
        (httpx.WriteError("reset"), True),
    ],
)
def test_of_a_publisher_that_is_away_it_is_said_what_may_have_happened(
    publisher: Publisher, error: Exception, may_be_done: bool
) -> None:
    job_id = publisher.submitted()
    publisher.network.before = [error]
    with pytest.raises(PublisherAwayError, match=URL) as away:
        publisher.api.cancel(job_id, "bob")
    assert away.value.may_be_done is may_be_done
    assert ("not confirmed" in str(away.value)) is may_be_done


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<h1>hello</h1>"),
        httpx.Response(200, json={"items": [{}]}),
        httpx.Response(404, text="not here"),
        httpx.Response(404, json={"detail": "Not Found"}),
        httpx.Response(502, json=["bad gateway"]),
    ],
)
def test_what_answers_otherwise_is_no_publisher(answer: httpx.Response) -> None:
    api = PublisherApi(URL, transport=httpx.MockTransport(lambda _: answer))
    with pytest.raises(PublisherAwayError, match="check the address"):
        api.kinds()


def test_kinds_come_with_their_schemas(publisher: Publisher) -> None:
    publisher.directory.know("ten-steps", {"type": "object"})
    [kind] = publisher.api.kinds()
    assert (kind.kind, kind.parameters) == ("ten-steps", {"type": "object"})


def test_quarantine_is_read_through_the_publisher(publisher: Publisher) -> None:
    message = QuarantinedMessage(
        reason="why",
        quarantined_at=None,
        queue=None,
        exchange=None,
        routing_key=None,
        message_id=None,
        content_type=None,
        sender=None,
        trace_id=None,
        headers={},
        body="b",
        size=1,
        truncated=False,
    )
    publisher.quarantine.messages = [message, message]
    page = publisher.api.quarantine(1)
    assert (page.items, page.total) == ([message], 2)
    publisher.quarantine.is_away = True
    with pytest.raises(PublisherAwayError, match="RabbitMQ does not answer") as away:
        publisher.api.quarantine()
    assert not away.value.may_be_done


def test_nothing_is_asked_of_a_proxy_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with pytest.raises(PublisherAwayError, match=r"No publisher answers at http://127\.0\.0\.1:9"):
        PublisherApi("http://127.0.0.1:9/").kinds()


def test_a_worker_is_drained_and_resumed_under_the_viewers_name(publisher: Publisher) -> None:
    publisher.directory.heartbeats["host/1."] = Worker(worker="host/1.", seen_at=datetime.now(UTC))
    drained = publisher.api.drain("host/1.", "bob", "update")
    assert drained.drain is not None
    assert (drained.drain.actor, drained.drain.reason) == ("bob", "update")
    assert publisher.api.resume("host/1.", "ann").drain is None
    with pytest.raises(NotFoundError, match="nobody"):
        publisher.api.drain("nobody", "bob")
