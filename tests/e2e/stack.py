"""A whole Turnstile as processes: servers, services, and as many workers as a test asks for."""

import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil
from deploy.servers import private
from tests.e2e.api import TERMINAL, Api, Job
from tests.e2e.broker import Broker
from tests.e2e.records import Records
from tests.e2e.services import Service
from tests.e2e.sink import Sink
from tests.e2e.waiting import until

from contracts.topology import Topology

LEASE_SECONDS = 15.0

#: Seconds from a kill until the storage lets a killed worker's lease go, and somebody has noticed.
TAKE_OVER_SECONDS = LEASE_SECONDS + 5

_JOBS = "sample_jobs,tests.e2e.jobs"
_TRACEBACK = "Traceback (most recent call last)"


class Stack:
    """One installation with names of its own on the given servers.

    Publisher, projector and scheduler run from `start` to `close`; `crew` gives workers, which are used again
    by later tests as long as nobody hurt them. `more` are environment variables of all services.
    """

    def __init__(
        self,
        broker: private.RabbitMQ,
        storage: private.Azurite,
        folder: Path,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.rabbitmq = broker
        self.azurite = storage
        self.folder = folder
        self.inputs = folder / "inputs"
        self.inputs.mkdir(parents=True)
        self.namespace = f"e{uuid.uuid4().hex[:12]}"
        self.sink = Sink(folder)
        self.environment = {
            "TURNSTILE_RABBITMQ_URL": f"{broker.url}?heartbeat=10",
            "TURNSTILE_RABBITMQ_NAMESPACE": self.namespace,
            "TURNSTILE_STORAGE_CONNECTION_STRING": storage.connection_string,
            "TURNSTILE_STORAGE_NAMESPACE": self.namespace,
            "TURNSTILE_LEASE_SECONDS": str(LEASE_SECONDS),
            # One job at a time, as long as a test does not say otherwise: such workers start sooner.
            "TURNSTILE_CONCURRENCY": "1",
            "TURNSTILE_GRACE_SECONDS": "0",
            # Moves a lock with a long line from worker to worker.
            "TURNSTILE_LONGEST_TENURE_SECONDS": "2",
            "TURNSTILE_CANCEL_GRACE_SECONDS": "1",
            "TURNSTILE_DEFERRAL_SECONDS": "2",
            "TURNSTILE_RUNNER_MEMORY_MIB": "300",
            "TURNSTILE_JOBS": _JOBS,
            "TURNSTILE_INPUT_FOLDER": str(self.inputs),
            "TURNSTILE_INPUT_SINK": self.sink.address,
            **(more or {}),
        }
        self.publisher = self._service("publisher", "publisher")
        self.projector = self._service("audit-projector", "audit_projector")
        self.scheduler = self._service("scheduler", "scheduler")
        self.workers: list[Service] = []
        self._hired = 0
        self.records = Records(storage.connection_string, self.namespace)
        self.broker = Broker(broker.url, Topology(self.namespace))
        self.api = Api(self.publisher.url)
        #: Tracebacks that the test means to cause: texts of which one stands near each.
        self.expected_tracebacks: list[str] = []

    # --- life -----------------------------------------------------------------

    def start(self) -> None:
        """Start the services that every test needs, and two workers to make their kinds known."""
        for service in (self.publisher, self.projector, self.scheduler):
            service.launch()
        for service in (self.publisher, self.projector, self.scheduler):
            service.wait_until_ready()
        self.crew(2)
        until(lambda: "visit" in self.api.kinds(), 60, "the workers to publish their kinds")

    def close(self) -> None:
        """End everything."""
        for service in self.services():
            service.signal(signal.SIGCONT)
            service.signal(signal.SIGTERM)
        for service in self.services():
            service.close()
        self.sink.close()
        self.records.close()
        self.api.close()

    def services(self) -> Iterator[Service]:
        """Go through all services, workers first."""
        yield from self.workers
        yield from (self.scheduler, self.projector, self.publisher)

    def wait_until_all_work(self, within: float = 60) -> None:
        """Wait until every service is ready, in the process that it was."""
        for service in self.services():
            service.wait_until_ready(within)

    # --- workers --------------------------------------------------------------

    def crew(self, size: int, **settings: str) -> list[Service]:
        """Return this number of workers with these settings next to the stack's own, and end all others."""
        wanted = {f"TURNSTILE_{name.upper()}": value for name, value in settings.items()}
        kept = [worker for worker in self.workers if worker.settings == wanted and worker.is_ready][:size]
        coming = [self._hire(wanted) for _ in range(size - len(kept))]
        for worker in coming:
            worker.launch()
        self.dismiss([worker for worker in self.workers if worker not in kept])
        self.workers += coming
        for worker in coming:
            worker.wait_until_ready()
        return [*kept, *coming]

    def hire(self) -> Service:
        """Return a worker that is not started yet, and that the stack looks after from now on."""
        worker = self._hire({})
        self.workers.append(worker)
        return worker

    def dismiss(self, workers: list[Service]) -> None:
        """End workers for good; those that live end in order."""
        for worker in workers:
            worker.signal(signal.SIGCONT)
            worker.signal(signal.SIGTERM)
        for worker in workers:
            if worker.is_running:
                assert worker.wait() == 0, f"{worker.name} did not end in order:\n{worker.log_tail()}"
            worker.close()
            self.workers.remove(worker)

    def worker_of(self, name: str) -> Service:
        """Return a worker by the name that stands in the journal."""
        return next(worker for worker in self.workers if worker.name == name)

    def runner_of(self, worker: Service, job: Job, within: float = 60) -> psutil.Process:
        """Return the process that runs a job which has effects."""
        effect = self.sink.wait_for_effect(job.lock, job.id, within=within)
        assert effect.worker == worker.pid
        return psutil.Process(effect.runner)

    # --- tests ----------------------------------------------------------------

    def new_lock(self) -> str:
        """Return a lock that nobody has used."""
        return f"lock {uuid.uuid4().hex[:12]}"

    def begin_test(self) -> None:
        """Forget what earlier tests did."""
        self.api.submitted.clear()
        self.expected_tracebacks.clear()
        for service in self.services():
            service.mark_log()

    def end_test(self, *, has_failed: bool) -> None:
        """Leave nothing that could disturb the next test."""
        for worker in self.workers:
            if worker.is_running:
                for process in worker.family():
                    process.resume()
        hurt = [worker for worker in self.workers if has_failed or not worker.is_running]
        for worker in hurt:
            if worker.is_running:
                worker.kill()
        self.dismiss(hurt)
        for job in self.api.submitted:
            if has_failed and job.state()["status"] not in TERMINAL:
                job.cancel()

    def unexpected_tracebacks(self) -> list[str]:
        """Return what services logged as tracebacks since the test began, except what it means to cause."""
        return [
            f"{service.name}: {line[:4000]}"
            for service in self.services()
            for line in service.log_text().splitlines()
            if _TRACEBACK in line and not any(text in line for text in self.expected_tracebacks)
        ]

    def _hire(self, settings: Mapping[str, str]) -> Service:
        self._hired += 1
        name = f"worker-{self._hired}"
        return self._service(name, "worker", {"TURNSTILE_WORKER_NAME": name}, settings)

    def _service(
        self,
        name: str,
        module: str,
        more: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Service:
        return Service(name, module, {**self.environment, **(more or {})}, self.folder, settings)


StackT = TypeVar("StackT", bound=Stack)


@contextmanager
def running(
    folder: Path, make: Callable[[private.RabbitMQ, private.Azurite, Path], StackT]
) -> Iterator[StackT]:
    """Run a stack on servers of its own, as some tests kill and freeze these."""
    private.ensure_installed()
    with (
        private.rabbitmq(folder / "rabbitmq") as broker,
        private.azurite(folder / "azurite", in_memory=True) as storage,
    ):
        stack = make(broker, storage, folder / "stack")
        try:
            stack.start()
            yield stack
        finally:
            stack.close()
