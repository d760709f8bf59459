"""The telemetry schema is sound."""

import pytest
from tests.unit.contracts.schema import ATTRIBUTES, METRICS, MOMENTS, SPANS

from contracts.telemetry import attributes
from contracts.telemetry.names import Attribute, Instrument, Metric, SpanEvent, SpanName

CARRIERS: list[SpanName | SpanEvent | Metric] = [*SPANS.values(), *MOMENTS.values(), *METRICS.values()]
ALL: list[SpanName | SpanEvent | Metric | Attribute] = [*CARRIERS, *ATTRIBUTES.values()]


def test_every_name_is_declared_once() -> None:
    for declared in (SPANS, MOMENTS, METRICS, ATTRIBUTES):
        names = [str(name) for name in declared.values()]
        assert sorted(set(names)) == sorted(names)
    prometheus = [metric.prometheus_name for metric in METRICS.values()]
    assert sorted(set(prometheus)) == sorted(prometheus)


@pytest.mark.parametrize("name", ALL, ids=str)
def test_every_meaning_is_one_sentence_that_fits_a_table(
    name: SpanName | SpanEvent | Metric | Attribute,
) -> None:
    assert not name.meaning[0].islower()
    assert name.meaning.endswith(".")
    assert not set("|\n") & set(name.meaning)


@pytest.mark.parametrize("name", CARRIERS, ids=str)
def test_whoever_emits_it_is_known_and_its_attributes_are_declared(
    name: SpanName | SpanEvent | Metric,
) -> None:
    assert name.sources
    assert set(name.attributes) <= set(ATTRIBUTES.values())


@pytest.mark.parametrize("metric", METRICS.values(), ids=str)
def test_labels_have_few_values(metric: Metric) -> None:
    assert [str(label) for label in metric.attributes if not label.on_metrics] == []


@pytest.mark.parametrize(
    ("name", "instrument", "unit", "spelled"),
    [
        ("a.b.duration", Instrument.HISTOGRAM, "s", "turnstile_a_b_duration_seconds"),
        ("a.seconds", Instrument.GAUGE, "s", "turnstile_a_seconds"),
        ("a.size", Instrument.HISTOGRAM, "By", "turnstile_a_size_bytes"),
        ("a.busy", Instrument.COUNTER, "s", "turnstile_a_busy_seconds_total"),
        ("a.jobs", Instrument.COUNTER, "{job}", "turnstile_a_jobs_total"),
        ("a.jobs", Instrument.UP_DOWN_COUNTER, "{job}", "turnstile_a_jobs"),
        ("a.share", Instrument.GAUGE, "1", "turnstile_a_share"),
    ],
)
def test_a_metric_has_the_name_that_prometheus_gets(
    name: str, instrument: Instrument, unit: str, spelled: str
) -> None:
    assert Metric(name, instrument, unit, "Something.").prometheus_name == spelled
    of_others = Metric(name, instrument, unit, "Something.", convention=True)
    assert of_others.prometheus_name == spelled.removeprefix("turnstile_")


def test_an_attribute_with_few_values_may_be_a_label_and_others_only_when_declared() -> None:
    assert Attribute("a", "A.", values=("b", "c")).on_metrics
    assert Attribute("a", "A.", on_metrics=True).on_metrics
    assert not Attribute("a", "A.").on_metrics


def test_what_a_declaration_leaves_out_is_nothing_and_ours() -> None:
    attribute, span, moment = Attribute("a", "A."), SpanName("a", "A."), SpanEvent("a", "A.")
    metric = Metric("a", Instrument.COUNTER, "1", "A.")
    assert (attribute.values, attribute.convention) == ((), False)
    assert (span.kind, span.attributes, moment.attributes) == ("internal", (), ())
    assert (metric.attributes, metric.buckets, metric.convention) == ((), (), False)


def test_no_metric_is_labelled_with_an_id() -> None:
    ids = {attributes.JOB_ID, attributes.JOB_ATTEMPT, attributes.LOCK_FENCE}
    assert [str(metric) for metric in METRICS.values() if ids & set(metric.attributes)] == []
    assert not any(one.on_metrics for one in ids)


@pytest.mark.parametrize("metric", METRICS.values(), ids=str)
def test_buckets_belong_to_histograms_and_rise(metric: Metric) -> None:
    assert bool(metric.buckets) == (metric.instrument is Instrument.HISTOGRAM)
    assert sorted(set(metric.buckets)) == list(metric.buckets)
