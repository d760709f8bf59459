"""Announcements: every event that is written is published, as it was written and not before.

A process that learns that its transaction was carried out publishes its events at once. When it dies first,
or never learns it, the events reach the read models all the same: with another event of the same job, or when
the sweeper publishes them again.
"""

from collections.abc import Callable, Sequence

from tests.simulation.judges.writes import Tell, Write

from contracts.statuses import EventStatus
from coordination.journal.rows import EventRow
from coordination.ports import Announcement

_Key = tuple[str, int]


class Announcements:
    """Compares what is published with what was written."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._written: dict[_Key, EventRow] = {}
        self._events_of: dict[str, list[_Key]] = {}
        #: What was published, and by which process.
        self._announced: set[tuple[str, _Key]] = set()
        self._last: dict[str, int] = {}
        #: Runs that ended while something was being written for them, by job and attempt.
        self._cut_short: set[tuple[str, int]] = set()
        #: Transactions that their senders know to be carried out: the sender's name, and a function that
        #: returns whether it died in the same moment.
        self._heard: dict[str, tuple[str, Callable[[], bool]]] = {}

    def see(self, write: Write) -> None:
        """Take in a transaction."""
        for event in write.events:
            key = event.job_id, event.seq
            self._written[key] = event
            self._events_of.setdefault(event.op_id, []).append(key)

    def heard(self, op_id: str, sender: str, died_then: Callable[[], bool]) -> None:
        """Note that a sender learnt that its transaction was carried out."""
        self._heard.setdefault(op_id, (sender, died_then))

    def cut_short(self, job_id: str, attempt: int) -> None:
        """Note that no process waits any more for the answer to what is being written for a run."""
        self._cut_short.add((job_id, attempt))

    def announces(self, sender: str, announcements: Sequence[Announcement]) -> None:
        """Judge what a process publishes."""
        for told in announcements:
            for seq in range(told.first, told.last + 1):
                key = told.job_id, seq
                written = self._written.get(key)
                if written is None:
                    self._tell("announced", f"event {seq} of {told.job_id} was published, and never written")
                elif (written.lock_name, written.traceparent) != (told.lock_name, told.traceparent):
                    self._tell("announced", f"event {seq} of {told.job_id} was published as something else")
                self._announced.add((sender, key))
            self._last[told.job_id] = max(told.last, self._last.get(told.job_id, 0))

    def check_end(self, projected: Callable[[str], int]) -> None:
        """See that every event was published by who wrote it, or made up for.

        `projected` returns the number of a job's last event in the read models: a projector that hears of an
        event reads those behind it, too, from the journal.
        """
        for op_id, (sender, died_then) in self._heard.items():
            written = self._events_of.get(op_id, ())
            missing = [
                key
                for key in written
                if (sender, key) not in self._announced and not self._is_excused(self._written[key])
            ]
            if missing and not died_then():
                self._tell("announced", f"{sender} did not publish what it knew to be written: {missing}")
        for job_id, seq in self._written:
            if seq > max(self._last.get(job_id, 0), projected(job_id)):
                self._tell("announced", f"event {seq} of {job_id} was never published, nor found otherwise")

    def _is_excused(self, event: EventRow) -> bool:
        return (
            event.status in {EventStatus.STEP, EventStatus.STATE_SAVED}
            and (event.job_id, event.attempt) in self._cut_short
        )
