"""The scheduler: duty and rounds."""

from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = []
