"""All services as processes, on the run's own servers."""

from collections.abc import Iterator

import pytest
from deploy.servers.private import Azurite, RabbitMQ
from tests.e2e.stack import Stack


@pytest.fixture(scope="package")
def stack(rabbitmq: RabbitMQ, azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(rabbitmq, azurite, tmp_path_factory.mktemp("stack"))
    try:
        stack.start()
        stack.crew(1)
        yield stack
    finally:
        stack.close()
