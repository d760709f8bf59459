"""A wrong value of any setting ends in one sentence that names it, before anything is started."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from deploy import ROOT
from deploy.demo.__main__ import main as demo
from deploy.errors import SettingError
from deploy.stack import checks
from deploy.stack.__main__ import main as stack
from deploy.stack.native import NativeStack
from deploy.stack.settings import MOST_WORKERS, StackSettings
from dotenv import dotenv_values
from loadtest import target
from tests.chaos.__main__ import main as chaos

#: All settings, as the reference lists them.
SETTINGS = set(dotenv_values(ROOT / ".env.example"))
SECRET = "canary-1f6971f6"
STORAGE = "TURNSTILE_STORAGE_CONNECTION_STRING"

#: What each cannot mean.
WRONG = {
    **{name: value for name in SETTINGS if name.endswith("_PORT") for value in ("70000",)},
    **dict.fromkeys((name for name in SETTINGS if name.endswith("_SECONDS")), "soon"),
    **dict.fromkeys((name for name in SETTINGS if name.endswith("_URL")), f"ftp://{SECRET}"),
    "RUNTIME": "podman",
    "TURNSTILE_WORKERS": "257",
    "TURNSTILE_DATA_FOLDER": "Makefile",
    "TURNSTILE_WORKER_MEMORY": "much",
    "TURNSTILE_RABBITMQ_USER": "zoë",
    "TURNSTILE_RABBITMQ_PASSWORD": "pässword",
    "TURNSTILE_RABBITMQ_NAMESPACE": "Upper",
    "TURNSTILE_LOCAL_STORAGE": "sqlite",
    STORAGE: f"AccountName={SECRET}",
    "TURNSTILE_STORAGE_NAMESPACE": "with-hyphen",
    "TURNSTILE_JOBS": "jobs/mine.py",
    "TURNSTILE_CONCURRENCY": "0",
    "TURNSTILE_RUNNER_MEMORY_MIB": "2GB",
    "TURNSTILE_RUNNER_REUSE_MIB": "-1",
    "TURNSTILE_INPUT_FOLDER": "Makefile",
    "TURNSTILE_WORKER_NAME": "with blank",
    "TURNSTILE_RETENTION_SECONDS": "30d",
    "TURNSTILE_TRAIL_RETENTION_SECONDS": "0",
    "TURNSTILE_ID_RETENTION_SECONDS": "59",
    "TURNSTILE_SCHEDULES_FILE": "/nowhere/schedules.toml",
    "TURNSTILE_SUBMISSIONS_AT_ONCE": "201",
    "TURNSTILE_MOST_FOLLOWERS": "-1",
    "TURNSTILE_UNSAMPLED_CALLERS": "sometimes",
    "TURNSTILE_JOBS_PER_TRACE": "many",
    "TURNSTILE_READ_ONLY": "perhaps",
    "TURNSTILE_BASE_PATH": "/ops/",
    "TURNSTILE_ACTOR": "a" * 201,
    "TURNSTILE_LOG_LEVEL": "loud",
    "TURNSTILE_LOG_FORMAT": "xml",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
    "OTEL_TRACES_EXPORTER": "jaeger",
    "OTEL_LOGS_EXPORTER": "loki",
    "OTEL_METRICS_EXPORTER": "statsd",
    "OTEL_EXPORTER_OTLP_HEADERS": SECRET,
    "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/ca.pem",
    "OTEL_RESOURCE_ATTRIBUTES": "production",
    "OTEL_TRACES_SAMPLER": "sometimes",
    "OTEL_TRACES_SAMPLER_ARG": "1.5",
    "TURNSTILE_OBSERVABILITY": "prometheus,zipkin",
    "TURNSTILE_GRAFANA_ANONYMOUS": "yes",
    "TURNSTILE_HOST": "not a host",
}
#: What can mean anything: texts that only people and Grafana read.
FREE = {"TURNSTILE_GRAFANA_USER", "TURNSTILE_GRAFANA_PASSWORD", "OTEL_SERVICE_NAME"}
#: Given to each service of a stack by the stack itself.
SET_BY_THE_STACK = {"TURNSTILE_HOST", "TURNSTILE_PORT"}
#: In the environment of a service of its own. Ports of the stack, and what only the stack does, are not read.
OF_ONE_SERVICE = {
    "publisher": ("TURNSTILE_JOBS_PER_TRACE", "TURNSTILE_PORT", STORAGE),
    "worker": ("TURNSTILE_JOBS", "TURNSTILE_HOST", "OTEL_TRACES_SAMPLER"),
    "audit_projector": (
        "TURNSTILE_RETENTION_SECONDS",
        "TURNSTILE_RABBITMQ_URL",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ),
    "scheduler": ("TURNSTILE_SWEEP_SECONDS", "TURNSTILE_ID_RETENTION_SECONDS"),
    "dashboard": ("TURNSTILE_TRACE_URL", "TURNSTILE_BASE_PATH"),
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def load(environment: Mapping[str, str]) -> StackSettings:
    return StackSettings.load(Path(os.devnull), environment)


def test_every_setting_is_tried_here() -> None:
    assert set(WRONG) | FREE == SETTINGS
    assert not set(WRONG) & FREE


def test_the_defaults_are_right(tmp_path: Path) -> None:
    for in_containers in (False, True):
        checks.refuse_wrong(StackSettings.load(ROOT / ".env.example", {}), in_containers=in_containers)
        checks.refuse_wrong(load({"TURNSTILE_DATA_FOLDER": str(tmp_path)}), in_containers=in_containers)


@pytest.mark.parametrize("name", sorted(set(WRONG) - SET_BY_THE_STACK - {"RUNTIME"}))
def test_a_stack_refuses_a_wrong_setting_by_its_name(name: str) -> None:
    given = {name: WRONG[name]}
    if name in {"TURNSTILE_STORAGE_BLOB_URL", "TURNSTILE_STORAGE_TABLE_URL"}:
        given = (
            dict.fromkeys(("TURNSTILE_STORAGE_BLOB_URL", "TURNSTILE_STORAGE_TABLE_URL"), "https://a") | given
        )
    with pytest.raises(SettingError) as refused:
        checks.refuse_wrong(load(given), in_containers=False)
    (sentence,) = str(refused.value).splitlines()
    assert sentence.startswith((f"{name} ", f"{name}: "))
    assert SECRET not in sentence


def test_all_wrong_settings_are_named_at_once() -> None:
    names = ("TURNSTILE_PUBLISHER_PORT", "TURNSTILE_JOBS", "TURNSTILE_LOG_LEVEL")
    with pytest.raises(SettingError) as refused:
        checks.refuse_wrong(load({name: WRONG[name] for name in names}), in_containers=False)
    assert sorted(line.split()[0].rstrip(":") for line in str(refused.value).splitlines()) == sorted(names)


def test_containers_have_files_of_their_own_and_no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/ca.pem"}
    monkeypatch.setenv(*next(iter(certificate.items())))
    checks.refuse_wrong(load(certificate), in_containers=True)
    urls = dict.fromkeys(("TURNSTILE_STORAGE_BLOB_URL", "TURNSTILE_STORAGE_TABLE_URL"), "https://a")
    with pytest.raises(SettingError, match="TURNSTILE_STORAGE_BLOB_URL: containers have no managed identity"):
        checks.refuse_wrong(load(urls), in_containers=True)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"WORKER_PORT": "65535"}, "TURNSTILE_WORKER_PORT must be at most 65534, not 65535"),
        ({"OBSERVABILITY_PORT": "65531"}, "TURNSTILE_OBSERVABILITY_PORT must be at most 65530, not 65531"),
        ({"STORAGE_CONNECTION_STRING": "UseDevelopmentStorage=true"}, f"{STORAGE}: has no AccountName"),
        ({"URL": "http://"}, "TURNSTILE_URL must look like http://host:port"),
        ({"TRACE_URL": "http://jaeger/"}, "TURNSTILE_TRACE_URL: must have {trace_id} in it"),
        ({"STOP_SECONDS": "0"}, "TURNSTILE_STOP_SECONDS must be from 1 to"),
    ],
)
def test_what_is_wrong_with_it_is_said(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        checks.refuse_wrong(
            load({f"TURNSTILE_{name}": value for name, value in given.items()}), in_containers=False
        )
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize("workers", [-1, MOST_WORKERS + 1])
def test_a_number_of_workers_that_cannot_run_is_refused(workers: int, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"The number of workers must be from 0 to 256, not {workers}"):
        NativeStack(load({"TURNSTILE_DATA_FOLDER": str(tmp_path)})).scale(workers)


@pytest.mark.parametrize("name", ["TURNSTILE_LOKI_PORT", "TURNSTILE_SWEEP_SECONDS", "RUNTIME"])
def test_commands_of_the_stack_end_with_the_sentence_and_start_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUNTIME", "native")
    monkeypatch.setenv("TURNSTILE_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv(name, WRONG[name])
    monkeypatch.setattr(sys, "argv", ["stack", "up"])
    for command in (stack, demo):
        assert command() == 2
        (sentence,) = capsys.readouterr().err.splitlines()
        assert sentence.startswith(name)
    with pytest.raises(SettingError, match=name):
        target.prepare(2, None)
    assert not (tmp_path / "data").exists()


def test_chaos_ends_with_the_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TURNSTILE_LOG_LEVEL", "loud")
    assert chaos([]) == 2
    assert capsys.readouterr().err.startswith("TURNSTILE_LOG_LEVEL: ")
    with pytest.raises(SystemExit) as ended:
        chaos(["--workers", "0"])
    assert ended.value.code == 2


@pytest.mark.parametrize("service", OF_ONE_SERVICE)
def test_a_service_alone_names_all_of_its_wrong_settings(service: str) -> None:
    names = OF_ONE_SERVICE[service]
    wrong = {name: WRONG[name] for name in names}
    environment = {**os.environ, STORAGE: "AccountName=a;AccountKey=b", **wrong}
    ended = subprocess.run(
        [sys.executable, "-m", service],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 2
    first, *lines = ended.stderr.splitlines()
    assert first == "Turnstile cannot start with these settings:"
    assert sorted(line.strip().partition(":")[0] for line in lines) == sorted(names)
    assert SECRET not in ended.stderr
