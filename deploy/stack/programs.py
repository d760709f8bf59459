"""The processes of a stack without containers: which there are, what each needs, when each is ready."""

import json
import urllib.error
from collections.abc import Iterable, Mapping
from dataclasses import replace

from contracts.telemetry.names import Source
from deploy import ROOT
from deploy.errors import SettingError
from deploy.install.environment import PYTHON
from deploy.processes import local_http
from deploy.processes.command import Command
from deploy.processes.ports import LOOPBACK
from deploy.processes.supervision import Program
from deploy.stack import addresses
from deploy.stack.settings import PREFIX, StackSettings

#: Bytes of an answer about health that are read.
_LONGEST_ANSWER = 10_000

WORKER = "worker"
_BEFORE_WORKERS = ("publisher",)
DASHBOARD = "dashboard"
_AFTER_WORKERS = ("audit-projector", "scheduler")
_INGRESS = "ingress"


def servers(settings: StackSettings) -> list[Program]:
    """Return what must run before any service: the broker and the storage, unless others are named."""
    programs = []
    broker, storage = settings.own_broker, settings.own_storage
    if broker:
        broker.prepare()
        ports = broker.ports
        mapper = {ports.mapper: "TURNSTILE_RABBITMQ_MAPPER_PORT"}
        node = {
            ports.amqp: "TURNSTILE_RABBITMQ_PORT",
            ports.distribution: "TURNSTILE_RABBITMQ_DISTRIBUTION_PORT",
        }
        pages: tuple[tuple[str, str], ...] = ()
        if ports.management:
            node[ports.management] = "TURNSTILE_RABBITMQ_MANAGEMENT_PORT"
            pages = (("RabbitMQ management", f"http://{LOOPBACK}:{ports.management}"),)
        if ports.metrics:
            node[ports.metrics] = "TURNSTILE_RABBITMQ_METRICS_PORT"
        programs.append(Program("epmd", broker.mapper_command(), mapper, lambda: True, order=1))
        metrics = ("rabbitmq", ports.metrics) if ports.metrics else None
        programs.append(Program("rabbitmq", broker.command(), node, broker.is_ready, 2, 60, pages, metrics))
    if storage:
        storage.prepare()
        names = {
            storage.ports.blob: "TURNSTILE_AZURITE_BLOB_PORT",
            storage.ports.queue: "TURNSTILE_AZURITE_QUEUE_PORT",
            storage.ports.table: "TURNSTILE_AZURITE_TABLE_PORT",
        }
        pages = (
            ("Azurite, blobs", f"http://{LOOPBACK}:{storage.ports.blob}"),
            ("Azurite, tables", f"http://{LOOPBACK}:{storage.ports.table}"),
        )
        programs.append(Program("azurite", storage.command(), names, storage.is_ready, 2, 30, pages))
    return programs


def services(
    settings: StackSettings,
    workers: int,
    telemetry: Mapping[str, str],
    links: Mapping[str, str] | None = None,
) -> list[Program]:
    """Return Turnstile's own processes, with this telemetry, and with links for the dashboard."""
    environment = {**settings.for_services(), **telemetry}
    programs = [_service(settings, name, environment) for name in _BEFORE_WORKERS]
    programs += [_worker(settings, number, environment) for number in range(1, workers + 1)]
    programs += [_service(settings, name, environment) for name in _AFTER_WORKERS]
    if settings.text("INPUTS"):
        # It may read secrets from variables that its file names.
        programs.append(_service(settings, _INGRESS, environment))
    for_dashboard = {**environment, **(links or {}), f"{PREFIX}URL": settings.url}
    programs.append(_service(settings, DASHBOARD, for_dashboard))
    return programs


def refuse_shared_ports(programs: Iterable[Program]) -> None:
    """Raise SettingError if two programs are to listen on one port."""
    taken: dict[int, str] = {}
    for program in programs:
        for port, setting in program.ports.items():
            if port in taken:
                message = (
                    f"{program.name} and {taken[port]} would both listen on port {port}; change {setting}"
                )
                raise SettingError(message)
            taken[port] = program.name


def health(port: int) -> str:
    """Return a service's own word on whether all is well: "ready", or what is not.

    A service that can do its part is ready by itself, although something that it uses is away: that follows.
    """
    try:
        with local_http.get(f"http://{LOOPBACK}:{port}/health/ready", timeout=3) as answer:
            return _said(answer.read(_LONGEST_ANSWER), "ready")
    except urllib.error.HTTPError as error:
        return _said(error.read(_LONGEST_ANSWER), f"answers {error.code}")
    except OSError:
        return "no answer"


def _said(body: bytes, otherwise: str) -> str:
    """Return what the body of an answer about health says in a line; `otherwise` if it is another one's."""
    try:
        said = json.loads(body)
        away = [f"{name}: {problem}" for name, problem in said["checks"].items() if problem != "ok"]
        return ", ".join([said["status"], *away])
    except (ValueError, KeyError, TypeError, AttributeError):
        return otherwise


def _service(settings: StackSettings, name: str, environment: Mapping[str, str]) -> Program:
    setting = f"{name.upper().replace('-', '_')}_PORT"
    port = settings.port(setting)
    program = _program(settings, name, name, {port: f"TURNSTILE_{setting}"}, environment)
    if name == "publisher":
        return replace(program, pages=(("API documentation", f"{settings.url}/docs"), ("API", settings.url)))
    if name == DASHBOARD:
        return replace(program, pages=(addresses.dashboard_page(settings),))
    return program


def _worker(settings: StackSettings, number: int, environment: Mapping[str, str]) -> Program:
    port = settings.port("WORKER_PORT") + number - 1
    ports = {port: "TURNSTILE_WORKER_PORT"}
    return _program(settings, WORKER, f"{WORKER}-{number}", ports, environment)


def _program(
    settings: StackSettings, service: str, name: str, ports: dict[int, str], shared: Mapping[str, str]
) -> Program:
    (port,) = ports
    environment = {
        **shared,
        "TURNSTILE_HOST": LOOPBACK,
        "TURNSTILE_PORT": str(port),
        "OTEL_SERVICE_NAME": Source(service).service_name,
        "PYTHONUNBUFFERED": "1",
    }
    arguments = (str(PYTHON), "-m", service.replace("-", "_"))
    return Program(
        name,
        Command(arguments, environment, ROOT, when_orphaned="TERM"),
        ports,
        lambda: health(port) == "ready",
        health=lambda: health(port),
        stop_seconds=settings.stop_seconds,
        metrics=(service, port),
    )
