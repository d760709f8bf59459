"""What the mutants change is there, and the tests that must notice them pass; `make mutants` tries them."""

import subprocess
import sys

import pytest
from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Change, Mutant, StaleMutantError


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_what_a_mutant_changes_is_there(mutant: Mutant) -> None:
    for module, text in mutant.sources().items():
        compile(text, module, "exec")


def test_a_mutant_of_code_that_has_changed_is_refused() -> None:
    stale = Mutant("stale", "none", (Change("coordination.journal.rows", "no such text", ""),), "tests")
    with pytest.raises(StaleMutantError, match="stands 0 times in"):
        stale.sources()


@pytest.mark.timeout(600)
def test_the_tests_that_notice_mutants_pass_without_them() -> None:
    tests = sorted({mutant.test for mutant in MUTANTS.values()})
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
