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


_OWN = re.compile(r"TURNSTILE_|SUPERVISOR_|OTEL_EXPORTER_", re.IGNORECASE)


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out credentials of broker, storage and collector, by name or by what they look like."""
    return {name: value for name, value in environment.items() if not _is_hidden(name, value)}


def withheld(environment: Mapping[str, str]) -> list[str]:
    """Return the names of variables that are left out and are no settings of Turnstile, in order."""
    hidden = [name for name, value in environment.items() if _is_hidden(name, value)]
    return sorted(name for name in hidden if not _OWN.match(name))


def _is_hidden(name: str, value: str) -> bool:
    if _HIDDEN.match(name):
        return True
    return not name.startswith("TURNSTILE_INPUT_") and _SECRETS.search(value) is not None
