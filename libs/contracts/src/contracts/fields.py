"""Fields that several documents of the HTTP API have, with their descriptions."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from contracts import lock_names
from contracts.statuses import JobStatus


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: Takes 5.0 for 5: JSON has one sort of number, and some writers cannot help the fraction.
WHOLE = BeforeValidator(_whole)


class Answer(BaseModel):
    """A document that the API returns. All its fields are always there, also those that have a default."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


# One format for each sort of id, wherever it stands. Schemas name them; answers are not checked by them.
JobUuid = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
LockText = Annotated[str, Field(json_schema_extra={"format": lock_names.FORMAT})]
TraceHex = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9a-f]{32}$"})]
#: A fence may be larger than 32 bits: an epoch leads it.
FenceNumber = Annotated[int, Field(json_schema_extra={"format": "int64"})]

JobId = Annotated[JobUuid, Field(description="Id of the job, a UUID.")]
KindName = Annotated[str, Field(description="Kind of the job: which handler runs it.")]
JobName = Annotated[str, Field(description="Title of the job, for people; empty when it has none.")]
LockName = Annotated[LockText, Field(description="Name of the lock.")]
JobLock = Annotated[
    LockText, Field(description="Lock of the job: jobs with the same lock run one at a time.")
]
Status = Annotated[JobStatus, Field(description="What the job does now, or how it ended.")]
Priority = Annotated[int, Field(description="0 to 9; 0 runs first.")]
Properties = Annotated[dict[str, str], Field(description="The submitter's own labels, by name; at most 32.")]
Attempt = Annotated[int, Field(description="Number of the latest run, from 1; 0 before the first run.")]
Interruptions = Annotated[
    int, Field(description="How often a run of the job was interrupted, so that another had to take over.")
]
Fence = Annotated[
    FenceNumber | None,
    Field(
        description="Fence of the latest run: a number of the lock that rises with each run. "
        "Null before the first run."
    ),
]
LatestWorker = Annotated[
    str | None, Field(description="Worker of the latest run; null before the first run.")
]
TraceId = Annotated[
    TraceHex | None, Field(description="Trace of the job, 32 hexadecimal digits; null when it has none.")
]
SubmittedAt = Annotated[datetime, Field(description="When the job was accepted, in UTC.")]
StartedAt = Annotated[
    datetime | None, Field(description="When its first run began, in UTC; null before that.")
]
FinishedAt = Annotated[
    datetime | None, Field(description="When the job ended, in UTC; null until it has ended.")
]
