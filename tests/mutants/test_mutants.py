"""Every promise has a test that can fail: break it, and its test notices."""

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


@pytest.mark.timeout(1200)
def test_every_mutant_is_noticed_by_its_test() -> None:
    """`make mutants` asks the simulation, too, which takes some minutes more."""
    tried = subprocess.run(
        [sys.executable, "-m", "tests.mutants", "--seeds", "0"], capture_output=True, text=True, check=False
    )
    assert tried.returncode == 0, tried.stdout[-8000:] + tried.stderr[-2000:]


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
