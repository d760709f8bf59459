"""The stack starts the dashboard, shows it first, and lets it link to the traces and logs that there are."""

from pathlib import Path

import pytest
import yaml
from deploy import ROOT
from deploy.processes.supervision import Program
from deploy.stack import addresses
from deploy.stack.containers import ContainerStack
from deploy.stack.native import NativeStack
from deploy.stack.programs import services
from deploy.stack.settings import OBSERVERS, StackSettings

TRACES = "http://127.0.0.1:16686/trace/{trace_id}"
LOGS = "http://127.0.0.1:3000/d/one-job?var-job={job_id}&from=now-7d&to=now"


def settings(tmp_path: Path, **more: str) -> StackSettings:
    given = {f"TURNSTILE_{name}": value for name, value in more.items()}
    return StackSettings.load(tmp_path / "none", {"TURNSTILE_DATA_FOLDER": str(tmp_path), **given})


@pytest.mark.parametrize(
    ("running", "links"),
    [
        (OBSERVERS, {"TURNSTILE_TRACE_URL": TRACES, "TURNSTILE_LOGS_URL": LOGS}),
        (["jaeger"], {"TURNSTILE_TRACE_URL": TRACES}),
        # Grafana shows no log without Loki.
        (["grafana", "prometheus"], {}),
        ([], {}),
    ],
)
def test_there_are_links_to_what_runs(tmp_path: Path, running: list[str], links: dict[str, str]) -> None:
    assert addresses.links_out(settings(tmp_path), running) == links


def test_a_link_that_a_user_has_set_stays(tmp_path: Path) -> None:
    found = settings(tmp_path, TRACE_URL="https://tempo.example/{trace_id}")
    assert addresses.links_out(found, OBSERVERS) == {"TURNSTILE_LOGS_URL": LOGS}
    assert program(found).command.environment["TURNSTILE_TRACE_URL"] == "https://tempo.example/{trace_id}"


def test_the_dashboard_alone_gets_the_links(tmp_path: Path) -> None:
    found = services(settings(tmp_path), 1, {}, {"TURNSTILE_TRACE_URL": TRACES})
    linked = [one.name for one in found if one.command.environment.get("TURNSTILE_TRACE_URL") == TRACES]
    assert linked == ["dashboard"]


def test_the_dashboard_finds_the_publisher_at_its_port(tmp_path: Path) -> None:
    found = program(settings(tmp_path, PUBLISHER_PORT="9000"))
    assert found.command.environment["TURNSTILE_URL"] == "http://127.0.0.1:9000"


@pytest.mark.parametrize("runtime", [NativeStack, ContainerStack])
def test_the_dashboard_is_the_first_page(
    tmp_path: Path, runtime: type[NativeStack | ContainerStack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.processes.supervision.Supervisor.is_running", lambda _: False)
    (first, *_) = runtime(settings(tmp_path, DASHBOARD_PORT="9050")).pages()
    assert first == ("Dashboard: jobs, locks, workers, the proof", "http://127.0.0.1:9050")


def test_the_dashboard_is_at_its_port_and_at_no_other_address(tmp_path: Path) -> None:
    assert program(settings(tmp_path)).ports == {8050: "TURNSTILE_DASHBOARD_PORT"}
    assert program(settings(tmp_path)).command.environment["TURNSTILE_HOST"] == "127.0.0.1"
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["dashboard"]
    assert compose["ports"] == ["127.0.0.1:${TURNSTILE_DASHBOARD_PORT:-8050}:8000"]


def program(found: StackSettings) -> Program:
    return next(one for one in services(found, 1, {}) if one.name == "dashboard")
