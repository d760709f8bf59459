"""What can be done to many jobs at once, and in which words."""

from collections.abc import Callable
from dataclasses import dataclass

from contracts.statuses import JobStatus
from coordination.clients.retrying import RETRYABLE
from dashboard.bulk import Chosen, Done
from dashboard.publisher_api import PublisherApi, RefusedError
from dashboard.reading.earlier import EarlierJob

#: Reads what a job was submitted with. Raises NotFoundError or PublisherAwayError.
ReadEarlier = Callable[[Chosen], EarlierJob]


@dataclass(frozen=True)
class Request:
    """A bulk action as a viewer asks for it."""

    publisher: PublisherApi
    actor: str
    reason: str
    earlier: ReadEarlier
    #: Returns the id of the new job that a job leads to, the same one each time.
    new_id: Callable[[str], str]


@dataclass(frozen=True)
class BulkAct:
    """Something that is done to each of many jobs."""

    name: str
    verb: str
    icon: str
    #: Jobs with one of these statuses fit.
    statuses: frozenset[str]
    #: Does it to one job. Raises RefusedError, NotFoundError or PublisherAwayError.
    act: Callable[[Request, Chosen], Done]
    #: What happens, what is true of the jobs that do not fit, and what has been done to those that do.
    happens: str
    others: str
    done: str
    #: What is true of jobs that need nothing, as it was done before.
    was_done: str
    none_fits: str
    keep: str
    #: A reason, for example; empty when none is kept.
    example: str


def _cancel(request: Request, job: Chosen) -> Done:
    try:
        found = request.publisher.cancel(job.job_id, request.actor, request.reason)
    except RefusedError as refused:
        if refused.job_status == JobStatus.CANCELLED:
            return Done(was_done=True)
        raise
    by, why = found.cancel_requested_by, found.cancel_reason or ""
    return _by_whom(request, by, why)


def _retry(request: Request, job: Chosen) -> Done:
    try:
        accepted = request.publisher.retry(job.job_id, request.actor, request.reason)
    except RefusedError as refused:
        if refused.name == "already_retried":
            return Done(was_done=True, job_id=refused.job_id)
        raise
    return Done(was_done=accepted.existing, job_id=accepted.job_id)


def _finalize(request: Request, job: Chosen) -> Done:
    found = request.publisher.finalize(job.job_id, request.actor, request.reason)
    return _by_whom(request, found.finalized_by, found.finalize_reason or "")


def _submit_again(request: Request, job: Chosen) -> Done:
    body = request.earlier(job).submission(request.new_id(job.job_id))
    accepted = request.publisher.submit(body, request.actor)
    return Done(was_done=accepted.job_id != body["job_id"], job_id=accepted.job_id)


def _by_whom(request: Request, actor: str | None, reason: str) -> Done:
    """Return whether a request was the first of its sort: of a later one, the publisher keeps nothing."""
    if (actor, reason) == (request.actor, request.reason):
        return Done()
    return Done(was_done=True, said=f"by {actor}{f': {reason}' if reason else ''}")


_DID_NOT_COMPLETE = frozenset(status.value for status in RETRYABLE)
_NONE_FAILED = "None of the chosen jobs failed, timed out, expired or was cancelled."

CANCEL = BulkAct(
    name="cancel",
    verb="Cancel",
    icon=":material/block:",
    statuses=frozenset({JobStatus.QUEUED.value, JobStatus.RUNNING.value}),
    act=_cancel,
    happens="A waiting job leaves its line at once; a running one stops at its next check.",
    others="ended already",
    done="cancelled or asked to stop",
    was_done="cancelled or asked to stop before",
    none_fits="None of the chosen jobs runs or waits.",
    keep="Keep them",
    example="wrong month",
)

RETRY = BulkAct(
    name="retry",
    verb="Retry",
    icon=":material/restart_alt:",
    statuses=_DID_NOT_COMPLETE,
    act=_retry,
    happens="For each, a new job waits at the end of its line, and continues with recorded steps and state.",
    others="did not fail",
    done="retried",
    was_done="retried before",
    none_fits=_NONE_FAILED,
    keep="Leave them",
    example="the ledger is open again",
)

FINALIZE = BulkAct(
    name="finalize",
    verb="Finalize",
    icon=":material/inventory_2:",
    statuses=_DID_NOT_COMPLETE,
    act=_finalize,
    happens="They need no attention any more: lists leave them out, unless finalized jobs are asked for.",
    others="did not fail",
    done="finalized",
    was_done="finalized before",
    none_fits=_NONE_FAILED,
    keep="Leave them",
    example="corrected by hand",
)

AGAIN = BulkAct(
    name="again",
    verb="Submit again",
    icon=":material/replay:",
    statuses=frozenset(status.value for status in JobStatus),
    act=_submit_again,
    happens="For each, a new job with the same lock and parameters waits at the end of its line, and begins "
    "from the beginning.",
    others="cannot be submitted again",
    done="submitted again",
    was_done="not added, as their locks have a job already",
    none_fits="None of the chosen jobs can be submitted again.",
    keep="Leave them",
    example="",
)

BULK_ACTS = (CANCEL, RETRY, FINALIZE, AGAIN)
