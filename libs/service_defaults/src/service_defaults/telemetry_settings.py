"""The settings of telemetry, under the names that OpenTelemetry gives them."""

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from contracts.telemetry.names import Source
from service_defaults.web_addresses import checked_web_address

#: name=value, and more of them separated by commas.
_PAIRS = re.compile(r"\s*[^\s=,]+\s*=[^,]*(,\s*[^\s=,]+\s*=[^,]*)*")
_PAIRS_WANTED = "must be pairs like name=value, separated by commas"


class TelemetrySettings(BaseSettings):
    """What telemetry is made, and where it is sent.

    OpenTelemetry reads some of these from the environment itself, and would go on with a value that it cannot
    use: they are fields so that such a value is refused.
    """

    #: Which service it is; None for a program that is none of Turnstile's services.
    source: ClassVar[Source | None] = None

    #: The service's name in traces, metrics and logs; unset, `turnstile-` and which service it is.
    service_name: Annotated[str, Field(validate_default=True, validation_alias="OTEL_SERVICE_NAME")] = ""

    #: Where telemetry is sent over OTLP/HTTP; unset, nothing is sent.
    otlp_endpoint: Annotated[str | None, Field(validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")] = None
    #: Headers of the requests to that address.
    otlp_headers: Annotated[SecretStr | None, Field(validation_alias="OTEL_EXPORTER_OTLP_HEADERS")] = None
    #: File with the certificate of the authority that signed that address's.
    otlp_certificate: Annotated[Path | None, Field(validation_alias="OTEL_EXPORTER_OTLP_CERTIFICATE")] = None
    #: Attributes of every span, metric and log line.
    resource_attributes: Annotated[str | None, Field(validation_alias="OTEL_RESOURCE_ATTRIBUTES")] = None
    #: Which traces are sent.
    traces_sampler: Annotated[
        Literal[
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ],
        Field(validation_alias="OTEL_TRACES_SAMPLER"),
    ] = "parentbased_always_on"
    #: For a sampler that takes a part of the traces: which part.
    traces_sampler_ratio: Annotated[
        float | None, Field(ge=0, le=1, validation_alias="OTEL_TRACES_SAMPLER_ARG")
    ] = None
    #: Where traces go: otlp sends them to the endpoint, none does not.
    traces_exporter: Annotated[Literal["otlp", "none"], Field(validation_alias="OTEL_TRACES_EXPORTER")] = (
        "otlp"
    )
    #: Where log records go besides standard output: otlp sends them to the endpoint, none does not.
    logs_exporter: Annotated[Literal["otlp", "none"], Field(validation_alias="OTEL_LOGS_EXPORTER")] = "otlp"
    #: Where metrics go: prometheus shows them at /metrics of each service, otlp sends them to the endpoint,
    #: none does neither; several separated by commas.
    metrics_exporter: Annotated[
        str,
        Field(
            pattern=r"^(none|(prometheus|otlp)(,(prometheus|otlp))*)$",
            validation_alias="OTEL_METRICS_EXPORTER",
        ),
    ] = "prometheus"

    @field_validator("service_name")
    @classmethod
    def _has_a_name(cls, value: str) -> str:
        return value or ("turnstile" if cls.source is None else cls.source.service_name)

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_a_web_address(cls, value: str | None) -> str | None:
        return checked_web_address(value)

    @field_validator("otlp_headers")
    @classmethod
    def _are_headers(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _PAIRS.fullmatch(value.get_secret_value()):
            raise ValueError(_PAIRS_WANTED)
        return value

    @field_validator("resource_attributes")
    @classmethod
    def _are_attributes(cls, value: str | None) -> str | None:
        if value is not None and not _PAIRS.fullmatch(value):
            raise ValueError(_PAIRS_WANTED)
        return value

    @field_validator("otlp_certificate")
    @classmethod
    def _is_a_file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError("must be the path of a file that exists")
        return value

    @property
    def metrics_exporters(self) -> frozenset[str]:
        """Where metrics go: any of prometheus and otlp."""
        return frozenset(self.metrics_exporter.split(",")) - {"none"}
