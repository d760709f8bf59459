"""Turnstile as real processes: publisher, workers, audit-projector, scheduler, RabbitMQ and storage."""

import signal
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from deploy.servers import private
from loadtest import storage_calls
from tests.e2e.services import Service

from bench.contestant import Installation, Setting, handler_environment
from bench.contestants.processes import inherited
from bench.contestants.turnstile_history import write_history
from bench.contestants.turnstile_trail import Trail
from bench.errors import BenchError
from bench.servers import Servers

_KIND = "bench"
_JOBS = "bench.programs.turnstile_jobs"
_SERVICES = {"publisher": "publisher", "audit-projector": "audit_projector", "scheduler": "scheduler"}


class Turnstile:
    """The product, with its defaults."""

    key = "turnstile"
    name = "Turnstile"
    about = (
        "publisher, workers with two places each, audit-projector and scheduler as processes with their "
        "defaults, over RabbitMQ and the storage that `make up` starts; audit trail on, tracing on without "
        "an endpoint. Requests are those to the storage."
    )
    has_steps = True
    has_history = True
    is_floor = False

    def install(self) -> None:
        """Install what it needs, where that is missing. Raises InstallError."""
        private.ensure_installed()

    @contextmanager
    def running(self, folder: Path, servers: Servers, setting: Setting) -> Iterator[Installation]:
        """Run it with an empty storage of its own as long as the context lasts."""
        namespace = f"b{uuid.uuid4().hex[:12]}"
        with servers.azurite(folder / "storage") as storage:
            environment = {
                "TURNSTILE_RABBITMQ_URL": f"{servers.rabbitmq.url}?heartbeat=10",
                "TURNSTILE_RABBITMQ_NAMESPACE": namespace,
                "TURNSTILE_STORAGE_CONNECTION_STRING": storage.connection_string,
                "TURNSTILE_STORAGE_NAMESPACE": namespace,
                "TURNSTILE_CONCURRENCY": str(setting.slots),
                "TURNSTILE_JOBS": _JOBS,
                **handler_environment(folder),
            }
            trail = Trail(storage.connection_string, namespace)
            with _services(environment, folder, setting.workers) as services:
                publisher = services["publisher"][0]
                installation = Installation(
                    folder,
                    client=(sys.executable, "-m", "bench.programs.turnstile_client", publisher.url),
                    environment=inherited(**handler_environment(folder)),
                    programs={
                        name: [_Watched(service) for service in found] for name, found in services.items()
                    },
                    more_roots=lambda: {
                        "runner": [runner.pid for each in services["worker"] for runner in each.runners()],
                        "storage": [storage.pid or 0],
                        "RabbitMQ": [servers.rabbitmq.pid or 0],
                    },
                    requests=lambda: _requests(services),
                    settle=trail.wait_for_submission,
                    catch_up=trail.wait_for_ends,
                    lags=trail.lags,
                    write_history=lambda jobs: write_history(storage.connection_string, namespace, jobs),
                )
                installation.wait_for(lambda: _knows_kind(publisher), "the workers to publish their kinds")
                yield installation


@dataclass(frozen=True)
class _Watched:
    """A service as the measurement sees it."""

    service: Service

    @property
    def pid(self) -> int | None:
        return self.service.pid if self.service.is_running else None

    @property
    def log(self) -> Path:
        return self.service.log


@contextmanager
def _services(
    environment: Mapping[str, str], folder: Path, workers: int
) -> Iterator[dict[str, list[Service]]]:
    services = {name: [Service(name, module, environment, folder)] for name, module in _SERVICES.items()}
    services["worker"] = [
        Service(f"worker-{number + 1}", "worker", environment, folder) for number in range(workers)
    ]
    flat = [service for found in services.values() for service in found]
    try:
        for service in flat:
            service.launch()
        for service in flat:
            service.wait_until_ready()
        yield services
    finally:
        for service in flat:
            service.signal(signal.SIGTERM)
        for service in flat:
            service.close()


def _knows_kind(publisher: Service) -> bool:
    answer = httpx.get(f"{publisher.url}/api/v1/kinds", timeout=10, trust_env=False).raise_for_status()
    return any(kind["kind"] == _KIND for kind in answer.json()["items"])


def _requests(services: Mapping[str, list[Service]]) -> dict[str, float]:
    urls = {name: [f"{service.url}/metrics" for service in found] for name, found in services.items()}
    counted = storage_calls.count(urls)
    if counted is None:
        raise BenchError("a service does not answer with its metrics")
    return counted
