"""Settings for tests."""

import os

import pytest

from service_defaults.settings import ServiceSettings


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("TURNSTILE_", "OTEL_")):
            monkeypatch.delenv(name)


@pytest.fixture
def settings() -> ServiceSettings:
    return ServiceSettings(storage_connection_string="AccountName=a;AccountKey=b")
