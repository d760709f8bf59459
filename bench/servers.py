"""The servers of a run, each started when the first contestant needs it, in a folder of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from deploy.processes.command import Command
from deploy.processes.ports import LOOPBACK, Reservation, answers
from deploy.servers import installation, private
from deploy.servers.private import ServerProcess

from bench.errors import BenchError

#: PostgreSQL refuses to run as root; its package brings this user.
_POSTGRESQL_USER = "postgres"


class Servers:
    """Starts servers on demand, and ends them all with the context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> "Servers":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def rabbitmq(self) -> private.RabbitMQ:
        """RabbitMQ."""
        return self._stack.enter_context(private.rabbitmq(self._folder / "rabbitmq"))

    @cached_property
    def postgresql(self) -> "PostgreSQL":
        """PostgreSQL."""
        return self._stack.enter_context(_postgresql())

    @cached_property
    def redis(self) -> "Redis":
        """Redis."""
        return self._stack.enter_context(_redis(self._folder / "redis"))

    def azurite(self, folder: Path) -> AbstractContextManager[private.Azurite]:
        """Return a new emulator, as its speed depends on what is in it."""
        return private.azurite(folder)


class PostgreSQL:
    """A PostgreSQL that writes through to the disk, as it does by default."""

    def __init__(self, folder: Path, port: int, programs: Path) -> None:
        self.port = port
        self._programs = programs
        self._folder = folder
        settings = (
            f"listen_addresses={LOOPBACK}",
            "unix_socket_directories=",
            "max_connections=100",
            "shared_buffers=256MB",
        )
        options = [word for setting in settings for word in ("-c", setting)]
        arguments = (str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), *options)
        self.process = ServerProcess(
            Command(self._as_user(*arguments), folder=Path("/")), folder / "postgresql.log"
        )

    def url(self, database: str) -> str:
        """Where clients connect."""
        return f"postgresql://bench@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Make the cluster, and start the server."""
        if os.geteuid() == 0:
            shutil.chown(self._folder, _POSTGRESQL_USER)
        self._run("initdb", "-D", str(self._folder / "data"), "-U", "bench", "-A", "trust", "-E", "UTF8")
        self.process.start()
        self.process.wait_until(lambda: answers(self.port))

    def stop(self) -> None:
        """Stop the server, and its clients' connections with it."""
        self.process.end(signal.SIGINT)

    def _run(self, program: str, *arguments: str) -> None:
        words = self._as_user(str(self._programs / program), *arguments)
        done = subprocess.run(words, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"{program} failed: {done.stderr.strip()}")

    @staticmethod
    def _as_user(*words: str) -> tuple[str, ...]:
        who = (f"--reuid={_POSTGRESQL_USER}", f"--regid={_POSTGRESQL_USER}", "--clear-groups")
        # A change of the user forgets the signal that was asked for before it.
        return ("setpriv", *(who if os.geteuid() == 0 else ()), "--pdeathsig=QUIT", "--", *words)


class Redis:
    """A Redis that appends what it is told to a file, written through once a second."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir(parents=True)
        self.port = port
        options = {
            "port": port,
            "bind": LOOPBACK,
            "dir": folder,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        command = Command(("redis-server", *words), folder=folder, when_orphaned="TERM")
        self.process = ServerProcess(command, folder / "redis.log")

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"redis://{LOOPBACK}:{self.port}/0"


@contextmanager
def _postgresql() -> Iterator[PostgreSQL]:
    programs = installation.postgresql_programs()
    if programs is None:
        raise BenchError("PostgreSQL is not installed")
    # Not in the folder of the run, which its user may not be allowed to enter.
    with tempfile.TemporaryDirectory(prefix="turnstile-bench-") as name:
        reservation = Reservation(1)
        server = PostgreSQL(Path(name), reservation.ports[0], programs)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            reservation.release()


@contextmanager
def _redis(folder: Path) -> Iterator[Redis]:
    reservation = Reservation(1)
    server = Redis(folder, reservation.ports[0])
    try:
        server.process.start()
        server.process.wait_until(lambda: answers(server.port))
        yield server
    finally:
        server.process.end(signal.SIGTERM)
        reservation.release()
