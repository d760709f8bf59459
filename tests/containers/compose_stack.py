"""Drives a compose project the way a person does: make, docker compose, HTTP."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy import ROOT


@dataclass(frozen=True)
class ComposeStack:
    """A compose project, known by its environment variables."""

    environment: Mapping[str, str]

    def make(self, *arguments: str) -> None:
        """Run a make target."""
        command = ["make", f"PYTHON={sys.executable}", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, check=True)

    def compose(self, *arguments: str) -> str:
        """Run docker compose and return what it printed."""
        command = ["docker", "compose", *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
        )
        return done.stdout.decode()

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's running containers. Raises AssertionError when there is none."""
        found = self.compose("ps", "--quiet", service).split()
        assert found, f"no container of {service} runs"
        return found

    def inspect(self, container: str) -> dict[str, Any]:
        """Return all the engine knows of a container."""
        found: list[dict[str, Any]] = json.loads(docker("inspect", container))
        return found[0]

    def get(self, path: str) -> Any:
        """Ask the API."""
        with urllib.request.urlopen(self._url + path, timeout=10) as answer:
            return json.load(answer)

    def submit(self, **job: Any) -> str:
        """Submit a job and return its id."""
        request = urllib.request.Request(
            f"{self._url}/api/v1/jobs", json.dumps(job).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            job_id: str = json.load(answer)["job_id"]
        return job_id

    def wait_for(self, job_id: str, *statuses: str, seconds: float) -> dict[str, Any]:
        """Wait until a job has one of the statuses and return its state."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state: dict[str, Any] = self.get(f"/api/v1/jobs/{job_id}")
            if state["status"] in statuses:
                return state
            time.sleep(0.25)
        raise AssertionError(f"{job_id} is not {' or '.join(statuses)} after {seconds} s: {state}")

    def ask_prometheus(self, path: str, **parameters: str) -> Any:
        """Ask Prometheus' API and return the data of its answer."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._at('PROMETHEUS')}/api/v1/{path}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """Ask Jaeger for a trace."""
        try:
            with urllib.request.urlopen(f"{self._at('JAEGER')}/api/traces/{trace_id}", timeout=10) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return found[0]

    @property
    def dashboard(self) -> str:
        """Where the dashboard is."""
        return self._at("DASHBOARD")

    @property
    def _url(self) -> str:
        return self._at("PUBLISHER")

    def _at(self, server: str) -> str:
        return f"http://127.0.0.1:{self.environment[f'TURNSTILE_{server}_PORT']}"


def wait_until(is_so: Callable[[], Any], *, seconds: float) -> Any:
    """Ask until the answer is true in Python's sense, and return it; raises AssertionError with the last."""
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"not so after {seconds} s: {found!r}"
        time.sleep(0.25)
    return found


def docker(*arguments: str) -> str:
    """Run docker and return what it printed."""
    done = subprocess.run(
        ["docker", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
    )
    return done.stdout.decode()
