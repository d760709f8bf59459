"""A publisher against the run's own RabbitMQ and Azurite."""

from collections.abc import AsyncIterator

import pytest
from deploy.servers.private import Azurite, RabbitMQ
from tests.integration.publisher.running import Running, running, settings_for
from tests.waiting import until

from publisher.settings import PublisherSettings


@pytest.fixture
def settings(rabbitmq: RabbitMQ, azurite: Azurite) -> PublisherSettings:
    return settings_for(rabbitmq.url, azurite.connection_string)


@pytest.fixture
async def publisher(settings: PublisherSettings) -> AsyncIterator[Running]:
    async with running(settings) as publisher:
        await until(publisher.is_ready)
        yield publisher
