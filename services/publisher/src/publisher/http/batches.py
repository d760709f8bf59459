"""Submitting many jobs in one request: each is accepted or refused for itself."""

import asyncio
import json
from collections import Counter
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request

from contracts.identifiers import new_id
from contracts.jobs import MAX_BATCH_BYTES, MAX_BODY_BYTES, BatchAnswer, BatchItem
from publisher.http.documentation import SUBMIT_BATCH, answers
from publisher.http.parameters import FIRST, Actor, Uses
from publisher.http.problems import ProblemError, problem_document
from publisher.http.request_body import read_body
from publisher.use_cases import UseCases
from publisher.use_cases.documents import accepted
from submission import read_batch, submission_of

router = APIRouter(prefix="/api/v1", responses=answers(422, 500, 503), dependencies=FIRST)


@router.post(
    "/jobs:batch",
    tags=["jobs"],
    summary="Submit many jobs",
    response_description="An answer for each job; look at the status of each.",
    responses=answers(400, 413, 415),
    openapi_extra=SUBMIT_BATCH,
)
async def submit_jobs(request: Request, uses: Uses, actor: Actor) -> BatchAnswer:
    """Add up to 1,000 jobs to their locks' lines.

    The answer is 200 when the batch could be read. It names for each job, in the order of the request, what
    `POST /api/v1/jobs` would have answered. One job that is refused does not hinder the others. The body has
    at most 8 MiB, and each job at most 256 KiB. Give each job an `idempotency_key` or a `job_id`: then the
    same batch may be sent again when its answer was lost, or when the storage did not answer for some jobs,
    and no job runs twice.
    """
    documents = read_batch(await read_body(request, MAX_BATCH_BYTES))
    # Places in line in the order of the request, whichever job is written first.
    orders = sorted(new_id() for _ in documents)
    items = await asyncio.gather(
        *(
            _submit(request, uses, actor, document, order)
            for document, order in zip(documents, orders, strict=True)
        )
    )
    count = Counter(item.status for item in items)
    return BatchAnswer(accepted=count[HTTPStatus.ACCEPTED], items=items)


async def _submit(
    request: Request, uses: UseCases, actor: str, document: dict[str, Any], order: str
) -> BatchItem:
    try:
        with uses.telemetry.submission(request.headers, is_one_of_many=True) as submitting:
            _check_size(document)
            asked = submission_of(document)
            submitting.asks(asked)
            found = await uses.submissions.accept(asked, actor, submitting.traceparent, order)
            submitting.ends(found)
    except Exception as error:  # noqa: BLE001
        problem = problem_document(request, error)
        return BatchItem(status=problem["status"], problem=problem)
    return BatchItem(
        status=HTTPStatus.ACCEPTED if found.is_new else HTTPStatus.OK,
        job=accepted(found.job, is_new=found.is_new),
    )


def _check_size(document: dict[str, Any]) -> None:
    if len(json.dumps(document, ensure_ascii=False).encode()) > MAX_BODY_BYTES:
        raise ProblemError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body_too_large",
            f"The job is larger than {MAX_BODY_BYTES // 1024} KiB; put large input into a blob and name it.",
        )
