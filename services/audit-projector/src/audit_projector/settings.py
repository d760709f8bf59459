"""The settings of the audit-projector."""

from typing import Annotated

from pydantic import Field

from service_defaults.settings import ServiceSettings


class AuditProjectorSettings(ServiceSettings):
    """The settings of the audit-projector: those of every service."""

    service_name: Annotated[str, Field(min_length=1, validation_alias="OTEL_SERVICE_NAME")] = (
        "audit-projector"
    )

    port: Annotated[int, Field(ge=0, le=65535)] = 8030
