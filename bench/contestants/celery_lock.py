"""Celery on Redis, with a lock in Redis around each task."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.servers import installation

from bench import environment
from bench.contestant import Installation, Setting, handler_environment
from bench.contestants.processes import inherited, run, workers
from bench.servers import Redis, Servers

#: The same text as in the program, which needs packages that are not here.
_REDIS = "BENCH_REDIS"
_MODULE = "bench.programs.celery_program"
_WORKER = ("-P", "prefork", "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING")


class CeleryLock:
    """A queue and a lock in Redis."""

    key = "celery"
    name = "Celery, Redis lock"
    about = (
        "Celery on Redis (append-only file, fsync once a second) with a lock of redis-py around the task, "
        "tried every 10 ms; prefetch 1, acknowledged late, prefork with two processes in each worker; no "
        "fence, no record of what ran. Requests are commands, those of waiting for the lock included."
    )
    has_steps = True
    has_history = False
    is_floor = False

    def install(self) -> None:
        """Install what it needs, where that is missing. Raises InstallError."""
        installation.ensure_redis()
        environment.ensure_installed()

    @contextmanager
    def running(self, folder: Path, servers: Servers, setting: Setting) -> Iterator[Installation]:
        """Run it on an empty Redis as long as the context lasts."""
        server = servers.redis
        run(["redis-cli", "-p", str(server.port), "FLUSHALL"], inherited())
        variables = inherited(**handler_environment(folder), **{_REDIS: server.url})
        celery = str(environment.PYTHON.parent / "celery")
        worker = [celery, "-A", _MODULE, "worker", "-c", str(setting.slots), *_WORKER]
        with workers(setting.workers, worker, variables, folder) as processes:
            yield Installation(
                folder,
                client=(str(environment.PYTHON), "-m", _MODULE),
                environment=variables,
                programs={"worker": processes, "Redis": [server.process]},
                requests=lambda: _commands(server),
            )


def _commands(server: Redis) -> dict[str, float]:
    lines = run(["redis-cli", "-p", str(server.port), "INFO", "stats"], inherited()).splitlines()
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    return {"all": float(values["total_commands_processed"])}
