"""What can be done to many jobs at once, and in which words."""

from collections.abc import Callable
from dataclasses import dataclass

from contracts.statuses import JobStatus
from coordination.clients.retrying import RETRYABLE
from dashboard.publisher_api import PublisherApi


@dataclass(frozen=True)
class BulkAct:
    """Something that is done to each of many jobs."""

    name: str
    verb: str
    icon: str
    #: Jobs with one of these statuses fit.
    statuses: frozenset[str]
    #: Does it to one job: the publisher, the job's id, the viewer's name, the reason.
    act: Callable[[PublisherApi, str, str, str], object]
    #: What happens, what is true of the jobs that do not fit, and what has been done to those that do.
    happens: str
    others: str
    done: str
    none_fits: str
    keep: str
    example: str


CANCEL = BulkAct(
    name="cancel",
    verb="Cancel",
    icon=":material/block:",
    statuses=frozenset({JobStatus.QUEUED.value, JobStatus.RUNNING.value}),
    act=lambda publisher, job_id, actor, reason: publisher.cancel(job_id, actor, reason),
    happens="A waiting job leaves its line at once; a running one stops at its next check.",
    others="ended already",
    done="cancelled or asked to stop",
    none_fits="None of the chosen jobs runs or waits.",
    keep="Keep them",
    example="wrong month",
)

RETRY = BulkAct(
    name="retry",
    verb="Retry",
    icon=":material/restart_alt:",
    statuses=frozenset(status.value for status in RETRYABLE),
    act=lambda publisher, job_id, actor, reason: publisher.retry(job_id, actor, reason),
    happens="For each, a new job waits at the end of its line, and continues with recorded steps and state.",
    others="did not fail",
    done="retried",
    none_fits="None of the chosen jobs failed, timed out, expired or was cancelled.",
    keep="Leave them",
    example="the ledger is open again",
)

FINALIZE = BulkAct(
    name="finalize",
    verb="Finalize",
    icon=":material/inventory_2:",
    statuses=RETRY.statuses,
    act=lambda publisher, job_id, actor, reason: publisher.finalize(job_id, actor, reason),
    happens="They need no attention any more: lists leave them out, unless finalized jobs are asked for.",
    others="did not fail",
    done="finalized",
    none_fits=RETRY.none_fits,
    keep="Leave them",
    example="corrected by hand",
)

BULK_ACTS = (CANCEL, RETRY, FINALIZE)
