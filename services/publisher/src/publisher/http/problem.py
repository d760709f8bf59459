"""The body of every error (RFC 9457)."""

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from contracts import fields
from contracts.jobs import JobError
from contracts.statuses import JobState, JobStatus
from submission import FieldProblem

#: Its media type.
MEDIA_TYPE = "application/problem+json"

#: The value of a field that is left out; it is never sent.
_Absent = SkipJsonSchema[None]


class Problem(BaseModel):
    """Why a request was not carried out, and what to do about it.

    Fields without a value are left out. Later releases may add fields.
    """

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Type of the problem; stable, for programs.")
    title: str = Field(description="Type of the problem in words.")
    status: int = Field(description="The HTTP status code.")
    detail: str = Field(description="What happened, and what to do.")
    instance: str = Field(description="Path of the request.")
    trace_id: fields.TraceHex | _Absent = Field(
        None, description="Trace of this request. Quote it when you ask for help."
    )
    errors: list[FieldProblem] = Field(default_factory=list, description="The invalid fields.")
    job_id: fields.JobUuid | _Absent = Field(
        None,
        description="The job that has the id already, to which that cannot be done, that keeps the lock "
        "busy, that retries this one, or that may be submitted again.",
    )
    location: str | _Absent = Field(
        None,
        description="Path of the job that has the id already, keeps the lock busy, or retries this one.",
    )
    same_request: bool | _Absent = Field(
        None, description="Whether the job that has the id already has the same content."
    )
    job_status: JobStatus | _Absent = Field(
        None,
        description="What the job does, or how it ended, that has no result, or was to be cancelled, "
        "retried, finalized or pinned.",
    )
    state: JobState | _Absent = Field(None, description="How much is left of a job that has gone.")
    error: JobError | _Absent = Field(None, description="Why the job failed or timed out.")
    known_kinds: list[str] | _Absent = Field(None, description="The kinds that workers know.")
