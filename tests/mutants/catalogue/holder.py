"""Holding a lock: leases, deadlines, serving, watching, hand-over, wake-ups."""

from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = []
