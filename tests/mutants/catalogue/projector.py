"""The audit projector: trail, summaries, lists, lock runs, exclusion."""

from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = []
