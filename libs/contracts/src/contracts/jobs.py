"""The job and event documents of the HTTP API, and the submission both HTTP and RabbitMQ accept."""

import re
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, field_validator

from contracts import fields, identifiers, lock_names
from contracts.fields import Answer
from contracts.policies import LONGEST_WAIT, JobPolicy, OnConflict
from contracts.statuses import EventStatus, JobState

#: Most urgent and least urgent priority; jobs of a lock run by priority, then first come, first served.
FIRST_PRIORITY, DEFAULT_PRIORITY, LAST_PRIORITY = 0, 5, 9

#: Characters of the reason of an action.
LONGEST_REASON = 500

STOPPED_AT = "When it was stopped in order; null while it runs, and for one that ended without a word."

#: What an idempotency key may be: visible ASCII characters.
IDEMPOTENCY_KEY = r"^[!-~]{1,200}$"

#: What the name of a kind may be.
_KIND = r"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$"

#: The same in words, as the names of schedules are, too.
NAME_IN_WORDS = (
    "1 to 64 lower-case letters, digits, dots, dashes and underscores, with a letter or a digit at both ends"
)

#: Largest request body, in bytes, and largest job of a batch.
MAX_BODY_BYTES = 256 * 1024

#: Most waiting jobs of a lock that are counted for an answer; one more stands for all further ones.
MOST_COUNTED = 1000

#: Most jobs of a batch, and its largest body in bytes.
MOST_JOBS_OF_A_BATCH, MAX_BATCH_BYTES = 1000, 8 * 1024 * 1024


def _without_colon(name: str) -> str:
    if ":" in name:
        raise ValueError("must not contain a colon: filters are written name:value")
    return name


def _usable_key(key: str) -> str:
    if not re.fullmatch(IDEMPOTENCY_KEY, key):
        raise ValueError("must be 1 to 200 visible ASCII characters: letters, digits and signs, no blanks")
    return key


def _usable_kind(name: str) -> str:
    if not re.fullmatch(_KIND, name):
        raise ValueError(f"must be {NAME_IN_WORDS}")
    return name


#: An idempotency key. It is checked in words, as a pattern says little to a caller.
IdempotencyKeyText = Annotated[
    str, AfterValidator(_usable_key), Field(json_schema_extra={"pattern": IDEMPOTENCY_KEY})
]

PropertyName = Annotated[
    str,
    Field(min_length=1, max_length=64, json_schema_extra={"pattern": "^[^:]*$"}),
    AfterValidator(_without_colon),
]
PropertyValue = Annotated[str, Field(max_length=256)]


def _named_values(schema: dict[str, Any]) -> None:
    """Say that all names have the pattern: pydantic allows others, and generators know no patterns."""
    ((pattern, value),) = schema.pop("patternProperties").items()
    schema["propertyNames"]["pattern"] = pattern
    schema["additionalProperties"] = value


ItemT = TypeVar("ItemT")


class JobTemplate(BaseModel):
    """What a job is to be, without the id that makes it one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Annotated[
        str,
        Field(
            description="Kind of the job; `GET /api/v1/kinds` lists all that workers know.",
            examples=["ten-steps"],
            json_schema_extra={"pattern": _KIND},
        ),
        AfterValidator(_usable_kind),
    ]
    lock: Annotated[
        str,
        Field(
            description="Jobs with the same lock run one at a time. "
            "Without it, the one that the kind makes of the parameters (`lock_template` of `GET "
            f"/api/v1/kinds`), else `{lock_names.DEFAULT_LOCK}`.",
            examples=["ledger-2026"],
            json_schema_extra={"format": lock_names.FORMAT},
        ),
    ] = lock_names.DEFAULT_LOCK
    parameters: dict[str, JsonValue] = Field(
        default_factory=dict, description="Parameters of the job; the schema depends on its kind."
    )
    name: Annotated[str, Field(max_length=200, description="Title of the job, for people.")] = ""
    description: Annotated[str, Field(max_length=4000, description="Description, for people.")] = ""
    priority: Annotated[
        int,
        Field(
            ge=FIRST_PRIORITY,
            le=LAST_PRIORITY,
            description="0 runs first, 9 last. Jobs of the same priority run in order of submission. "
            f"Without it, {DEFAULT_PRIORITY}.",
        ),
        fields.WHOLE,
    ] = DEFAULT_PRIORITY
    expires_in: Annotated[
        float | None,
        Field(
            gt=0,
            le=LONGEST_WAIT,
            description="Seconds for which the job may wait: if no run of it has started by then, it ends as "
            "`Expired`. Without it, what its kind says; most kinds let jobs wait for ever.",
            examples=[3600],
        ),
    ] = None
    timeout: Annotated[
        float | None,
        Field(
            gt=0,
            le=LONGEST_WAIT,
            description="Seconds that one attempt may take. It can only shorten the timeout of the kind.",
        ),
    ] = None
    cancel_grace: Annotated[
        float | None,
        Field(
            ge=0,
            le=LONGEST_WAIT,
            description="Seconds for which the handler may tidy up after it was asked to stop. It can only "
            "shorten `TURNSTILE_CANCEL_GRACE_SECONDS` of the worker.",
        ),
    ] = None
    on_conflict: Annotated[
        OnConflict | None,
        Field(
            description="What to do when a job of the lock waits or runs. `queue`: wait behind it, as "
            "without this field unless the kind says otherwise. `reject`: answer 409 `lock_busy`. `skip`: "
            "add nothing and answer 200 with that job. `replace-waiting`: cancel the jobs that wait. "
            "`cancel-running`: do that, and ask for the cancellation of the running one, too."
        ),
    ] = None
    properties: dict[PropertyName, PropertyValue] = Field(
        default_factory=dict,
        max_length=32,
        description="Your own labels to find the job by.",
        json_schema_extra=_named_values,
    )

    @field_validator("lock")
    @classmethod
    def _lock_is_usable(cls, value: str) -> str:
        return lock_names.normalise(value)


class Submission(JobTemplate):
    """A job that a caller asks for."""

    job_id: Annotated[
        fields.JobUuid | None,
        Field(description="Your own UUID. Repeating a submission with it cannot run the job twice."),
    ] = None
    idempotency_key: Annotated[
        IdempotencyKeyText | None,
        Field(
            description="Your own name for this request, instead of a `job_id`: 1 to 200 visible ASCII "
            "characters. Repeating the request with it returns the same job. Each `X-Actor` has its own keys."
        ),
    ] = None

    @field_validator("job_id")
    @classmethod
    def _job_id_is_a_uuid(cls, value: str | None) -> str | None:
        return None if value is None else identifiers.normalise_job_id(value)


class Batch(BaseModel):
    """Jobs that a caller asks for in one request, each for itself."""

    model_config = ConfigDict(extra="forbid", strict=True)

    jobs: list[dict[str, JsonValue]] = Field(
        min_length=1,
        max_length=MOST_JOBS_OF_A_BATCH,
        description="Each is a submission, as `POST /api/v1/jobs` takes it. Jobs with the same lock and "
        "priority run in this order.",
    )


class Accepted(Answer):
    """A job that was accepted, and has not ended."""

    job_id: fields.JobId
    lock: fields.JobLock
    status: fields.Status
    existing: bool = Field(
        False,
        description="Whether the job was there before this request, which added nothing: an earlier request "
        "with the same id, key or retry added it, or `on_conflict` is `skip` and the lock has this job.",
    )


class BatchItem(Answer):
    """The answer to one job of a batch: what it would have been, had the job been submitted alone."""

    status: int = Field(
        description="The HTTP status code: 202 for a job that was accepted; 200 for one that was accepted "
        "earlier with this idempotency key, and 409 with `same_request` true in the problem for one that was "
        "with this `job_id`."
    )
    job: Accepted | None = Field(
        None, description="The job, accepted now or earlier; null when there is a problem."
    )
    problem: dict[str, JsonValue] | None = Field(
        None, description="Why the job was not accepted, as a problem document; null when there is a `job`."
    )


class BatchAnswer(Answer):
    """The answers to the jobs of a batch, in the order of the request."""

    accepted: int = Field(description="Number of jobs that this request added.")
    items: list[BatchItem] = Field(description="One answer for each job.")


class Progress(Answer):
    """How far a job is: `value` of `limit`, in the handler's own unit."""

    value: float = Field(description="What is done, in the handler's own unit.")
    limit: float | None = Field(
        None, description="What there is to do, in the same unit; null when that is not known."
    )


class WaitingFor(Answer):
    """Why a queued job does not run yet."""

    lock: fields.LockText = Field(description="Lock that the job waits for.")
    holder: str | None = Field(
        None, description="Worker that currently runs a job of this lock; null while none does."
    )
    running: fields.JobUuid | None = Field(None, description="Id of the running job; null while none runs.")
    ahead: list[fields.JobUuid] = Field(
        default_factory=list, description="Ids of the first jobs ahead of this one in line."
    )
    expected_start: datetime | None = Field(
        None,
        description="When the job is likely to start. What is left of the running job is estimated by its "
        "progress, once its first attempt runs for 60 s and has done 5 %, else by completed jobs of its kind "
        "under this lock; each job ahead, by those of its kind. At least 3 of a kind must have completed. "
        "Null when a part of this is unknown, when only a free worker is missing, and in the stream.",
    )


class JobError(Answer):
    """Why a job did not complete."""

    type: str = Field(description="Name of the error's type, such as `ValueError` or `TimedOut`.")
    message: str = Field(description="What the error says; empty when it says nothing.")


class DetailedJobError(JobError):
    """Why a job did not complete, and where its handler raised."""

    traceback: str | None = Field(
        None,
        description="Traceback of the handler's error, at most its last 16,384 characters; "
        "null when no handler raised.",
    )


class Job(Answer):
    """A job as the API returns it."""

    job_id: fields.JobId
    kind: fields.KindName
    name: fields.JobName
    description: str = Field(description="Description, for people; empty when it has none.")
    lock: fields.JobLock
    priority: fields.Priority
    properties: fields.Properties
    status: fields.Status
    attempt: fields.Attempt
    interruptions: fields.Interruptions
    fence: fields.Fence
    worker: fields.LatestWorker
    step: str | None = Field(description="The current step; null between steps and while none runs.")
    progress: Progress | None = Field(description="How far the handler is; null until it has reported it.")
    cancel_requested: bool = Field(description="Whether a cancellation was requested.")
    cancel_requested_by: str | None = Field(
        description="Who requested the cancellation first; null when none was requested."
    )
    cancel_reason: str | None = Field(description="The reason given then; null without one.")
    retry_of: fields.JobUuid | None = Field(
        None, description="Id of the job that this one retries; null when it retries none."
    )
    retried_by: fields.JobUuid | None = Field(
        None, description="Id of the job that retries this one; null when none does."
    )
    finalized_by: str | None = Field(
        None, description="Who finalized the job: it needs no attention; null when it was not finalized."
    )
    finalize_reason: str | None = Field(None, description="The reason given then; null without one.")
    retries: int = Field(
        0, description="Number of failed attempts that were followed by another one, or will be."
    )
    next_attempt_at: datetime | None = Field(
        None,
        description="When the next attempt of a queued job is due, in UTC; null when it need not wait for "
        "that.",
    )
    last_failure: JobError | None = Field(
        None, description="What the latest of those attempts raised; null when there was none."
    )
    pinned_by: str | None = Field(
        None,
        description="Who pinned the job: it stays, whatever time is set for it, until it is unpinned; null "
        "when it is not pinned.",
    )
    pin_reason: str | None = Field(None, description="The reason given then; null without one.")
    state: JobState = Field(
        JobState.PRESENT,
        description="`Archived`: the time of the job is over. What it kept is gone, such as its result and "
        "the name of its retry, and this is what its audit trail tells. `Present`: all of it is there.",
    )
    archived_at: datetime | None = Field(
        None, description="When the job was archived, in UTC; null when it was not."
    )
    position: int | None = Field(
        description="Position in line, from 1; null unless it is queued, and while others may pass it. "
        f"{MOST_COUNTED + 1} stands for all positions behind the {MOST_COUNTED}th: no more are counted."
    )
    waiting_for: WaitingFor | None = Field(
        description="Why the job does not run yet; null unless it is queued."
    )
    result: JsonValue = Field(
        description="What the handler returned, at most 256 KiB of JSON; null until the job has completed."
    )
    error: DetailedJobError | None = Field(
        description="Why the job failed or timed out; null when it did not."
    )
    trace_id: fields.TraceId
    submitted_at: fields.SubmittedAt
    expires_at: datetime | None = Field(
        None,
        description="When the job expires unless a run of it has started, in UTC; null when it may wait "
        "for ever.",
    )
    timeout: float | None = Field(
        None, description="Seconds that an attempt may take, by its submission; null where that says nothing."
    )
    cancel_grace: float | None = Field(
        None,
        description="Seconds that its handler may take to stop, by its submission; null where that says "
        "nothing.",
    )
    started_at: fields.StartedAt
    finished_at: fields.FinishedAt


class JobSummary(Answer):
    """A job in a list. Its step and progress are in the job itself."""

    model_config = ConfigDict(frozen=True)

    job_id: fields.JobId
    kind: fields.KindName
    name: fields.JobName
    lock: fields.JobLock
    status: fields.Status
    priority: fields.Priority
    properties: fields.Properties
    attempt: fields.Attempt
    interruptions: fields.Interruptions
    fence: fields.Fence
    worker: fields.LatestWorker
    actor: str = Field(description="Who submitted the job.")
    cancel_requested: bool = Field(False, description="Whether a cancellation of the job was requested.")
    finalized: bool = Field(False, description="Whether the job was finalized: it needs no attention.")
    error: JobError | None = Field(description="Why the job failed or timed out; null when it did not.")
    trace_id: fields.TraceId
    submitted_at: fields.SubmittedAt
    queued_at: datetime | None = Field(
        None,
        description="When it last began to wait for its turn: at its submission, its latest interruption, or "
        "when its next attempt is due; null when that is not known.",
    )
    started_at: fields.StartedAt
    finished_at: fields.FinishedAt
    next_attempt_at: datetime | None = Field(
        None,
        description="When the next attempt of a queued job is due, after one that failed; null for other "
        "jobs.",
    )


class Event(Answer):
    """One immutable fact about a job, numbered from 1 without gaps."""

    job_id: fields.JobId
    seq: int = Field(description="Number of the event within its job, from 1.")
    event_id: str = Field(
        description="Id of the event: the job's id and the number in six digits.",
        json_schema_extra={"pattern": "^[0-9a-f-]{36}-[0-9]{6,}$"},
    )
    status: EventStatus = Field(description="What happened.")
    message: str = Field(description="What happened, for people; the name of a step at `Step`.")
    timestamp_utc: datetime = Field(description="When it happened, in UTC, to the microsecond.")
    attempt: int = Field(description="Number of the run that it belongs to, from 1; 0 before the first run.")
    fence: fields.Fence
    worker: str | None = Field(description="Worker that recorded it; null when a caller caused it.")
    lock: fields.JobLock
    actor: str = Field(description="Who caused it: the caller, or the worker.")
    trace_id: fields.TraceId
    data: dict[str, Any] = Field(description="More about it; the names depend on `status`.")


class LockSlot(Answer):
    """What another slot than slot 0 of a lock with a limit does."""

    number: int = Field(description="Number of the slot, from 1; slot 0 is described by the lock.")
    open: bool = Field(description="Whether jobs may start in it: false above the limit of now.")
    holder: str | None = Field(description="Worker that holds it; null while it is free.")
    job_id: fields.JobUuid | None = Field(description="Id of the job that runs in it; null while it is free.")
    fence: fields.FenceNumber = Field(
        description="Fence of its latest run. Each slot has fences of its own; 0 when none has run."
    )
    since: datetime | None = Field(description="When the current run began, in UTC; null while it is free.")


class LockLimit(Answer):
    """A limit that was set, by whom and why."""

    limit: int = Field(description="How many jobs may run at the same time from then on.")
    previous: int = Field(description="The limit before.")
    actor: str = Field(description="Who set it.")
    reason: str = Field(description="Why; empty if no reason was given.")
    set_at: datetime = Field(description="When it was set, in UTC.")


class Lock(Answer):
    """Who holds a lock and who waits for it."""

    lock: fields.LockName
    holder: str | None = Field(description="Worker that holds the lock; null while it is free.")
    job_id: fields.JobUuid | None = Field(
        description="Id of the job that runs under it; null while it is free."
    )
    fence: fields.FenceNumber = Field(
        description="Fence of its latest run, which rises with each run; 0 when none has run."
    )
    since: datetime | None = Field(description="When the current run began, in UTC; null while it is free.")
    line: list[fields.JobUuid] = Field(
        description="Ids of the waiting jobs, next first; without those that the others may pass until their "
        "next attempts are due."
    )
    waiting: int = Field(
        description="Number of waiting jobs, of which `line` lists at most the first 200. "
        f"{MOST_COUNTED + 1} stands for more than {MOST_COUNTED}: no more are counted."
    )
    limit: int = Field(1, description="How many jobs of the lock may run at the same time.")
    slots: list[LockSlot] = Field(
        default_factory=list,
        description="The slots besides the one that the other fields describe; none without a limit.",
    )
    limits: list[LockLimit] = Field(
        default_factory=list,
        description="The limits that were set, newest first, at most 20; the list of locks leaves them out.",
    )


class Kind(Answer):
    """A kind of jobs that workers know."""

    kind: str = Field(description="Name of the kind.")
    description: str = Field("", description="Description from its handler.")
    parameters: dict[str, Any] = Field(description="JSON schema (draft 2020-12) of its parameters.")
    policy: JobPolicy = Field(
        JobPolicy(), description="How often runs of its jobs may be interrupted before the jobs fail."
    )
    lock_template: str | None = Field(
        None,
        description="Lock of a job whose submission names none, with names of parameters in braces, as in "
        "`tenant:{tenant}`; null for the lock `default`.",
    )
    published_at: datetime = Field(description="Last time a worker published this kind.")


class HeldLease(Answer):
    """A lease that a worker holds. It lasts at least until `renewed_at` plus `seconds`."""

    lock: fields.LockName
    fence: fields.FenceNumber = Field(description="Fence of the latest run.")
    renewed_at: datetime = Field(
        description="When the lease was last renewed, counted from before the request."
    )
    seconds: float = Field(description="Seconds that the lease lasts if it is not renewed again.")


class Drain(Answer):
    """An order to a worker to take no new jobs."""

    since: datetime = Field(description="When it was given, in UTC.")
    actor: str = Field(description="Who gave it.")
    reason: str = Field("", description="Why.")


class Worker(Answer):
    """A worker as of its latest heartbeat."""

    worker: str = Field(description="Name of the worker, unique within the installation.")
    seen_at: datetime = Field(description="Time of the latest heartbeat.")
    started_at: datetime | None = Field(
        None, description="When its process began, in UTC; null when it does not say so."
    )
    stopped_at: datetime | None = Field(None, description=STOPPED_AT)
    kinds: list[str] = Field(default_factory=list, description="The kinds that the worker knows.")
    running: list[fields.JobUuid] = Field(
        default_factory=list, description="Ids of the jobs that the worker runs."
    )
    properties: dict[str, Any] = Field(default_factory=dict, description="Other properties of the worker.")
    leases: list[HeldLease] = Field(
        default_factory=list, description="The leases that the worker holds, by lock."
    )

    takes_jobs: bool = Field(
        True, description="Whether it took new jobs at its latest heartbeat: not while it drains or stops."
    )
    drain: Drain | None = Field(
        None,
        description="The order to take no new jobs; null when it may. It obeys with its next heartbeat, "
        "within 20 s.",
    )

    @property
    def is_drained(self) -> bool:
        """Whether it was told to take no new jobs, obeys, and has ended those that it ran."""
        return self.drain is not None and not self.takes_jobs and not self.is_busy

    @property
    def is_busy(self) -> bool:
        """Whether it had jobs or leases at its latest heartbeat."""
        return bool(self.running or self.leases)


class Instance(Answer):
    """A scheduler or audit-projector, as of its latest heartbeat."""

    service: str = Field(description="`scheduler` or `audit-projector`.")
    instance: str = Field(description="Name of the instance, unique within its service.")
    seen_at: datetime = Field(description="Time of the latest heartbeat.")
    started_at: datetime = Field(description="When its process began, in UTC.")
    stopped_at: datetime | None = Field(None, description=STOPPED_AT)
    version: str = Field(description="Version of its package.")
    details: dict[str, JsonValue] = Field(
        default_factory=dict, description="What the service says of itself; the names depend on the service."
    )

    @property
    def is_busy(self) -> bool:
        """Whether others would miss it at once: never."""
        return False


class Page(Answer, Generic[ItemT]):
    """A page of items and, if there are more, the cursor of the next page."""

    items: list[ItemT] = Field(description="The items of this page.")
    next: str | None = Field(None, description="Cursor of the next page; null on the last page.")


class JobPage(Page[JobSummary]):
    """A page of jobs, and how far the search for them went."""

    looked_through: int = Field(
        0,
        description="Number of jobs that were read for this page. Others that do not fit may be skipped.",
    )
    looked_back_to: datetime | None = Field(
        None, description="Time of submission of the last job that was read; null when none was."
    )
