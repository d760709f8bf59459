"""The checker: what turnstile verify must not overlook."""

from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = []
