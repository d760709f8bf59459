"""Attributes of the process that sends telemetry: they come with every span, log record and metric of it."""

from contracts.telemetry.names import Attribute

SERVICE_NAME = Attribute(
    "service.name",
    "The service: `turnstile-` and its name, unless `OTEL_SERVICE_NAME` is set; on every log line.",
    convention=True,
)
SERVICE_NAMESPACE = Attribute(
    "service.namespace", "The system: `turnstile`.", values=("turnstile",), convention=True
)
SERVICE_INSTANCE = Attribute(
    "service.instance.id", "Host name and process id, as in the worker directory.", convention=True
)
SERVICE_VERSION = Attribute("service.version", "Version of the service's package.", convention=True)
HOST_NAME = Attribute("host.name", "Host name; in a container that of the container.", convention=True)
HOST_ID = Attribute(
    "host.id",
    "Boot id of the kernel: one for all processes and containers of a host, and a new one at each boot.",
    convention=True,
)
PROCESS_PID = Attribute("process.pid", "Process id; in a container as the container counts.", convention=True)
RUNTIME_NAME = Attribute("process.runtime.name", "Implementation of Python.", convention=True)
RUNTIME_VERSION = Attribute("process.runtime.version", "Version of Python.", convention=True)
RUNTIME_DESCRIPTION = Attribute(
    "process.runtime.description", "Version of Python with its build and compiler.", convention=True
)
SDK_NAME = Attribute("telemetry.sdk.name", "The SDK: `opentelemetry`.", convention=True)
SDK_LANGUAGE = Attribute("telemetry.sdk.language", "Language of the SDK: `python`.", convention=True)
SDK_VERSION = Attribute("telemetry.sdk.version", "Version of the SDK.", convention=True)
