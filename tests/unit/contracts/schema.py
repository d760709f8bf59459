"""The declared names by their constants."""

from deploy.documentation.telemetry_schema import declared

from contracts.telemetry import attributes, metrics, resource, spans
from contracts.telemetry.names import Attribute, Metric, SpanEvent, SpanName

SPANS = declared(spans, SpanName)
MOMENTS = declared(spans, SpanEvent)
METRICS = declared(metrics, Metric)
ATTRIBUTES = declared(attributes, Attribute)
RESOURCE = declared(resource, Attribute)
