"""The publisher: submissions, questions, streams, cancellation, problems."""

from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = []
