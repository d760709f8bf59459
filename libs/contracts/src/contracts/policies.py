"""What a kind says about its jobs."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field

#: What becomes of a submission whose lock has a job already: it waits behind it, it is refused, it adds
#: nothing, it takes the place of the jobs that wait, or of those and the one that runs.
OnConflict = Literal["queue", "reject", "skip", "replace-waiting", "cancel-running"]
ON_CONFLICT: tuple[OnConflict, ...] = get_args(OnConflict)

#: Most slots of a lock: its limit is set in one transaction, which has 100 rows at most.
MOST_SLOTS = 64

#: Longest time in line, in seconds: a year.
LONGEST_WAIT = 366 * 86_400


@dataclass(frozen=True)
class JobPolicy:
    """How often runs of a job may be interrupted, and how long it may wait. A job keeps its policy."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(json_schema_serialization_defaults_required=True)

    max_runner_crashes: Annotated[
        int, Field(description="The job fails when its runner process has died this many times; at least 1.")
    ] = 3
    # Such a job may have taken the host down.
    max_worker_losses: Annotated[
        int,
        Field(
            description="The job fails when its worker was lost this many times in a row without a recorded "
            "step in between; at least 1."
        ),
    ] = 10
    expires_in: Annotated[
        float | None,
        Field(
            description="Seconds after which a job that has not started ends as `Expired`, unless its "
            "submission says another time; null for never."
        ),
    ] = None
    on_conflict: Annotated[
        OnConflict,
        Field(
            description="What becomes of a submission whose lock has a job already, unless it says so itself."
        ),
    ] = "queue"
