"""Which ending a job gets after a run: decided from its row alone, so that every worker decides alike."""

from coordination.journal.retries import TryAgain, next_attempt
from coordination.journal.rows import JobRow
from coordination.outcomes import Cancelled, Ending, Failed, Interrupted, RunOutcome, TimedOut

#: Error types of jobs that fail without their handler having raised.
RUNNER_CRASH_LIMIT = "RunnerCrashLimit"
WORKER_LOSS_LIMIT = "WorkerLossLimit"


def ending_after(job: JobRow, outcome: RunOutcome) -> Ending | TryAgain | None:
    """Return how the job ends after a run with this outcome, or when it is tried again.

    None says that it goes back into its line as it was.

    `job` counts the interruption already. The limits are those of its policy, which are in its row.
    """
    if isinstance(outcome, Failed | TimedOut):
        return next_attempt(job, outcome) or outcome
    if not isinstance(outcome, Interrupted):
        return outcome
    if job.cancel_requested:
        return Cancelled()
    if job.deaths >= job.policy.max_runner_crashes:
        message = f"its runner process died {job.deaths} times, last: {outcome.reason}"
        return Failed(RUNNER_CRASH_LIMIT, message)
    if job.losses >= job.policy.max_worker_losses:
        message = f"its worker was lost {job.losses} times, last: {outcome.reason}"
        return Failed(WORKER_LOSS_LIMIT, message)
    return None
