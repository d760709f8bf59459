"""The stack under fire: every connection through a proxy of its own, and what is killed comes back."""

import math
import random
import re
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from aio_pika.abc import AbstractChannel
from deploy.servers import private
from tests.chaos.network import Network
from tests.e2e.services import Service
from tests.e2e.stack import Stack

#: Services that are started at the same time: a start takes more than a second of processor time.
_STARTS_AT_ONCE = 2
_START_SECONDS = 30.0

_ACTIVE_SECONDS = 0.7

_SETTINGS = {
    "TURNSTILE_JOBS": "tests.e2e.jobs,tests.chaos.jobs",
    "TURNSTILE_CONCURRENCY": "2",
    "TURNSTILE_PROGRESS_SECONDS": "0.3",
}

_REFUSED_WRITES = re.compile(r"^turnstile_lock_writes_refused_total(?:\{[^}]*\})? ([0-9.e+]+)", re.MULTILINE)


class ChaosStack(Stack):
    """A stack with `size` workers, whose dead services a restarter starts again."""

    def __init__(
        self,
        broker: private.RabbitMQ,
        storage: private.Azurite,
        folder: Path,
        size: int,
        chance: random.Random,
    ) -> None:
        self.network = Network(broker, storage)
        self.size = size
        self._chance = chance
        #: The jobs that were not over, and when that was asked.
        self._active: tuple[float, list[str]] = -math.inf, []
        super().__init__(broker, storage, folder, _SETTINGS)
        self.restarter = Restarter(self, random.Random(chance.random()))

    def start(self) -> None:
        """Start everything."""
        super().start()
        self.crew(self.size)
        self.restarter.start()

    def close(self) -> None:
        """End everything."""
        self.restarter.stop()
        self.network.heal()
        super().close()
        self.network.close()

    def worker_with(self, pid: int) -> Service | None:
        """Return the worker whose supervisor has this process id now."""
        return next((worker for worker in self.workers if worker.is_running and worker.pid == pid), None)

    def active_jobs(self) -> list[str]:
        """Return the ids of jobs that are not over, as of the last second: to ask goes through a table."""
        asked, found = self._active
        now = time.monotonic()
        if now - asked > _ACTIVE_SECONDS:
            found = self.records.active_jobs()
            # From its end on, so that a storage that is slow is asked no more often.
            self._active = time.monotonic(), found
        return found

    def writes_refused(self) -> int:
        """Return how many writes the workers that live now say were refused to them."""
        return sum(_writes_refused(worker) for worker in self.workers)

    def consumers(self, queue: str) -> int:
        """Return how many consumers a queue has."""

        async def look(channel: AbstractChannel) -> int:
            declared = await channel.declare_queue(queue, passive=True)
            return int(declared.declaration_result.consumer_count or 0)

        return self.broker.do(look)

    def _service(
        self,
        name: str,
        module: str,
        more: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Service:
        return super()._service(name, module, {**(more or {}), **self.network.environment(name)}, settings)


class Restarter:
    """Starts services that have died, after a moment, few at a time.

    Its thread stays as long as the stack, as services end with the thread that has started them.
    """

    def __init__(self, stack: ChaosStack, chance: random.Random) -> None:
        self._stack = stack
        self._chance = chance
        self._due: dict[str, float] = {}
        self._coming: dict[str, float] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="restarter", daemon=True)
        #: Services left alone for now, by name.
        self.spared: set[str] = set()

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Let the dead be dead."""
        self._is_over.set()
        if self._thread.ident is not None:
            self._thread.join(10)

    def _watch(self) -> None:
        while not self._is_over.wait(0.05):
            for service in self._stack.services():
                self._look_after(service)

    def _look_after(self, service: Service) -> None:
        now = time.monotonic()
        if service.name in self._coming:
            if service.is_ready or not service.is_running or now > self._coming[service.name]:
                del self._coming[service.name]
        elif not service.is_running and service.name not in self.spared:
            due = self._due.setdefault(service.name, now + self._chance.uniform(0.1, 0.5))
            if now >= due and len(self._coming) < _STARTS_AT_ONCE:
                del self._due[service.name]
                service.launch()
                self._coming[service.name] = now + _START_SECONDS


def _writes_refused(worker: Service) -> int:
    try:
        with urllib.request.urlopen(f"{worker.url}/metrics", timeout=3) as answer:
            text = answer.read().decode()
    except OSError:
        return 0
    return round(sum(float(found) for found in _REFUSED_WRITES.findall(text)))
