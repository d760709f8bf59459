"""A channel in memory for each test."""

import pytest

from turnstile.testing import InMemoryChannel


@pytest.fixture
def channel():
    return InMemoryChannel()
