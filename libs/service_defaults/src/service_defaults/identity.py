"""Who sends telemetry: the service, its process and the host, as attributes of a resource."""

import os
import platform
import socket
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.util.types import AnyValue

from contracts.telemetry import resource as at
from service_defaults.instance_name import instance_name
from service_defaults.settings import ServiceSettings

#: Of the kernel, which all containers of a host share; /etc/machine-id is another file in each, or none.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def make_resource(settings: ServiceSettings) -> Resource:
    """Return the attributes of this process.

    `OTEL_RESOURCE_ATTRIBUTES` may add some, and replace those of the host and the process.
    """
    process: dict[str, AnyValue] = {
        at.HOST_NAME: socket.gethostname(),
        at.HOST_ID: host_id(),
        at.PROCESS_PID: os.getpid(),
        at.RUNTIME_NAME: sys.implementation.name,
        at.RUNTIME_VERSION: platform.python_version(),
        at.RUNTIME_DESCRIPTION: sys.version,
    }
    service: dict[str, AnyValue] = {
        at.SERVICE_NAME: settings.service_name,
        at.SERVICE_NAMESPACE: "turnstile",
        at.SERVICE_INSTANCE: instance_name(),
        at.SERVICE_VERSION: _version(settings),
    }
    return Resource(process).merge(Resource.create(service))


def host_id(boot_id: Path = _BOOT_ID) -> str:
    """Return an id that all processes of this host have, in containers too; its name if the system has none.

    Without it, Jaeger takes the order of spans of several processes for skew of their clocks, and warns.
    """
    try:
        return boot_id.read_text().strip() or socket.gethostname()
    except OSError:
        return socket.gethostname()


def _version(settings: ServiceSettings) -> str:
    try:
        return version(f"turnstile-{settings.source}")
    except PackageNotFoundError:
        return version("turnstile-service-defaults")
