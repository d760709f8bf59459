"""What a kind says about its jobs, for as long as they live."""

from dataclasses import dataclass


@dataclass(frozen=True)
class JobPolicy:
    """How often the runs of a job may be interrupted. A job keeps the policy its kind had at submission."""

    #: The job fails when its runner process has died this many times.
    max_runner_crashes: int = 3
    #: The job fails when its worker was lost this many times in a row without a recorded step in between: it
    #: may have taken the host down.
    max_worker_losses: int = 10
