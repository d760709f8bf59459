"""What the sweeper repairs, and what the survey of lines shows."""

from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = []
