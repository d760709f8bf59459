"""Uses the client of openapi-python-client: `watch.py ADDRESS LOCK JOB_ID` prints what it saw, as JSON."""

import json
import sys
import time
import uuid
from typing import TypeVar

from turnstile_client import Client
from turnstile_client.api.jobs import (
    cancel_job,
    get_job,
    list_job_events,
    list_jobs,
    submit_job,
    submit_jobs,
)
from turnstile_client.api.locks import get_lock
from turnstile_client.models import (
    Accepted,
    Batch,
    BatchAnswer,
    EventPage,
    Job,
    JobPage,
    JobStatus,
    Lock,
    Problem,
    Submission,
    SubmissionParameters,
    SubmissionProperties,
)
from turnstile_client.types import Unset

AnswerT = TypeVar("AnswerT")

ENDED = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.TIMEDOUT, JobStatus.EXPIRED}


def of(kind: type[AnswerT], answer: object) -> AnswerT:
    """Return an answer of this type; fail with any other."""
    if not isinstance(answer, kind):
        message = f"got {answer} instead of {kind}"
        raise TypeError(message)
    return answer


def watch(client: Client, job_id: uuid.UUID) -> Job:
    """Ask for the job until it has ended."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = of(Job, get_job.sync(job_id, client=client))
        if job.status in ENDED:
            return job
        time.sleep(0.1)
    message = f"the job has not ended: {job}"
    raise TimeoutError(message)


def listed(client: Client, lock: str) -> list[uuid.UUID]:
    """Ask for the jobs of the lock that have ended, until there are some: lists come a little later."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ended = [JobStatus.COMPLETED, JobStatus.FAILED]
        page = of(
            JobPage, list_jobs.sync(client=client, status=ended, lock=lock, property_=["team:accounts"])
        )
        if page.items:
            return [job.job_id for job in page.items]
        time.sleep(0.1)
    message = "the job is not in the list"
    raise TimeoutError(message)


def main() -> None:
    """Submit a job, watch it, and try what can go wrong."""
    address, lock, job_id = sys.argv[1], sys.argv[2], uuid.UUID(sys.argv[3])
    with Client(address) as client:
        asked = Submission(
            kind="ten-steps",
            lock=lock,
            parameters=SubmissionParameters.from_dict({"steps": 2, "seconds": 0}),
            job_id=job_id,
            properties=SubmissionProperties.from_dict({"team": "accounts"}),
        )
        accepted = of(Accepted, submit_job.sync(client=client, body=asked, x_actor="python"))
        again = of(Problem, submit_job.sync(client=client, body=asked, x_actor="python"))
        job = watch(client, accepted.job_id)
        events = of(EventPage, list_job_events.sync(accepted.job_id, client=client)).items
        late = of(Problem, cancel_job.sync(accepted.job_id, client=client))
        held = of(Lock, get_lock.sync(lock, client=client))
        missing = of(Problem, get_job.sync(uuid.uuid4(), client=client))
        wrong = Submission(kind="nothing", lock=lock, priority=10)
        batch = Batch(jobs=[Submission(kind="nothing", lock=lock), wrong])
        batched = of(BatchAnswer, submit_jobs.sync(client=client, body=batch))
        errors = batched.items[1].problem.errors if isinstance(batched.items[1].problem, Problem) else []
        seen = {
            "accepted": accepted.job_id == job_id,
            "again": again.same_request is True and again.job_id == job_id,
            "status": job.status,
            "result": job.result,
            "ran_under_a_fence": job.fence is not None and job.fence == held.fence,
            "events": [event.status for event in events],
            "events_are_of_the_job": all(event.job_id == job_id for event in events),
            "actor": events[0].actor,
            "late": None if isinstance(late.job_status, Unset) else late.job_status,
            "missing": missing.type_,
            "listed": listed(client, lock) == [job_id],
            "batch": [item.status for item in batched.items],
            "wrong_fields": [] if isinstance(errors, Unset) else [error.field for error in errors],
        }
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
