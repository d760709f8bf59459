"""Read models: trail, summaries and lock runs say what the journal says, no more and no less.

Computed from the journal's rows alone, once everything has ended and is projected.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from tests.simulation.judges.writes import Tell

from contracts.jobs import JobSummary
from contracts.statuses import EventStatus
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Row
from read_models.documents import LockRun, TrailEntry, Watermark
from read_models.memory import InMemoryReadModels


def check_read_models(
    partitions: Mapping[str, Mapping[str, Row]], models: InMemoryReadModels, tell: Tell
) -> None:
    """Compare everything in the read models with the journal."""
    events = {
        (partition, event.job_id, event.seq): event
        for partition, stored in partitions.items()
        for key, row in sorted(stored.items())
        if key.startswith("event|")
        for event in [EventRow.from_row(row)]
    }
    for what in (
        _differences("trail", {_id(e): _trail(e) for e in events.values()}, _entries(models.trail)),
        _differences("recent events", {_id(e): _trail(e) for e in events.values()}, _entries(models.recent)),
        _differences("lock runs", _runs(events), {key: _run(run) for key, run in models.runs.items()}),
        _differences(
            "summaries", _summaries(partitions), {j: _told(s, m) for j, (s, m) in models.summaries.items()}
        ),
        _differences(
            "locks", _last_fences(events), {p: (k.lock, k.last_fence) for p, k in models.known_locks.items()}
        ),
    ):
        for difference in what:
            tell("read-models", difference)


def check_summary(
    summary: JobSummary, mark: Watermark, states: Sequence[tuple[int, str, int, int]], tell: Tell
) -> None:
    """See that a summary, as it is written, is not older than the events that it is said to contain."""
    shown = summary.status, summary.attempt, summary.interruptions
    if not any(shown == state[1:] for state in states if state[0] >= mark.seq):
        tell("read-models", f"{summary.job_id} is shown as {shown} with {mark.seq} events projected")


def _differences(
    what: str, expected: Mapping[object, object], found: Mapping[object, object]
) -> Iterator[str]:
    for key in expected.keys() - found.keys():
        yield f"{what}: {key} is missing"
    for key in found.keys() - expected.keys():
        yield f"{what}: {key} should not be there"
    for key in expected.keys() & found.keys():
        if expected[key] != found[key]:
            yield f"{what}: {key} is {found[key]}, not {expected[key]}"


def _id(event: EventRow) -> str:
    return f"{event.job_id}-{event.seq:06d}"


def _trail(event: EventRow) -> object:
    moment = datetime.fromisoformat(event.timestamp)
    facts = event.job_id, event.seq, event.status, event.message, moment, event.attempt, event.fence
    more = event.worker, event.lock_name, event.actor, json.loads(event.data)
    return facts, more, event.hash, event.previous_hash, False


def _entries(entries: Mapping[str, TrailEntry]) -> dict[object, object]:
    found: dict[object, object] = {}
    for key, entry in entries.items():
        event = entry.event
        facts = (
            event.job_id,
            event.seq,
            event.status,
            event.message,
            event.timestamp_utc,
            event.attempt,
            event.fence,
        )
        more = event.worker, event.lock, event.actor, event.data
        found[key] = facts, more, entry.hash, entry.previous_hash, entry.is_broken
    return found


def _runs(events: Mapping[tuple[str, str, int], EventRow]) -> dict[object, object]:
    """Return every run: its start, and the first event of its job after that which ended it."""
    runs: dict[object, object] = {}
    for (partition, job_id, seq), start in events.items():
        if start.status != EventStatus.STARTED:
            continue
        end, number = start, seq
        goes_on = {EventStatus.INTERRUPTED, EventStatus.ATTEMPT_FAILED}
        while end.status not in goes_on and not EventStatus(end.status).is_terminal:
            number += 1
            end = events[partition, job_id, number]
        began, ended = (datetime.fromisoformat(each.timestamp) for each in (start, end))
        slot = json.loads(start.data).get("slot", 0)
        runs[f"{partition}-{slot:02d}" if slot else partition, start.fence] = (
            (job_id, start.attempt, start.worker, json.loads(start.data)["tenure"], began, start.op_id),
            (ended, end.op_id, end.status),
            frozenset({f"{job_id}/{start.attempt}"}),
        )
    return runs


def _run(run: LockRun) -> object:
    return (
        (run.job_id, run.attempt, run.worker, run.tenure, run.began_at, run.begun_in),
        (run.ended_at, run.ended_in, run.outcome),
        run.runs,
    )


def _summaries(partitions: Mapping[str, Mapping[str, Row]]) -> dict[object, object]:
    found: dict[object, object] = {}
    for stored in partitions.values():
        for key, row in stored.items():
            if key.startswith("job|") and row.values.get("status") != JobRow.TOMBSTONE:
                job = JobRow.from_row(row)
                moments = [
                    datetime.fromisoformat(text) if text else None
                    for text in (job.submitted_at, job.queued_at, job.started_at, job.finished_at)
                ]
                found[job.job_id] = (
                    (job.kind, job.name, job.lock_name, job.status, job.priority, job.attempt),
                    (
                        job.interruptions,
                        job.fence or None,
                        job.worker or None,
                        job.actor,
                        job.cancel_requested,
                    ),
                    (job.error_type, job.error_message) if job.error_type else None,
                    (moments, json.loads(job.properties)),
                    (job.seq, job.event_hash, 0),
                )
    return found


def _told(summary: JobSummary, mark: Watermark) -> object:
    return (
        (summary.kind, summary.name, summary.lock, summary.status, summary.priority, summary.attempt),
        (summary.interruptions, summary.fence, summary.worker, summary.actor, summary.cancel_requested),
        (summary.error.type, summary.error.message) if summary.error else None,
        (
            [summary.submitted_at, summary.queued_at, summary.started_at, summary.finished_at],
            summary.properties,
        ),
        (mark.seq, mark.hash, mark.running_fence),
    )


def _last_fences(events: Mapping[tuple[str, str, int], EventRow]) -> dict[object, object]:
    found: dict[object, tuple[str, int]] = {}
    for (partition, _, _), event in events.items():
        known = found.get(partition, (event.lock_name, 0))[1]
        is_start = event.status == EventStatus.STARTED and "slot" not in json.loads(event.data)
        fence = (event.fence or 0) if is_start else 0
        found[partition] = event.lock_name, max(known, fence)
    return dict(found)
