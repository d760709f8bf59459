"""Every setting takes what it can mean, and nothing else; a complaint says what to do."""

from typing import Annotated

import pytest
from pydantic import Field, SecretStr, ValidationError
from yarl import URL

from service_defaults.settings import ServiceSettings, complaints, read_settings

KEY = {"storage_connection_string": "AccountName=a;AccountKey=b"}

ACCEPTED = {
    "service_name": ["x"],
    "rabbitmq_url": [
        "amqp://h",
        "amqps://u:p@h:5671/v",
        "amqp://u:p%23%2F%3F%25@h",
        "amqp://u:p@ss@[::1]:1/",
    ],
    "rabbitmq_user": ["x", "a b", "ü@/#?%"],
    "rabbitmq_password": ["", "x", "ü@/#?%:"],
    "rabbitmq_namespace": ["t", "7", "a.b-c", "a" * 63],
    "storage_namespace": ["", "a", "a1", "a" * 20],
    "deferral_seconds": ["0.1", "3600"],
    "port": ["0", "65535"],
    "log_level": ["debug", "Info", "WARNING", "ERROR"],
    "log_format": ["auto", "json", "console"],
    "otlp_endpoint": ["http://c:4318", "https://c"],
    "metrics_exporter": ["none", "prometheus", "otlp", "prometheus,otlp", "otlp,prometheus"],
}

REFUSED = {
    "rabbitmq_url": [
        "http://h",
        "amqp:h",
        "",
        "amqp://",
        "amqp:///",
        "amqp://u:p@",
        *(f"amqp://u:p{c}ss/w@h/" for c in "/#?"),
    ],
    "rabbitmq_user": [""],
    "rabbitmq_namespace": ["", ".a", "-a", "A", "a_b", "a" * 64, "a\n"],
    "storage_namespace": ["1a", "A", "a-b", "a" * 21, "a\n"],
    "deferral_seconds": ["0.09", "3600.1", "nan", "soon"],
    "port": ["-1", "65536"],
    "log_level": ["TRACE", "", 7],
    "log_format": ["text"],
    "otlp_endpoint": ["c:4318", "grpc://c"],
    "metrics_exporter": ["", "statsd", "none,otlp", "otlp,", "otlp prometheus"],
}


def each(values: dict[str, list[object]]) -> list[tuple[str, object]]:
    return [(name, value) for name, given in values.items() for value in given]


@pytest.mark.parametrize(("name", "value"), each(ACCEPTED))  # type: ignore[arg-type]
def test_a_setting_takes_what_it_can_mean(name: str, value: object) -> None:
    assert getattr(ServiceSettings.model_validate(KEY | {name: value}), name) is not None


@pytest.mark.parametrize(("name", "value"), each(REFUSED))  # type: ignore[arg-type]
def test_a_setting_refuses_what_it_cannot_mean(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        ServiceSettings.model_validate(KEY | {name: value})
    (error,) = refused.value.errors()
    assert name in str(error["loc"]).lower() or error["loc"] == (
        ServiceSettings.model_fields[name].validation_alias,
    )


@pytest.mark.parametrize("name", ["storage_blob_url", "storage_table_url"])
def test_an_address_of_the_account_is_a_web_address(name: str) -> None:
    urls = {"storage_blob_url": "https://b", "storage_table_url": "http://t"}
    ServiceSettings.model_validate(urls)
    with pytest.raises(ValidationError, match="must start with http:// or https://"):
        ServiceSettings.model_validate(urls | {name: "a.example"})


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({}, "not set; set it, or both"),
        ({"storage_blob_url": "https://b"}, "not set; set it, or both"),
        ({"storage_table_url": "https://t"}, "not set; set it, or both"),
        (KEY | {"storage_blob_url": "https://b"}, "set together with a storage URL"),
        (KEY | {"storage_table_url": "https://t"}, "set together with a storage URL"),
    ],
)
def test_storage_is_named_in_exactly_one_way(given: dict[str, str], what: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ServiceSettings.model_validate(given)
    (line,) = complaints(ServiceSettings, refused.value)
    assert line.startswith(f"TURNSTILE_STORAGE_CONNECTION_STRING: {what}")


@pytest.mark.parametrize(
    ("exporter", "where"),
    [
        ("none", set()),
        ("prometheus", {"prometheus"}),
        ("otlp,prometheus", {"prometheus", "otlp"}),
    ],
)
def test_metrics_go_where_the_setting_says(exporter: str, where: set[str]) -> None:
    assert ServiceSettings.model_validate(KEY | {"metrics_exporter": exporter}).metrics_exporters == where


@pytest.mark.parametrize(
    ("seconds", "milliseconds"), [(5.0, 5000), (0.1, 100), (0.2509, 251), (3600, 3_600_000)]
)
def test_a_deferral_is_sent_to_the_broker_in_milliseconds(seconds: float, milliseconds: int) -> None:
    given = ServiceSettings.model_validate(KEY | {"deferral_seconds": seconds})
    assert given.deferral_milliseconds == milliseconds


class OtherSettings(ServiceSettings):
    """Settings of a service of its own."""

    pool: int
    hint: Annotated[str | None, Field(max_length=1)] = None
    secret: Annotated[SecretStr, Field(max_length=1)] = SecretStr("x")


def test_each_complaint_names_its_variable_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TURNSTILE_STORAGE_CONNECTION_STRING", "AccountName=a;AccountKey=b")
    monkeypatch.setenv("TURNSTILE_PORT", "canary")
    monkeypatch.setenv("TURNSTILE_HINT", "canary")
    monkeypatch.setenv("TURNSTILE_SECRET", "canary")
    monkeypatch.setenv("TURNSTILE_RABBITMQ_URL", "canary")
    monkeypatch.setenv("TURNSTILE_STORAGE_NAMESPACE", "Canary")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "canary")
    with pytest.raises(SystemExit) as ended:
        read_settings(OtherSettings)
    assert ended.value.code == 2
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "Turnstile cannot start with these settings:"
    said = {line.strip().partition(":")[0]: line.partition("; ")[2] for line in lines}
    assert said == {
        "TURNSTILE_PORT": "correct it, or unset it to use the default (8080)",
        "TURNSTILE_HINT": "correct it, or unset it to use the default (nothing)",
        "TURNSTILE_STORAGE_NAMESPACE": "correct it, or unset it to use the default (nothing)",
        "TURNSTILE_SECRET": "correct it, or unset it to use the default",
        "TURNSTILE_RABBITMQ_URL": "correct it, or unset it to use the default",
        "OTEL_METRICS_EXPORTER": "correct it, or unset it to use the default (prometheus)",
        "TURNSTILE_POOL": "set it",
    }
    assert not [line for line in lines if "canary" in line.lower()]
    assert all(line.startswith("  ") for line in lines)
    assert [line for line in lines if line.startswith("  TURNSTILE_PORT: input should be a valid integer")]
    assert "  TURNSTILE_RABBITMQ_URL: must start with amqp:// or amqps://; " in "\n".join(lines)


PASSWORDS = ["p#s/s?%41", "p@ss:word", "%", "ü€", " blank ", "[]", "a&b=c", "\\"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_beside_an_address_is_taken_as_it_is(password: str) -> None:
    given = KEY | {"rabbitmq_url": "amqp://h:1/v", "rabbitmq_user": "ü#/", "rabbitmq_password": password}
    address = ServiceSettings.model_validate(given).rabbitmq_address
    assert (address.user, address.password) == ("ü#/", password)
    assert (address.host, address.port, address.path) == ("h", 1, "/v")
    # What reads the text reads the same.
    assert URL(str(address)).password == password


def test_an_address_with_a_user_comes_before_the_settings_for_one_without() -> None:
    given = KEY | {"rabbitmq_url": "amqp://u:p@h/", "rabbitmq_user": "x", "rabbitmq_password": "y"}
    assert str(ServiceSettings.model_validate(given).rabbitmq_address) == "amqp://u:p@h/"


def test_an_address_that_is_none_is_complained_of_without_its_password() -> None:
    with pytest.raises(ValidationError) as refused:
        ServiceSettings.model_validate(KEY | {"rabbitmq_url": "amqp://u:canary#/canary@h/"})
    (line,) = complaints(ServiceSettings, refused.value)
    assert line.startswith("TURNSTILE_RABBITMQ_URL: must look like amqp://user:password@host:5672/")
    assert "%2F %3F %23 %25" in line
    assert "TURNSTILE_RABBITMQ_PASSWORD" in line
    assert "canary" not in line
