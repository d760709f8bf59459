"""The stack's collector, Jaeger and Prometheus, with the committed configuration, show a job that ran."""

import subprocess
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from deploy import ROOT
from tests.containers.compose_stack import ComposeStack, docker, wait_until

OBSERVERS = ("otel-collector", "jaeger", "prometheus")
SERVICES = ("publisher", "worker", "audit-projector", "scheduler", "dashboard")
TARGETS = (*SERVICES, "rabbitmq", "rabbitmq-queues", "otel-collector", "prometheus")

# The images are built within the first test's time.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def ran(stack: ComposeStack) -> dict[str, Any]:
    """The state of a job that has completed."""
    job_id = stack.submit(kind="ten-steps", lock="seen", parameters={"steps": 3, "seconds": 0.1})
    return stack.wait_for(job_id, "Completed", seconds=60)


def test_a_jobs_trace_leads_from_the_request_to_the_worker(stack: ComposeStack, ran: dict[str, Any]) -> None:
    def whole_trace() -> dict[str, Any] | None:
        trace = stack.trace(ran["trace_id"])
        return trace if trace and {"turnstile-publisher", "turnstile-worker"} <= services_of(trace) else None

    trace = wait_until(whole_trace, seconds=30)
    assert {span["traceID"] for span in trace["spans"]} == {ran["trace_id"]}
    hosts = {
        tag["value"]
        for sender in trace["processes"].values()
        for tag in sender["tags"]
        if tag["key"] == "host.id"
    }
    assert len(hosts) == 1, "containers of one host have one id"
    assert "turnstile-audit-projector" not in services_of(trace), "projection has traces of its own"


def test_prometheus_asks_every_service_and_every_worker(stack: ComposeStack) -> None:
    wanted = Counter(dict.fromkeys(TARGETS, 1)) | Counter({"worker": len(stack.containers("worker"))})
    wait_until(lambda: targets_up(stack) == wanted or None, seconds=60)


def test_prometheus_finds_a_worker_that_was_added(stack: ComposeStack) -> None:
    more = len(stack.containers("worker")) + 1
    stack.make("scale", f"n={more}")
    wait_until(lambda: targets_up(stack)["worker"] == more, seconds=30)


def test_prometheus_has_what_the_worker_measured(stack: ComposeStack, ran: dict[str, Any]) -> None:
    query = 'turnstile_job_run_duration_seconds_count{job_kind="ten-steps",job_outcome="completed"}'
    wait_until(value_of(stack, f"sum({query})"), seconds=30)


def test_prometheus_knows_the_depth_of_every_queue(stack: ComposeStack) -> None:
    query = 'rabbitmq_detailed_queue_messages{queue="turnstile.jobs.quarantine"}'
    found = wait_until(lambda: stack.ask_prometheus("query", query=query)["result"], seconds=30)
    assert float(found[0]["value"][1]) == 0


def test_the_committed_rules_are_watched(stack: ComposeStack) -> None:
    committed = {path.name for path in (ROOT / "grafana/alerts").glob("*.yml")}
    groups = stack.ask_prometheus("rules")["groups"]
    assert {group["file"].rpartition("/")[2] for group in groups} == committed != set()
    wait_until(lambda: {rule["health"] for rule in rules_of(stack)} == {"ok"}, seconds=30)


def test_lost_logs_delay_no_trace(stack: ComposeStack, ran: dict[str, Any]) -> None:
    """The collector takes logs that it cannot deliver, as nothing listens where Loki would, and goes on."""
    wait_until(value_of(stack, "sum(otelcol_receiver_accepted_log_records_total)"), seconds=30)
    job_id = stack.submit(kind="ten-steps", lock="seen", parameters={"steps": 1, "seconds": 0.1})
    later = stack.wait_for(job_id, "Completed", seconds=60)
    wait_until(lambda: stack.trace(later["trace_id"]), seconds=10)


@pytest.mark.parametrize("service", OBSERVERS)
def test_the_observers_have_no_rights(stack: ComposeStack, service: str) -> None:
    (container,) = stack.containers(service)
    about = stack.inspect(container)
    host = about["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    ports = about["NetworkSettings"]["Ports"]
    assert {binding["HostIp"] for bindings in ports.values() for binding in bindings or ()} == {"127.0.0.1"}


def test_jobs_run_while_nothing_is_seen(stack: ComposeStack) -> None:
    for service in OBSERVERS:
        docker("pause", *stack.containers(service))
    try:
        job_id = stack.submit(kind="ten-steps", lock="unseen", parameters={"steps": 1, "seconds": 0.1})
        stack.wait_for(job_id, "Completed", seconds=30)
    finally:
        for service in OBSERVERS:
            docker("unpause", *stack.containers(service))


def test_the_collector_refuses_a_configuration_it_does_not_know(stack: ComposeStack) -> None:
    """It reads the committed file, and would have said what is wrong with it."""
    (container,) = stack.containers("otel-collector")
    image = stack.inspect(container)["Config"]["Image"]
    broken = "yaml:receivers::otlp::protocol: {}"
    command = ["docker", "run", "--rm", "--volume", f"{ROOT}/grafana:/grafana:ro", image, "validate"]
    files = ["--config", "/grafana/collector.yaml"]
    assert subprocess.run([*command, *files], check=False).returncode == 0
    assert subprocess.run([*command, *files, "--config", broken], check=False).returncode != 0


def services_of(trace: dict[str, Any]) -> set[str]:
    return {process["serviceName"] for process in trace["processes"].values()}


def targets_up(stack: ComposeStack) -> Counter[str]:
    targets = stack.ask_prometheus("targets", state="active")["activeTargets"]
    assert targets
    return Counter(target["labels"]["job"] for target in targets if target["health"] == "up")


def rules_of(stack: ComposeStack) -> list[dict[str, Any]]:
    return [rule for group in stack.ask_prometheus("rules")["groups"] for rule in group["rules"]]


def value_of(stack: ComposeStack, query: str) -> Callable[[], float]:
    def ask() -> float:
        found = stack.ask_prometheus("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else 0.0

    return ask
