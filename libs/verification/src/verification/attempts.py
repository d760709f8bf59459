"""Failed attempts that another one follows: how many there were, and when the next one is due."""

from collections.abc import Iterator
from datetime import datetime

from coordination.journal.rows import EventRow
from verification.told_rows import data_of

#: Seconds by which a due time may differ from what its event says of the delay: that is rounded.
_ROUNDED = 0.001


class Attempts:
    """Follows the failed attempts of one job."""

    def __init__(self) -> None:
        self.count = 0
        #: When the job began to wait for its turn after the latest of them.
        self.queued_at = ""
        self._due_at = ""

    def fail(self, event: EventRow, *, is_cancelled: bool) -> Iterator[str]:
        """Take a failed attempt; return what is wrong with it."""
        data = data_of(event.data)
        self.count += 1
        self.queued_at = self._due_at = str(data.get("next_attempt_at", ""))
        if is_cancelled:
            yield "another attempt is to follow, although its cancellation was requested"
        retries, attempts = data.get("retries"), data.get("attempts")
        if retries != self.count:
            yield f"it counts {retries} failed attempts, and there were {self.count}"
        if not isinstance(attempts, int) or self.count >= attempts:
            yield f"another attempt is to follow the failed attempt {self.count} of {attempts}"
        try:
            waits = datetime.fromisoformat(self._due_at) - datetime.fromisoformat(event.timestamp)
            differs = abs(waits.total_seconds() - float(data.get("delay", -1.0))) > _ROUNDED
        except (TypeError, ValueError):
            differs = True
        if differs:
            yield f"the next attempt is due at {self._due_at!r}, and the delay is {data.get('delay')}"

    def start(self, event: EventRow) -> str:
        """Take a start; return what is wrong with it, or an empty text."""
        due_at, self._due_at = self._due_at, ""
        is_early = event.timestamp < due_at
        return f"it was started at {event.timestamp}, and was due at {due_at}" if is_early else ""
