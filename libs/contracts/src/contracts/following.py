"""What the API sends to those who follow a job, or wait for its end."""

from datetime import datetime

from pydantic import Field, JsonValue

from contracts import fields
from contracts.fields import Answer
from contracts.jobs import Progress, WaitingFor

#: Most seconds that a request waits for a result: common proxies cut a silent one off after 60.
MOST_WAIT_SECONDS = 50


class ProgressReport(Answer):
    """How far a job is, as its stream reports it."""

    job_id: fields.JobId
    status: fields.Status
    attempt: fields.Attempt
    worker: fields.LatestWorker
    step: str | None = Field(description="The current step; null between steps and while the job waits.")
    progress: Progress | None = Field(description="How far the handler is; null until it has reported it.")
    position: int | None = Field(None, description="Position in line, from 1; null unless it is queued.")
    waiting_for: WaitingFor | None = Field(
        None, description="Why the job does not run yet; null unless it is queued."
    )


class JobResult(Answer):
    """What the handler of a completed job returned."""

    job_id: fields.JobId
    status: fields.Status
    result: JsonValue = Field(
        description="What the handler returned, at most 256 KiB of JSON; null when it returned nothing."
    )
    finished_at: datetime = Field(description="When the job ended, in UTC.")
