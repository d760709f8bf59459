"""The HTTP API: every handler translates and delegates."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from contracts.following import JobResult
from contracts.jobs import Accepted, Event, Instance, Job, JobPage, Kind, Lock, Page, Worker
from contracts.quarantine import QuarantinePage
from coordination.journal.rows import JobRow
from publisher.http import links
from publisher.http.documentation import (
    CANCEL_JOB,
    FINALIZE_JOB,
    FINALIZED,
    PIN_JOB,
    RESULT,
    RETRIED,
    RETRY_JOB,
    SET_LIMIT,
    STREAM,
    SUBMIT_JOB,
    SUBMITTED,
    TELL_WORKER,
    answers,
)
from publisher.http.idempotency import IdempotencyKey, with_key
from publisher.http.job_filters import JobQuestion
from publisher.http.parameters import (
    FIRST,
    Actor,
    After,
    EventsCursor,
    EventsLimit,
    JobId,
    LastEventId,
    Limit,
    LockName,
    LocksCursor,
    Uses,
    WaitSeconds,
    WorkerName,
)
from publisher.http.problems import RESULT_RETRY_AFTER, invalid_fields, job_path
from publisher.http.request_body import read_body, read_optional_body
from publisher.use_cases.documents import accepted, job_document
from publisher.use_cases.events import MOST_EVENTS
from submission import (
    FieldProblem,
    read_cancellation,
    read_finalization,
    read_limit,
    read_pinning,
    read_retry,
    read_submission,
    read_worker_order,
)

router = APIRouter(prefix="/api/v1", responses=answers(422, 500, 503), dependencies=FIRST)


@router.post(
    "/jobs",
    status_code=HTTPStatus.ACCEPTED,
    tags=["jobs"],
    summary="Submit a job",
    response_description="The job is in the journal and will end exactly once.",
    responses=SUBMITTED,
    openapi_extra=SUBMIT_JOB,
)
async def submit_job(
    request: Request, response: Response, uses: Uses, actor: Actor, key: IdempotencyKey = None
) -> Accepted:
    """Add a job to its lock's line.

    An accepted job is stored, even when RabbitMQ is not available, and can be read at once. Send an
    `Idempotency-Key`, or your own `job_id`, to be able to repeat a submission whose answer was lost: the job
    cannot run twice.
    """
    with uses.telemetry.submission(request.headers) as submitting:
        asked = with_key(read_submission(await read_body(request)), key)
        submitting.asks(asked)
        found = await uses.submissions.accept(asked, actor, submitting.traceparent)
        submitting.ends(found)
    return _accepted(response, found.job, is_new=found.is_new)


@router.get(
    "/jobs", tags=["jobs"], summary="List jobs", response_description="A page of jobs.", responses=links.JOBS
)
async def list_jobs(request: Request, uses: Uses, asked: Annotated[JobQuestion, Query()]) -> JobPage:
    """Return the jobs that meet all filters, newest first. Of several statuses or kinds, a job must have one.

    A job and its changes appear here shortly after they happened; `GET /api/v1/jobs/{job_id}` knows them at
    once. Send the same filters with a cursor; with others it is refused, but for the times of submission. A
    page may have fewer items than `limit`, or none, although `next` is not null: then the next page continues
    the search, and `looked_back_to` says how far this one went.
    """
    repeated = asked.repeated(name for name, _ in request.query_params.multi_items())
    if repeated:
        message = "is given several times, and has one value"
        raise invalid_fields([FieldProblem(field=name, message=message) for name in repeated])
    wanted = asked.filter()
    if wanted is None:
        return JobPage(items=[])
    return await uses.jobs.find(wanted, asked.limit, asked.cursor)


@router.get(
    "/jobs/{job_id}",
    tags=["jobs"],
    summary="Get a job",
    response_description="The job.",
    responses=answers(404, 410) | links.JOB,
)
async def get_job(job_id: JobId, uses: Uses) -> Job:
    """Return status, progress, position in line and the jobs ahead; at the end, the result or error."""
    return await uses.jobs.get(job_id)


@router.get(
    "/jobs/{job_id}/result",
    tags=["jobs"],
    summary="Get the result of a job",
    # Two statuses have bodies of their own; `responses` describes both.
    response_model=None,
    responses=answers(404, 409, 410) | RESULT,
)
async def get_result(
    request: Request, response: Response, job_id: JobId, uses: Uses, wait: WaitSeconds = 0
) -> JobResult | Accepted:
    """Return what the handler returned, and wait up to `wait` seconds for the end of the job.

    While the job has not ended, the answer is 202: ask again after the seconds in `Retry-After`. A job that
    failed, was cancelled, took too long or expired has no result: the answer is 409, and the problem says
    why. Send the request again whenever its answer is lost.
    """
    found = await uses.results.get(job_id, wait, request.is_disconnected)
    if isinstance(found, Accepted):
        response.status_code = HTTPStatus.ACCEPTED
        response.headers["Retry-After"] = str(RESULT_RETRY_AFTER)
    return found


@router.get(
    "/jobs/{job_id}/events",
    tags=["jobs"],
    summary="List the events of a job",
    response_description="A page of events.",
    responses=answers(404, 410) | links.EVENTS,
)
async def list_job_events(
    job_id: JobId, uses: Uses, after: After, limit: EventsLimit = MOST_EVENTS
) -> Page[Event]:
    """Return the events of one job in order, from the first."""
    return await uses.events.of_job(job_id, limit, after)


@router.get(
    "/jobs/{job_id}/stream",
    tags=["jobs"],
    summary="Follow a job",
    response_class=StreamingResponse,
    responses=answers(404, 410) | STREAM,
)
async def follow_job(job_id: JobId, uses: Uses, last_event_id: LastEventId = 0) -> Response:
    """Send every event from the first as `job_event`, and `progress` when it changes, until the job ends.

    Resume a broken stream with `Last-Event-ID`. Lines that begin with a colon only show that the connection
    is alive.
    """
    events = await uses.stream.open(job_id, last_event_id)
    if events is None:
        # A browser does not connect again after this status.
        return Response(status_code=HTTPStatus.NO_CONTENT)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


@router.post(
    "/jobs/{job_id}/cancel",
    status_code=HTTPStatus.ACCEPTED,
    tags=["jobs"],
    summary="Cancel a job",
    response_description="The job as it is now.",
    responses=answers(400, 404, 409, 410, 413, 415) | links.CANCELLED,
    openapi_extra=CANCEL_JOB,
)
async def cancel_job(request: Request, job_id: JobId, uses: Uses, actor: Actor) -> Job:
    """Cancel a waiting job at once; ask a running job to stop, which its handler does at its next check.

    If the job has already ended, the answer is `cancel_too_late`. The body is optional; its reason is kept in
    the audit trail. Of several requests to cancel a running job, the first counts.
    """
    asked = read_cancellation(await read_optional_body(request))
    with uses.telemetry.cancellation(request.headers) as record:
        job = await uses.cancelling.cancel(job_id, actor, asked.reason)
        record(job)
    return job_document(job)


@router.post(
    "/jobs/{job_id}/retry",
    status_code=HTTPStatus.ACCEPTED,
    tags=["jobs"],
    summary="Retry a job",
    response_description="The new job is in the journal and will end exactly once.",
    responses=RETRIED,
    openapi_extra=RETRY_JOB,
)
async def retry_job(
    request: Request, response: Response, job_id: JobId, uses: Uses, actor: Actor
) -> Accepted:
    """Submit a job again that failed, was cancelled, timed out or expired, as a new job of its lock and kind.

    The new job continues with the recorded steps and the saved state of the old one, unless `fresh` is true.
    It waits behind the other jobs of the lock for as long as that takes, and has the old one's time limits. A
    job is retried once: the same request again returns the same new job with 200, and another one is refused
    with `already_retried`; retry the new job if that fails, too. The body is optional.
    """
    with uses.telemetry.submission(request.headers) as submitting:
        asked = read_retry(await read_optional_body(request))
        retried = await uses.retrying.retry(job_id, asked, actor, submitting.traceparent, submitting.asks)
        submitting.is_of(retried.job.job_id)
    return _accepted(response, retried.job, is_new=retried.is_new)


@router.post(
    "/jobs/{job_id}/finalize",
    status_code=HTTPStatus.ACCEPTED,
    tags=["jobs"],
    summary="Finalize a job",
    response_description="The job as it is now.",
    responses=FINALIZED,
    openapi_extra=FINALIZE_JOB,
)
async def finalize_job(request: Request, response: Response, job_id: JobId, uses: Uses, actor: Actor) -> Job:
    """Record that a job that failed, was cancelled, timed out or expired needs no attention any more.

    Lists leave it out then, unless they are asked for `finalized` jobs, too. Its status stays. The body is
    optional; its reason is kept in the audit trail. To repeat the request is harmless: the first counts, and
    the answer is 200.
    """
    asked = read_finalization(await read_optional_body(request))
    finalized = await uses.finalizing.finalize(job_id, actor, asked.reason)
    if not finalized.is_new:
        response.status_code = HTTPStatus.OK
    return job_document(finalized.job)


@router.post(
    "/jobs/{job_id}/pin",
    status_code=HTTPStatus.ACCEPTED,
    tags=["jobs"],
    summary="Pin a job",
    response_description="The job as it is now.",
    responses=answers(400, 404, 409, 410, 413, 415) | links.PINNED,
    openapi_extra=PIN_JOB,
)
async def pin_job(request: Request, job_id: JobId, uses: Uses, actor: Actor) -> Job:
    """Record that a job that has ended stays until it is unpinned, whatever time is set for it.

    The body is optional; its reason is kept in the audit trail. To repeat the request is harmless: the first
    counts.
    """
    asked = read_pinning(await read_optional_body(request))
    return job_document(await uses.pinning.pin(job_id, actor, asked.reason))


@router.post(
    "/jobs/{job_id}/unpin",
    status_code=HTTPStatus.ACCEPTED,
    tags=["jobs"],
    summary="Unpin a job",
    response_description="The job as it is now.",
    responses=answers(400, 404, 409, 410, 413, 415) | links.PINNED,
    openapi_extra=PIN_JOB,
)
async def unpin_job(request: Request, job_id: JobId, uses: Uses, actor: Actor) -> Job:
    """Record that a job may go when its time is over; one whose time is over already goes soon.

    The body is optional; its reason is kept in the audit trail. Harmless when the job is not pinned.
    """
    asked = read_pinning(await read_optional_body(request))
    return job_document(await uses.pinning.unpin(job_id, actor, asked.reason))


@router.get(
    "/events",
    tags=["jobs"],
    summary="List recent events",
    response_description="A page of events.",
    responses=links.RECENT_EVENTS,
)
async def list_events(uses: Uses, limit: Limit = 200, cursor: EventsCursor = None) -> Page[Event]:
    """Return the latest events of all jobs, newest first. An event appears here shortly after it happened."""
    return await uses.events.recent(limit, cursor)


@router.get(
    "/locks",
    tags=["locks"],
    summary="List locks",
    response_description="A page of locks.",
    responses=links.LOCKS,
)
async def list_locks(uses: Uses, limit: Limit = 100, cursor: LocksCursor = None) -> Page[Lock]:
    """Return the current state of every lock that was ever used."""
    return await uses.locks.all(limit, cursor)


@router.get(
    "/locks/{name:path}",
    tags=["locks"],
    summary="Get a lock",
    response_description="The lock.",
    responses=answers(404),
)
async def get_lock(name: LockName, uses: Uses) -> Lock:
    """Return the holder of the lock, since when it holds it, its fence, its slots, and the waiting jobs."""
    return await uses.locks.one(name)


@router.put(
    "/locks/{name:path}",
    tags=["locks"],
    summary="Set the limit of a lock",
    response_description="The lock as it is now.",
    responses=answers(400, 404, 413, 415),
    openapi_extra=SET_LIMIT,
)
async def set_limit(request: Request, name: LockName, uses: Uses, actor: Actor) -> Lock:
    """Set how many jobs of the lock may run at the same time: 1 unless it was set, and 64 at most.

    A lower limit ends nothing: jobs that run go on to their ends, and no more are started above it. Who set
    which limit when, and why, is kept and shown with the lock. To repeat the request is harmless.
    """
    asked = read_limit(await read_body(request))
    return await uses.locks.set_limit(name, asked.limit, actor, asked.reason)


@router.get("/kinds", tags=["workers"], summary="List job kinds", response_description="All kinds.")
async def list_kinds(uses: Uses) -> Page[Kind]:
    """Return the kinds that workers know, with the JSON schemas of their parameters."""
    return Page[Kind](items=await uses.kinds.all())


@router.get("/workers", tags=["workers"], summary="List workers", response_description="All workers.")
async def list_workers(uses: Uses) -> Page[Worker]:
    """Return the latest heartbeat of every worker."""
    return Page[Worker](items=await uses.workers.all())


@router.get(
    "/workers/{name:path}",
    tags=["workers"],
    summary="Get a worker",
    response_description="The worker.",
    responses=answers(404) | links.WORKER,
)
async def get_worker(name: WorkerName, uses: Uses) -> Worker:
    """Return the latest heartbeat of a worker."""
    return await uses.workers.one(name)


@router.put(
    "/workers/{name:path}",
    status_code=HTTPStatus.ACCEPTED,
    tags=["workers"],
    summary="Drain or resume a worker",
    response_description="The worker as of its latest heartbeat, with the order.",
    responses=answers(400, 404, 413, 415) | links.WORKER_TOLD,
    openapi_extra=TELL_WORKER,
)
async def tell_worker(request: Request, name: WorkerName, uses: Uses, actor: Actor) -> Worker:
    """Have a worker take no new jobs, for example before it is stopped, or take them again.

    It obeys with its next heartbeat, within 20 s. Jobs that it runs continue, and it leaves the others to
    other workers. It is drained when `takes_jobs` is false and `running` and `leases` are empty. An order
    stands until the next one, also for a process that begins later under the same name. To repeat the
    request is harmless: of several orders to drain, the first counts.
    """
    asked = read_worker_order(await read_body(request))
    tell = uses.workers.resume if asked.takes_jobs else uses.workers.drain
    return await tell(name, actor, asked.reason)


@router.get(
    "/instances",
    tags=["workers"],
    summary="List instances of other services",
    response_description="All schedulers and audit-projectors.",
)
async def list_instances(uses: Uses) -> Page[Instance]:
    """Return the latest heartbeat of every scheduler and audit-projector.

    The one scheduler whose details say `leads` is on duty. An audit-projector's `behind_seconds` says how
    late the read models are.
    """
    return Page[Instance](items=list(await uses.directory.instances()))


@router.get(
    "/quarantine",
    tags=["messages"],
    summary="Look into quarantine",
    response_description="The oldest messages.",
)
async def list_quarantined_messages(uses: Uses, limit: Limit = 50) -> QuarantinePage:
    """Return the oldest messages that no service could use, with the reason, and leave them there.

    Every look reads the messages from RabbitMQ and counts as a delivery of each; do not poll.
    """
    return await uses.quarantine.oldest(limit)


def _accepted(response: Response, job: JobRow, *, is_new: bool) -> Accepted:
    """Answer a request that may be repeated: with 200 where an earlier one added the job."""
    if not is_new:
        response.status_code = HTTPStatus.OK
    response.headers["Location"] = job_path(job.job_id)
    return accepted(job, is_new=is_new)
