"""What people ask for jobs and workers that exist: the bodies of the requests."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, field_validator

from contracts import fields, identifiers
from contracts.jobs import LONGEST_REASON
from contracts.policies import MOST_SLOTS

Reason = Annotated[
    str,
    Field(
        max_length=LONGEST_REASON,
        description="Why, for the audit trail. Plain text; leading and trailing spaces are removed.",
        examples=["wrong month"],
    ),
    AfterValidator(str.strip),
]


class Action(BaseModel):
    """What all of them may contain."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Reason = ""


class Cancellation(Action):
    """The optional body of a request to cancel a job."""


class Finalization(Action):
    """The optional body of a request to finalize a job."""


class Pinning(Action):
    """The optional body of a request to pin or to unpin a job."""


class WorkerOrder(Action):
    """The body of a request to have a worker take no new jobs, or take them again."""

    takes_jobs: Annotated[
        bool,
        Field(description="`false`: the worker drains, it takes no new jobs; `true`: it takes them again."),
    ]


class LimitChange(Action):
    """How many jobs of a lock may run at the same time."""

    limit: Annotated[
        int,
        Field(
            ge=1,
            le=MOST_SLOTS,
            description="How many jobs of the lock may run at the same time. A lower limit ends none of "
            "those that run.",
            examples=[3],
        ),
        fields.WHOLE,
    ]


class Retry(Action):
    """The optional body of a request to retry a job."""

    fresh: Annotated[
        bool,
        Field(
            description="Whether the new job begins from the beginning. Without it, it continues with "
            "the recorded steps and the saved state of the old one."
        ),
    ] = False
    parameters: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="Parameters to change, by name; the others stay. The schema of the kind checks all.",
    )
    job_id: Annotated[
        fields.JobUuid | None, Field(description="Your own UUID for the new job; without it, it gets one.")
    ] = None

    @field_validator("job_id")
    @classmethod
    def _job_id_is_a_uuid(cls, value: str | None) -> str | None:
        return None if value is None else identifiers.normalise_job_id(value)
