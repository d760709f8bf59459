"""Code emits the names of the schema: it spells out none itself, and uses each one that is ours.

Names of OpenTelemetry's may come from libraries; tests of real processes tell whether they come at all.
"""

import ast
import re
from pathlib import Path

import pytest
from tests.unit.contracts.schema import ATTRIBUTES, METRICS, MOMENTS, SPANS
from tests.unit.contracts.source_names import own_names, used_names

from contracts.telemetry.names import SpanName

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "libs/contracts/src/contracts/telemetry"
SOURCES = sorted(
    file
    for folder in ("libs", "services")
    for file in ROOT.glob(f"{folder}/*/src/**/*.py")
    if SCHEMA not in file.parents
)

#: The data of users' log lines is theirs.
USERS = ROOT / "libs/sample_jobs"


def test_no_code_spells_out_a_name_of_its_own() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line} {name}"
        for file in SOURCES
        if USERS not in file.parents
        for line, name in own_names(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert not found, "\n".join(["declare them in contracts.telemetry, and use the constants:", *found])


def test_every_declared_name_is_used() -> None:
    used = {name for file in SOURCES for name in used_names(ast.parse(file.read_text(encoding="utf-8")))}
    declared = [
        *[("spans", constant, not _is_composed(name)) for constant, name in SPANS.items()],
        *[("spans", constant, True) for constant in MOMENTS],
        *[("metrics", constant, not name.convention) for constant, name in METRICS.items()],
        *[("attributes", constant, not name.convention) for constant, name in ATTRIBUTES.items()],
    ]
    in_vain = [
        f"{module}.{constant}"
        for module, constant, is_ours in declared
        if is_ours and (module, constant) not in used
    ]
    assert not in_vain, "\n".join(["nothing uses these, take them out:", *in_vain])


def _is_composed(span: SpanName) -> bool:
    """Return whether code makes the name of values: of attributes, or of a message's operation and place."""
    return span.kind in {"producer", "consumer"} or not re.sub(r"\{[^}]*\}", "", span).strip()


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("tracer.start_as_current_span('a')", ["a"]),
        ("tracer.start_span(name=f'step {x}', attributes={'b': 1, at.C: 2})", ["f'step {x}", "b"]),
        ("span.set_attribute('a', 'text')", ["a"]),
        ("span.add_event(spans.A, {'b': 'c'})", ["b"]),
        ("logger.info('text', extra={'a': 1} | {at.B: 2, **{'c': 3}})", ["a", "c"]),
        ("logger.info('text', extra=dict(a=1) if x else {})", ["a"]),
        ("sent.add(1, {'a': 'b'})", ["a"]),
        ("log_context(a=1, **{at.B: 2, 'c': 3})", ["a", "c"]),
        (
            "about = {'a': 1}; about |= {'b': 2}; about['c'] = 3; log.info('text', extra=about)",
            ["a", "b", "c"],
        ),
        ("tracer.start_span(f'{operation} {place}')", []),
        ("meter.create_counter(metrics.A, metrics.A.unit)", []),
        ("logger.info('text', extra={at.A: 'text'}); names.add('a'); tracer.start_span(spans.A)", []),
    ],
)
def test_own_names_are_found(code: str, names: list[str]) -> None:
    assert [name for _, name in own_names(ast.parse(code))] == names


def test_used_names_are_found_under_any_import() -> None:
    code = """
from contracts.telemetry import attributes as at, spans
from contracts.telemetry.metrics import WORKERS
tracer.start_span(spans.SWEEP, attributes={at.JOB_ID: other.LOCK_NAME})
"""
    assert used_names(ast.parse(code)) == {
        ("spans", "SWEEP"),
        ("attributes", "JOB_ID"),
        ("metrics", "WORKERS"),
    }
