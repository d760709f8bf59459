"""Retries by hand: both jobs name each other, and no step that one has recorded is recorded by the other."""

import json
from collections.abc import AsyncIterator, Iterator

from contracts.statuses import EventStatus, JobStatus
from verification.events import UnreadableRowError, read_event
from verification.evidence import Evidence
from verification.findings import Invariant, Violation
from verification.removals import known_removed
from verification.removed_fences import forgotten_jobs
from verification.scratch_database import ScratchDatabase

_RETRYABLE = {JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.TIMED_OUT, JobStatus.EXPIRED}


def retry_in(data: str) -> str:
    """Return what the event of a submission says of the job that it retries, as JSON; empty for none."""
    try:
        found = json.loads(data)
        retry_of, history = found.get("retry_of"), found.get("history", [])
    except (ValueError, AttributeError, RecursionError):
        return ""
    if not isinstance(retry_of, str):
        return ""
    ids = [job_id for job_id in history if isinstance(job_id, str)] if isinstance(history, list) else []
    return json.dumps({"retry_of": retry_of, "history": ids})


def check_names(scratch: ScratchDatabase, partition: str) -> Iterator[tuple[str, str]]:
    """Return which jobs of a lock name the job that they retry, or their retry, wrongly, and how."""
    retries = scratch.query(
        "SELECT job_id, retry, retry_of FROM jobs WHERE partition = ? AND has_row AND in_scope"
        " AND (retry != '' OR retry_of != '')",
        partition,
    )
    for job_id, retry, named in list(retries):
        of = json.loads(retry)["retry_of"] if retry else ""
        if of != named:
            yield job_id, f"its row says retry_of {named!r}, its events {of!r}"
            continue
        old = scratch.job(partition, of)
        if old is None and not _may_be_removed(scratch, partition, of):
            yield job_id, f"it retries job {of}, which the journal does not have"
        elif old is not None and old.status not in _RETRYABLE:
            yield job_id, f"it retries job {of}, which is {old.status}"
        elif old is not None and old.retried_by != job_id:
            yield job_id, f"it retries job {of}, whose row says retried_by {old.retried_by!r}"
        yield from ((job_id, what) for what in _foreign(scratch, partition, of, retry))
    retried = scratch.query(
        "SELECT job_id, retried_by FROM jobs WHERE partition = ? AND in_scope AND retried_by != ''", partition
    )
    for job_id, by in list(retried):
        new = scratch.job(partition, by)
        if new is None and not _may_be_removed(scratch, partition, by):
            yield job_id, f"its row says retried_by {by!r}, which the journal does not have"
        elif new is not None and (not new.retry or json.loads(new.retry)["retry_of"] != job_id):
            yield job_id, f"its row says retried_by {by!r}, which does not retry it"


def _foreign(scratch: ScratchDatabase, partition: str, of: str, retry: str) -> Iterator[str]:
    """Return which jobs a retry continues with that it does not retry, directly or through others."""
    left = set(json.loads(retry)["history"])
    seen: set[str] = set()
    while of and of not in seen:
        seen.add(of)
        left.discard(of)
        old = scratch.job(partition, of)
        if old is None:
            # It was removed, and so may those be that it retries.
            left = {job_id for job_id in left if scratch.job(partition, job_id) is not None}
        of = json.loads(old.retry)["retry_of"] if old is not None and old.retry else ""
    for job_id in sorted(left):
        yield f"it continues with the steps of job {job_id}, which it does not retry"


def _may_be_removed(scratch: ScratchDatabase, partition: str, job_id: str) -> bool:
    return known_removed(scratch, job_id) is not None or forgotten_jobs(scratch, partition) > 0


async def check_steps(evidence: Evidence, scratch: ScratchDatabase) -> AsyncIterator[Violation]:
    """See that no retry has recorded a step with which it continued. Raises UnknownOutcomeError."""
    found = scratch.query(
        "SELECT partition, job_id, lock, retry FROM jobs WHERE in_scope AND steps > 0 AND retry != ''"
    )
    for partition, job_id, lock, retry in list(found):
        known: dict[str, str] = {}
        for earlier in json.loads(retry)["history"]:
            known |= dict.fromkeys(await _steps_of(evidence, partition, earlier), earlier)
        for name in await _steps_of(evidence, partition, job_id) if known else ():
            if name in known:
                what = f"step {name!r} was recorded again, which job {known[name]} had recorded"
                yield Violation(Invariant.STEPS_ONCE, what, lock, job_id)


async def _steps_of(evidence: Evidence, partition: str, job_id: str) -> list[str]:
    names = []
    for stored in await evidence.job(partition, job_id):
        if stored.key.startswith("event|") and stored.values.get("status") == EventStatus.STEP:
            try:
                names.append(read_event(stored.values).message)
            except UnreadableRowError:
                continue  # it is reported where the journal is read
    return names
