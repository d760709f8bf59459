"""What is written to the journal: take-over, ends, submission, cancellation, order and counts."""

from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = []
