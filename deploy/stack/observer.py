"""What the servers that show what happens have in common, as processes: program, folder, ports, health."""

import re
import shutil
import urllib.error
from functools import partial
from pathlib import Path

from deploy import ROOT
from deploy.observers.compiling import default_folder
from deploy.processes import local_http
from deploy.processes.asking import printed
from deploy.processes.command import Command
from deploy.processes.ports import LOOPBACK
from deploy.processes.supervision import Program
from deploy.stack.settings import StackSettings

COLLECTOR = "otel-collector"
CONFIGURATION = ROOT / "grafana"
_PROGRAMS = {
    COLLECTOR: ("otelcol-contrib", "otelcol"),
    "jaeger": ("jaeger",),
    "prometheus": ("prometheus",),
    "loki": ("loki",),
    "grafana": ("grafana",),
}
#: Started after broker and storage and stopped before them, but after the services.
_ORDER = 3
_STOP_SECONDS = 10
_VERSION = re.compile(r"\bv?(\d+)\.(\d+)\.\d+")
#: What they use among themselves, from TURNSTILE_OBSERVABILITY_PORT on.
_INNER = ("collector-health", "collector-metrics", "jaeger-otlp", "jaeger-grpc", "jaeger-health", "loki-grpc")
INNER_PORTS = len(_INNER)


def found(name: str) -> str | None:
    """Return the program of a server: the installed one, or the one that `make observers` compiled."""
    installed = next(filter(None, map(shutil.which, _PROGRAMS[name])), None)
    return installed or shutil.which(_PROGRAMS[name][0], path=default_folder())


def version_of(program: str | Path) -> tuple[int, int] | None:
    """Return the major and minor version that a program prints, or None."""
    said = printed([program, "--version"], seconds=20)
    found = _VERSION.search(said or "")
    return (int(found[1]), int(found[2])) if found else None


def folder_of(settings: StackSettings, name: str) -> Path:
    """Return the folder with all that a server keeps; make it, if need be."""
    folder = settings.data / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def inner_port(settings: StackSettings, use: str) -> int:
    """Return a port that the servers use among themselves."""
    return settings.port("OBSERVABILITY_PORT") + _INNER.index(use)


def make_program(
    settings: StackSettings,
    name: str,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    ports: dict[int, str],
    health: str,
) -> Program:
    """Return a server that is ready once it answers at `health`, a port and a path."""
    command = Command(arguments, environment, folder_of(settings, name), when_orphaned="TERM")
    is_ready = partial(_answers, f"http://{LOOPBACK}:{health}")
    return Program(name, command, ports, is_ready, _ORDER, _STOP_SECONDS)


def _answers(url: str) -> bool:
    try:
        with local_http.get(url, timeout=3):
            return True
    except (urllib.error.HTTPError, OSError):
        return False
