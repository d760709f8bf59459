"""Submitting many jobs in parts that the publisher takes, and again those of which the outcome is unknown."""

import time
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus

from contracts.jobs import MAX_BATCH_BYTES, MOST_JOBS_OF_A_BATCH, BatchItem
from turnstile.client.arguments import encoded
from turnstile.client.bodies import Body
from turnstile.client.calls import Limits, Pause, Request, Steps, ask, pauses
from turnstile.client.errors import ClientError, UnexpectedAnswerError
from turnstile.client.reading import items_of

#: Bytes of a batch around its jobs.
_FRAME = len('{"jobs":[]}')


def parts(jobs: Iterable[Body]) -> Iterator[list[Body]]:
    """Yield the jobs in parts of at most 1,000 jobs and 8 MiB. A larger job is a part of its own."""
    part: list[Body] = []
    size = _FRAME
    for number, job in enumerate(jobs):
        needed = len(encoded(job, f"jobs[{number}]")) + 1
        if part and (len(part) == MOST_JOBS_OF_A_BATCH or size + needed > MAX_BATCH_BYTES):
            yield part
            part, size = [], _FRAME
        part.append(job)
        size += needed
    if part:
        yield part


def submit_many(jobs: Sequence[Body], limits: Limits) -> Steps[list[BatchItem]]:
    """Submit jobs that have ids or idempotency keys, and return the answer to each, in their order.

    Jobs of which the outcome is unknown are sent again, until the time is over. Raises nothing but
    InvalidArgumentError, before anything is sent: what went wrong with a job is in its answer.
    """
    until = time.monotonic() + limits.timeout
    answers: list[BatchItem] = []
    # A job that cannot be sent must not be found after others were.
    for part in list(parts(jobs)):
        answers += yield from _submit_part(part, limits, until)
    return answers


def _submit_part(part: Sequence[Body], limits: Limits, until: float) -> Steps[list[BatchItem]]:
    answers = yield from _send(part, limits, until)
    for pause in pauses():
        unknown = [
            at for at, answer in enumerate(answers) if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        ]
        if not unknown or not limits.repeats or time.monotonic() + pause >= until:
            return answers
        yield Pause(pause)
        again = yield from _send([part[at] for at in unknown], limits, until)
        for at, answer in zip(unknown, again, strict=True):
            answers[at] = answer
    raise AssertionError


def _send(part: Sequence[Body], limits: Limits, until: float) -> Steps[list[BatchItem]]:
    request = Request("POST", "/api/v1/jobs:batch", body={"jobs": part}, seconds=limits.request_timeout)
    try:
        answers = items_of(BatchItem, (yield from ask(request, limits, until)))
        if len(answers) != len(part):
            raise UnexpectedAnswerError(f"Jobs that were sent: {len(part)}; answered: {len(answers)}.")
    except ClientError as error:
        return [_without_answer(job, error) for job in part]
    return answers


def _without_answer(job: Body, error: ClientError) -> BatchItem:
    """Return what stands for the answer to a job of a batch that got none."""
    status = error.status or HTTPStatus.SERVICE_UNAVAILABLE
    problem = error.problem or {
        "type": "urn:turnstile:problem:no_answer",
        "title": "No answer",
        "status": int(status),
        "detail": str(error),
    }
    named = {"job_id": job["job_id"]} if "job_id" in job else {}
    return BatchItem(status=status, problem={**problem, **named})
