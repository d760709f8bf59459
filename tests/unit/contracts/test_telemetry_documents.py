"""What is made from the telemetry schema is up to date, and the schema is sound."""

import json
from pathlib import Path

import pytest
from tests.unit.contracts.schema import ATTRIBUTES, METRICS, MOMENTS, SPANS

from contracts.telemetry.document import schema
from contracts.telemetry.names import Attribute, Metric, SpanEvent, SpanName
from contracts.telemetry.tables import BEGIN, END, with_tables

ROOT = Path(__file__).parents[3]
REMEDY = "make it again: .venv/bin/python -m contracts.telemetry --write"

CARRIERS: list[SpanName | SpanEvent | Metric] = [*SPANS.values(), *MOMENTS.values(), *METRICS.values()]
ALL: list[SpanName | SpanEvent | Metric | Attribute] = [*CARRIERS, *ATTRIBUTES.values()]


def test_the_specification_says_what_the_schema_says() -> None:
    assert json.loads((ROOT / "spec/telemetry.json").read_text()) == schema(), REMEDY


def test_the_readme_has_the_tables_of_the_schema() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_tables(text) == text, REMEDY


def test_tables_are_put_between_their_marks_and_nowhere_else() -> None:
    made = with_tables(f"before {BEGIN} old {END} after")
    assert made.startswith(f"before {BEGIN}\n|")
    assert made.endswith(f"|\n\n</details>\n{END} after")
    with pytest.raises(ValueError, match="lacks"):
        with_tables(f"{END} {BEGIN}")


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
