"""Jaeger behind the Collector with what the stack sends: the real programs, or a stand-in for both."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import httpx
import pytest
from deploy.stack import observers
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.e2e.telemetry import otlp_reading
from tests.e2e.telemetry.jaeger import JaegerStandIn
from tests.e2e.telemetry.jaeger_documents import DrawnTrace, JaegerApi
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.telemetry.received import Span
from tests.e2e.telemetry.scenarios import Traced
from tests.e2e.waiting import until
from tests.integration.observers.running import own_settings, started


@dataclass(frozen=True)
class Observed:
    """Jaeger, and how to send it what comes from elsewhere."""

    api: JaegerApi
    take: Callable[[bytes], None]

    def whole(self, traced: Traced) -> DrawnTrace:
        """Return a job's trace, once all that was received of it is in Jaeger."""
        wanted = {span.span_id for span in traced.trace.spans}

        def shown() -> DrawnTrace | None:
            trace = self.api.trace(traced.trace.trace_id)
            return trace if wanted <= {span.span_id for span in trace.spans} else None

        trace = until(shown, 20, f"Jaeger to show\n{traced.trace}")
        assert trace is not None
        return trace


@contextmanager
def observed_real(receiver: OtlpReceiver, folders: pytest.TempPathFactory) -> Iterator[Observed]:
    """Run Jaeger behind the Collector until the block ends, with all that the receiver got and gets."""
    with own_settings(folders.mktemp("jaeger"), "otel-collector,jaeger") as settings:
        programs = observers.observers(settings)
        observers.prepare(settings, programs)
        api = JaegerApi(f"http://127.0.0.1:{settings.port('JAEGER_PORT')}")

        def take(body: bytes) -> None:
            endpoint = f"http://127.0.0.1:{settings.port('OTLP_PORT')}/v1/traces"
            headers = {"content-type": "application/x-protobuf"}
            httpx.post(endpoint, content=body, headers=headers, timeout=20).raise_for_status()

        with started(programs), receiver.forwarding(take), closing(api):
            yield Observed(api, take)


@contextmanager
def observed_stand_in(receiver: OtlpReceiver) -> Iterator[Observed]:
    """Run a stand-in until the block ends, with all that the receiver got and gets."""
    foreign: list[Span] = []
    with (
        JaegerStandIn(lambda: [*receiver.spans, *foreign]) as server,
        closing(JaegerApi(server.url)) as api,
    ):
        yield Observed(
            api, lambda body: foreign.extend(otlp_reading.spans(ExportTraceServiceRequest.FromString(body)))
        )
