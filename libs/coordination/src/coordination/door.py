"""The door: what came of a doorbell, and what those who serve and watch locks ask of the doorkeeper."""

from enum import StrEnum
from typing import Protocol

from coordination.rows import JobRow


class Answer(StrEnum):
    """What came of a doorbell."""

    TAKEN = "taken"
    EMPTY = "empty"
    HELD = "held"
    #: The store does not answer.
    UNKNOWN = "unknown"
    #: The lock is served or watched here already.
    KNOWN = "known"
    #: This worker is being stopped; others were told.
    PASSED_ON = "passed_on"


class Door(Protocol):
    """The worker as a whole, as its services and watches see it."""

    @property
    def has_room(self) -> bool:
        """Whether another lock can be served."""

    @property
    def has_too_many(self) -> bool:
        """Whether more locks are served than jobs can be run: then what waits is left to others."""

    @property
    def is_stopping(self) -> bool:
        """Whether this worker takes nothing new any more."""

    def accepts(self, job: JobRow) -> bool:
        """Tell whether to run a job here."""

    def is_serving(self, lock_name: str) -> bool:
        """Tell whether a lock is served here, or tried for."""

    async def try_for(self, lock_name: str) -> Answer:
        """Try to serve a lock that is not served yet; gives what came of it."""
