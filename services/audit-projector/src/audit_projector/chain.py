"""Following a job's events one by one: whether each fits the one before, and which tenures they make up."""

import json
from dataclasses import replace
from datetime import datetime

from azure_storage.read_models.documents import Tenure, Watermark
from contracts.statuses import EventStatus
from coordination.events import chain_hash
from coordination.rows import EventRow


class Chain:
    """A job's events from a watermark on, appended in order."""

    def __init__(self, mark: Watermark) -> None:
        self.seq = mark.seq
        self.hash = mark.hash
        #: Fence of the run in progress; 0 when none is.
        self.running_fence = mark.running_fence
        self._tenures: dict[int, Tenure] = {}

    def append(self, event: EventRow) -> bool:
        """Go on by one event; tells whether it follows from the one before, by number and by hash."""
        fits = event.seq == self.seq + 1 and event.previous_hash == self.hash
        fits = fits and chain_hash(event) == event.hash
        self.seq, self.hash = event.seq, event.hash
        self._follow(event)
        return fits

    def tenures(self) -> list[Tenure]:
        """Give what the events so far tell of tenures."""
        return list(self._tenures.values())

    def _follow(self, event: EventRow) -> None:
        status = EventStatus(event.status)
        moment = datetime.fromisoformat(event.timestamp)
        if status is EventStatus.STARTED and event.fence is not None:
            self.running_fence = event.fence
            self._tenures[event.fence] = Tenure(
                lock=event.lock_name,
                fence=event.fence,
                job_id=event.job_id,
                attempt=event.attempt,
                worker=event.worker,
                tenure=json.loads(event.data).get("tenure"),
                began_at=moment,
            )
        elif self.running_fence and (status is EventStatus.INTERRUPTED or status.is_terminal):
            # Only the event that ended the run: one that failed after an interruption was over before.
            begun = self._tenures.get(self.running_fence, Tenure(event.lock_name, self.running_fence))
            self._tenures[self.running_fence] = replace(begun, ended_at=moment, outcome=status.value)
            self.running_fence = 0
