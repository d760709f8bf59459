"""The environment variables that user code may see."""

import re
from collections.abc import Mapping

#: Settings of Turnstile, and of telemetry's exporters, may hold secrets; what jobs read from begins with
#: TURNSTILE_INPUT_.
_HIDDEN = re.compile(
    r"TURNSTILE_(?!INPUT_)|AZURE_|AMQP|RABBITMQ_|IDENTITY_(ENDPOINT|HEADER)|MSI_|SUPERVISOR_|OTEL_EXPORTER_",
    re.IGNORECASE,
)
_SECRETS = re.compile(r"(AccountKey|SharedAccessKey)\s*=|amqps?://[^/\s]*@", re.IGNORECASE)


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out credentials of broker, storage and collector, by name or by what they look like."""
    return {
        name: value
        for name, value in environment.items()
        if not _HIDDEN.match(name) and (name.startswith("TURNSTILE_INPUT_") or not _SECRETS.search(value))
    }
