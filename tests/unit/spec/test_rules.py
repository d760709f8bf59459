"""The rules of the model and the places in the code that carry them out name each other."""

import re
from pathlib import Path

import pytest
from spec import cases
from spec.cases import ALL, CLEAN, FOLDER, LEASE, SLOTS, TURNSTILE, Case
from spec.checking import read_output

CODE = FOLDER.parent / "libs/coordination/src/coordination"
MODELS = [TURNSTILE, LEASE, SLOTS]
PASSED = """State-vector 116 byte, depth reached 207, errors: 0
     5192 states, stored
"""


def named_in_code() -> dict[str, str]:
    found = {}
    for path in sorted(CODE.rglob("*.py")):
        for comment in re.findall(r"# Rules? (.*)", path.read_text()):
            found.update(dict.fromkeys(re.findall(r"\b[RTS]\d+\b", comment), path.name))
    return found


def stated(model: Path) -> list[str]:
    return re.findall(r"^ \*   ([RTHS]\d+) +\S", model.read_text(), re.MULTILINE)


def test_every_rule_is_carried_out_somewhere_and_every_comment_names_a_rule() -> None:
    rules = [rule for model in MODELS for rule in stated(model) if not rule.startswith("H")]
    assert len(rules) == len(set(rules)) > 20
    assert set(named_in_code()) == set(rules)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_every_rule_stands_at_what_models_it(model: Path) -> None:
    body = model.read_text().split("*/", 1)[1]
    assert [rule for rule in stated(model) if not re.search(rf"\b{rule}\b", body)] == []


def test_every_switch_of_a_model_has_a_case_and_every_case_a_switch() -> None:
    for model in MODELS:
        known = set(re.findall(r"^#(?:ifn?def|if)\s+([A-Z_]+)", model.read_text(), re.MULTILINE))
        used = {define.split("=")[0] for case in ALL if case.model == model for define in case.defines}
        assert used <= known
        assert known - used <= {"MAXWAKEUP", "MAXCHANGE"}


def test_names_are_unique_and_only_mutants_and_missing_parts_fail() -> None:
    assert len({case.name for case in ALL}) == len(ALL)
    assert not any(case.fails or any(d.startswith("M_") for d in case.defines) for case in CLEAN)
    assert len(cases.MUTANTS) >= 8


@pytest.mark.parametrize(
    ("output", "got", "why"),
    [
        (PASSED, "clean", ""),
        ("error: max search depth too small\n" + PASSED, "incomplete", "max search depth too small"),
        ("pan: reached -DMEMLIM bound\n" + PASSED, "incomplete", "reached -DMEMLIM"),
        ("pan: out of memory\n", "incomplete", "out of memory"),
        ("Killed\n", "incomplete", "Killed"),
        ("", "incomplete", "it printed nothing"),
        (
            "pan:1: invalid end state (at depth 65)\n" + PASSED.replace("errors: 0", "errors: 1"),
            "fails",
            "invalid end state",
        ),
    ],
)
def test_a_search_that_was_cut_short_has_found_nothing(output: str, got: str, why: str) -> None:
    finding = read_output(Case("any"), output, 0.0)
    assert (finding.got, finding.violation) == (got, why)
    assert finding.is_as_expected is (got == "clean")
