"""The comparison of received telemetry with the schema, by which tests of real processes judge."""

from dataclasses import replace

import pytest
from tests.e2e.telemetry.received import Attributes, LogRecord, Metric, Received, Span, SpanEvent
from tests.e2e.telemetry.schema_check import deviations, never_emitted
from tests.unit.contracts.schema import ATTRIBUTES, METRICS, MOMENTS, SPANS

STEP = Span(
    "turnstile-worker", "worker.telemetry", "step load", attributes={"job.id": "j", "job.step": "load#2"}
)
SWEEPS = Metric("turnstile-scheduler", "turnstile", "turnstile.sweeps", "{sweep}")
LOG = LogRecord("turnstile-worker", "worker.runs", "lease lost", {"lock.name": "ledger"})


def test_what_is_in_the_schema_deviates_in_nothing() -> None:
    moment = SpanEvent("run interrupted", {"reason": "stopped"})
    call = Span(
        "turnstile-worker",
        "azure_storage",
        "journal.commit",
        "client",
        {"storage.operation": "journal.commit", "storage.outcome": "ok"},
    )
    received = Received([replace(STEP, events=(moment,)), call], [SWEEPS], [LOG])
    assert deviations(received) == []


@pytest.mark.parametrize(
    ("span", "complaint"),
    [
        (replace(STEP, name="stir soup"), "`stir soup` of worker.telemetry is not in the schema"),
        (replace(STEP, attributes={"job.step": "other"}), "`step load` of worker.telemetry is not in"),
        (replace(STEP, kind="client"), "of the kind client, not internal"),
        (
            replace(STEP, service="turnstile-publisher"),
            "turnstile-publisher: span `step load` is not expected of this service",
        ),
        (
            replace(STEP, attributes={**STEP.attributes, "runner.pid": 1}),
            "an attribute `runner.pid`, which is not in the schema",
        ),
        (replace(STEP, events=(SpanEvent("it rains"),)), "a moment `it rains`, which is not in the schema"),
        (replace(STEP, events=(SpanEvent("lease lost", {"a": 1}),)), "`lease lost` has an attribute `a`"),
        (
            Span("turnstile-publisher", "publisher", "submit job", events=(SpanEvent("lease lost"),)),
            "turnstile-publisher: moment `lease lost` is not expected of this service",
        ),
        (
            Span("turnstile-worker", "worker", "complete job", attributes={"job.outcome": "great"}),
            "job.outcome='great', which is none of completed",
        ),
    ],
    ids=[
        "name",
        "placeholder",
        "kind",
        "service",
        "attribute",
        "moment",
        "moment's attribute",
        "moment's service",
        "value",
    ],
)
def test_whatever_a_span_has_beside_the_schema_is_told(span: Span, complaint: str) -> None:
    (told,) = deviations(Received([span, span]))
    assert complaint in told


@pytest.mark.parametrize(
    ("metric", "complaint"),
    [
        (replace(SWEEPS, name="sweep.count"), "metric `sweep.count` is not in the schema"),
        (replace(SWEEPS, unit="s"), "is in s, not {sweep}"),
        (replace(SWEEPS, service="turnstile-worker"), "is not expected of this service"),
        (replace(SWEEPS, attributes={"job.id": "j"}), "an attribute `job.id`, which is not in the schema"),
    ],
    ids=["name", "unit", "service", "attribute"],
)
def test_whatever_a_metric_has_beside_the_schema_is_told(metric: Metric, complaint: str) -> None:
    (told,) = deviations(Received(metrics=[metric]))
    assert complaint in told


def test_a_log_records_attributes_are_the_schemas() -> None:
    (told,) = deviations(Received(logs=[replace(LOG, attributes={"lock": "ledger"})]))
    assert told == (
        "turnstile-worker: log `lease lost` of worker.runs has an attribute `lock`, "
        "which is not in the schema"
    )


@pytest.mark.parametrize("scope", ["turnstile.jobs", "turnstile.jobs.load", "sample_jobs", "requests"])
def test_user_code_and_libraries_name_things_as_they_like(scope: str) -> None:
    free: Attributes = {"free": "choice"}
    span = Span("turnstile-worker", scope, "stir soup", attributes=free, events=(SpanEvent("it rains"),))
    received = Received(
        [span],
        [Metric("turnstile-worker", scope, "soups", "l", free)],
        [LogRecord("turnstile-worker", scope, "stirred", free)],
    )
    assert deviations(received) == []


def test_what_opentelemetry_adds_to_a_failed_span_is_no_deviation() -> None:
    moment = SpanEvent("exception", {"exception.type": "ValueError"})
    record = replace(LOG, attributes={"exception.message": "no", "code.function.name": "run"})
    assert deviations(Received([replace(STEP, events=(moment,))], logs=[record])) == []


def test_what_nothing_emitted_is_told() -> None:
    told = never_emitted(Received([replace(STEP, events=(SpanEvent("lease lost"),))], [SWEEPS], [LOG]))
    assert {
        "span `sweep`",
        "moment `lock held`",
        "metric `turnstile.workers`",
        "attribute `job.kind`",
    } <= set(told)
    emitted = {"step {job.step}", "lease lost", "turnstile.sweeps", "job.id", "job.step", "lock.name"}
    assert not [name for name in told if name.split("`")[1] in emitted]
    assert len(told) == len([*SPANS, *MOMENTS, *METRICS, *ATTRIBUTES]) - len(emitted)
