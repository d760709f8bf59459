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

#: Most attempts of a job, and the longest delay before one of them, in seconds: a week.
MOST_ATTEMPTS, LONGEST_DELAY = 1000, 7 * 86_400

Backoff = Literal["fixed", "exponential"]


@dataclass(frozen=True)
class RetryPolicy:
    """Whether, and when, a job is tried again after an attempt that failed. A job keeps its policy."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(json_schema_serialization_defaults_required=True)

    attempts: Annotated[
        int,
        Field(description="The job fails when this many attempts have failed; interruptions do not count."),
    ]
    delay: Annotated[
        float, Field(description="Seconds from the end of the first failed attempt to the next one.")
    ] = 10.0
    backoff: Annotated[
        Backoff,
        Field(
            description="`fixed`: each delay is as long. `exponential`: each is twice as long as the last."
        ),
    ] = "exponential"
    longest_delay: Annotated[float, Field(description="Seconds beyond which a delay does not grow.")] = 3600.0
    jitter: Annotated[
        float,
        Field(
            description="A delay is longer by a part of itself that differs from job to job: at most this, "
            "from 0 to 1."
        ),
    ] = 0.1
    except_for: Annotated[
        tuple[str, ...],
        Field(description="Full names of exceptions after which the job fails at once, and of their bases."),
    ] = ()
    hold_place: Annotated[
        bool,
        Field(
            description="Whether the jobs behind it in line wait until the job was tried again; in a lock "
            "with several slots, it takes one slot from them. Otherwise they pass it in the meantime."
        ),
    ] = False


#: Longest time for which a job is kept after its end, in seconds: a hundred years.
LONGEST_KEEP = 36_525 * 86_400


@dataclass(frozen=True)
class JobPolicy:
    """How often runs of a job may be interrupted, how long it may wait, and how long it is kept.

    A job keeps the policy that its kind had at its submission.
    """

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
    retry: Annotated[
        RetryPolicy | None,
        Field(description="When a job is tried again after a failed attempt; null for never."),
    ] = None
    keep: Annotated[
        float | None,
        Field(
            description="Seconds after its end for which a job is kept in journal and lists; null for as "
            "long as the installation keeps jobs."
        ),
    ] = None
