"""The stack in containers, through Docker Compose and compose.yaml."""

import contextlib
import os
import subprocess
from pathlib import Path

from dotenv import dotenv_values

from deploy import ROOT
from deploy.errors import StackError
from deploy.processes import ports
from deploy.processes.ports import LOOPBACK
from deploy.stack import addresses, checks, observers, shared_files
from deploy.stack.programs import DASHBOARD, WORKER
from deploy.stack.settings import OBSERVERS, PREFIX, StackSettings
from deploy.stack.starts import last_reason

_ELSEWHERE = "Without images the same stack runs as plain processes: add RUNTIME=native to the command."
_COLLECTOR = "otel-collector"
_FOLDER_LABEL = "com.docker.compose.project.working_dir"
_PROJECT = "COMPOSE_PROJECT_NAME"
_PROFILES = "COMPOSE_PROFILES"


_PUBLISHED = {
    "publisher": ("PUBLISHER_PORT",),
    DASHBOARD: ("DASHBOARD_PORT",),
    "rabbitmq": ("RABBITMQ_PORT", "RABBITMQ_MANAGEMENT_PORT"),
    "azurite": ("AZURITE_BLOB_PORT", "AZURITE_QUEUE_PORT", "AZURITE_TABLE_PORT"),
    _COLLECTOR: ("OTLP_PORT", "OTLP_GRPC_PORT"),
    "jaeger": ("JAEGER_PORT",),
    "prometheus": ("PROMETHEUS_PORT",),
    "loki": ("LOKI_PORT",),
    "grafana": ("GRAFANA_PORT",),
}


class ContainerStack:
    """The containers of one compose project."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings

    @staticmethod
    def engine_answers() -> bool:
        """Return whether there is a Docker engine to talk to, with Compose."""
        try:
            engine = subprocess.run(
                ["docker", "info"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
            )
            plugin = subprocess.run(
                ["docker", "compose", "version"], capture_output=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return engine.returncode == 0 and plugin.returncode == 0

    def is_up(self) -> bool:
        """Return whether the stack was started."""
        return bool(self._containers()) and not self._foreign()

    def up(self) -> None:
        """Build and start what does not run and wait until all is healthy."""
        checks.refuse_wrong(self._settings, in_containers=True)
        if not self.engine_answers():
            message = f"No Docker engine with Compose answers. {_ELSEWHERE}"
            raise StackError(message)
        self._refuse_foreign("run")
        shared_files.refuse_unreadable(ROOT)
        shared_files.make_inputs(self._settings.inputs, own=not self._settings.text("INPUT_FOLDER"))
        wanted, left_out = self._services()
        pull = ("pull", "--policy", "missing", "--ignore-buildable", *wanted)
        self._or_explain(f"An image could not be pulled. {PREFIX}OBSERVABILITY=none needs fewer.", *pull)
        self._or_explain("The images could not be built.", "build")
        if left_out:
            self._compose("rm", "--stop", "--force", *left_out)
        # A killed worker counts: it is there, and starts again.
        workers = len(self._containers("--all", WORKER)) or self._settings.workers
        self._refuse_taken_ports(wanted)
        scale = ("--scale", f"{WORKER}={workers}")
        if self._try("up", "--detach", "--wait", *scale, *wanted) != 0:
            reason = last_reason(
                self._output("logs", "--no-log-prefix", "--no-color", "--tail", "200", WORKER)
            )
            because = f" The worker cannot start: {reason}" if reason else ""
            raise StackError(f"Not every container is healthy; `make ps` and `make logs` show more.{because}")
        self._started_here.write_text(_project() + "\n")
        addresses.show(self.pages())

    def pages(self) -> list[addresses.Page]:
        """Return where people find what."""
        port = self._settings.port
        return [
            addresses.dashboard_page(self._settings),
            *addresses.observer_pages(self._settings, self._settings.observers),
            ("API documentation", f"{self._settings.url}/docs"),
            ("API", self._settings.url),
            ("RabbitMQ management", f"http://{LOOPBACK}:{port('RABBITMQ_MANAGEMENT_PORT')}"),
            ("Azurite, blobs", f"http://{LOOPBACK}:{port('AZURITE_BLOB_PORT')}"),
            ("Azurite, tables", f"http://{LOOPBACK}:{port('AZURITE_TABLE_PORT')}"),
        ]

    def down(self) -> None:
        """Stop and remove the containers; data stays."""
        self._refuse_foreign("stop")
        self._compose("down")

    def scale(self, workers: int) -> None:
        """Run that many workers."""
        checks.refuse_number_of_workers(self._settings, workers)
        checks.refuse_wrong(self._settings, in_containers=True)
        self._refuse_foreign("scale")
        self._compose("up", "--detach", "--wait", "--no-recreate", "--scale", f"{WORKER}={workers}", WORKER)
        print(f"{workers} workers run.")

    def ps(self) -> bool:
        """Print each container and its health; return whether all is well."""
        columns = "table {{.Name}}\t{{.Status}}\t{{.Ports}}"
        self._compose("ps", "--all", "--format", columns)
        found = self._output("ps", "--all", "--format", "{{.State}} {{.Health}}").splitlines()
        # The collector's image has nothing to check its health with.
        return bool(found) and all(line.strip() in ("running healthy", "running") for line in found)

    def logs(self, service: str | None, *, follow: bool) -> None:
        """Print the end of the logs, and what comes, until interrupted."""
        chosen = [service] if service else []
        with contextlib.suppress(KeyboardInterrupt):
            self._compose("logs", "--tail", "50", *(["--follow"] if follow else []), *chosen)

    def kill_worker(self, name: str | None) -> None:
        """Kill one worker's container as a crash would, and print its name."""
        self._refuse_foreign("kill")
        running = self._containers(WORKER)
        if not running or name not in (None, *running):
            message = f"{name or 'A worker'} does not run; running: {', '.join(running) or 'none'}."
            raise StackError(message)
        victim = name or running[0]
        subprocess.run(["docker", "kill", "--signal", "KILL", victim], check=True, stdout=subprocess.DEVNULL)
        print(f"Killed {victim} with SIGKILL; `make up` starts it again.")

    def remove_data(self) -> None:
        """Stop everything and remove all that the stack keeps, unless another folder started it."""
        if self._foreign() or not (self._is_started_here() or self._containers("--all")):
            kept = (
                f"Containers and data of the project {_project()} stay, as this folder has not started them."
            )
            print(f"{kept} `docker compose down --volumes` removes them.")
            return
        self._compose("down", "--volumes", "--rmi", "local")
        self._started_here.unlink(missing_ok=True)

    def run(self, module: str) -> int:
        """Run a module of a service in a container of its own; return its exit code."""
        self._refuse_foreign("use")
        service = module.partition(".")[0].replace("_", "-")
        return self._try("run", "--rm", "--no-deps", service, "python", "-m", module)

    def _foreign(self) -> str | None:
        """Return the other folder that the project's containers were started from, if there is one."""
        found = self._output("ps", "--all", "--format", '{{.Label "' + _FOLDER_LABEL + '"}}').splitlines()
        return next((folder for folder in found if folder and Path(folder).resolve() != ROOT.resolve()), None)

    def _refuse_foreign(self, to_do: str) -> None:
        """Raise StackError where another checkout has the project: `up` and `down` would be on its data."""
        if folder := self._foreign():
            owned = f"The containers of the project {_project()} belong to {folder}, so nothing was done."
            remedy = f"To {to_do} them, go there; for a stack of this folder, set {_PROJECT} and other ports."
            raise StackError(f"{owned} {remedy}")

    @property
    def _started_here(self) -> Path:
        """The file that says which project this folder has started: volumes do not know it."""
        return self._settings.data / "compose-project"

    def _is_started_here(self) -> bool:
        return self._started_here.exists() and self._started_here.read_text().strip() == _project()

    def _containers(self, *which: str) -> list[str]:
        return self._output("ps", "--format", "{{.Name}}", *which).split()

    def _services(self) -> tuple[list[str], list[str]]:
        """Return the services that are to run, and those that are left out."""
        named = self._output("config", "--services").split()
        left_out = [name for name in named if name in OBSERVERS and name not in self._settings.observers]
        return [name for name in named if name not in left_out], left_out

    def _refuse_taken_ports(self, wanted: list[str]) -> None:
        for service, names in _PUBLISHED.items():
            for name in names if service in wanted and not self._containers(service) else ():
                port = self._settings.port(name)
                if not ports.is_free(port):
                    raise StackError(ports.taken(port, service, PREFIX + name))

    def _or_explain(self, problem: str, *arguments: str) -> None:
        if self._try(*arguments) != 0:
            message = f"{problem} {_ELSEWHERE}"
            raise StackError(message)

    def _compose(self, *arguments: str) -> None:
        code = self._try(*arguments)
        if code != 0:
            raise subprocess.CalledProcessError(code, ["docker", "compose", *arguments])

    def _try(self, *arguments: str) -> int:
        return subprocess.run(
            ["docker", "compose", *arguments],
            cwd=ROOT,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode

    def _output(self, *arguments: str) -> str:
        command = ["docker", "compose", *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()

    def _environment(self) -> dict[str, str]:
        # Here and in the links: empty, it is none; not set, compose.yaml names the stack's own.
        without_collector = {"TURNSTILE_COLLECTOR": ""} if _COLLECTOR not in self._settings.observers else {}
        unwanted = observers.unwanted_signals(self._settings, self._settings.observers)
        profiles = [os.environ.get(_PROFILES, ""), "ingress" if self._settings.text("INPUTS") else ""]
        stop_seconds = max(self._settings.stop_seconds, int(self._settings.text("STOP_SECONDS") or 0))
        return {
            **os.environ,
            **self._settings.values,
            _PROFILES: ",".join(filter(None, profiles)),
            **without_collector,
            **{f"{PREFIX}OWN_{signal}_EXPORTER": "none" for signal in unwanted},
            **self._without_links(),
            f"{PREFIX}INPUT_FOLDER": str(self._settings.inputs),
            f"{PREFIX}LOCAL_STORAGE": self._settings.local_storage,
            f"{PREFIX}STOP_SECONDS": str(stop_seconds),
        }

    def _without_links(self) -> dict[str, str]:
        own = {f"{PREFIX}TRACE_URL": f"{PREFIX}OWN_TRACES", f"{PREFIX}LOGS_URL": f"{PREFIX}OWN_LOGS"}
        there = addresses.links_out(self._settings, self._settings.observers)
        return {inner: "" for setting, inner in own.items() if setting not in there}


def _project() -> str:
    return os.environ.get(_PROJECT) or dotenv_values(ROOT / ".env").get(_PROJECT) or "turnstile"
