"""The servers that show what happens: which run, how they know of each other, what they are configured to."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy import ROOT
from deploy.errors import SettingError
from deploy.observers.compiling import default_folder
from deploy.stack import addresses, grafana, observers
from deploy.stack.programs import services
from deploy.stack.settings import OBSERVERS, StackSettings

from contracts.telemetry import attributes as at

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = ("publisher", "worker", "audit-projector", "scheduler", "dashboard")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, with programs for all servers; nothing is compiled."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("otelcol-contrib", "jaeger", "prometheus", "loki", "grafana"):
        (programs / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return programs


def settings(tmp_path: Path, **more: str) -> StackSettings:
    return StackSettings.load(
        tmp_path / "none",
        {"TURNSTILE_DATA_FOLDER": str(tmp_path), **{f"TURNSTILE_{k}": v for k, v in more.items()}},
    )


def test_all_that_are_installed_run(tmp_path: Path, installed: Path) -> None:
    (installed / "loki").unlink()
    stack = settings(tmp_path)
    assert [program.name for program in observers.observers(stack)] == [
        "otel-collector",
        "jaeger",
        "prometheus",
        "grafana",
    ]
    assert observers.missing(stack) == ["loki"]


def test_what_was_compiled_runs_where_nothing_is_installed(tmp_path: Path, installed: Path) -> None:
    compiled = default_folder()
    compiled.mkdir(parents=True)
    for name, installed_too in (("jaeger", True), ("otelcol-contrib", False)):
        (compiled / name).touch(mode=0o755)
        if not installed_too:
            (installed / name).unlink()
    stack = settings(tmp_path, OBSERVABILITY="otel-collector,jaeger")
    programs = [program.command.arguments[0] for program in observers.observers(stack)]
    assert programs == [str(compiled / "otelcol-contrib"), str(installed / "jaeger")]


def test_no_collector_runs_where_nothing_would_take_what_it_sends(tmp_path: Path, installed: Path) -> None:
    stack = settings(tmp_path, OBSERVABILITY="otel-collector,prometheus")
    assert [program.name for program in observers.observers(stack)] == ["prometheus"]


def test_the_collector_is_configured_for_what_runs_and_starts_again_when_that_changes(
    tmp_path: Path, installed: Path
) -> None:
    stack, files = settings(tmp_path), []
    for left_out, pipelines in (([], {"traces", "logs"}), (["loki"], {"traces"})):
        running = observers.observers(stack, left_out)
        observers.prepare(stack, running)
        files.append(running[0].command.arguments[-1])
        configuration = yaml.safe_load(Path(files[-1]).read_text())
        assert set(configuration["service"]["pipelines"]) == pipelines
    assert len(set(files)) == 2


def test_only_those_that_are_wanted_run(tmp_path: Path, installed: Path) -> None:
    stack = settings(tmp_path, OBSERVABILITY="prometheus, jaeger")
    assert [program.name for program in observers.observers(stack)] == ["jaeger", "prometheus"]
    assert observers.observers(settings(tmp_path, OBSERVABILITY="none")) == []


def test_a_server_that_does_not_exist_cannot_be_wanted(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="tempo"):
        assert settings(tmp_path, OBSERVABILITY="tempo").observers


def test_no_two_listen_on_one_port(tmp_path: Path, installed: Path) -> None:
    ports = [port for program in observers.observers(settings(tmp_path)) for port in program.ports]
    assert len(ports) == len(set(ports))


def test_services_send_to_the_stacks_own_collector_and_nowhere_without_it(
    tmp_path: Path, installed: Path
) -> None:
    stack = settings(tmp_path, OTLP_PORT="4444")
    running = observers.observers(stack)
    sent = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4444",
        "OTEL_RESOURCE_ATTRIBUTES": "ip=127.0.0.1",
    }
    assert observers.environment(stack, running) == sent
    without_loki = observers.environment(stack, observers.observers(stack, ["loki"]))
    assert without_loki == {**sent, "OTEL_LOGS_EXPORTER": "none"}
    assert observers.environment(stack, observers.observers(stack, ["otel-collector"])) == {}


def test_services_keep_the_resource_attributes_that_the_user_set(tmp_path: Path, installed: Path) -> None:
    given = {
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=blue",
        "TURNSTILE_DATA_FOLDER": str(tmp_path),
    }
    stack = StackSettings.load(tmp_path / "none", given)
    sent = observers.environment(stack, observers.observers(stack))
    assert sent["OTEL_RESOURCE_ATTRIBUTES"] == "ip=127.0.0.1,deployment.environment.name=blue"


def test_a_collector_of_somebody_else_comes_first(tmp_path: Path, installed: Path) -> None:
    stack = StackSettings.load(tmp_path / "none", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://elsewhere:4318"})
    assert observers.environment(stack, observers.observers(stack)) == {}
    assert stack.for_services()["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://elsewhere:4318"


def test_services_do_not_get_grafanas_password(tmp_path: Path) -> None:
    stack = settings(tmp_path, GRAFANA_PASSWORD="canary")
    assert "canary" not in json.dumps(stack.for_services())


def test_prometheus_is_told_of_every_target_on_this_machine(tmp_path: Path, installed: Path) -> None:
    stack = settings(tmp_path, WORKER_PORT="9100")
    seeing = observers.observers(stack)
    observers.prepare(stack, [*services(stack, 3, {}), *seeing])
    written = yaml.safe_load((tmp_path / "prometheus/prometheus.yml").read_text())
    targets = {job["job_name"]: targets_of(job) for job in written["scrape_configs"]}
    assert targets["worker"] == ["127.0.0.1:9100", "127.0.0.1:9101", "127.0.0.1:9102"]
    assert targets["otel-collector"] == ["127.0.0.1:24319"]
    assert targets["rabbitmq"] == targets["rabbitmq-queues"] == []
    assert [len(targets[name]) for name in (*SERVICES, "prometheus")] == [1, 3, 1, 1, 1, 1]
    observers.prepare(stack, services(stack, 1, {}))
    assert targets_of(written["scrape_configs"][1]) == ["127.0.0.1:9100"]


def test_prometheus_without_containers_watches_the_same_rules(tmp_path: Path, installed: Path) -> None:
    observers.prepare(settings(tmp_path), [])
    written = yaml.safe_load((tmp_path / "prometheus/prometheus.yml").read_text())
    assert written["rule_files"] == [str(ROOT / "grafana/alerts/*.yml")]


def test_prometheus_asks_what_there_is_in_the_containers() -> None:
    jobs = yaml.safe_load((ROOT / "grafana/prometheus.yml").read_text())["scrape_configs"]
    asked = {job["dns_sd_configs"][0]["names"][0] for job in jobs}
    assert asked == {*SERVICES, "ingress", "rabbitmq", "otel-collector", "prometheus"}
    assert asked <= set(COMPOSE["services"])


@pytest.mark.parametrize("name", OBSERVERS)
def test_nothing_in_the_containers_waits_for_them(name: str) -> None:
    waiting = {
        service for service, about in COMPOSE["services"].items() if name in about.get("depends_on", ())
    }
    assert waiting == set()


@pytest.mark.parametrize("name", OBSERVERS)
def test_their_containers_have_few_rights_and_bounds(name: str) -> None:
    about = COMPOSE["services"][name]
    assert about["read_only"]
    assert about["cap_drop"] == ["ALL"]
    assert about["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit"} <= set(about)
    assert all(port.startswith("127.0.0.1:${TURNSTILE_") for port in about["ports"])


def test_every_file_that_a_container_is_given_exists() -> None:
    given = [volume for name in OBSERVERS for volume in COMPOSE["services"][name]["volumes"]]
    files = [ROOT / volume.partition(":")[0] for volume in given if volume.startswith("./")]
    assert files
    assert [str(file) for file in files if not file.exists()] == []


def test_grafanas_data_sources_lead_to_each_other() -> None:
    sources = data_sources()
    found = {reference for source in sources.values() for reference in references(source["jsonData"])}
    assert found == set(sources) == {"prometheus", "jaeger", "loki"}
    assert sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"][0]["datasourceUid"] == "jaeger"
    assert sources["loki"]["jsonData"]["derivedFields"][0]["datasourceUid"] == "jaeger"
    assert sources["jaeger"]["jsonData"]["tracesToLogsV2"]["datasourceUid"] == "loki"
    assert sources["jaeger"]["jsonData"]["tracesToMetrics"]["datasourceUid"] == "prometheus"


def test_grafana_gets_every_variable_that_its_files_name(tmp_path: Path, installed: Path) -> None:
    files = (ROOT / "grafana/provisioning").rglob("*.yaml")
    # A doubled $ is not the environment's.
    named = {name for file in files for name in re.findall(r"(?<!\$)\$([A-Z_]+)", file.read_text())}
    (grafana,) = [program for program in observers.observers(settings(tmp_path)) if program.name == "grafana"]
    assert named == {"DASHBOARDS_FOLDER", "DASHBOARD_URL", "PROMETHEUS_URL", "JAEGER_URL", "LOKI_URL"}
    assert named <= set(COMPOSE["services"]["grafana"]["environment"])
    assert named <= set(grafana.command.environment)


@pytest.mark.parametrize(
    ("name", "file"),
    [("otel-collector", "collector.yaml"), ("jaeger", "jaeger.yaml"), ("loki", "loki.yaml")],
)
def test_without_containers_each_address_in_a_file_is_set(
    tmp_path: Path, installed: Path, name: str, file: str
) -> None:
    (program,) = [one for one in observers.observers(settings(tmp_path)) if one.name == name]
    text = (ROOT / "grafana" / file).read_text()
    assert set(re.findall(r"\$\{(?:env:)?([A-Z_]+)", text)) == set(program.command.environment)


@pytest.mark.parametrize(
    ("version", "complaint"),
    [
        ("12.3.9", "Grafana 12.3 shows no traces of jobs: install Grafana 12.4 or later."),
        ("9.5.20", "Grafana 9.5 shows no traces of jobs: install Grafana 12.4 or later."),
        ("12.4.0", None),
        ("13.0.1", None),
        ("", None),
    ],
)
def test_an_old_grafana_gets_one_sentence(
    tmp_path: Path, installed: Path, version: str, complaint: str | None
) -> None:
    (installed / "grafana").write_text(f"#!/bin/sh\necho grafana version {version}\n")
    assert grafana.complaint(settings(tmp_path)) == complaint
    assert grafana.complaint(settings(tmp_path, OBSERVABILITY="prometheus")) is None


def test_a_link_to_a_trace_is_of_the_attribute_with_exactly_that_name() -> None:
    fields = {field["name"]: field for field in data_sources()["loki"]["jsonData"]["derivedFields"]}
    for name, label in (("Trace", "trace_id"), ("Job", "job_id")):
        pattern = re.compile(fields[name]["matcherRegex"])
        assert pattern.search(label)
        assert not pattern.search(f"parent_{label}")
        assert not pattern.search(f"{label}s")


def test_pages_are_those_of_what_runs(tmp_path: Path) -> None:
    stack = settings(tmp_path, GRAFANA_PORT="3333")
    pages = dict(addresses.observer_pages(stack, OBSERVERS))
    assert {page.rpartition("/d/")[2] for page in pages.values() if ":3333/d/" in page} == {
        "right-now",
        "jobs",
        "one-job",
        "guarantee",
        "plumbing",
    }
    assert addresses.observer_pages(stack, ["jaeger"]) == [
        ("Jaeger, traces of jobs", "http://127.0.0.1:16686/search?service=turnstile-worker")
    ]


def test_no_browser_is_opened_where_there_is_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("deploy.stack.addresses.sys.platform", "linux")
    monkeypatch.setattr("deploy.stack.addresses.webbrowser.open", opened.append)
    for name in {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        monkeypatch.delenv(name)
    addresses.open_first([("a", "http://a"), ("b", "http://b")])
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    addresses.open_first([("a", "http://a"), ("b", "http://b")])
    assert opened == ["http://a"]


def targets_of(job: dict[str, Any]) -> list[str]:
    (file,) = job["file_sd_configs"][0]["files"]
    (group,) = json.loads(Path(file).read_text())
    found: list[str] = group["targets"]
    return found


def data_sources() -> dict[str, Any]:
    text = (ROOT / "grafana/provisioning/datasources/turnstile.yaml").read_text()
    return {source["uid"]: source for source in yaml.safe_load(text)["datasources"]}


def references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(references, node))
    if isinstance(node, dict):
        own = {node["datasourceUid"]} if "datasourceUid" in node else set()
        return own.union(*map(references, node.values()))
    return set()


def test_spans_in_jaeger_lead_to_jobs_and_locks_in_the_dashboard(tmp_path: Path, installed: Path) -> None:
    stack = settings(tmp_path, DASHBOARD_URL="https://ops.example/turnstile")
    (jaeger,) = [program for program in observers.observers(stack) if program.name == "jaeger"]
    observers.prepare(stack, [])
    patterns = json.loads(Path(jaeger.command.environment["JAEGER_UI"]).read_text())["linkPatterns"]
    assert {pattern["key"]: pattern["url"] for pattern in patterns} == {
        at.JOB_ID: "https://ops.example/turnstile/job?id=#{job.id}",
        at.LOCK_NAME: "https://ops.example/turnstile/lock?lock=#{lock.name}",
    }
