"""The settings of the audit-projector."""

from typing import Annotated

from pydantic import Field

from contracts.telemetry.names import Source
from service_defaults.retention import RetentionSettings


class AuditProjectorSettings(RetentionSettings):
    """The settings of the audit-projector: those of every service, and when jobs may go."""

    source = Source.AUDIT_PROJECTOR

    port: Annotated[int, Field(ge=0, le=65535)] = 8030
