"""What a job's handler can rely on: steps, state, progress, cancellation, kinds."""

from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = []
