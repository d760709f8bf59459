"""The stack as plain processes under supervisord, for machines without a container engine."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from deploy.errors import StackError
from deploy.install.environment import PYTHON
from deploy.processes import marked, ports
from deploy.processes.supervision import ProcessState, Program, Supervisor
from deploy.servers import installation
from deploy.stack import addresses, checks, grafana, observers, programs
from deploy.stack.programs import DASHBOARD, WORKER
from deploy.stack.settings import OBSERVERS, StackSettings
from deploy.stack.starts import Starts
from deploy.stack.tables import table

_READY_SECONDS = 90.0


class NativeStack:
    """The local processes of one data folder."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self._supervisor = Supervisor(settings.data)

    def is_up(self) -> bool:
        """Return whether the stack was started."""
        return self._supervisor.is_running()

    def up(self) -> None:
        """Start what does not run and wait until all is ready."""
        checks.refuse_wrong(self._settings, in_containers=False)
        if self._settings.own_broker or self._settings.own_storage:
            installation.ensure_installed()
        with self._alone():
            self._apply(self._running_workers() or self._settings.workers)
        addresses.show(self.pages())
        if complaint := grafana.complaint(self._settings):
            print(f"  {complaint}\n")
        absent = observers.missing(self._settings)
        if absent:
            print(f"  Not installed, and not needed: {', '.join(absent)}.\n")

    def pages(self) -> list[addresses.Page]:
        """Return where people find what."""
        running = self._programs(self._running_workers())
        if self.is_up():
            started = {state.name for state in self._supervisor.states()}
            running = [program for program in running if program.name in started]
        seen = addresses.observer_pages(self._settings, {program.name for program in running})
        # The services' before those of the servers below them.
        by_order = sorted(running, key=lambda program: -program.order)
        first = [page for program in running if program.name == DASHBOARD for page in program.pages]
        others = [page for program in by_order if program.name != DASHBOARD for page in program.pages]
        return [*first, *seen, *others]

    def down(self) -> None:
        """Stop everything; data stays."""
        with self._alone():
            if self.is_up():
                self._supervisor.stop()
            self._supervisor.shut_down(grace=2 * self._settings.stop_seconds)

    def scale(self, workers: int) -> None:
        """Run that many workers."""
        checks.refuse_number_of_workers(self._settings, workers)
        if not self.is_up():
            message = "The stack is not up; start it with `make up`."
            raise StackError(message)
        checks.refuse_wrong(self._settings, in_containers=False)
        with self._alone():
            self._apply(workers)
        print(f"{workers} workers run.")

    def ps(self) -> bool:
        """Print each process and its health; return whether all is well."""
        if not self.is_up():
            print("Nothing runs; start it with `make up`.")
            return False
        states = {state.name: state for state in self._supervisor.states()}
        known = [program for program in self._programs(self._running_workers()) if program.name in states]
        with ThreadPoolExecutor(8) as pool:
            words = list(pool.map(_health, known))
        rows = [_row(states[program.name], program, word) for program, word in zip(known, words, strict=True)]
        print(table(("name", "state", "health", "process", "up for", "ports"), rows))
        return all(word == "ready" for word in words)

    def logs(self, service: str | None, *, follow: bool) -> None:
        """Print the end of the logs, and what comes, until interrupted."""
        names = [path.stem for path in self._supervisor.logs.glob("*.log") if path.stem != "supervisord"]
        chosen = [name for name in names if service in (None, name, name.rpartition("-")[0])]
        if not chosen:
            message = f"There are no logs of {service}; there are: {', '.join(sorted(names)) or 'none'}."
            raise StackError(message)
        files = [str(self._supervisor.log(name)) for name in sorted(chosen)]
        with contextlib.suppress(KeyboardInterrupt):
            subprocess.run(["tail", "-n", "50", *(["-F"] if follow else []), *files], check=False)

    def kill_worker(self, name: str | None) -> None:
        """Kill one worker's process as a crash would, and print its name."""
        running = (
            [state.name for state in self._supervisor.states() if _is_worker(state)] if self.is_up() else []
        )
        if not running or name not in (None, *running):
            message = f"{name or 'A worker'} does not run; running: {', '.join(running) or 'none'}."
            raise StackError(message)
        victim = name or running[0]
        pid = self._supervisor.kill(victim)
        print(f"Killed {victim} (process {pid}) with SIGKILL; it will be started again.")

    def remove_data(self) -> None:
        """Stop everything and remove all that the stack keeps."""
        self.down()
        # Not the folder itself: a user may have named one that holds other files, too.
        for name in ("azurite", "inputs", "load", "logs", "rabbitmq", "run", *OBSERVERS):
            shutil.rmtree(self._settings.data / name, ignore_errors=True)

    def run(self, module: str) -> int:
        """Run a module of a service against the stack; return its exit code."""
        environment = {**os.environ, **self._settings.for_services()}
        return subprocess.run([PYTHON, "-m", module], env=environment, check=False).returncode

    def _programs(self, workers: int, without: Collection[str] = ()) -> list[Program]:
        seeing = observers.observers(self._settings, without)
        telemetry = observers.environment(self._settings, seeing)
        links = addresses.links_out(self._settings, [program.name for program in seeing])
        services = programs.services(self._settings, workers, telemetry, links)
        found = [*programs.servers(self._settings), *services, *seeing]
        programs.refuse_shared_ports(found)
        return found

    def _running_workers(self) -> int:
        if not self.is_up():
            return 0
        return sum(state.name.startswith(f"{WORKER}-") for state in self._supervisor.states())

    def _apply(self, workers: int) -> None:
        """Make exactly these programs run; programs that run as described already are left alone."""
        self._settings.inputs.mkdir(parents=True, exist_ok=True)
        wanted = {program.name: program for program in self._programs(workers, self._without_port())}
        observers.prepare(self._settings, wanted.values())
        if self.is_up():
            added, changed, removed = self._supervisor.changes(wanted.values())
            for name in (*changed, *removed):
                self._supervisor.remove(name)
            for name in (*added, *changed):
                self._supervisor.add(name)
            self._refuse_taken_ports(wanted.values())
        else:
            # A supervisord that was killed may have left processes behind, and they have the ports.
            marked.end(marked.belonging_to(self._settings.data), grace=self._settings.stop_seconds)
            self._refuse_taken_ports(wanted.values())
            self._supervisor.start(wanted.values())
        first = {program.name for program in programs.servers(self._settings)}
        self._run([program for name, program in wanted.items() if name in first])
        # So early that they see the services start; waited for last, as nothing depends on them.
        seeing = [program for name, program in wanted.items() if name in OBSERVERS]
        for program in seeing:
            self._supervisor.run(program.name)
        self._run([program for name, program in wanted.items() if name not in {*first, *OBSERVERS}])
        try:
            self._run(seeing)
        except StackError as error:
            print(error)

    def _run(self, chosen: list[Program]) -> None:
        """Start programs and wait until all are ready; raise StackError when one of them does not come up."""
        waiting = [(program, Starts(program.name, self._supervisor.log(program.name))) for program in chosen]
        for program in chosen:
            self._supervisor.run(program.name)
        deadline = time.monotonic() + max(_READY_SECONDS, self._settings.start_seconds)
        while waiting := [each for each in waiting if not each[0].is_ready()]:
            for program, starts in waiting:
                starts.see(self._supervisor.state(program.name))
                if starts.have_failed or time.monotonic() > deadline:
                    raise StackError(starts.complaint())
            time.sleep(0.1)

    def _without_port(self) -> list[str]:
        """Return which of the servers that show what happens find a port taken, and print them."""
        states = self._supervisor.states() if self.is_up() else []
        running = {state.name for state in states}
        found = []
        for program in observers.observers(self._settings):
            for port, setting in program.ports.items() if program.name not in running else ():
                if not ports.is_free(port):
                    print(f"  {program.name} is left out. {ports.taken(port, program.name, setting)}")
                    found.append(program.name)
                    break
        return found

    def _refuse_taken_ports(self, wanted: Iterable[Program]) -> None:
        states = self._supervisor.states() if self.is_up() else []
        running = {state.name for state in states if state.is_running}
        for program in wanted:
            for port, setting in program.ports.items() if program.name not in running else ():
                if not ports.wait_until_free(port, timeout=1.0):
                    raise StackError(ports.taken(port, program.name, setting))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self._settings.data.mkdir(parents=True, exist_ok=True)
        with (self._settings.data / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_worker(state: ProcessState) -> bool:
    return state.name.startswith(f"{WORKER}-") and state.is_running and state.pid > 0


def _health(program: Program) -> str:
    if program.health is not None:
        return program.health()
    return "ready" if program.is_ready() else "not ready"


def _row(state: ProcessState, program: Program, word: str) -> tuple[str, ...]:
    age = str(timedelta(seconds=max(0, state.now - state.started_at))) if state.is_running else ""
    return (
        state.name,
        state.state.lower(),
        word,
        str(state.pid or ""),
        age,
        " ".join(map(str, program.ports)),
    )
