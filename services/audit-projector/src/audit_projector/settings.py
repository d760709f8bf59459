"""The settings of the audit-projector."""

from typing import Annotated

from pydantic import Field

from contracts.telemetry.names import Source
from service_defaults.settings import ServiceSettings


class AuditProjectorSettings(ServiceSettings):
    """The settings of the audit-projector: those of every service."""

    source = Source.AUDIT_PROJECTOR

    port: Annotated[int, Field(ge=0, le=65535)] = 8030
