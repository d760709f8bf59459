"""What the adapters are tested against without a server."""

import sys
from collections.abc import AsyncIterator

import pytest
from tests.unit.azure_storage.fake_service import FakeService, fake_service

from azure_storage.calls import deadline_in


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the seconds that each call gets, and give it more: this machine may be busy."""
    limits: list[float] = []

    def patient_deadline(seconds: float) -> float:
        limits.append(seconds)
        return deadline_in(seconds + 60)

    for name, module in list(sys.modules.items()):
        if name.startswith("azure_storage.") and hasattr(module, "deadline_in"):
            monkeypatch.setattr(module, "deadline_in", patient_deadline)
    return limits


@pytest.fixture
async def service(limits: list[float]) -> AsyncIterator[FakeService]:
    async with fake_service() as service:
        yield service
