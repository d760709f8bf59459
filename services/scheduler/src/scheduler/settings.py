"""The settings of the scheduler."""

from typing import Annotated

from pydantic import Field

from service_defaults.settings import ServiceSettings


class SchedulerSettings(ServiceSettings):
    """What the scheduler can be told beside what every service can."""

    service_name: Annotated[str, Field(min_length=1, validation_alias="OTEL_SERVICE_NAME")] = "scheduler"

    port: Annotated[int, Field(ge=0, le=65535)] = 8040

    #: Between two sweeps; shorter finds lost wake-ups and hosts sooner and reads the tables more often.
    #: Above 3 s, a host that is lost while nobody watches its locks is replaced later than promised.
    sweep_seconds: Annotated[float, Field(ge=0.5, le=3600)] = 2.0

    #: Between two looks at all lines and runs, for metrics and traces; shorter shows more and reads more.
    survey_seconds: Annotated[float, Field(ge=1, le=3600)] = 15.0

    #: The lease of the scheduler on duty; a standby takes over when it has run out.
    scheduler_lease_seconds: Annotated[float, Field(ge=15, le=60)] = 15.0
