"""supervisord: its configuration, and talking to the one that runs a stack."""

import hashlib
import http.client
import os
import shlex
import signal
import subprocess
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from deploy import ROOT
from deploy.errors import StackError
from deploy.install.environment import PYTHON
from deploy.processes import launch, marked
from deploy.processes.command import Command

_LONGEST_SOCKET_PATH = 100
_START_SECONDS = 20.0
# supervisord's error codes
_ALREADY_STARTED, _NOT_RUNNING = 60, 70


@dataclass(frozen=True)
class Program:
    """A process that supervisord keeps running."""

    name: str
    command: Command
    #: The ports it listens on, each with the setting that moves it.
    ports: dict[int, str]
    is_ready: Callable[[], bool]
    #: Says in a line whether all is well ("ready"), or what is not; None for a program that cannot.
    health: Callable[[], str] | None = field(default=None, kw_only=True)
    #: Lower starts earlier and stops later.
    order: int = 100
    stop_seconds: int = 30
    #: Where people find it, and what for.
    pages: tuple[tuple[str, str], ...] = ()
    #: Where Prometheus asks for its metrics: the service's name and the port.
    metrics: tuple[str, int] | None = None


@dataclass(frozen=True)
class ProcessState:
    """What supervisord reports about a program."""

    name: str
    state: str
    pid: int
    started_at: int
    now: int

    @property
    def is_running(self) -> bool:
        """Whether it runs or is about to."""
        return self.state in {"RUNNING", "STARTING"}


class Supervisor:
    """The supervisord of one data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._run = data / "run"
        self.logs = data / "logs"

    def is_running(self) -> bool:
        """Return whether supervisord answers."""
        try:
            self._rpc().getState()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False
        return True

    def start(self, programs: Iterable[Program]) -> None:
        """Start supervisord, with all programs stopped."""
        for folder in (self._run, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        self._write(programs)
        environment = {**os.environ, marked.MARK: str(self._data)}
        command = [str(PYTHON), "-m", "supervisor.supervisord", "-c", str(self._configuration)]
        subprocess.run(command, env=environment, cwd=self._data, stdin=subprocess.DEVNULL, check=True)
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_running():
            if time.monotonic() > deadline:
                message = f"supervisord did not start; see {self.logs / 'supervisord.log'}"
                raise TimeoutError(message)
            time.sleep(0.05)

    def changes(self, programs: Iterable[Program]) -> tuple[list[str], list[str], list[str]]:
        """Read the programs' configuration; return the names of those added, changed and removed by it."""
        self._write(programs)
        added, changed, removed = self._rpc().reloadConfig()[0]
        return added, changed, removed

    def add(self, name: str) -> None:
        """Take a new program in, stopped."""
        self._rpc().addProcessGroup(name)

    def remove(self, name: str) -> None:
        """Stop a program and forget it."""
        self._try(self._rpc().stopProcess, name)
        self._rpc().removeProcessGroup(name)

    def run(self, name: str) -> None:
        """Start a program unless it runs already, and return at once."""
        state = self.state(name)
        if state.state == "BACKOFF":
            # supervisord waits longer after every failure; the caller wants it now.
            self._try(self._rpc().stopProcess, name)
        if not state.is_running:
            self._try(self._rpc().startProcess, name, False)

    def state(self, name: str) -> ProcessState:
        """Return what supervisord knows of one program."""
        return _state(self._rpc().getProcessInfo(name))

    def states(self) -> list[ProcessState]:
        """Return what supervisord knows of all programs."""
        return [_state(info) for info in self._rpc().getAllProcessInfo()]

    def kill(self, name: str) -> int:
        """Kill a program's process, without its children, as a crash would; return its process id.

        Raises StackError when it has none.
        """
        pid = self.state(name).pid
        # The process 0 stands for every process of our own group.
        if not pid:
            raise StackError(f"{name} cannot be killed, as it does not run; `make ps` shows what does.")
        os.kill(pid, signal.SIGKILL)
        return pid

    def stop(self) -> None:
        """Stop all programs, the last in order first, those of one order side by side."""
        orders: dict[int, list[str]] = {}
        for program in self._rpc().getAllConfigInfo():
            if program["inuse"]:
                orders.setdefault(program["group_prio"], []).append(program["name"])
        for _, names in sorted(orders.items(), reverse=True):
            for name in names:
                self._try(self._rpc().stopProcess, name, False)
            while any(self.state(name).pid for name in names):
                time.sleep(0.05)

    def shut_down(self, *, grace: float) -> None:
        """Stop all programs, the last started first, then supervisord, then what else runs for the folder."""
        if self.is_running():
            self._rpc().shutdown()
            deadline = time.monotonic() + grace
            while self.is_running() and time.monotonic() < deadline:
                time.sleep(0.05)
        marked.end(marked.belonging_to(self._data), grace=10)

    def log(self, name: str) -> Path:
        """Return the file with the program's output."""
        return self.logs / f"{name}.log"

    @staticmethod
    def _try(call: Callable[..., Any], *arguments: object) -> None:
        """Call supervisord, which may have done by itself already what is asked."""
        try:
            call(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode not in {_ALREADY_STARTED, _NOT_RUNNING}:
                raise

    @property
    def _configuration(self) -> Path:
        return self._run / "supervisord.conf"

    @property
    def _socket(self) -> Path:
        path = self._run / "supervisord.sock"
        if len(str(path)) <= _LONGEST_SOCKET_PATH:
            return path
        short = hashlib.sha256(str(self._data).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"turnstile-{short}.sock"

    def _rpc(self) -> Any:
        transport = SupervisorTransport(serverurl=f"unix://{self._socket}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def _write(self, programs: Iterable[Program]) -> None:
        parts = [self._head(), *map(self._section, programs)]
        self._configuration.write_text("\n".join(parts))

    def _head(self) -> str:
        return f"""\
[unix_http_server]
file = {_escaped(self._socket)}
chmod = 0700

[supervisord]
logfile = {_escaped(self.logs / "supervisord.log")}
logfile_maxbytes = 5MB
logfile_backups = 2
pidfile = {_escaped(self._run / "supervisord.pid")}
childlogdir = {_escaped(self.logs)}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

    def _section(self, program: Program) -> str:
        description = self._run / f"{program.name}.json"
        launch.write(program.command, description)
        command = shlex.join([str(PYTHON), "-m", launch.__name__, str(description)])
        version = hashlib.sha256(description.read_bytes()).hexdigest()
        # Stopping asks only the process itself, which stops its children in order; killing takes them all.
        # The version is there for nothing but to make a changed description a changed program.
        return f"""\
[program:{program.name}]
command = {_escaped(command)}
directory = {_escaped(ROOT)}
environment = TURNSTILE_DESCRIPTION="{version}"
priority = {program.order}
autostart = false
autorestart = true
startsecs = 1
startretries = 1000000
stopwaitsecs = {program.stop_seconds}
stopasgroup = false
killasgroup = true
redirect_stderr = true
stdout_logfile = {_escaped(self.log(program.name))}
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3
"""


def _state(info: dict[str, Any]) -> ProcessState:
    return ProcessState(info["name"], info["statename"], info["pid"], info["start"], info["now"])


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")
