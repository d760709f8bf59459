"""The processes of a stack without containers: which there are, what each needs, when each is ready."""

import urllib.error
import urllib.request
from dataclasses import replace

from deploy.command import Command
from deploy.install import PYTHON
from deploy.ports import LOOPBACK
from deploy.settings import ROOT, SettingError, StackSettings
from deploy.supervision import Program

WORKER = "worker"
_BEFORE_WORKERS = ("publisher",)
_AFTER_WORKERS = ("audit-projector", "scheduler")


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
        programs.append(Program("epmd", broker.mapper_command(), mapper, lambda: True, order=1))
        programs.append(Program("rabbitmq", broker.command(), node, broker.is_ready, 2, 60, pages))
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


def services(settings: StackSettings, workers: int) -> list[Program]:
    """Return Turnstile's own processes."""
    programs = [_service(settings, name) for name in _BEFORE_WORKERS]
    programs += [_worker(settings, number) for number in range(1, workers + 1)]
    programs += [_service(settings, name) for name in _AFTER_WORKERS]
    _refuse_shared_ports([*servers(settings), *programs])
    return programs


def health(port: int) -> str:
    """Return a service's own word on whether it can work: "ready", or why not."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/health/ready", timeout=3):
            return "ready"
    except urllib.error.HTTPError as error:
        return error.read(300).decode(errors="replace") or f"answers {error.code}"
    except OSError:
        return "no answer"


def _service(settings: StackSettings, name: str) -> Program:
    setting = f"{name.upper().replace('-', '_')}_PORT"
    port = settings.port(setting)
    program = _program(settings, name, name, port, f"TURNSTILE_{setting}")
    if name == "publisher":
        return replace(program, pages=(("API", settings.url), ("API documentation", f"{settings.url}/docs")))
    return program


def _worker(settings: StackSettings, number: int) -> Program:
    port = settings.port("WORKER_PORT") + number - 1
    return _program(settings, WORKER, f"{WORKER}-{number}", port, "TURNSTILE_WORKER_PORT")


def _program(settings: StackSettings, service: str, name: str, port: int, setting: str) -> Program:
    environment = {
        **settings.for_services(),
        "TURNSTILE_HOST": LOOPBACK,
        "TURNSTILE_PORT": str(port),
        "OTEL_SERVICE_NAME": service,
        "PYTHONUNBUFFERED": "1",
    }
    arguments = (str(PYTHON), "-m", service.replace("-", "_"))
    command = Command(arguments, environment, ROOT, when_orphaned="TERM")
    return Program(
        name, command, {port: setting}, lambda: health(port) == "ready", stop_seconds=settings.stop_seconds
    )


def _refuse_shared_ports(programs: list[Program]) -> None:
    taken: dict[int, str] = {}
    for program in programs:
        for port, setting in program.ports.items():
            if port in taken:
                message = (
                    f"{program.name} and {taken[port]} would both listen on port {port}; change {setting}"
                )
                raise SettingError(message)
            taken[port] = program.name
