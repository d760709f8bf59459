"""The settings of the scheduler."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from contracts.schedule_files import read_schedules
from contracts.telemetry.names import Source
from service_defaults.retention import RetentionSettings


class SchedulerSettings(RetentionSettings):
    """The settings of the scheduler, in addition to those of every service."""

    source = Source.SCHEDULER

    port: Annotated[int, Field(ge=0, le=65535)] = 8040

    #: Time between two sweeps while a job is active; shorter finds lost wake-ups sooner and reads the tables
    #: more often.
    #: Above 3 s, the take-over from a lost host whose locks no worker watches is later than promised.
    sweep_seconds: Annotated[float, Field(ge=0.5, le=3600)] = 2.0

    #: Time between two snapshots of all lines and runs, for metrics and traces; not shorter than between
    #: sweeps.
    snapshot_seconds: Annotated[float, Field(ge=1, le=3600)] = 15.0

    #: The lease of the scheduler on duty; a standby takes over when it has run out.
    scheduler_lease_seconds: Annotated[float, Field(ge=15, le=60)] = 15.0

    #: A file with schedules (TOML), which are created or changed when a scheduler starts to be what it says.
    #: What someone changed of them since by hand is put back then; others stay.
    schedules_file: Path | None = None

    @field_validator("schedules_file")
    @classmethod
    def _file_is_usable(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                read_schedules(value)
            except OSError as error:
                raise ValueError(f"{value} cannot be read: {error.strerror}") from None
        return value
