"""Checks every setting of a stack, and those of its services, before anything is started."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from pydantic_settings import BaseSettings

from audit_projector.settings import AuditProjectorSettings
from dashboard.settings import DashboardSettings
from deploy.errors import SettingError
from deploy.stack.observer import INNER_PORTS
from deploy.stack.settings import PORTS, PREFIX, StackSettings
from ingress.settings import IngressSettings
from publisher.settings import PublisherSettings
from sample_jobs.inputs import InputSettings
from scheduler.settings import SchedulerSettings
from service_defaults.settings import complaints_about
from worker.settings import WorkerSettings

_OF_PROCESSES: tuple[type[BaseSettings], ...] = (
    PublisherSettings,
    WorkerSettings,
    AuditProjectorSettings,
    SchedulerSettings,
    IngressSettings,
    DashboardSettings,
    InputSettings,
)
_ADDRESSES = ("URL", "DASHBOARD_URL", "JAEGER_URL", "GRAFANA_URL")
#: A file of the machine where the process runs, which here is a container.
_PATHS_IN_CONTAINERS = ("OTEL_EXPORTER_OTLP_CERTIFICATE",)
#: As Docker reads it; it takes no less than 6 MB.
_MEMORY = re.compile(r"[1-9]\d*([kmg]?b?)", re.IGNORECASE)
_LONGEST_STOP_SECONDS = 86_400


def refuse_wrong(settings: StackSettings, *, in_containers: bool) -> None:
    """Raise SettingError if a setting is wrong: a line for each, which names it and says what it must be."""
    wrong = [*_of_the_stack(settings), *_of_processes(settings, in_containers)]
    if wrong:
        # Services share most of their settings.
        raise SettingError("\n".join(dict.fromkeys(wrong)))


def refuse_number_of_workers(settings: StackSettings, workers: int) -> None:
    """Raise SettingError if that many workers cannot run."""
    values = {**settings.values, f"{PREFIX}WORKERS": str(workers)}
    wrong = list(_complaints([lambda: _port_of_last_worker(StackSettings(values))]))
    if wrong:
        raise SettingError(wrong[0].replace(f"{PREFIX}WORKERS", "The number of workers"))


def _of_the_stack(settings: StackSettings) -> Iterator[str]:
    looks: list[Callable[[], object]] = [
        *(partial(settings.port, name) for name in PORTS),
        *(partial(settings.web_address, name) for name in _ADDRESSES),
        lambda: _port_of_last_worker(settings),
        lambda: _last_inner_port(settings),
        lambda: settings.own_broker,
        lambda: settings.own_storage,
        lambda: settings.local_storage,
        lambda: settings.observers,
        lambda: _folder(settings.data, "DATA_FOLDER"),
        lambda: _memory(settings),
        lambda: _anonymity(settings),
    ]
    if settings.text("INPUT_FOLDER"):
        looks.append(lambda: _folder(settings.inputs, "INPUT_FOLDER"))
    if settings.text("STOP_SECONDS"):
        looks.append(lambda: settings.number("STOP_SECONDS", 1, _LONGEST_STOP_SECONDS))
    yield from _complaints(looks)


def _complaints(looks: list[Callable[[], object]]) -> Iterator[str]:
    for look in looks:
        try:
            look()
        except SettingError as error:
            yield str(error)


def _of_processes(settings: StackSettings, in_containers: bool) -> Iterator[str]:
    # The dashboard calls the publisher of this stack; TURNSTILE_URL is for the command line alone.
    environment = {**_environment(settings), f"{PREFIX}URL": ""}
    if in_containers:
        for name in ("STORAGE_BLOB_URL", "STORAGE_TABLE_URL"):
            if settings.text(name):
                yield (
                    f"{PREFIX}{name}: containers have no managed identity for it; use RUNTIME=native, "
                    f"or {PREFIX}STORAGE_CONNECTION_STRING"
                )
        environment = {name: value for name, value in environment.items() if name not in _PATHS_IN_CONTAINERS}
    for settings_class in _OF_PROCESSES:
        yield from complaints_about(settings_class, environment)


def _environment(settings: StackSettings) -> Mapping[str, str]:
    try:
        return settings.for_services()
    except SettingError:
        # The stack's own servers cannot be named: that is complained of already.
        return {**settings.values, f"{PREFIX}STORAGE_CONNECTION_STRING": "AccountName=any;AccountKey=any"}


def _port_of_last_worker(settings: StackSettings) -> None:
    first, workers = settings.port("WORKER_PORT"), settings.workers
    _in_range(first + workers - 1, f"{PREFIX}WORKER_PORT", first, f"{workers} workers have one port each")


def _last_inner_port(settings: StackSettings) -> None:
    first = settings.port("OBSERVABILITY_PORT")
    what = f"{INNER_PORTS} ports from there on are used"
    _in_range(first + INNER_PORTS - 1, f"{PREFIX}OBSERVABILITY_PORT", first, what)


def _in_range(last: int, name: str, first: int, reason: str) -> None:
    highest = 65_535
    if last > highest:
        message = f"{name} must be at most {highest - (last - first)}, not {first}: {reason}"
        raise SettingError(message)


def _folder(path: Path, name: str) -> None:
    existing = next(place for place in (path, *path.parents) if place.exists())
    if not existing.is_dir():
        message = f"{PREFIX}{name} must be a folder, and {existing} is a file"
        raise SettingError(message)
    if existing != path and not os.access(existing, os.W_OK | os.X_OK):
        message = f"{PREFIX}{name} must be a folder, and it cannot be made in {existing}"
        raise SettingError(message)


def _memory(settings: StackSettings) -> None:
    value = settings.text("WORKER_MEMORY")
    if value and not _MEMORY.fullmatch(value):
        message = f"{PREFIX}WORKER_MEMORY must be a size such as 1536m or 2g, not {value!r}"
        raise SettingError(message)


def _anonymity(settings: StackSettings) -> None:
    value = settings.text("GRAFANA_ANONYMOUS")
    if value not in ("true", "false"):
        message = f"{PREFIX}GRAFANA_ANONYMOUS must be true or false, not {value!r}"
        raise SettingError(message)
