"""Names, ids, statuses and messages, as every part of the product understands them."""

from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = []
