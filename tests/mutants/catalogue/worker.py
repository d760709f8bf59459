"""The worker: wake-ups, presence, runner processes, the deadline enforcer, what jobs print."""

from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = []
