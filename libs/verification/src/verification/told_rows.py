"""What a job's row must say by the job's events, in addition to what they add up to."""

import json
from typing import Any

from contracts.statuses import EventStatus
from coordination.journal.rows import EventRow

#: Characters of an error's message that its event has, too.
_MESSAGE = 1000

_SUBMITTED = ("name", "description")


class ToldRow:
    """Follows the events of one job. What an event leaves out is not judged."""

    def __init__(self) -> None:
        #: Columns of the row, and what each must be.
        self.columns: dict[str, Any] = {}
        #: Characters of the traceback that is kept of the error; 0 when there is none.
        self.traceback = 0
        self._queued_before: str | None = None
        #: Number and transaction of the last interruption.
        self._interrupted = 0, ""

    def follow(self, event: EventRow, status: EventStatus) -> None:
        """Take the next event of a job that has not ended, or what was done to it afterwards."""
        data = data_of(event.data)
        match status:
            case EventStatus.SUBMITTED:
                self._submit(event, data)
            case EventStatus.STARTED:
                self.columns.setdefault("started_at", event.timestamp)
                self.columns["due_at"] = ""
            case EventStatus.INTERRUPTED:
                self._queued_before, self._interrupted = (
                    self.columns.get("queued_at"),
                    (event.seq, event.op_id),
                )
                self.columns["queued_at"] = event.timestamp
            case EventStatus.CANCEL_REQUESTED:
                self._cancel(event, data)
            case EventStatus.CANCELLED if event.worker is None:
                self._cancel(event, data)
            case _:
                self._follow_end(event, status, data)
        if status.is_terminal and self._interrupted == (event.seq - 1, event.op_id):
            # The interruption ended the job, so that it did not wait again.
            self.columns["queued_at"] = self._queued_before

    def _follow_end(self, event: EventRow, status: EventStatus, data: dict[str, Any]) -> None:
        match status:
            case EventStatus.ATTEMPT_FAILED:
                self._fail_attempt(event, data)
            case EventStatus.FAILED:
                self._fail(event, data)
            case EventStatus.FINALIZED | EventStatus.PINNED | EventStatus.UNPINNED:
                self._follow_afterwards(event, status, data.get("reason", ""))
            case EventStatus.TIMED_OUT:
                self.columns |= {"error_type": "TimedOut", "error_message": event.message[:_MESSAGE]}

    def text(self) -> str:
        """Return the columns as JSON, in which every text can be kept."""
        return json.dumps(self.columns)

    def _submit(self, event: EventRow, data: dict[str, Any]) -> None:
        self.columns |= {"actor": event.actor, "queued_at": event.timestamp, "error_type": ""}
        self.columns |= {"cancel_actor": "", "cancel_reason": "", "has_traceback": False}
        self.columns |= {"finalized_at": "", "finalized_by": "", "finalize_reason": ""}
        self.columns |= {"retries": "", "failure_type": "", "failure_message": "", "due_at": ""}
        self._pin("", "", "")
        # A shorter time in the row would let the job go too soon.
        self.columns["keep"] = data.get("keep", "")
        self.columns |= {name: data[name] for name in _SUBMITTED if isinstance(data.get(name), str)}
        if isinstance(data.get("properties"), dict):
            self.columns["properties"] = data["properties"]

    def _fail_attempt(self, event: EventRow, data: dict[str, Any]) -> None:
        waits = bool(data.get("delay"))
        self.columns |= {
            "queued_at": data.get("next_attempt_at", ""),
            "due_at": data.get("next_attempt_at", "") if waits else "",
            "retries": data.get("retries", ""),
            "failure_type": data.get("error_type", ""),
            "failure_message": event.message[:_MESSAGE],
            "holds_place": data.get("hold_place", ""),
        }

    def _follow_afterwards(self, event: EventRow, status: EventStatus, reason: object) -> None:
        if status is EventStatus.UNPINNED:
            self._pin("", "", "")
        elif status is EventStatus.PINNED:
            self._pin(event.timestamp, event.actor, reason)
        else:
            self.columns |= {
                "finalized_at": event.timestamp,
                "finalized_by": event.actor,
                "finalize_reason": reason,
            }

    def _pin(self, at: str, by: str, reason: object) -> None:
        self.columns |= {"pinned_at": at, "pinned_by": by, "pin_reason": reason}

    def _cancel(self, event: EventRow, data: dict[str, Any]) -> None:
        # The first request counts.
        if not self.columns.get("cancel_actor"):
            reason = data.get("reason", "")
            self.columns |= {
                "cancel_actor": event.actor,
                "cancel_reason": reason if isinstance(reason, str) else "",
            }

    def _fail(self, event: EventRow, data: dict[str, Any]) -> None:
        kept = data.get("traceback_characters", 0)
        self.traceback = kept if isinstance(kept, int) else 0
        error_type = data.get("error_type")
        self.columns |= {"error_message": event.message[:_MESSAGE], "has_traceback": bool(self.traceback)}
        if isinstance(error_type, str):
            self.columns["error_type"] = error_type
        else:
            self.columns.pop("error_type", None)


def as_told(name: str, value: object) -> object:
    """Return what a column of a row says, in the form in which `ToldRow` has it."""
    if value is None:
        return False if name == "has_traceback" else ""
    if name == "error_message":
        return str(value)[:_MESSAGE]
    return data_of(str(value)) if name == "properties" else value


def data_of(text: str) -> dict[str, Any]:
    """Read what an event says in addition; what cannot be read says nothing."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
