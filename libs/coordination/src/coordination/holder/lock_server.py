"""Outcomes of a wake-up, and what sessions and watches ask of the dispatcher."""

from enum import StrEnum
from typing import Protocol

from coordination.journal.rows import JobRow
from coordination.slot import Slot


class WakeUpOutcome(StrEnum):
    """What came of a wake-up."""

    TAKEN = "taken"
    EMPTY = "empty"
    HELD = "held"
    #: The store does not answer.
    UNKNOWN = "unknown"
    #: The lock is served or watched here already.
    KNOWN = "known"
    #: This worker drains or stops; the wake-up was sent on to others.
    PASSED_ON = "passed_on"


class LockServer(Protocol):
    """The dispatcher, as its sessions and watches see it."""

    @property
    def has_capacity(self) -> bool:
        """Whether another lock can be served."""

    @property
    def has_too_many(self) -> bool:
        """Whether more locks are served than jobs can be run: then what waits is left to others."""

    @property
    def takes_jobs(self) -> bool:
        """Whether this worker takes new jobs: not while it drains or stops."""

    def accepts(self, job: JobRow) -> bool:
        """Return whether to run a job here."""

    def is_serving(self, lock_name: str) -> bool:
        """Return whether a lock is served here, or tried for."""

    def keep_due_time(self, lock_name: str, due_at: str) -> None:
        """Try for a lock at a time, as the journal writes it."""

    async def try_for(self, lock_name: str) -> WakeUpOutcome:
        """Try to serve a lock that is not served yet, and return what came of it."""

    def learn(self, lock_name: str, slots: int) -> None:
        """Take in how many slots a lock has."""

    def slots_of(self, lock_name: str) -> int:
        """Return how many slots a lock is known to have."""

    def look_for_slots(self, lock_name: str) -> None:
        """Have free slots of a lock served that has several, and of which one is served here."""


class SlotServer(LockServer, Protocol):
    """The dispatcher, as the search for slots sees it."""

    def is_serving_slot(self, slot: Slot) -> bool:
        """Return whether a slot is served here, or tried for."""

    async def try_slot(self, slot: Slot) -> WakeUpOutcome:
        """Try to serve a slot that is not served yet, and return what came of it."""
