"""Private RabbitMQ and Azurite servers for tests, which may kill, freeze and restart them.

    with rabbitmq(folder) as broker, azurite(folder) as storage:
        connect(broker.url, storage.connection_string)

Each has free ports and the given folder for itself, and dies with the process that started it.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from deploy.processes.command import Command
from deploy.processes.marked import MARK
from deploy.processes.ports import Reservation
from deploy.servers.broker import Broker, BrokerPorts
from deploy.servers.installation import ensure_installed
from deploy.servers.storage import INDEXED, Storage, StoragePorts

__all__ = [
    "Azurite",
    "RabbitMQ",
    "ServerError",
    "ServerProcess",
    "azurite",
    "ensure_installed",
    "rabbitmq",
]

_START_SECONDS = 90.0
_STOP_SECONDS = 30.0


class ServerError(RuntimeError):
    """A private server did not start."""


class RabbitMQ:
    """A private RabbitMQ node. It keeps its ports and data over kill and start."""

    def __init__(self, folder: Path, *, metrics: bool = False, password: str = "turnstile") -> None:
        self._reservation = Reservation(4)
        amqp, distribution, mapper, prometheus = self._reservation.ports
        #: Where its metrics are asked for, when it was started with them.
        self.metrics_port = prometheus if metrics else None
        ports = BrokerPorts(amqp, distribution, mapper, metrics=self.metrics_port)
        self._broker = Broker(folder, ports, password=password)
        self._broker.prepare()
        self._mapper = ServerProcess(self._broker.mapper_command(), folder / "epmd.log")
        self._node = ServerProcess(self._broker.command(), folder / "rabbitmq.log")

    @property
    def url(self) -> str:
        """Where clients connect."""
        return self._broker.url

    @property
    def pid(self) -> int | None:
        """Id of the node's process."""
        return self._node.pid

    def start(self) -> None:
        """Start the node and wait until it serves."""
        self._mapper.start()
        self._node.start()
        self._node.wait_until(self._broker.is_ready)

    def stop(self) -> None:
        """Stop the node in order."""
        self._node.end(signal.SIGTERM)
        self._mapper.end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the node, as a power cut would."""
        self._node.end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze the node: connections stay open, nothing answers."""
        self._node.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen node continue."""
        self._node.send(signal.SIGCONT)

    def limit_disk(self, free: str) -> None:
        """Have the node take no more messages while less disk space than this is free, such as 200MB."""
        command = self._broker.control_command("set_disk_free_limit", free)
        environment = {**os.environ, **command.environment}
        subprocess.run(command.argv(), env=environment, check=True, capture_output=True, timeout=60)

    def close(self) -> None:
        """Stop for good and free the ports."""
        self.stop()
        self._reservation.release()


class Azurite:
    """A private storage emulator. Unchanged, it loses in a kill what it acknowledged in the last 5 s."""

    def __init__(self, folder: Path, *, in_memory: bool = False, kept_in: str = INDEXED) -> None:
        self._reservation = Reservation(3)
        self._storage = Storage(folder, StoragePorts(*self._reservation.ports), in_memory, kept_in)
        self._storage.prepare()
        self._process = ServerProcess(self._storage.command(), folder / "azurite.log")

    @property
    def connection_string(self) -> str:
        """What clients connect with."""
        return self._storage.connection_string

    @property
    def pid(self) -> int | None:
        """Id of the emulator's process."""
        return self._process.pid

    def start(self) -> None:
        """Start the emulator and wait until it serves."""
        self._process.start()
        self._process.wait_until(self._storage.is_ready)

    def stop(self) -> None:
        """Stop the emulator in order; its data stays unless it was kept in memory."""
        self._process.end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the emulator, as a crash would."""
        self._process.end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze the emulator: connections stay open, nothing answers."""
        self._process.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen emulator continue."""
        self._process.send(signal.SIGCONT)

    def close(self) -> None:
        """Stop for good and free the ports."""
        self.stop()
        self._reservation.release()


@contextlib.contextmanager
def rabbitmq(folder: Path, *, metrics: bool = False, password: str = "turnstile") -> Iterator[RabbitMQ]:
    """Run a private RabbitMQ as long as the context lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    server = RabbitMQ(folder, metrics=metrics, password=password)
    try:
        server.start()
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def azurite(folder: Path, *, in_memory: bool = False, kept_in: str = INDEXED) -> Iterator[Azurite]:
    """Run a private Azurite as long as the context lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Azurite(folder, in_memory=in_memory, kept_in=kept_in)
    try:
        server.start()
        yield server
    finally:
        server.close()


class ServerProcess:
    """A server process with its output in a file."""

    def __init__(self, command: Command, log: Path) -> None:
        self._command = command
        #: The file with its output.
        self.log = log
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Id of the process; None while it does not run."""
        return self._popen.pid if self._popen is not None and self._popen.poll() is None else None

    def start(self) -> None:
        """Start the process, if it does not run."""
        if self._popen is None or self._popen.poll() is not None:
            # The parent-death signal follows the thread that starts the process: it must be one that stays.
            self._popen = _spawner().submit(self._spawn).result()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.send_signal(number)

    def end(self, number: signal.Signals) -> None:
        """End the process by this signal, and by SIGKILL when it takes too long."""
        if self._popen is None:
            return
        self.send(signal.SIGCONT)
        self.send(number)
        try:
            self._popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait until the server can work. Raises ServerError with the end of its output."""
        deadline = time.monotonic() + _START_SECONDS
        while not is_ready():
            if self._popen is None or self._popen.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])
                message = f"{self._command.arguments[0]} did not start; the end of {self.log}:\n{tail}"
                raise ServerError(message)
            time.sleep(0.05)

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self._command.environment, MARK: str(self._command.folder.resolve())}
        with self.log.open("ab") as output:
            return subprocess.Popen(
                self._command.argv(),
                cwd=self._command.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@cache
def _spawner() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="servers")
