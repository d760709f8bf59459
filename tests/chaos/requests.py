"""Which write of Turnstile an HTTP request to the storage is, as a stranger sees it on the wire."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from contracts.statuses import EventStatus


class Kind(StrEnum):
    """The kinds of writes; anything else, reads above all, has none."""

    # Leases.
    ACQUIRE = "acquire lease"
    RENEW = "renew lease"
    RELEASE = "release lease"
    # The journal's transactions.
    SUBMIT = "submit"
    CANCEL = "cancel"
    TAKE_OVER = "take over"
    STEP = "record step"
    STATE = "save state"
    PROGRESS = "write progress"
    END = "end"
    END_AND_START = "end and start next"
    INTERRUPT = "interrupt"
    # The register.
    REGISTER = "register"
    RETIRE = "retire"
    # The read models.
    TRAIL = "write trail"
    RECENT = "write recent events"
    LOCK_RUN = "write lock run"
    SUMMARY = "write summary"


_LEASE_ACTIONS = {"acquire": Kind.ACQUIRE, "renew": Kind.RENEW, "release": Kind.RELEASE}
_READ_MODELS = {
    "JobAuditTrail": Kind.TRAIL,
    "RecentEvents": Kind.RECENT,
    "LockRuns": Kind.LOCK_RUN,
    "JobSummaries": Kind.SUMMARY,
}
_ENDS = {status.value for status in EventStatus if status.is_terminal}

#: The first row of a request: its table stands before the key, or at the end of the address.
_TABLE = re.compile(r"/[a-z0-9]+/e[0-9a-f]{12}(\w+?)(?:\(|\?|$| HTTP)")

_REFUSED = re.compile(rb"HTTP/1\.1 [45]")


@dataclass(frozen=True)
class Request:
    """An HTTP request, read whole."""

    method: str
    target: str
    #: By lower-case names.
    headers: Mapping[str, str]
    #: As they came.
    head: bytes
    body: bytes

    @classmethod
    def of(cls, head: bytes, body: bytes = b"") -> "Request":
        """Read the head of a request."""
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = (line.partition(":") for line in lines if line)
        return cls(method, target, {name.lower(): value.strip() for name, _, value in headers}, head, body)

    @property
    def is_write(self) -> bool:
        """Whether it changes anything."""
        return self.method not in {"GET", "HEAD", "OPTIONS"}


def kind_of(request: Request) -> Kind | None:
    """Recognise a write."""
    if "comp=lease" in request.target:
        return _LEASE_ACTIONS.get(request.headers.get("x-ms-lease-action", ""))
    if not request.is_write:
        return None
    if not request.target.endswith("/$batch"):
        return _kind_of_single(request.method, request.target)
    text = request.body.decode(errors="replace")
    found = _TABLE.search(text)
    table = found[1] if found else ""
    if table in _READ_MODELS:
        return _READ_MODELS[table]
    if table == "JobIndex":
        return Kind.REGISTER
    return _kind_of_transaction(text) if table == "Journal" else None


def is_carried_out(answer: bytes) -> bool:
    """Return whether a write was carried out; a batch was not when one of its parts is refused."""
    return answer.startswith(b"HTTP/1.1 2") and not _REFUSED.search(answer)


def _kind_of_single(method: str, target: str) -> Kind | None:
    found = _TABLE.search(target)
    if found is None:
        return None
    if found[1] == "JobIndex":
        return Kind.RETIRE if method == "DELETE" else None
    return _READ_MODELS.get(found[1])


def _kind_of_transaction(text: str) -> Kind | None:
    rows = [json.loads(line) for line in text.split("\r\n") if line.startswith("{")]
    statuses = {row["status"] for row in rows if str(row.get("RowKey", "")).startswith("event|")}
    if not statuses:
        return Kind.PROGRESS if "line%7Clock%7C00" in text else None
    if "Started" in statuses:
        return Kind.END_AND_START if statuses & _ENDS and "LeaseAcquired" not in statuses else Kind.TAKE_OVER
    if statuses & _ENDS:
        # Only a holder writes its lock's row: a writer that cancels a waiting job is not one.
        return Kind.END if "line%7Clock%7C00" in text else Kind.CANCEL
    by_status = {
        "Submitted": Kind.SUBMIT,
        "CancelRequested": Kind.CANCEL,
        "Step": Kind.STEP,
        "StateSaved": Kind.STATE,
        "Interrupted": Kind.INTERRUPT,
    }
    return next((kind for status, kind in by_status.items() if status in statuses), None)
