"""Who may write what for a run, by the protocol: each function returns what is wrong, or an empty text."""

from contracts.statuses import EventStatus
from coordination.journal.rows import EventRow
from verification.scratch_database import Run

#: How an interruption may end the job in the same transaction.
_ENDS_OF_INTERRUPTED = {EventStatus.CANCELLED, EventStatus.FAILED}


def foreign_write(event: EventRow, status: EventStatus, run: Run | None) -> str:
    """Judge a step, a saved state or an end: it is the run's in progress, and of its own worker.

    Another worker may only find a run cut off.
    """
    if run is None:
        return f"{event.worker} wrote {status} for a run that was over"
    if event.fence != run.fence:
        return f"{status} has the fence {event.fence}, the run has {run.fence}"
    if event.worker == run.worker or (status is EventStatus.INTERRUPTED and event.worker is not None):
        return ""
    return f"{event.worker or event.actor} wrote {status} for a run of {run.worker}"


def end_without_run(event: EventRow, status: EventStatus, ended_in: str) -> str:
    """Judge an end while the job does not run; `ended_in` is the transaction that ended the last run, if any.

    A job may be cancelled or expire while it waits, by a writer that is not a worker.
    """
    if status in {EventStatus.CANCELLED, EventStatus.EXPIRED} and event.worker is None:
        return ""
    if status in _ENDS_OF_INTERRUPTED and ended_in and event.op_id == ended_in:
        return ""
    return f"{event.worker or event.actor} wrote {status}, although no run of the job was open"


def out_of_time(event: EventRow, status: EventStatus, expires_at: str, attempts: int) -> str:
    """Judge a start, or the end of a job that expired, by the time until which it may wait."""
    if status is EventStatus.STARTED:
        is_late = bool(expires_at) and not attempts and event.timestamp >= expires_at
        return f"it was started at {event.timestamp}, and had expired at {expires_at}" if is_late else ""
    if attempts:
        return "it expired, although a run of it had started"
    if not expires_at or event.timestamp < expires_at:
        return f"it expired at {event.timestamp}, and could wait until {expires_at or 'any time'}"
    return ""


def apart_from_start(event: EventRow, status: EventStatus, acquired: EventRow | None) -> str:
    """Judge what follows the event that a job got the lock: its run starts in the same transaction."""
    if acquired is None:
        return ""
    if status is not EventStatus.STARTED or event.op_id != acquired.op_id:
        return (
            f"{status} follows, but a run should have begun in the transaction in which the job got the lock"
        )
    got, began = ((each.fence, each.attempt, each.worker) for each in (acquired, event))
    return (
        ""
        if got == began
        else f"it got the lock with fence, attempt and worker {got}, and began with {began}"
    )
