"""Accepting jobs without HTTP and without a broker."""

import json
from datetime import UTC, datetime

import pytest

from contracts.jobs import Kind, Submission
from contracts.policies import JobPolicy
from contracts.strict_json import StrictJsonError
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import JobExistsError, Submitter
from coordination.ports import UnknownOutcomeError
from coordination.testing.faults import Fault
from coordination.testing.memory import InMemoryJournal, InMemoryNotifier, InMemoryRegister, VirtualClock
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from submission import (
    InvalidSubmissionError,
    KnownKinds,
    SubmissionService,
    SubmissionUnknownError,
    read_submission,
)

JOB_ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
POLICY = JobPolicy(max_runner_crashes=7, max_worker_losses=8)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def one_kind() -> InMemoryWorkerDirectory:
    """Return a directory in which a worker has published one kind."""
    directory = InMemoryWorkerDirectory()
    published_at = datetime(2026, 1, 1, tzinfo=UTC)
    kind = Kind(
        kind="checksum-file", parameters={"required": ["path"]}, policy=POLICY, published_at=published_at
    )
    directory.known_kinds[kind.kind] = kind
    return directory


def service(fault: Fault | None = None) -> SubmissionService:
    clock = VirtualClock()
    register = InMemoryRegister(fault)
    submitter = Submitter(register, JobWriter(InMemoryJournal(fault), InMemoryNotifier(), clock))
    return SubmissionService(submitter, KnownKinds(one_kind(), clock))


def checksum(**more: object) -> Submission:
    document = {"kind": "checksum-file", "lock": "ledger", "parameters": {"path": "a"}, **more}
    return read_submission(json.dumps(document).encode())


async def test_an_accepted_job_waits_in_its_lines_of_the_journal() -> None:
    job = (await service().accept(checksum(), " ada ", TRACEPARENT)).job

    assert (job.kind, job.lock_name, job.status, job.actor) == ("checksum-file", "ledger", "Queued", "ada")
    assert job.traceparent == TRACEPARENT
    # For as long as the job lives, whatever the kind says later.
    assert job.policy == POLICY


@pytest.mark.parametrize(
    ("asked", "actor", "problem"),
    [
        (checksum(), "", "actor: must be 1 to 100 printable characters"),
        (checksum(), "a\u202eb", "actor: must be 1 to 100 printable characters"),
        (checksum(parameters={}), "ada", "parameters.path: is required"),
        (checksum(kind="x"), "ada", "kind: no worker knows the kind 'x'; known kinds: checksum-file"),
    ],
)
async def test_what_can_never_be_accepted_names_the_field_and_uses_no_id(
    asked: Submission, actor: str, problem: str
) -> None:
    submissions = service()
    with pytest.raises(InvalidSubmissionError) as refused:
        await submissions.accept(asked.model_copy(update={"job_id": JOB_ID}), actor, TRACEPARENT)

    assert str(refused.value) == problem
    assert (await submissions.accept(checksum(job_id=JOB_ID), "ada", TRACEPARENT)).job.job_id == JOB_ID


async def test_without_an_answer_the_error_names_the_id_to_repeat_it_with() -> None:
    is_away = True

    async def away(moment: str, name: str) -> None:
        if is_away:
            raise UnknownOutcomeError

    submissions = service(away)
    with pytest.raises(SubmissionUnknownError) as unknown:
        await submissions.accept(checksum(), "ada", TRACEPARENT)

    assert str(unknown.value) == "the storage does not answer"
    is_away = False
    accepted = await submissions.accept(checksum(job_id=unknown.value.job_id), "ada", TRACEPARENT)
    assert accepted.job.job_id == unknown.value.job_id


async def test_a_repeated_submission_is_recognised_in_any_spelling() -> None:
    submissions = service()
    await submissions.accept(checksum(job_id=JOB_ID, properties={"a": "1", "b": "2"}), "ada", TRACEPARENT)
    with pytest.raises(JobExistsError) as exists:
        await submissions.accept(checksum(job_id=JOB_ID, properties={"b": "2", "a": "1"}), "ada", TRACEPARENT)

    assert exists.value.same_request


def test_what_is_no_submission_is_refused_with_the_reason() -> None:
    with pytest.raises(StrictJsonError, match="not JSON"):
        read_submission(b"{")
    with pytest.raises(InvalidSubmissionError, match="kind: is required; wish: is not a known field; known"):
        read_submission(b'{"wish": 1}')
