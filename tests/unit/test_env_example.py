"""Every setting is in .env.example with its real default, and reaches its service in the containers."""

import importlib
import pkgutil
from pathlib import Path

import pytest
import yaml
from deploy import ROOT
from deploy.stack.settings import StackSettings
from dotenv import dotenv_values
from pydantic_settings import BaseSettings

PACKAGES = [path.name.replace("-", "_") for kind in ("libs", "services") for path in (ROOT / kind).iterdir()]
EXAMPLE = dotenv_values(ROOT / ".env.example")
# Not for compose.yaml: what it has no identity for, and what must differ from container to container.
NOT_IN_CONTAINERS = {"TURNSTILE_STORAGE_BLOB_URL", "TURNSTILE_STORAGE_TABLE_URL", "TURNSTILE_WORKER_NAME"}
SET_BY_IMAGE = {"TURNSTILE_HOST", "TURNSTILE_PORT"}


def settings_classes() -> list[type[BaseSettings]]:
    for package in PACKAGES:
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if module.name in {"settings", "inputs"}:
                importlib.import_module(f"{package}.{module.name}")
    found, left = set(), [BaseSettings]
    while left:
        for child in left.pop().__subclasses__():
            if child.__module__.partition(".")[0] in PACKAGES:
                found.add(child)
                left.append(child)
    return sorted(found, key=lambda child: child.__qualname__)


def variables(settings: type[BaseSettings]) -> dict[str, str]:
    prefix = settings.model_config.get("env_prefix", "")
    return {
        name: str(field.validation_alias or f"{prefix}{name}".upper())
        for name, field in settings.model_fields.items()
    }


@pytest.mark.parametrize("settings", settings_classes())
def test_every_setting_stands_in_the_example(settings: type[BaseSettings]) -> None:
    assert set(variables(settings).values()) <= set(EXAMPLE)


@pytest.mark.parametrize("settings", settings_classes())
def test_the_example_gives_the_defaults(
    settings: type[BaseSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in EXAMPLE:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TURNSTILE_STORAGE_CONNECTION_STRING", "AccountName=a;AccountKey=b")
    plain = settings()
    for variable, value in EXAMPLE.items():
        if value:
            monkeypatch.setenv(variable, value)
    assert settings() == plain


def test_the_stack_reads_the_example_as_its_defaults(tmp_path: Path) -> None:
    nothing = StackSettings.load(tmp_path / "none", {})
    example = StackSettings.load(ROOT / ".env.example", {})
    assert nothing.values == {name: example.values[name] for name in nothing.values}
    for name in ("data", "inputs", "workers", "stop_seconds", "url", "own_broker", "own_storage", "runtime"):
        assert getattr(example, name) == getattr(nothing, name)


@pytest.mark.parametrize("service", sorted(path.name for path in (ROOT / "services").iterdir()))
def test_every_setting_reaches_its_container(service: str) -> None:
    module = service.replace("-", "_")
    container = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"][service]
    wanted = {
        variable
        for settings in settings_classes()
        if settings.__module__.startswith((f"{module}.", "service_defaults."))
        # Of those that some services share, the ones that this service has.
        if any(
            issubclass(own, settings) for own in settings_classes() if own.__module__.startswith(f"{module}.")
        )
        for variable in variables(settings).values()
    }
    assert wanted - NOT_IN_CONTAINERS - SET_BY_IMAGE <= set(container["environment"])


@pytest.mark.parametrize("service", sorted(path.name for path in (ROOT / "services").iterdir()))
def test_what_the_example_says_of_telemetry_reaches_every_container(service: str) -> None:
    container = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"][service]
    telemetry = {name for name in EXAMPLE if name.startswith("OTEL_")}
    assert telemetry > {"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_RESOURCE_ATTRIBUTES"}
    assert telemetry <= set(container["environment"])


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "env").write_text(
        "RUNTIME=docker\nTURNSTILE_WORKERS=3\nTURNSTILE_WORKER_PORT='9000' # moved\n"
    )
    settings = StackSettings.load(tmp_path / "env", {"RUNTIME": "native", "TURNSTILE_WORKERS": ""})
    assert settings.runtime == "native"
    assert settings.workers == 3
    assert settings.port("WORKER_PORT") == 9000
