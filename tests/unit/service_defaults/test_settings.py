"""Settings: typed, from the environment, and refused with a remedy."""

import pytest
from pydantic import ValidationError

from service_defaults.settings import ServiceSettings, read_settings

STORAGE = "TURNSTILE_STORAGE_CONNECTION_STRING"
SECRET = "canary-1f6971f6"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORAGE, "AccountName=a;AccountKey=b")
    monkeypatch.setenv("TURNSTILE_RABBITMQ_NAMESPACE", "blue")
    monkeypatch.setenv("TURNSTILE_LOG_LEVEL", "debug")
    monkeypatch.setenv("TURNSTILE_DEFERRAL_SECONDS", "0.25")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "worker")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    settings = read_settings(ServiceSettings)
    assert settings.topology.jobs_queue == "blue.jobs"
    assert settings.log_level == "DEBUG"
    assert settings.deferral_milliseconds == 250
    assert settings.service_name == "worker"
    assert settings.otlp_endpoint == "http://collector:4318"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORAGE, "AccountName=a;AccountKey=b")
    monkeypatch.setenv("TURNSTILE_RABBITMQ_NAMESPACE", "")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    settings = read_settings(ServiceSettings)
    assert (settings.rabbitmq_namespace, settings.otlp_endpoint) == ("turnstile", None)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TURNSTILE_PORT", "eighty"),
        ("TURNSTILE_PORT", "70000"),
        ("TURNSTILE_RABBITMQ_URL", f"http://user:{SECRET}@host"),
        ("TURNSTILE_LOG_LEVEL", SECRET),
        ("TURNSTILE_STORAGE_NAMESPACE", "Not-Allowed"),
        ("TURNSTILE_DEFERRAL_SECONDS", "-1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", SECRET),
    ],
)
def test_a_wrong_setting_ends_the_process_with_its_name_and_a_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    monkeypatch.setenv(STORAGE, "AccountName=a;AccountKey=b")
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as exit_:
        read_settings(ServiceSettings)
    assert exit_.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"  {variable}: ")
    assert "unset it to use the default" in lines[1]
    assert SECRET not in lines[1]


def test_storage_must_be_named_in_exactly_one_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        read_settings(ServiceSettings)
    assert f"{STORAGE}: not set; set it, or both" in capsys.readouterr().err
    monkeypatch.setenv("TURNSTILE_STORAGE_BLOB_URL", "https://a.blob.core.windows.net")
    with pytest.raises(SystemExit):
        read_settings(ServiceSettings)
    monkeypatch.setenv("TURNSTILE_STORAGE_TABLE_URL", "https://a.table.core.windows.net")
    assert read_settings(ServiceSettings).storage_connection_string is None
    monkeypatch.setenv(STORAGE, "AccountName=a;AccountKey=b")
    with pytest.raises(SystemExit):
        read_settings(ServiceSettings)
    assert "unset one of the two" in capsys.readouterr().err


def test_settings_do_not_change(settings: ServiceSettings) -> None:
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]


def test_secrets_do_not_show(settings: ServiceSettings) -> None:
    hidden = ServiceSettings(
        rabbitmq_url=f"amqp://u:{SECRET}@h/", storage_connection_string=f"AccountName=a;AccountKey={SECRET}"
    )
    assert SECRET not in repr(hidden)
    assert SECRET not in str(hidden.model_dump())
    assert SECRET not in hidden.model_dump_json()
