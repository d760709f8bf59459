"""Servers and names for tests: started once per run on free ports, and a name space for each test."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from deploy.servers import private
from deploy.servers.storage import EMULATOR

#: Environment variable with the connection string of an Azurite that runs already, for runs that fork.
AZURITE = "TEST_AZURITE"

#: Environment variable with the address of a RabbitMQ that runs already, such as one of another version.
RABBITMQ = "TEST_RABBITMQ"


@dataclass(frozen=True)
class RunningAzurite:
    """An Azurite that another process has started, and ends."""

    connection_string: str


@dataclass(frozen=True)
class RunningRabbitMQ:
    """A RabbitMQ that another process has started, and ends."""

    url: str


@pytest.fixture(scope="session")
def azurite(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[private.Azurite | RunningAzurite]:
    """Azurite, in memory; tests that stop or freeze it start one of their own."""
    if running := os.environ.get(AZURITE):
        yield RunningAzurite(running)
        return
    private.ensure_installed()
    with private.azurite(tmp_path_factory.mktemp("azurite"), in_memory=True) as server:
        yield server


@pytest.fixture(scope="session")
def unchanged_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[private.Azurite]:
    """Azurite without the local storage, in memory."""
    private.ensure_installed()
    folder = tmp_path_factory.mktemp("unchanged-azurite")
    with private.azurite(folder, in_memory=True, kept_in=EMULATOR) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[private.RabbitMQ | RunningRabbitMQ]:
    """RabbitMQ; tests that stop or freeze it start one of their own."""
    if running := os.environ.get(RABBITMQ):
        yield RunningRabbitMQ(running)
        return
    private.ensure_installed()
    with private.rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture
def storage_namespace() -> str:
    """A prefix for tables and containers that no other test has."""
    return f"t{uuid.uuid4().hex[:12]}"
