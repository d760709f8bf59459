"""How a run ended, in telemetry's words."""

from dataclasses import dataclass
from typing import assert_never

from contracts.statuses import JobStatus
from contracts.telemetry import spans
from contracts.telemetry.names import SpanName
from coordination.journal.rows import JobRow
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, Outcome, TimedOut


@dataclass(frozen=True)
class Ending:
    """How a run ended."""

    span: SpanName
    #: One of `job.outcome`.
    outcome: str
    reason: str = ""
    #: Empty when nothing went wrong.
    error_type: str = ""


def ending_of(outcome: Outcome, job: JobRow) -> Ending:
    """Return the words for an outcome that is in the journal, of a job as it is afterwards.

    Raises ValueError for an outcome that never is in the journal.
    """
    is_tried_again = job.status == JobStatus.QUEUED and bool(job.retries)
    match outcome:
        case Failed(error_type, message) if is_tried_again:
            return Ending(spans.FAIL_ATTEMPT, "retried", message, error_type)
        case TimedOut(message) if is_tried_again:
            return Ending(spans.FAIL_ATTEMPT, "retried", message, "TimedOut")
        case Completed():
            return Ending(spans.COMPLETE_JOB, "completed")
        case Failed(error_type, message):
            return Ending(spans.FAIL_JOB, "failed", message, error_type)
        case Cancelled():
            return Ending(spans.CANCEL_JOB, "cancelled")
        case TimedOut(message):
            return Ending(spans.TIME_OUT_JOB, "timed_out", message, "TimedOut")
        case Interrupted(reason):
            return interruption(reason)
        case Lost():
            raise ValueError(f"{outcome!r} is not an end that the journal records")
        case _:
            assert_never(outcome)


def interruption(reason: str) -> Ending:
    """Return the words for a run that was cut off."""
    return Ending(spans.INTERRUPT_JOB, "interrupted", reason, "Interrupted")
