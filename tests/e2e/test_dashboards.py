"""Every query of every dashboard has an answer, from a real Prometheus after an eventful minute."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from deploy import ROOT
from deploy.dashboards.foreign import EFFECTS_REFUSED
from deploy.dashboards.queries import happened, series, total
from deploy.servers import installation, private
from tests.e2e.collector_metrics import collector_metrics
from tests.e2e.eventful import live_through
from tests.e2e.prometheus import Prometheus
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics

pytestmark = pytest.mark.e2e

#: What Grafana puts in place of its variables, for a Prometheus that scrapes every second.
VARIABLES = {"$__rate_interval": "10s", "$__range": "10m", "$kind": ".*"}

#: Has the scheduler look every second.
OFTEN = {"TURNSTILE_SWEEP_SECONDS": "1", "TURNSTILE_SNAPSHOT_SECONDS": "1"}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Return a Prometheus that has watched a stack of its own for an eventful minute."""
    private.ensure_installed()
    installation.ensure_prometheus()
    folder = tmp_path_factory.mktemp("dashboards")
    with (
        private.rabbitmq(folder / "rabbitmq", metrics=True) as broker,
        private.azurite(folder / "azurite", in_memory=True) as storage,
        collector_metrics() as collector_port,
    ):
        stack = Stack(broker, storage, folder / "stack", OFTEN)
        watching = Prometheus(folder / "prometheus")
        try:
            assert broker.metrics_port is not None
            stack.start()
            stack.crew(4)
            watching.start(
                {
                    "publisher": [stack.publisher.port],
                    "audit-projector": [stack.projector.port],
                    "scheduler": [stack.scheduler.port],
                    "worker": [worker.port for worker in stack.workers],
                    "rabbitmq": [broker.metrics_port],
                    "rabbitmq-queues": [broker.metrics_port],
                    "otel-collector": [collector_port],
                    "effect-sink": [int(stack.sink.address.rpartition(":")[2])],
                }
            )
            live_through(stack, lambda: watching.values(series(metrics.LINE_LENGTH)))
            yield watching
        finally:
            watching.close()
            stack.close()


def queries() -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every query for Prometheus, with the panel it is for."""
    for path in sorted((ROOT / "grafana" / "dashboards").iterdir()):
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                if target["datasource"]["uid"] == "prometheus":
                    yield f"{dashboard['title']}: {panel['title']} ({target['refId']})", target


def test_every_panel_shows_something(prometheus: Prometheus) -> None:
    waiting = dict(queries())

    def still_empty() -> list[str]:
        for where, target in list(waiting.items()):
            if prometheus.values(_filled(target["expr"])):
                del waiting[where]
        return sorted(waiting)

    try:
        until(lambda: not still_empty(), 15, "every query to have an answer")
    except AssertionError:
        pytest.fail("without an answer:\n" + "\n".join(f"{w}: {t['expr']}" for w, t in waiting.items()))


@pytest.mark.parametrize("cause", at.TAKE_OVER_CAUSE.values)
def test_the_first_take_over_that_a_worker_tells_of_is_counted(prometheus: Prometheus, cause: str) -> None:
    taken = happened(series(metrics.TAKE_OVER_DURATION, "_count", where={at.TAKE_OVER_CAUSE: cause}), "10m")
    until(lambda: prometheus.value(total(taken)) >= 1, 10, f"a take-over as {cause}")


def test_the_effect_that_came_too_late_is_counted(prometheus: Prometheus) -> None:
    refused = total(happened(series(EFFECTS_REFUSED), "10m"))
    until(lambda: prometheus.value(refused) >= 1, 10, "a refused effect")


def test_nothing_runs_or_waits_any_more(prometheus: Prometheus) -> None:
    numbers = {where: _filled(target["expr"]) for where, target in queries()}
    for panel in ("Running", "In line", "Locks held", "Busy runners"):
        expression = numbers[f"Right now: {panel} (A)"]
        until(partial(_is_zero, prometheus, expression), 15, f"0 as “{panel}”")


def test_durations_lead_to_traces(prometheus: Prometheus) -> None:
    for where, target in queries():
        if target.get("exemplar"):
            until(partial(prometheus.has_exemplars, _filled(target["expr"])), 10, f"a trace for {where}")


def test_every_alert_rule_can_be_evaluated_and_the_quarantined_message_is_noticed(
    prometheus: Prometheus,
) -> None:
    rules = {rule["name"]: rule for rule in prometheus.alert_rules()}
    assert {rule["health"] for rule in rules.values()} == {"ok"}
    assert rules["QuarantineNotEmpty"]["state"] in {"pending", "firing"}
    assert rules["ExclusionViolated"]["state"] == "inactive"
    assert rules["TrailBroken"]["state"] == "inactive"


def _filled(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def _is_zero(prometheus: Prometheus, expression: str) -> bool:
    return prometheus.value(expression) == 0
