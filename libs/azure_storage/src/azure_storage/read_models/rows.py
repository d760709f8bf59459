"""Rows of the read models: how documents are stored, and read back."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from azure.data.tables import EdmType, EntityProperty

from azure_storage.read_models import keys
from azure_storage.read_models.stored_rows import StoredRow
from azure_storage.read_models.tables import Entity, plain
from contracts.jobs import Event, Instance, JobError, JobSummary, Kind, Worker
from contracts.statuses import EventStatus, JobStatus
from read_models.documents import TrailEntry, Watermark
from read_models.ordering import event_order
from read_models.rare_states import RareState

#: Characters of one stored text: 64 KiB in UTF-16, where a character takes up to 4 bytes, less some room.
_LONGEST_TEXT = 16_000

#: Start of the names of the columns with a job's properties.
_PROPERTY = "Property_"


def event_row(entry: TrailEntry) -> Entity:
    """Return the values of an event, the same in the audit trail and among the recent events."""
    event = entry.event
    return without_none(
        {
            "JobId": event.job_id,
            "EventId": event.event_id,
            "Status": event.status.value,
            "Message": event.message,
            "TimestampUtc": event.timestamp_utc,
            "Seq": event.seq,
            "Attempt": event.attempt,
            "Fence": int64(event.fence),
            "Worker": event.worker,
            "Lock": event.lock,
            "Actor": event.actor,
            "TraceId": event.trace_id,
            "Data": json.dumps(event.data, ensure_ascii=False, separators=(",", ":")),
        }
    )


def trail_row(entry: TrailEntry) -> Entity:
    """Return the row of the audit trail."""
    keyed = {"PartitionKey": entry.event.job_id, "RowKey": entry.event.event_id}
    chain: Entity = {"Hash": entry.hash, "PreviousHash": entry.previous_hash}
    if entry.is_broken:
        chain["ChainBroken"] = True
    return keyed | event_row(entry) | chain


def recent_row(entry: TrailEntry) -> Entity:
    """Return the row among the recent events."""
    event = entry.event
    keyed = {
        "PartitionKey": keys.inverted_minute(event.timestamp_utc),
        "RowKey": event_order(event.timestamp_utc, event.fence, event.job_id, event.seq),
    }
    return keyed | event_row(entry)


def read_event(row: Entity) -> Event:
    """Read an event back."""
    return Event(
        job_id=row["JobId"],
        seq=row["Seq"],
        event_id=row["EventId"],
        status=EventStatus(row["Status"]),
        message=row["Message"],
        timestamp_utc=_moment(row["TimestampUtc"]),
        attempt=row["Attempt"],
        fence=plain(row.get("Fence")),
        worker=row.get("Worker"),
        lock=row["Lock"],
        actor=row["Actor"],
        trace_id=row.get("TraceId"),
        data=json.loads(row["Data"]),
    )


def read_trail_entry(row: Entity) -> TrailEntry:
    """Read an event of the audit trail back, with its hashes."""
    return TrailEntry(read_event(row), row["Hash"], row["PreviousHash"], bool(row.get("ChainBroken")))


def summary_row(summary: JobSummary, mark: Watermark) -> Entity:
    """Return the row of a job's summary, which is also its watermark."""
    return _job_row(summary) | without_none(
        {
            "ProjectedSeq": mark.seq,
            "ProjectedHash": mark.hash,
            "RunningFence": int64(mark.running_fence),
            "WaitsSince": mark.queued_at,
            "WroteAt": mark.last_event_at,
        }
    )


def rare_row(state: RareState, summary: JobSummary, as_of: int) -> Entity:
    """Return the row of a job in a rare state, which says what it takes into account."""
    row = _job_row(summary)
    return row | {"PartitionKey": f"{keys.rare_prefix(state)}{row['PartitionKey']}", "AsOf": as_of}


def _job_row(summary: JobSummary) -> Entity:
    partition, key = keys.summary_key(summary.job_id, summary.submitted_at)
    properties = {
        property_column(name): property_value(name, value) for name, value in summary.properties.items()
    }
    return properties | without_none(
        {
            "PartitionKey": partition,
            "RowKey": key,
            "JobId": summary.job_id,
            "Kind": summary.kind,
            "Name": summary.name,
            "Lock": summary.lock,
            "Status": summary.status.value,
            "Priority": summary.priority,
            "Attempt": summary.attempt,
            "Interruptions": summary.interruptions,
            "Fence": int64(summary.fence),
            "Worker": summary.worker,
            "Actor": summary.actor,
            "CancelRequested": summary.cancel_requested,
            "Finalized": summary.finalized or None,
            "TraceId": summary.trace_id,
            "ErrorType": summary.error.type if summary.error else None,
            "ErrorMessage": summary.error.message if summary.error else None,
            "SubmittedAt": summary.submitted_at,
            "QueuedAt": summary.queued_at,
            "StartedAt": summary.started_at,
            "FinishedAt": summary.finished_at,
            "NextAttemptAt": summary.next_attempt_at,
        }
    )


def read_watermark(row: StoredRow) -> Watermark:
    """Read the watermark of a job back from the row of its summary."""
    return Watermark(
        row["ProjectedSeq"],
        row["ProjectedHash"],
        plain(row["RunningFence"]),
        row.etag,
        moment_or_none(row.get("WaitsSince")),
        moment_or_none(row.get("WroteAt")),
    )


def read_summary(row: Entity) -> JobSummary:
    """Read a summary back. What a row of an earlier version leaves empty is absent."""
    error_type = row.get("ErrorType")
    pairs = [json.loads(value) for name, value in row.items() if name.startswith(_PROPERTY)]
    return JobSummary(
        job_id=row["JobId"],
        kind=row["Kind"],
        name=row["Name"],
        lock=row["Lock"],
        status=JobStatus(row["Status"]),
        priority=row["Priority"],
        properties=dict(pairs),
        attempt=row["Attempt"],
        interruptions=row["Interruptions"],
        fence=plain(row.get("Fence")) or None,
        worker=row.get("Worker") or None,
        actor=row["Actor"],
        cancel_requested=row.get("CancelRequested", False),
        finalized=row.get("Finalized", False),
        error=JobError(type=error_type, message=row["ErrorMessage"]) if error_type else None,
        trace_id=row.get("TraceId"),
        submitted_at=_moment(row["SubmittedAt"]),
        queued_at=moment_or_none(row.get("QueuedAt")),
        started_at=moment_or_none(row.get("StartedAt")),
        finished_at=moment_or_none(row.get("FinishedAt")),
        next_attempt_at=moment_or_none(row.get("NextAttemptAt")),
    )


def property_column(name: str) -> str:
    """Return the column of a job's property: a name may contain what the name of a column may not."""
    return f"{_PROPERTY}{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def property_value(name: str, value: str) -> str:
    """Return what the column of a job's property contains."""
    return json.dumps([name, value], ensure_ascii=False)


def document_row(shelf: str, key: str, document: Kind | Worker | Instance) -> Entity:
    """Return the row of a kind, a worker or an instance: its JSON, over several values when it is long."""
    text = document.model_dump_json()
    chunks = [text[start : start + _LONGEST_TEXT] for start in range(0, len(text), _LONGEST_TEXT)]
    row: Entity = {"PartitionKey": shelf, "RowKey": key, "Chunks": len(chunks)}
    return row | {f"Json{number}": chunk for number, chunk in enumerate(chunks)}


def read_document(row: Entity) -> str:
    """Read the JSON of a kind, a worker or an instance back."""
    return "".join(row[f"Json{number}"] for number in range(row["Chunks"]))


def without_none(row: Entity) -> Entity:
    """Return a row without the values that are None: those are not stored."""
    return {name: value for name, value in row.items() if value is not None}


def int64(value: int | None) -> EntityProperty | None:
    """Return a number as the storage keeps one that may be long."""
    return None if value is None else EntityProperty(value, EdmType.INT64)


def _moment(value: Any) -> datetime:
    return datetime(
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        tzinfo=UTC,
    )


def moment_or_none(value: Any) -> datetime | None:
    """Read a stored moment back."""
    return None if value is None else _moment(value)
