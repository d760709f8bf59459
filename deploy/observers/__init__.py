"""Jaeger and the OpenTelemetry Collector, compiled from their Go modules where no package has them."""
