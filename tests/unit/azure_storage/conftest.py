"""What the adapters are tested against without a server."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.azure_storage.fake_service import FakeService, fake_service


@pytest.fixture
async def service() -> AsyncIterator[FakeService]:
    async with fake_service() as service:
        yield service
