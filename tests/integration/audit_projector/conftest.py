"""An installation on the run's own servers."""

from collections.abc import AsyncIterator

import pytest
from deploy.servers.private import Azurite, RabbitMQ
from tests.integration.audit_projector.running import Installation, installation


@pytest.fixture
async def place(rabbitmq: RabbitMQ, azurite: Azurite) -> AsyncIterator[Installation]:
    async with installation(rabbitmq.url, azurite.connection_string) as place:
        yield place
