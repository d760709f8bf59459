"""The links of OpenAPI from each answer to the requests that may follow it."""

from http import HTTPStatus
from typing import Any

_Responses = dict[int | str, dict[str, Any]]

#: Places in an answer's body.
_JOB, _LOCK, _NEXT = "$response.body#/job_id", "$response.body#/lock", "$response.body#/next"


def _link(operation: str, description: str, **parameters: str) -> dict[str, Any]:
    return {"operationId": operation, "parameters": parameters, "description": description}


def _after(status: HTTPStatus, **links: dict[str, Any]) -> _Responses:
    return {int(status): {"links": links}}


_OF_JOB = {
    "job": _link("get_job", "Read the job as it is now.", job_id=_JOB),
    "events": _link("list_job_events", "Read the events of the job.", job_id=_JOB),
    "stream": _link("follow_job", "Follow the job as a stream of its events.", job_id=_JOB),
    "result": _link("get_result", "Read the result of the job, or wait for it.", job_id=_JOB),
    "cancel": _link("cancel_job", "Cancel the job.", job_id=_JOB),
    "retry": _link("retry_job", "Retry the job once it has ended without completing.", job_id=_JOB),
    "finalize": _link(
        "finalize_job", "Say that a job that did not complete needs no attention.", job_id=_JOB
    ),
    "pin": _link("pin_job", "Keep the job, whatever time is set for it.", job_id=_JOB),
    "unpin": _link("unpin_job", "Let the job go when its time is over.", job_id=_JOB),
    "lock": _link("get_lock", "Read the lock that the job needs.", name=_LOCK),
}

SUBMITTED = CANCELLED = FINALIZED = PINNED = _after(HTTPStatus.ACCEPTED, **_OF_JOB)
SUBMITTED_EARLIER = JOB = _after(HTTPStatus.OK, **_OF_JOB)
JOBS = _after(HTTPStatus.OK, next=_link("list_jobs", "Read the next page.", cursor=_NEXT))
RECENT_EVENTS = _after(HTTPStatus.OK, next=_link("list_events", "Read the next page.", cursor=_NEXT))
EVENTS = _after(
    HTTPStatus.OK,
    next=_link("list_job_events", "Read the next page.", job_id="$request.path.job_id", cursor=_NEXT),
)
_WORKER = {
    "worker": _link("get_worker", "Read the worker as it is now.", name="$response.body#/worker"),
    "tell": _link("tell_worker", "Drain or resume the worker.", name="$response.body#/worker"),
}
WORKER = _after(HTTPStatus.OK, **_WORKER)
WORKER_TOLD = _after(HTTPStatus.ACCEPTED, **_WORKER)
SCHEDULES = _after(HTTPStatus.OK, next=_link("list_schedules", "Read the next page.", cursor=_NEXT))
SCHEDULE_EVENTS = _after(
    HTTPStatus.OK,
    next=_link("list_schedule_events", "Read the next page.", name="$request.path.name", cursor=_NEXT),
)
LOCKS = _after(HTTPStatus.OK, next=_link("list_locks", "Read the next page.", cursor=_NEXT))
