"""Where the publisher may listen, and which hosts its requests may name."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from tests.unit.publisher.access.keyed import file_with

from dashboard.settings import DashboardSettings
from publisher.settings import PublisherSettings
from service_defaults.settings import complaints

STORAGE = SecretStr("AccountName=a;AccountKey=b")
OPEN = ("0.0.0.0", "::", "10.1.2.3", "turnstile.example", "127.0.0.1.example")
LOCAL = ("127.0.0.1", "127.9.9.9", "::1", "localhost")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    file_with(path, "ops", "admin", "0" * 64)
    return path


def publisher(**given: Any) -> PublisherSettings:
    return PublisherSettings(storage_connection_string=STORAGE, **given)


@pytest.mark.parametrize("host", OPEN)
@pytest.mark.parametrize("settings_class", [PublisherSettings, DashboardSettings])
def test_a_service_that_asks_no_one_who_calls_does_not_start_where_others_reach_it(
    settings_class: type[PublisherSettings | DashboardSettings], host: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        settings_class(storage_connection_string=STORAGE, host=host)
    (sentence,) = complaints(settings_class, refused.value)
    assert sentence.startswith(f"TURNSTILE_HOST: at {host} other machines can reach the service")
    assert "TURNSTILE_ALLOW_ANONYMOUS=true" in sentence
    assert "TURNSTILE_HOST=127.0.0.1" in sentence
    assert ("TURNSTILE_KEYS_FILE" in sentence) == (settings_class is PublisherSettings)
    assert settings_class(storage_connection_string=STORAGE, host=host, allow_anonymous=True).host == host


@pytest.mark.parametrize("host", LOCAL)
def test_on_the_loopback_no_one_needs_a_key(host: str) -> None:
    assert not publisher(host=host).authenticates
    assert DashboardSettings(storage_connection_string=STORAGE, host=host).is_local


@pytest.mark.parametrize("host", OPEN)
def test_with_a_file_of_keys_the_publisher_listens_anywhere(host: str, keys: Path) -> None:
    assert publisher(host=host, keys_file=keys).authenticates


def test_a_file_of_keys_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as refused:
        publisher(keys_file=tmp_path / "none.toml")
    (sentence,) = complaints(PublisherSettings, refused.value)
    assert sentence.startswith(f"TURNSTILE_KEYS_FILE: {tmp_path / 'none.toml'} cannot be read: No such file")


LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def test_the_hosts_that_requests_may_name(keys: Path) -> None:
    assert publisher().accepted_hosts == LOOPBACK
    assert publisher(allowed_hosts=" A.example, [fd00::1],").accepted_hosts == LOOPBACK | {
        "a.example",
        "fd00::1",
    }
    assert publisher(host="0.0.0.0", allow_anonymous=True).accepted_hosts == LOOPBACK
    assert publisher(host="B.example", allow_anonymous=True).accepted_hosts == LOOPBACK | {"b.example"}
    assert publisher(keys_file=keys).accepted_hosts == LOOPBACK
    assert publisher(host="0.0.0.0", keys_file=keys).accepted_hosts is None
    assert publisher(host="0.0.0.0", keys_file=keys, allowed_hosts="a").accepted_hosts == LOOPBACK | {"a"}
    assert publisher(allowed_hosts="*").accepted_hosts is None
