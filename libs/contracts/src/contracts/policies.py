"""What a kind says about its jobs, for as long as they live."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field


@dataclass(frozen=True)
class JobPolicy:
    """How often the runs of a job may be interrupted. A job keeps the policy its kind had at submission."""

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
