"""A rig on the run's own RabbitMQ."""

from collections.abc import AsyncIterator

import pytest
from deploy.servers.private import RabbitMQ
from tests.integration.broker.rig import Rig, connected, settings_for


@pytest.fixture
async def rig(rabbitmq: RabbitMQ) -> AsyncIterator[Rig]:
    async with connected(settings_for(rabbitmq.url)) as rig:
        await rig.broker.start()
        yield rig
