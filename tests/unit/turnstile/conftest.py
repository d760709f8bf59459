"""A channel in memory for each test."""

import pytest


@pytest.fixture
def channel():
    # Here, so that a product that cannot be imported fails tests instead of pytest itself.
    from turnstile.testing import InMemoryChannel  # noqa: PLC0415

    return InMemoryChannel()
