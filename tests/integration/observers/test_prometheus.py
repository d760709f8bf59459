"""Prometheus reads the committed configuration, and without containers finds its targets all the same."""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deploy import ROOT
from deploy.processes.command import Command
from deploy.processes.ports import reserved
from deploy.processes.supervision import Program
from deploy.servers import private
from deploy.servers.installation import ensure_prometheus
from deploy.stack import observers
from deploy.stack.settings import StackSettings

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[private.RabbitMQ]:
    """A RabbitMQ that can be asked for its metrics."""
    private.ensure_installed()
    with private.rabbitmq(tmp_path_factory.mktemp("rabbitmq"), metrics=True) as server:
        yield server


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackSettings]:
    """A stack's settings, with folder and ports of their own."""
    ensure_prometheus()
    with reserved(1) as (port,):
        yield StackSettings.load(
            Path("none"),
            {
                "TURNSTILE_DATA_FOLDER": str(tmp_path_factory.mktemp("stack")),
                "TURNSTILE_OBSERVABILITY": "prometheus",
                "TURNSTILE_PROMETHEUS_PORT": str(port),
            },
        )


@pytest.fixture(scope="module")
def prometheus(settings: StackSettings, broker: private.RabbitMQ) -> Iterator[Program]:
    """Prometheus as a stack without containers runs it, asked as if it were a worker, too."""
    (program,) = observers.observers(settings)
    observers.prepare(settings, [program, asked("rabbitmq", broker.metrics_port), worker(program)])
    command = program.command
    with (command.folder / "log").open("wb") as log:
        process = subprocess.Popen(command.argv(), cwd=command.folder, stdout=log, stderr=log)
        try:
            wait_until(program.is_ready)
            yield program
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.parametrize("where", ["containers", "processes"])
def test_promtool_finds_nothing_wrong(settings: StackSettings, where: str) -> None:
    observers.prepare(settings, [])
    local = settings.data / "prometheus/prometheus.yml"
    file = ROOT / "grafana/prometheus.yml" if where == "containers" else local
    check = [str(shutil.which("promtool")), "check", "config", str(file)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "rule files found" in done.stdout


def test_targets_are_found(prometheus: Program) -> None:
    wanted = {"prometheus": "up", "rabbitmq": "up", "rabbitmq-queues": "up", "worker": "up"}
    wait_until(lambda: health_of_targets(prometheus) == wanted)


def test_a_worker_that_is_gone_is_asked_no_more(
    settings: StackSettings, broker: private.RabbitMQ, prometheus: Program
) -> None:
    others = [prometheus, asked("rabbitmq", broker.metrics_port)]
    observers.prepare(settings, others)
    wait_until(lambda: "worker" not in health_of_targets(prometheus))
    observers.prepare(settings, [*others, worker(prometheus)])
    wait_until(lambda: health_of_targets(prometheus).get("worker") == "up")


def asked(service: str, port: int | None) -> Program:
    assert port is not None
    return Program(service, Command(()), {}, lambda: True, metrics=(service, port))


def worker(prometheus: Program) -> Program:
    (port,) = prometheus.ports
    return asked("worker", port)


def health_of_targets(prometheus: Program) -> dict[str, str]:
    (port,) = prometheus.ports
    query = urllib.parse.urlencode({"state": "active"})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/targets?{query}", timeout=5) as answer:
        targets: list[dict[str, Any]] = json.load(answer)["data"]["activeTargets"]
    return {target["labels"]["job"]: target["health"] for target in targets}


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)
