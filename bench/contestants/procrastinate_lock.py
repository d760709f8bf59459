"""procrastinate on PostgreSQL, with its own `lock`."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.servers import installation

from bench import environment
from bench.contestant import Installation, Setting, handler_environment
from bench.contestants.processes import inherited, run, workers
from bench.servers import PostgreSQL, Servers

#: The same text as in the program, which needs packages that are not here.
_DATABASE = "BENCH_POSTGRESQL"
_PROGRAM = (str(environment.PYTHON), "-m", "bench.programs.procrastinate_program")
_REQUESTS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"


class ProcrastinateLock:
    """A queue in the database."""

    key = "procrastinate"
    name = "procrastinate, lock"
    about = (
        "procrastinate with `lock=` on PostgreSQL (fsync on); workers with listen/notify and a pool of "
        "connections, each with one job at a time (more make it wait for its poll of 5 s between jobs of one "
        "lock); finished jobs stay. Requests are transactions."
    )
    has_steps = True
    has_history = True
    is_floor = False

    def install(self) -> None:
        """Install what it needs, where that is missing. Raises InstallError."""
        installation.ensure_postgresql()
        environment.ensure_installed()

    @contextmanager
    def running(self, folder: Path, servers: Servers, setting: Setting) -> Iterator[Installation]:
        """Run it in a database of its own as long as the context lasts."""
        server, database = servers.postgresql, f"bench_{uuid.uuid4().hex}"
        run(["psql", "-q", "-c", f"CREATE DATABASE {database}", server.url("postgres")], inherited())
        variables = inherited(**handler_environment(folder), **{_DATABASE: server.url(database)})
        run([*_PROGRAM, "schema"], variables)
        try:
            worker = [*_PROGRAM, "worker"]
            with workers(setting.workers, worker, variables, folder) as processes:
                yield Installation(
                    folder,
                    client=(*_PROGRAM, "client"),
                    environment=variables,
                    programs={"worker": processes, "PostgreSQL": [server.process]},
                    requests=lambda: _transactions(server, database),
                    write_history=lambda jobs: _write_history(jobs, variables),
                )
        finally:
            drop = f"DROP DATABASE {database} WITH (FORCE)"
            run(["psql", "-q", "-c", drop, server.url("postgres")], inherited())


def _transactions(server: PostgreSQL, database: str) -> dict[str, float]:
    found = run(["psql", "-qAt", "-c", _REQUESTS, server.url(database)], inherited())
    return {"all": float(found)}


def _write_history(jobs: int, variables: Mapping[str, str]) -> None:
    run([*_PROGRAM, "history", str(jobs)], variables)
