"""Harm for a stack that was started here, by the stack's own means."""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random

from deploy import ROOT
from deploy.errors import StackError
from deploy.processes.supervision import Supervisor
from deploy.stack.settings import StackSettings

from loadtest.scenario import Faults

_NATIVE = "native"
_TIMEOUT_SECONDS = 180.0


class FaultError(Exception):
    """The harm could not be done."""


class StackFaults(Faults):
    """Kills and stops parts of the stack."""

    def __init__(self, runtime: str, workers: int, random: Random) -> None:
        self._runtime = runtime
        self._workers = workers
        self._random = random
        #: What was done, and when.
        self.log: list[tuple[datetime, str]] = []
        #: When which worker was killed, by the end of its name in the audit trail.
        self.killed: dict[str, datetime] = {}

    def kill_worker(self) -> None:
        """Kill a random worker; the stack starts it again."""
        name = self._random.choice(self._names())
        if self._runtime == _NATIVE:
            end = f"-{_kill_program(name)}"
            # Not before: until it was killed, the worker may have begun the very run that was cut off.
            self.killed[end] = datetime.now(UTC)
        else:
            _run("docker", "kill", "--signal", "KILL", name)
            # An engine leaves what was killed by hand as it is.
            _run("docker", "start", name)
        self.log.append((datetime.now(UTC), f"killed {name}"))

    def stop_worker(self) -> None:
        """Stop the last worker in order, and start it again."""
        self.log.append((datetime.now(UTC), f"stopped worker {self._workers}"))
        self._stack("scale", str(self._workers - 1))
        self._stack("scale", str(self._workers))

    def restart_broker(self) -> None:
        """Kill RabbitMQ and let it start again."""
        self.log.append((datetime.now(UTC), "killed RabbitMQ"))
        self._restart("rabbitmq")

    def restart_scheduler(self) -> None:
        """Kill the scheduler, as by a power cut, and let it start again."""
        self.log.append((datetime.now(UTC), "killed the scheduler"))
        self._restart("scheduler")

    def mend(self) -> None:
        """See that all is there again. Raises FaultError when it does not come back."""
        self._stack("scale", str(self._workers))

    def _restart(self, program: str) -> None:
        if self._runtime == _NATIVE:
            _kill_program(program)
        else:
            _run("docker", "compose", "kill", "--signal", "KILL", program)
            _run("docker", "compose", "up", "--detach", "--wait", "--no-recreate", program)

    def _names(self) -> list[str]:
        if self._runtime == _NATIVE:
            return [f"worker-{number}" for number in range(1, self._workers + 1)]
        return _run("docker", "compose", "ps", "--format", "{{.Name}}", "worker").split()

    def _stack(self, *command: str) -> str:
        # Said again: without the word, a command takes the stack that is up, and both may be.
        environment = {**os.environ, "RUNTIME": self._runtime}  # noqa: TID251 - handed on
        return _run(sys.executable, "-m", "deploy.stack", *command, environment=environment)


def _kill_program(name: str) -> int:
    try:
        return Supervisor(StackSettings.load().data).kill(name)
    except StackError as error:
        raise FaultError(str(error)) from None


def _run(*words: str, environment: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            words,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FaultError(str(error)) from None
    if done.returncode != 0:
        raise FaultError(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()[:400]}")
    return done.stdout
