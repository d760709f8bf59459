"""A queue of RabbitMQ per lock, with a single active consumer: what a broker alone would do."""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.servers import installation

from bench.contestant import Installation, Setting, handler_environment
from bench.contestants.processes import inherited, run, workers
from bench.programs.queue_program import RABBITMQ
from bench.servers import Servers

_PROGRAM = (sys.executable, "-m", "bench.programs.queue_program")


class SingleActiveConsumer:
    """Exclusion by the broker, without any state."""

    key = "rabbitmq"
    name = "RabbitMQ, single active consumer"
    about = (
        "a quorum queue per lock with a single active consumer, prefetch 1, confirmed publishes; records "
        "nothing, so it is a floor."
    )
    has_steps = False
    has_history = False
    is_floor = True

    def install(self) -> None:
        """Install what it needs, where that is missing. Raises InstallError."""
        installation.ensure_installed()

    @contextmanager
    def running(self, folder: Path, servers: Servers, setting: Setting) -> Iterator[Installation]:
        """Run it on queues of its own as long as the context lasts."""
        prefix = f"bench.{uuid.uuid4().hex[:8]}."
        queues = [f"{prefix}{lock}" for lock in setting.locks]
        variables = inherited(**handler_environment(folder), **{RABBITMQ: servers.rabbitmq.url})
        run([*_PROGRAM, "prepare", *queues], variables)
        try:
            worker = [*_PROGRAM, "worker", str(setting.slots), *queues]
            with workers(setting.workers, worker, variables, folder) as processes:
                yield Installation(
                    folder,
                    client=(*_PROGRAM, "client", prefix),
                    environment=variables,
                    programs={"worker": processes},
                    more_roots=lambda: {"RabbitMQ": [servers.rabbitmq.pid or 0]},
                )
        finally:
            run([*_PROGRAM, "remove", *queues], variables)
