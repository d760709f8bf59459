"""The HTTP API: every handler translates and delegates."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from contracts import lock_names
from contracts.jobs import Accepted, Event, Job, Kind, Lock, Page, Worker
from contracts.statuses import JobStatus
from publisher import links, locks
from publisher.documentation import (
    CURSOR,
    EVENTS_CURSOR,
    LOCK_NAME,
    LOCKS_CURSOR,
    NUMBER_CURSOR,
    STREAM,
    SUBMIT_JOB,
    answers,
)
from publisher.documents import job_document
from publisher.job_events import MOST_EVENTS, job_events
from publisher.job_state import find_job, job_state, read_job
from publisher.problems import ProblemError, invalid_fields
from publisher.request_body import read_body
from publisher.tracing import traceresponse
from publisher.use_cases import Actor, Uses
from submission import FieldProblem, read_submission


async def _name_the_trace(response: Response) -> None:
    response.headers.update(traceresponse())


router = APIRouter(prefix="/api", responses=answers(422, 500, 503), dependencies=[Depends(_name_the_trace)])

JobId = Annotated[str, Path(description="The job's id.", json_schema_extra={"format": "uuid"})]
EventsCursor = Annotated[Annotated[str, EVENTS_CURSOR] | None, Query(description=CURSOR)]
LocksCursor = Annotated[Annotated[str, LOCKS_CURSOR] | None, Query(description=CURSOR)]
NumberCursor = Annotated[Annotated[str, NUMBER_CURSOR] | None, Query(description=CURSOR)]
LockName = Annotated[str, Path(description=LOCK_NAME, json_schema_extra={"format": lock_names.FORMAT})]
Limit = Annotated[int, Query(ge=1, le=200, description="Maximum number of items in the answer.")]


@router.post(
    "/jobs",
    status_code=HTTPStatus.ACCEPTED,
    tags=["jobs"],
    summary="Submit a job",
    response_description="The job is in the journal and will end exactly once.",
    responses=answers(400, 409, 413, 415) | links.SUBMITTED,
    openapi_extra=SUBMIT_JOB,
)
async def submit_job(request: Request, response: Response, uses: Uses, actor: Actor) -> Accepted:
    """Add a job to its lock's line.

    An accepted job is stored, even when RabbitMQ is not available, and can be read at once. Send your own
    `job_id` to be able to repeat a submission whose answer was lost: the job cannot run twice.
    """
    with uses.telemetry.submission(request.headers) as submitting:
        asked = read_submission(await read_body(request))
        submitting.asks(asked)
        job = await uses.submissions.accept(asked, actor, submitting.traceparent)
        submitting.is_of(job.job_id)
    response.headers["Location"] = f"/api/jobs/{job.job_id}"
    return Accepted(job_id=job.job_id, lock=job.lock_name, status=JobStatus(job.status))


@router.get("/jobs", tags=["jobs"], summary="List recent events", responses=links.RECENT_EVENTS)
async def recent_events(uses: Uses, limit: Limit = 200, cursor: EventsCursor = None) -> Page[Event]:
    """Return the latest events of all jobs, newest first. An event appears here shortly after it happened."""
    try:
        return await uses.read_models.recent_events(limit, cursor)
    except ValueError:
        raise _wrong_cursor() from None


@router.get(
    "/jobs/{job_id}",
    tags=["jobs"],
    summary="List the events of a job",
    responses=answers(404) | links.EVENTS,
)
async def events_of_job(
    job_id: JobId,
    uses: Uses,
    limit: Annotated[
        int, Query(ge=1, le=MOST_EVENTS, description="Maximum number of items in the answer.")
    ] = MOST_EVENTS,
    cursor: NumberCursor = None,
) -> Page[Event]:
    """Return the events of one job in order, from the first."""
    after = _number(cursor)
    return await job_events(uses.journal, await find_job(uses.register, job_id), limit, after)


@router.get(
    "/jobs/{job_id}/state",
    tags=["jobs"],
    summary="Get a job",
    responses=answers(404) | links.STATE,
)
async def state_of_job(job_id: JobId, uses: Uses) -> Job:
    """Return status, progress, position in line and the jobs ahead; at the end, the result or error."""
    return await job_state(uses.journal, await find_job(uses.register, job_id))


@router.get(
    "/jobs/{job_id}/stream",
    tags=["jobs"],
    summary="Follow a job",
    response_class=StreamingResponse,
    responses=answers(404) | STREAM,
)
async def stream_of_job(
    job_id: JobId,
    uses: Uses,
    last_event_id: Annotated[
        int,
        Header(ge=0, le=10**9, description="Number of the last event that the client has; browsers send it."),
    ] = 0,
) -> Response:
    """Send every event from the first as `job_event`, and `progress` when it changes, until the job ends.

    Resume a broken stream with `Last-Event-ID`. Lines that begin with a colon only show that the connection
    is alive.
    """
    registration = await find_job(uses.register, job_id)
    job = await read_job(uses.journal, registration)
    if job.is_terminal and last_event_id >= job.seq:
        # Tells a browser not to come back.
        return Response(status_code=HTTPStatus.NO_CONTENT)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    events = uses.stream.follow(registration, last_event_id)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


@router.post(
    "/jobs/{job_id}/cancel",
    status_code=HTTPStatus.ACCEPTED,
    tags=["jobs"],
    summary="Cancel a job",
    responses=answers(404, 409) | links.CANCELLED,
)
async def cancel_job(request: Request, job_id: JobId, uses: Uses, actor: Actor) -> Job:
    """Cancel a waiting job at once; ask a running job to stop, which its handler does at its next check.

    If the job has already ended, the answer is `cancel_too_late`.
    """
    with uses.telemetry.cancellation(request.headers) as tell:
        job = await uses.cancelling.cancel(job_id, actor)
        tell(job)
    return job_document(job)


@router.get("/locks", tags=["locks"], summary="List locks", responses=links.LOCKS)
async def all_locks(uses: Uses, limit: Limit = 100, cursor: LocksCursor = None) -> Page[Lock]:
    """Return the current state of every lock that was ever used."""
    try:
        return await locks.all_locks(uses.journal, uses.read_models, limit, cursor)
    except ValueError:
        raise _wrong_cursor() from None


@router.get("/locks/{name:path}", tags=["locks"], summary="Get a lock", responses=answers(404))
async def one_lock(name: LockName, uses: Uses) -> Lock:
    """Return the holder of the lock, since when it holds it, its fence, and the waiting jobs."""
    return await locks.one_lock(uses.journal, name)


@router.get("/kinds", tags=["workers"], summary="List job kinds")
async def kinds(uses: Uses) -> Page[Kind]:
    """Return the kinds that workers know, with the JSON schemas of their parameters."""
    return Page[Kind](items=await uses.kinds.all())


@router.get("/workers", tags=["workers"], summary="List workers")
async def workers(uses: Uses) -> Page[Worker]:
    """Return the latest heartbeat of every worker."""
    return Page[Worker](items=list(await uses.read_models.workers()))


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 9):
        raise _wrong_cursor()
    return int(cursor)


def _wrong_cursor() -> ProblemError:
    message = "is not a cursor of this API; use the `next` value of the previous page"
    return invalid_fields([FieldProblem(field="cursor", message=message)])
