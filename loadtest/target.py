"""The stack that is put under load: the one named, the running one, or one started for it; and its sink."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy import ROOT
from deploy.processes.command import Command
from deploy.processes.ports import LOOPBACK
from deploy.stack import checks
from deploy.stack.choice import choose
from deploy.stack.containers import ContainerStack
from deploy.stack.settings import PREFIX, StackSettings

from command_line.api import Api, ApiError

_KIND = "send-effects"
_WAIT_SECONDS = 60.0

#: The sink's container, and the port it has there.
_CONTAINER = "effect-sink"
_CONTAINER_PORT = 8099


class TargetError(Exception):
    """There is no stack that can be put under load."""


@dataclass(frozen=True)
class Target:
    """A stack that works."""

    url: str
    #: What the checker needs in its environment to reach the storage.
    environment: Mapping[str, str]
    #: native, docker, or None for a stack that was not started here, which is left as it is.
    runtime: str | None
    workers: int
    metrics: dict[str, list[str]]
    dashboard: str
    jaeger: str
    collector: str

    @contextmanager
    def sink(self, ledger: Path) -> Iterator[str]:
        """Run an effect sink, and return its address as the workers see it."""
        if self.runtime == "docker":
            with _sink_in_container(ledger) as address:
                yield address
            return
        words = (sys.executable, "-m", "loadtest.effect_sink", str(ledger))
        argv = Command(words, when_orphaned="TERM").argv()
        process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            port = process.stdout.readline().strip()
            if not port:
                raise TargetError("The effect sink did not start; its message is above.")
            yield f"{LOOPBACK}:{port}"
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


def prepare(workers: int, runtime: str | None) -> Target:
    """Prepare a stack with this number of workers. Raises TargetError, SettingError and StackError.

    A stack that TURNSTILE_URL names is taken as it is.
    """
    settings = StackSettings.load()
    is_ours = settings.text("URL") is None
    found: str | None = None
    if is_ours:
        stack = choose(settings, runtime)
        found = "docker" if isinstance(stack, ContainerStack) else "native"
        checks.refuse_wrong(settings, in_containers=found == "docker")
        checks.refuse_number_of_workers(settings, workers)
        _deploy("up", runtime=found)
        _deploy("scale", str(workers), runtime=found)
    _await_kind(settings.url, workers if is_ours else 1)
    observed = f"http://{LOOPBACK}"
    return Target(
        url=settings.url,
        environment=settings.for_services(),
        runtime=found,
        workers=workers,
        metrics=_metrics(settings, workers) if found == "native" else {},
        dashboard=settings.dashboard_url,
        jaeger=settings.web_address("JAEGER_URL") or f"{observed}:{settings.port('JAEGER_PORT')}",
        collector=settings.otlp_endpoint or f"{observed}:{settings.port('OTLP_PORT')}",
    )


def _await_kind(url: str, workers: int) -> None:
    """Wait until enough workers are there that know the job."""
    deadline = time.monotonic() + _WAIT_SECONDS
    with Api(url) as api:
        while True:
            try:
                kinds = {kind["kind"] for kind in api.items("/api/v1/kinds")}
            except ApiError as error:
                raise TargetError(str(error)) from None
            if _KIND in kinds and len(api.items("/api/v1/workers")) >= workers:
                return
            if time.monotonic() > deadline:
                raise TargetError(
                    f"{url} has not {workers} workers that know {_KIND}. TURNSTILE_JOBS must name "
                    "sample_jobs, and a stack that runs older code has to be started again: make down up."
                )
            time.sleep(0.5)


@contextmanager
def _sink_in_container(ledger: Path) -> Iterator[str]:
    ledger.parent.mkdir(parents=True, exist_ok=True)
    compose = ("docker", "compose", "--profile", "load")
    # Compose gets the whole environment, and these in addition.
    environment = {
        **os.environ,  # noqa: TID251
        f"{PREFIX}LOAD_FOLDER": str(ledger.parent),
        f"{PREFIX}LOAD_USER": f"{os.getuid()}:{os.getgid()}",
    }
    start = (*compose, "up", "--detach", "--wait", "--force-recreate", "--no-deps", _CONTAINER)
    done = subprocess.run(start, cwd=ROOT, env=environment, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise TargetError("The effect sink's container did not start; Compose prints the reason above.")
    try:
        yield f"{_CONTAINER}:{_CONTAINER_PORT}"
    finally:
        stop = (*compose, "rm", "--stop", "--force", _CONTAINER)
        subprocess.run(stop, cwd=ROOT, env=environment, stdout=sys.stderr, check=False)


def _deploy(*words: str, runtime: str) -> None:
    """Run a command of the stack; its output is not part of our result."""
    environment = {**os.environ, "RUNTIME": runtime}  # noqa: TID251 - handed on
    command = (sys.executable, "-m", "deploy.stack", *words)
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise TargetError(f"The stack could not be prepared: deploy.stack {' '.join(words)} failed.")


def _metrics(settings: StackSettings, workers: int) -> dict[str, list[str]]:
    first = settings.port("WORKER_PORT")
    ports = {
        "publisher": [settings.port("PUBLISHER_PORT")],
        "worker": [*range(first, first + workers)],
        "audit-projector": [settings.port("AUDIT_PROJECTOR_PORT")],
        "scheduler": [settings.port("SCHEDULER_PORT")],
        "dashboard": [settings.port("DASHBOARD_PORT")],
    }
    return {
        service: [f"http://{LOOPBACK}:{port}/metrics" for port in of_service]
        for service, of_service in ports.items()
    }
