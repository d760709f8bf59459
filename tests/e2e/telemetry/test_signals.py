"""Every service sends every signal, and every way from one to another is seen in traces."""

import pytest
from deploy.documentation.telemetry_schema import declared
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.telemetry.scenarios import Line, Traced
from tests.e2e.waiting import until

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from contracts.telemetry import resource as resources
from contracts.telemetry.names import Attribute, Source

pytestmark = pytest.mark.e2e

SIGNALS = {
    source.service_name: {"traces", "metrics", "logs"}
    for source in (Source.PUBLISHER, Source.WORKER, Source.AUDIT_PROJECTOR, Source.SCHEDULER)
}

EDGES = (
    (Source.PUBLISHER, Source.WORKER),
    (Source.WORKER, Source.AUDIT_PROJECTOR),
    (Source.SCHEDULER, Source.WORKER),
)


@pytest.mark.parametrize(
    ("service", "signal"), [(service, signal) for service, signals in SIGNALS.items() for signal in signals]
)
def test_every_service_sends_every_signal(
    service: str, signal: str, receiver: OtlpReceiver, lost_wake_up: Traced
) -> None:
    until(lambda: signal in receiver.signals.get(service, set()), 10, f"{signal} of {service}")


@pytest.mark.parametrize(("sender", "recipient"), EDGES)
def test_a_message_leads_from_the_span_that_sent_it_to_the_span_that_processes_it(
    sender: Source,
    recipient: Source,
    receiver: OtlpReceiver,
    lost_wake_up: Traced,
    ordinary: Traced,
) -> None:
    spans = receiver.spans
    by_id = {span.span_id: span for span in spans}
    met = [
        (by_id[span.parent_id], span)
        for span in spans
        if span.service == recipient.service_name and span.kind == "consumer" and span.parent_id in by_id
    ]
    assert [
        (before, after)
        for before, after in met
        if before.service == sender.service_name and before.kind == "producer"
    ], f"{recipient}: {sorted({(before.service, before.name, after.name) for before, after in met})}"


def test_every_process_says_which_it_is(receiver: OtlpReceiver, ordinary: Traced) -> None:
    until(lambda: set(SIGNALS) <= set(receiver.signals), 10, "all services")
    for resource in list(receiver.resources.values()):
        assert set(resource) - {"ip"} == {str(name) for name in declared(resources, Attribute).values()}
    assert len({resource[resources.HOST_ID] for resource in list(receiver.resources.values())}) == 1
    by_service = [resource["service.name"] for resource in list(receiver.resources.values())]
    assert set(by_service) == set(SIGNALS)
    assert by_service.count(Source.WORKER.service_name) >= 2


def test_a_chained_hand_over_takes_time(receiver: OtlpReceiver, line: Line) -> None:
    def chained() -> list[float]:
        return [
            metric.total
            for metric in receiver.metrics
            if metric.name == metrics.HAND_OVER_DURATION
            and metric.attributes[at.HAND_OVER_CAUSE] == "chained"
        ]

    until(chained, 10, "a chained hand-over")
    assert all(0 < seconds < 10 for seconds in chained()), chained()
