"""User and password of the stack's own RabbitMQ: any sign of ASCII, or a sentence."""

from pathlib import Path

import pytest
from deploy.errors import SettingError
from deploy.stack.settings import StackSettings
from yarl import URL


def load(folder: Path, **given: str) -> StackSettings:
    return StackSettings.load(folder / "none", {f"TURNSTILE_{name}": value for name, value in given.items()})


@pytest.mark.parametrize("password", ["p#s/s?%41", "p@ss:word", " a b ", "'\"\\$", "[=]"])
def test_services_and_broker_get_the_same_password(tmp_path: Path, password: str) -> None:
    settings = load(tmp_path, RABBITMQ_USER="o/p", RABBITMQ_PASSWORD=password)
    assert settings.own_broker is not None
    environment = settings.own_broker.command().environment
    address = URL(settings.for_services()["TURNSTILE_RABBITMQ_URL"])
    assert environment["RABBITMQ_DEFAULT_USER"] == address.user == "o/p"
    assert environment["RABBITMQ_DEFAULT_PASS"] == address.password == password
    assert address.host == "127.0.0.1"


@pytest.mark.parametrize("name", ["RABBITMQ_USER", "RABBITMQ_PASSWORD"])
@pytest.mark.parametrize("value", ["pässwörd", "two\nlines"])
def test_what_the_broker_cannot_read_is_refused_by_name_and_not_shown(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingError, match=f"TURNSTILE_{name} must consist of") as refused:
        _ = load(tmp_path, **{name: value}).own_broker
    assert value not in str(refused.value)
