"""The job and event documents of the HTTP API, and the submission both HTTP and RabbitMQ accept."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, field_validator

from contracts import identifiers, lock_names
from contracts.policies import JobPolicy
from contracts.statuses import EventStatus, JobStatus

#: Most urgent and least urgent priority; jobs of a lock run by priority, then first come, first served.
FIRST_PRIORITY, DEFAULT_PRIORITY, LAST_PRIORITY = 0, 5, 9

#: Characters of the reason of a cancellation.
LONGEST_REASON = 500

STOPPED_AT = "When it was stopped in order; null while it runs, and for one that ended without a word."

#: Largest request body, in bytes.
MAX_BODY_BYTES = 256 * 1024


def _without_colon(name: str) -> str:
    if ":" in name:
        raise ValueError("must not contain a colon: filters are written name:value")
    return name


PropertyName = Annotated[
    str,
    Field(min_length=1, max_length=64, json_schema_extra={"pattern": "^[^:]*$"}),
    AfterValidator(_without_colon),
]
PropertyValue = Annotated[str, Field(max_length=256)]

ItemT = TypeVar("ItemT")


def _whole(value: object) -> object:
    """Return 5 for 5.0: JSON has one sort of number, and some writers cannot help the fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Submission(BaseModel):
    """A job that a caller asks for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$", examples=["ten-steps"])]
    lock: Annotated[
        str,
        Field(
            description="Jobs with the same lock run one at a time.",
            examples=["ledger-2026"],
            json_schema_extra={"format": lock_names.FORMAT},
        ),
    ] = lock_names.DEFAULT_LOCK
    parameters: dict[str, JsonValue] = Field(
        default_factory=dict, description="Parameters of the job; the schema depends on its kind."
    )
    name: Annotated[str, Field(max_length=200, description="Title of the job, for people.")] = ""
    description: Annotated[str, Field(max_length=4000)] = ""
    priority: Annotated[
        int,
        Field(
            ge=FIRST_PRIORITY,
            le=LAST_PRIORITY,
            description="0 runs first, 9 last. Jobs of the same priority run in order of submission.",
        ),
        BeforeValidator(_whole),
    ] = DEFAULT_PRIORITY
    job_id: Annotated[
        Annotated[str, Field(json_schema_extra={"format": "uuid"})] | None,
        Field(description="Your own UUID. Repeating a submission with it cannot run the job twice."),
    ] = None
    properties: dict[PropertyName, PropertyValue] = Field(
        default_factory=dict, max_length=32, description="Your own labels to find the job by."
    )

    @field_validator("lock")
    @classmethod
    def _lock_is_usable(cls, value: str) -> str:
        return lock_names.normalise(value)

    @field_validator("job_id")
    @classmethod
    def _job_id_is_a_uuid(cls, value: str | None) -> str | None:
        return None if value is None else identifiers.normalise_job_id(value)


class Cancellation(BaseModel):
    """The optional body of a request to cancel a job."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[
        str,
        Field(
            max_length=LONGEST_REASON,
            description="Why, for the audit trail. Plain text; leading and trailing spaces are removed.",
            examples=["wrong month"],
        ),
        AfterValidator(str.strip),
    ] = ""


class Accepted(BaseModel):
    """The answer to an accepted submission."""

    job_id: str
    lock: str
    status: JobStatus


class Progress(BaseModel):
    """How far a job is: `value` of `limit`, in the handler's own unit."""

    value: float
    limit: float | None = None


class WaitingFor(BaseModel):
    """Why a queued job does not run yet."""

    lock: str
    holder: str | None = Field(None, description="Worker that currently runs a job of this lock.")
    running: str | None = Field(None, description="Id of the running job.")
    ahead: list[str] = Field(
        default_factory=list, description="Ids of the first jobs ahead of this one in line."
    )


class JobError(BaseModel):
    """Why a job did not complete."""

    type: str
    message: str


class DetailedJobError(JobError):
    """Why a job did not complete, and where its handler raised."""

    traceback: str | None = Field(
        None, description="Traceback of the handler's error, at most its last 16,384 characters."
    )


class Job(BaseModel):
    """A job as the API returns it."""

    job_id: str
    kind: str
    name: str
    description: str
    lock: str
    priority: int
    properties: dict[str, str]
    status: JobStatus
    attempt: int
    interruptions: int
    fence: int | None
    worker: str | None
    step: str | None = Field(description="The current step.")
    progress: Progress | None
    cancel_requested: bool
    cancel_requested_by: str | None = Field(description="Who requested the cancellation first.")
    cancel_reason: str | None = Field(description="The reason given then.")
    position: int | None = Field(description="Position in line, from 1, while the job is queued.")
    waiting_for: WaitingFor | None
    result: JsonValue
    error: DetailedJobError | None
    trace_id: str | None
    submitted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobSummary(BaseModel):
    """A job in a list. Its step and progress are in the job itself."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    kind: str
    name: str
    lock: str
    status: JobStatus
    priority: int
    properties: dict[str, str]
    attempt: int
    interruptions: int
    fence: int | None = Field(description="Fence of the latest run.")
    worker: str | None = Field(description="Worker of the latest run.")
    actor: str = Field(description="Who submitted the job.")
    cancel_requested: bool = Field(False, description="Whether a cancellation of the job was requested.")
    error: JobError | None
    trace_id: str | None
    submitted_at: datetime
    queued_at: datetime | None = Field(
        None, description="When it last began to wait: at its submission, or its latest interruption."
    )
    started_at: datetime | None
    finished_at: datetime | None


class Event(BaseModel):
    """One immutable fact about a job, numbered from 1 without gaps."""

    job_id: str
    seq: int
    event_id: str
    status: EventStatus
    message: str
    timestamp_utc: datetime
    attempt: int
    fence: int | None
    worker: str | None
    lock: str
    actor: str
    trace_id: str | None
    data: dict[str, Any]


class Lock(BaseModel):
    """Who holds a lock and who waits for it."""

    lock: str
    holder: str | None
    job_id: str | None
    fence: int
    since: datetime | None
    line: list[str] = Field(description="Ids of the waiting jobs, next first.")
    waiting: int = Field(description="Number of waiting jobs; `line` lists at most the first 200.")


class Kind(BaseModel):
    """A kind of jobs that workers know."""

    kind: str
    description: str = Field("", description="Description from its handler.")
    parameters: dict[str, Any] = Field(description="JSON schema (draft 2020-12) of its parameters.")
    policy: JobPolicy = Field(
        JobPolicy(), description="How often runs of its jobs may be interrupted before the jobs fail."
    )
    published_at: datetime = Field(description="Last time a worker published this kind.")


class HeldLease(BaseModel):
    """A lease that a worker holds. It lasts at least until `renewed_at` plus `seconds`."""

    lock: str
    fence: int = Field(description="Fence of the latest run.")
    renewed_at: datetime = Field(
        description="When the lease was last renewed, counted from before the request."
    )
    seconds: float = Field(description="How long the lease lasts if it is not renewed again.")


class Worker(BaseModel):
    """A worker as of its latest heartbeat."""

    worker: str
    seen_at: datetime = Field(description="Time of the latest heartbeat.")
    started_at: datetime | None = None
    stopped_at: datetime | None = Field(None, description=STOPPED_AT)
    kinds: list[str] = Field(default_factory=list, description="The kinds that the worker knows.")
    running: list[str] = Field(default_factory=list, description="Ids of the jobs that the worker runs.")
    properties: dict[str, Any] = Field(default_factory=dict, description="Other properties of the worker.")
    leases: list[HeldLease] = Field(
        default_factory=list, description="The leases that the worker holds, by lock."
    )


class Instance(BaseModel):
    """A scheduler or audit-projector, as of its latest heartbeat."""

    service: str
    instance: str = Field(description="Name of the instance, unique within its service.")
    seen_at: datetime = Field(description="Time of the latest heartbeat.")
    started_at: datetime
    stopped_at: datetime | None = Field(None, description=STOPPED_AT)
    version: str
    details: dict[str, JsonValue] = Field(
        default_factory=dict, description="What the service says of itself; the names depend on the service."
    )


class Page(BaseModel, Generic[ItemT]):
    """A page of items and, if there are more, the cursor of the next page."""

    items: list[ItemT]
    next: str | None = None


class JobPage(Page[JobSummary]):
    """A page of jobs, and how far the search for them went."""

    looked_through: int = Field(
        0,
        description="Number of jobs that were read for this page. Others that do not fit may be skipped.",
    )
    looked_back_to: datetime | None = Field(
        None, description="Time of submission of the last job that was read; null when none was."
    )
