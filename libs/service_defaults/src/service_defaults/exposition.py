"""The page `/metrics`, which Prometheus reads: every metric, with traces as examples of measurements."""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faststream.asgi import AsgiResponse
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import Histogram, HistogramDataPoint, MetricsData
from opentelemetry.trace import format_span_id, format_trace_id
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar, Sample

from contracts.telemetry import attributes as at

PATH = "/metrics"

_App = Callable[[Any, Any, Any], Awaitable[None]]
_Labels = frozenset[tuple[str, str]]
#: By metric, labels and upper bound of the bucket.
_Exemplars = dict[tuple[str, _Labels, float], Exemplar]


class PrometheusPage:
    """The metrics of this process as they are when the page is asked for."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.reader = _Reader(self._registry)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the page and its content type: OpenMetrics, with exemplars, where it is accepted."""
        encode, content_type = choose_encoder(accept)
        return encode(self.collect()), content_type

    def collect(self) -> "_Collected":
        """Read all metrics."""
        return _Collected([_completed(family, self.reader.exemplars) for family in self._registry.collect()])

    def beside(self, app: _App) -> _App:
        """Answer for the page, and leave everything else to the application, which does not see it."""

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or scope["path"] != PATH:
                await app(scope, receive, send)
                return
            if scope["method"] not in {"GET", "HEAD"}:
                await AsgiResponse(status_code=405, headers={"allow": "GET, HEAD"})(scope, receive, send)
                return
            accept = ",".join(
                value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"accept"
            )
            encode, content_type = choose_encoder(accept)
            # Read in the event loop, where nothing that gauges read changes; encoded in a thread.
            content = await asyncio.to_thread(encode, self.collect())
            headers = {"content-type": content_type, "cache-control": "no-store"}
            await AsgiResponse(content, 200, headers)(scope, receive, send)

        return answer


class _Reader(PrometheusMetricReader):
    """Keeps the exemplars of a collection, which OpenTelemetry's own reader leaves out."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(scope_info_enabled=False, registry=registry)
        self.exemplars: _Exemplars = {}

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        self.exemplars = dict(_exemplars_in(metrics_data))
        super()._receive_metrics(metrics_data, timeout_millis, **kwargs)


@dataclass(frozen=True)
class _Collected:
    """Metrics as they were read."""

    families: Sequence[Metric]

    def collect(self) -> Sequence[Metric]:
        """Return them."""
        return self.families


def _completed(family: Metric, exemplars: _Exemplars) -> Metric:
    """Put exemplars into a histogram's buckets."""
    if family.type == "histogram" and exemplars:
        family.samples = [_with_exemplar(family, sample, exemplars) for sample in family.samples]
    return family


def _with_exemplar(family: Metric, sample: Sample, exemplars: _Exemplars) -> Sample:
    if (bound := sample.labels.get("le")) is None:
        return sample
    labels = _labels({name: value for name, value in sample.labels.items() if name != "le"})
    for name in (family.name, family.name.removesuffix(f"_{family.unit}")):
        exemplar = exemplars.get((name, labels, float(bound)))
        if exemplar is not None:
            return sample._replace(exemplar=exemplar)
    return sample


def _exemplars_in(data: MetricsData) -> Iterable[tuple[tuple[str, _Labels, float], Exemplar]]:
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                if isinstance(metric.data, Histogram):
                    for point in metric.data.data_points:
                        for bound, exemplar in _exemplars_of(point):
                            yield (_spelled(metric.name), _labels(point.attributes or {}), bound), exemplar


def _exemplars_of(point: HistogramDataPoint) -> Iterator[tuple[float, Exemplar]]:
    for exemplar in point.exemplars:
        if not exemplar.trace_id or not exemplar.span_id:
            continue
        bounds = [*point.explicit_bounds, float("inf")]
        ids = {
            str(at.TRACE_ID): format_trace_id(exemplar.trace_id),
            str(at.SPAN_ID): format_span_id(exemplar.span_id),
        }
        yield (
            bounds[bisect_left(bounds, exemplar.value)],
            Exemplar(ids, exemplar.value, exemplar.time_unix_nano / 1e9),
        )


def _labels(attributes: Mapping[str, Any]) -> _Labels:
    """Return labels as Prometheus knows them; one that is empty is the same as none."""
    return frozenset((_spelled(name), str(value)) for name, value in attributes.items() if value != "")


def _spelled(name: str) -> str:
    return name.replace(".", "_")
