"""The panels of Grafana that ask Jaeger and Loki have something to show of jobs with every outcome."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from deploy import ROOT
from deploy.stack import observers
from deploy.stack.observer import COLLECTOR
from tests.e2e.telemetry.jaeger import Grafana, JaegerStandIn
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.telemetry.scenarios import Failures, Traced
from tests.e2e.waiting import until
from tests.integration.observers.running import needed, own_settings, started

from contracts.telemetry import attributes as at

pytestmark = pytest.mark.e2e

OUTCOMES = ("completed", "failed", "timed_out", "cancelled", "interrupted")
_SEVERITY = re.compile(r'severity_text =~ "([^"]+)"')


@pytest.fixture(scope="module")
def jobs(ordinary: Traced, failures: Failures, killed_runner: Traced) -> dict[str, Traced]:
    """Return a job for each outcome; the interrupted one has gone on since."""
    found = (ordinary, failures.in_step, failures.timed_out, failures.cancelled, killed_runner)
    return dict(zip(OUTCOMES, found, strict=True))


@pytest.fixture(scope="module", params=["stand-in", "real"])
def grafana(
    request: pytest.FixtureRequest,
    receiver: OtlpReceiver,
    jobs: dict[str, Traced],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Grafana]:
    """Return what asks Jaeger as Grafana does: a real one where it can be run, and a stand-in."""
    if request.param == "stand-in":
        with JaegerStandIn(lambda: receiver.spans) as jaeger:
            yield Grafana(jaeger.url)
        return
    needed(COLLECTOR, "jaeger")
    with own_settings(tmp_path_factory.mktemp("jaeger"), "otel-collector,jaeger") as settings:
        programs = observers.observers(settings)
        observers.prepare(settings, programs)
        with started(programs):
            endpoint = f"http://127.0.0.1:{settings.port('OTLP_PORT')}/v1/traces"
            for body in receiver.trace_bodies:
                headers = {"content-type": "application/x-protobuf"}
                httpx.post(endpoint, content=body, headers=headers).raise_for_status()
            yield Grafana(f"http://127.0.0.1:{settings.port('JAEGER_PORT')}")


def panels(source: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((ROOT / "grafana" / "dashboards").iterdir()):
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                if target["datasource"]["uid"] == source:
                    yield f"{dashboard['title']}: {panel['title']}", target


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize(("where", "target"), list(panels("jaeger")))
def test_each_panel_of_traces_shows_the_trace_of_a_job(
    grafana: Grafana, jobs: dict[str, Traced], outcome: str, where: str, target: dict[str, Any]
) -> None:
    traced = jobs[outcome]
    variables = {"job": traced.job.id, "trace": traced.trace.trace_id}

    def is_shown() -> bool:
        shown = grafana.ask(target, variables)
        return traced.trace.trace_id in {trace["traceID"] for trace in shown}

    until(is_shown, 15, f"“{where}” to show the trace of a job that {outcome}")


def test_a_job_that_does_not_exist_has_no_traces(grafana: Grafana) -> None:
    for where, target in panels("jaeger"):
        assert grafana.ask(target, {"job": "none", "trace": "0" * 31 + "1"}) == [], where


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_logs_of_failures_has_every_run_that_did_not_complete(
    receiver: OtlpReceiver, jobs: dict[str, Traced], outcome: str
) -> None:
    (expression,) = (target["expr"] for where, target in panels("loki") if "Logs of failures" in where)
    severity = re.compile(*_SEVERITY.findall(expression))
    ends = [
        record
        for record in receiver.logs
        if record.attributes.get(at.JOB_ID) == jobs[outcome].job.id
        and record.attributes.get(at.JOB_OUTCOME) == outcome
        and severity.fullmatch(record.severity)
    ]
    assert bool(ends) == (outcome != "completed")
