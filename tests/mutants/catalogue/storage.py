"""The adapters of Azure Storage: encoding, outcomes, leases, register, read models."""

from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = []
