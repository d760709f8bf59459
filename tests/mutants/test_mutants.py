"""What the mutants change is there, and so are the tests that must notice them; `make mutants` tries both."""

import ast
from functools import cache
from pathlib import Path

import pytest
from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Change, Mutant, StaleMutantError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_what_a_mutant_changes_is_there(mutant: Mutant) -> None:
    for module, text in mutant.sources().items():
        compile(text, module, "exec")


def test_a_mutant_of_code_that_has_changed_is_refused() -> None:
    stale = Mutant("stale", "none", (Change("coordination.journal.rows", "no such text", ""),), "tests")
    with pytest.raises(StaleMutantError, match="stands 0 times in"):
        stale.sources()


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_the_test_that_notices_a_mutant_is_there(mutant: Mutant) -> None:
    path, _, name = mutant.test.partition("::")
    functions = _functions(path)
    assert name.partition("[")[0] in functions


@cache
def _functions(path: str) -> set[str]:
    """Return the names of all functions in a file of tests."""
    module = ast.parse((ROOT / path).read_text())
    return {
        node.name for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
