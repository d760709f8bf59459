"""What a kind says about its jobs, for as long as they live."""

from dataclasses import dataclass


@dataclass(frozen=True)
class JobPolicy:
    """How often the runs of a job may be cut off. A job keeps the policy that its kind had at submission.

    Args:
        max_runner_crashes: Times that the runner process may die under the job; with the last the job fails.
        max_worker_losses: Times in a row, without a recorded step in between, that the worker may be lost;
            with the last the job fails, because it may have taken the host down.
    """

    max_runner_crashes: int = 3
    max_worker_losses: int = 10
