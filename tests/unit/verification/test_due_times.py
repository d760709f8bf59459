"""I3: a job that a schedule submitted has the id of its due time, so that no due time has two jobs."""

import json
from typing import Any

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author
from tests.unit.verification.breaking import forge
from tests.unit.verification.records import Records

from contracts.identifiers import id_of_due_time
from coordination.journal.rows import EventRow
from verification.due_times import wrong_due_time

DUE = "2026-01-01T01:00:00.000000Z"


def submission(actor: str, job_id: str, data: Any) -> EventRow:
    return EventRow(
        job_id=job_id,
        lock_name="ledger",
        seq=1,
        status="Submitted",
        message="",
        timestamp=DUE,
        attempt=0,
        op_id="op",
        hash="",
        actor=actor,
        data=data if isinstance(data, str) else json.dumps(data),
    )


def of(schedule: str, due_at: object = DUE) -> dict[str, Any]:
    return {"properties": {"schedule": schedule, "due_at": due_at}}


@pytest.mark.parametrize(
    ("actor", "job_id", "data"),
    [
        ("schedule:nightly", id_of_due_time("nightly", DUE), of("nightly")),
        # By hand, also for a job that names a schedule.
        ("bob", "any", of("nightly")),
        ("bob", "any", {}),
    ],
)
def test_jobs_of_schedules_and_of_people_may_be_as_they_are(actor: str, job_id: str, data: Any) -> None:
    assert wrong_due_time(submission(actor, job_id, data)) == ""


@pytest.mark.parametrize(
    ("job_id", "data"),
    [
        ("another", of("nightly")),
        (id_of_due_time("nightly", DUE), of("other")),
        (id_of_due_time("nightly", DUE), of("nightly", "2026-01-01T02:00:00.000000Z")),
        (id_of_due_time("nightly", DUE), of("nightly", 5)),
        (id_of_due_time("nightly", DUE), {}),
        (id_of_due_time("nightly", DUE), "[" * 100_000),
        (id_of_due_time("nightly", DUE), "no JSON"),
    ],
)
def test_a_second_job_of_a_due_time_is_found(job_id: str, data: Any) -> None:
    assert wrong_due_time(submission("schedule:nightly", job_id, data)).startswith(
        "it was submitted by schedule:n"
    )


async def test_the_checker_names_such_a_job() -> None:
    author = Author()
    job = author.submit()
    forge(author, job, 1, actor="schedule:nightly", data=json.dumps(of("nightly")))
    assert (
        f"it was submitted by schedule:nightly for '{DUE}', whose job has another id"
        in ((await broken(Records(author)))["I3"][0])
    )
