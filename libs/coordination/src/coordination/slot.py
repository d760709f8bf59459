"""A slot: one place under a lock, in which one job runs at a time."""

from dataclasses import dataclass
from functools import cached_property

from contracts import lock_names
from coordination.journal import rows


@dataclass(frozen=True, order=True)
class Slot:
    """One place under a lock: one lease, one lock row, one sequence of fences. Every lock has slot 0.

    A lock without a limit has no other. Fences of two slots say nothing about each other.
    """

    lock_name: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.lock_name} (slot {self.number})" if self.number else self.lock_name

    @cached_property
    def partition(self) -> str:
        """Partition of the journal that holds the rows of the lock; all its slots share it."""
        return lock_names.partition(self.lock_name)

    @property
    def lease_name(self) -> str:
        """Name of the slot's lease."""
        return f"{self.partition}-{self.number:02d}" if self.number else self.partition

    @property
    def lock_key(self) -> str:
        """Key of the slot's lock row."""
        return rows.lock_key(self.number)
