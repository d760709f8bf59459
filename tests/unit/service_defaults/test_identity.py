"""The resource: the service by a name of its own, its process, and the host that all its processes share."""

import os
import platform
import socket
from pathlib import Path

import pytest
from tests.unit.contracts.schema import RESOURCE

from contracts.telemetry.names import Source
from service_defaults.identity import host_id, make_resource
from service_defaults.instance_name import instance_name
from service_defaults.settings import ServiceSettings


class WorkerSettings(ServiceSettings):
    source = Source.WORKER


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> WorkerSettings:
    """Return the settings of a worker, with an environment that says nothing of resources."""
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)
    return WorkerSettings(storage_connection_string="AccountName=a;AccountKey=b")


def test_it_has_what_is_declared_and_nothing_else(worker: WorkerSettings) -> None:
    attributes = make_resource(worker).attributes
    assert set(attributes) == set(map(str, RESOURCE.values()))
    assert not [name for name, value in attributes.items() if value in {None, ""}]


def test_it_names_the_service_and_its_process(worker: WorkerSettings, settings: ServiceSettings) -> None:
    attributes = make_resource(worker).attributes
    assert attributes["service.name"] == "turnstile-worker"
    assert attributes["service.namespace"] == "turnstile"
    assert attributes["service.version"] == "0.1.0"
    assert attributes["service.instance.id"] == instance_name()
    assert (attributes["host.name"], attributes["process.pid"]) == (socket.gethostname(), os.getpid())
    assert attributes["process.runtime.version"] == platform.python_version()
    assert make_resource(settings).attributes["service.version"] == "0.1.0"


def test_a_host_has_one_id_which_no_file_of_a_container_changes(worker: WorkerSettings) -> None:
    of_kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert make_resource(worker).attributes["host.id"] == of_kernel


@pytest.mark.parametrize("content", [None, "\n"])
def test_without_an_id_of_the_kernel_the_host_is_known_by_its_name(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "boot_id"
    if content is not None:
        file.write_text(content)
    assert host_id(file) == socket.gethostname()


def test_what_the_environment_says_of_the_host_comes_before_what_was_found(
    worker: WorkerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.id=i-0abc,deployment.environment.name=blue")
    attributes = make_resource(worker).attributes
    assert (attributes["host.id"], attributes["deployment.environment.name"]) == ("i-0abc", "blue")
