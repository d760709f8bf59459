"""One service of Turnstile as a process: started, watched, and treated badly."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from deploy.processes.command import Command
from deploy.processes.ports import Reservation
from tests.e2e.waiting import until

ROOT = Path(__file__).parents[2]
_START_SECONDS = 90.0
_STOP_SECONDS = 25.0


class Service:
    """A service with a port and a log of its own, which it keeps over restarts."""

    def __init__(
        self,
        name: str,
        module: str,
        environment: Mapping[str, str],
        folder: Path,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.module = module
        #: What distinguishes this one from others of its kind.
        self.settings = dict(settings or {})
        self._reservation = Reservation(1)
        self.port = self._reservation.ports[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}.log"
        self._log_mark = 0
        self.environment = {
            **environment,
            **self.settings,
            "TURNSTILE_PORT": str(self.port),
            "TURNSTILE_LOG_FORMAT": "json",
            "PYTHONPATH": str(ROOT),
            # As installed: modules are compiled once, not at every start.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
            "PYTHONUNBUFFERED": "1",
        }
        self._popen: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        #: Seconds from exec to ready, at the last start.
        self.start_seconds = 0.0

    # --- life -----------------------------------------------------------------

    def launch(self) -> None:
        """Start the process; `wait_until_ready` waits for it."""
        # Ends with the test run, however that ends.
        command = Command((sys.executable, "-m", self.module), when_orphaned="TERM")
        self._began, self.start_seconds = time.monotonic(), 0.0
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(
                command.argv(),
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self, within: float = _START_SECONDS) -> None:
        """Wait until the service says that it can work; fail when its process ends."""

        def ready() -> bool:
            if self.popen.poll() is not None:
                raise AssertionError(f"{self.name} exited with {self.popen.returncode}:\n{self.log_tail()}")
            return self.is_ready

        try:
            until(ready, within, f"{self.name} to be ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log_tail()}") from None
        self.start_seconds = self.start_seconds or time.monotonic() - self._began

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        self.launch()
        self.wait_until_ready()

    def stop(self) -> int:
        """Ask the process to end; returns its exit code."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end of the process; returns its exit code."""
        try:
            return self.popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end:\n{self.log_tail()}") from None

    def kill(self) -> None:
        """Kill the process alone with SIGKILL."""
        self.signal(signal.SIGKILL)
        self.popen.wait()

    def close(self) -> None:
        """End everything for good, and let others have the port."""
        if self._popen is not None and self._popen.poll() is None:
            family = self.family()
            try:
                self.stop()
            except AssertionError:
                self.kill()
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._reservation.release()

    # --- processes ------------------------------------------------------------

    @property
    def popen(self) -> subprocess.Popen[bytes]:
        """The process."""
        assert self._popen is not None, f"{self.name} was never started"
        return self._popen

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self.popen.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives, frozen or not."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether the service says that it can work, and that all it uses is there."""
        # A client of its own kind would take longer to make than the question takes.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3)
        try:
            connection.request("GET", "/health/ready")
            answer = connection.getresponse()
            checks = json.loads(answer.read())["checks"]
            return answer.status == http.HTTPStatus.OK and set(checks.values()) <= {"ok"}
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        if self.is_running:
            os.kill(self.pid, number)

    def family(self) -> list[psutil.Process]:
        """Return the process and all its descendants, parents first."""
        process = psutil.Process(self.pid)
        return [process, *process.children(recursive=True)]

    def runners(self) -> list[psutil.Process]:
        """Return the processes that run handlers."""
        return [child for child in self.family()[1:] if "worker.runner" in _words(child)]

    def freeze(self) -> list[psutil.Process]:
        """Stop the process and all its descendants with SIGSTOP, parents first; returns them."""
        family = self.family()
        for process in family:
            process.suspend()
        return family

    # --- log ------------------------------------------------------------------

    def mark_log(self) -> None:
        """Let the log begin here, for `log_text` and `log_records`."""
        self._log_mark = self.log.stat().st_size if self.log.exists() else 0

    def log_text(self) -> str:
        """Return what was logged since the mark."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[self._log_mark :].decode(errors="replace")

    def log_tail(self, lines: int = 60) -> str:
        """Return the end of what was logged since the mark."""
        return "\n".join(line[:2000] for line in self.log_text().splitlines()[-lines:])

    def log_records(self) -> Iterator[dict[str, Any]]:
        """Return what was logged since the mark, as records; lines that are none are left out."""
        for line in self.log_text().splitlines():
            with suppress(json.JSONDecodeError):
                record = json.loads(line)
                if isinstance(record, dict):
                    yield record

    def has_logged(self, text: str) -> bool:
        """Whether a text was logged since the mark."""
        return text in self.log_text()


def is_alive(process: psutil.Process) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return process.cmdline()
    return []
