"""The HTTP API where each request needs a key."""

import pytest
from tests.unit.publisher.access.keyed import KeyedApi
from tests.unit.publisher.doubles import Api


@pytest.fixture
def keyed(api: Api) -> KeyedApi:
    return KeyedApi(api)
