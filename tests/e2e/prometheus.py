"""A real Prometheus with the committed configuration and alert rules, watching what a test tells it to."""

import math
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml
from deploy import ROOT
from deploy.processes.command import Command
from deploy.processes.ports import LOOPBACK, Reservation
from tests.e2e.waiting import until

_CONFIGURATION = ROOT / "grafana" / "prometheus.yml"
_EVERY = "1s"


class Prometheus:
    """Scrapes every second, by the names under which the committed configuration knows its targets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._reservation = Reservation(1)
        (self._port,) = self._reservation.ports
        self._popen: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._client = httpx.Client(base_url=f"http://{LOOPBACK}:{self._port}/api/v1", timeout=30)

    def start(self, targets: Mapping[str, Iterable[int]]) -> None:
        """Scrape these ports of this machine, by the name of the job; wait until it answers."""
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(self._configuration(targets)))
        command = Command(
            (
                "prometheus",
                f"--config.file={self._folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address={LOOPBACK}:{self._port}",
                "--enable-feature=exemplar-storage",
            ),
            when_orphaned="TERM",
        )
        with (self._folder / "prometheus.log").open("ab") as output:
            self._popen = subprocess.Popen(command.argv(), stdout=output, stderr=subprocess.STDOUT)
        until(self._is_ready, 30, "Prometheus to be ready")
        self._began = time.time()

    def close(self) -> None:
        """End the process."""
        self._client.close()
        if self._popen is not None:
            self._popen.send_signal(signal.SIGTERM)
            self._popen.wait(20)
        self._reservation.release()

    def values(self, expression: str) -> list[float]:
        """Return every number that an expression has had since the start; fail when it is wrong."""
        found = self._ask("query_range", query=expression, start=self._began, end=time.time(), step=1)
        numbers = [float(value) for series in found["result"] for _, value in series["values"]]
        return [number for number in numbers if math.isfinite(number)]

    def value(self, expression: str) -> float:
        """Return the number that an expression has now; not a number when it has none."""
        found = self._ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else math.nan

    def has_exemplars(self, expression: str) -> bool:
        """Whether traces are known for what an expression asks for."""
        found = self._ask("query_exemplars", query=expression, start=self._began, end=time.time())
        return any(series["exemplars"] for series in found)

    def alert_rules(self) -> list[dict[str, Any]]:
        """Return the alert rules and how they are."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def _ask(self, what: str, **parameters: Any) -> Any:
        answer = self._client.get(f"/{what}", params=parameters)
        assert answer.is_success, f"{parameters}: {answer.text}"
        return answer.json()["data"]

    def _is_ready(self) -> bool:
        assert self._popen is not None
        assert self._popen.poll() is None, (self._folder / "prometheus.log").read_text()
        try:
            return httpx.get(f"http://{LOOPBACK}:{self._port}/-/ready").is_success
        except httpx.TransportError:
            return False

    def _configuration(self, targets: Mapping[str, Iterable[int]]) -> dict[str, Any]:
        """Take the committed configuration, with targets of this machine."""
        found: dict[str, Any] = yaml.safe_load(_CONFIGURATION.read_text())
        found["global"] = {"scrape_interval": _EVERY, "scrape_timeout": _EVERY, "evaluation_interval": _EVERY}
        found["rule_files"] = [str(_CONFIGURATION.parent / name) for name in found["rule_files"]]
        jobs = {job["job_name"]: job for job in found["scrape_configs"]}
        unknown = {name: {"job_name": name} for name in targets if name not in jobs}
        for name, job in {**jobs, **unknown}.items():
            job.pop("dns_sd_configs", None)
            job["static_configs"] = [{"targets": [f"{LOOPBACK}:{port}" for port in targets.get(name, ())]}]
        found["scrape_configs"] = [*jobs.values(), *unknown.values()]
        return found
