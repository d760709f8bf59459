"""The name of this process, the same in telemetry and in the worker directory."""

import os
import socket


def instance_name() -> str:
    """Return the name of this process."""
    return f"{socket.gethostname()}-{os.getpid()}"
