"""Entry point of a runner: `python -m worker.runner`, started by a supervisor only."""

from worker.execution.runner import main
from worker.execution.tracing import RunnerTracing


def make_tracing(wants_spans: bool) -> RunnerTracing:
    """Return what the runner traces with. Only here is OpenTelemetry imported, and its SDK only for spans."""
    from worker.runner_tracing import ContextTracing, SpanTracing  # noqa: PLC0415

    return SpanTracing() if wants_spans else ContextTracing()


if __name__ == "__main__":
    main(make_tracing=make_tracing)
