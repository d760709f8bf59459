"""What an earlier job was submitted with, to submit the like again: three requests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from contracts.identifiers import JobIdError, normalise_job_id
from contracts.jobs import DEFAULT_PRIORITY
from coordination.clients.job_writer import NoSuchJobError, existing_job
from coordination.journal import rows
from coordination.journal.rows import JobRow
from coordination.ports import JobRegister, Journal
from dashboard.reading.kept_data import read_kept_data


@dataclass(frozen=True)
class EarlierJob:
    """What a job was submitted with."""

    job_id: str
    kind: str
    lock: str
    name: str
    description: str
    priority: int
    properties: Mapping[str, str]
    parameters: Mapping[str, JsonValue]
    #: Seconds that it might wait, and that an attempt and its end might take: only those that were said.
    limits: Mapping[str, float] = field(default_factory=dict)

    def submission(self, job_id: str) -> dict[str, JsonValue]:
        """Return the request that submits the like again, with an id of its own."""
        said: dict[str, JsonValue] = {
            "name": self.name,
            "description": self.description,
            "priority": None if self.priority == DEFAULT_PRIORITY else self.priority,
            "properties": dict(self.properties),
            **self.limits,
        }
        asked: dict[str, JsonValue] = {
            "kind": self.kind,
            "lock": self.lock,
            "parameters": dict(self.parameters),
            "job_id": job_id,
        }
        return asked | {name: value for name, value in said.items() if value not in ("", None, {})}


async def read_earlier(journal: Journal, register: JobRegister, job_id: str) -> EarlierJob:
    """Read what a job was submitted with. Raises NoSuchJobError or UnknownOutcomeError."""
    try:
        registration = await register.find(normalise_job_id(job_id))
    except JobIdError:
        registration = None
    if registration is None:
        raise NoSuchJobError
    row = await journal.read(registration.partition, rows.job_key(registration.job_id))
    job = existing_job(row)
    kept = await read_kept_data(journal, registration.partition, job)
    return EarlierJob(
        job_id=job.job_id,
        kind=job.kind,
        lock=job.lock_name,
        name=job.name,
        description=job.description,
        priority=job.priority,
        properties=json.loads(job.properties),
        parameters=json.loads(kept.parameters),
        limits=_limits(job),
    )


def _limits(job: JobRow) -> dict[str, float]:
    limits = {"timeout": job.timeout, "cancel_grace": job.cancel_grace}
    if job.expires_at is not None:
        waits = datetime.fromisoformat(job.expires_at) - datetime.fromisoformat(job.submitted_at)
        limits["expires_in"] = waits.total_seconds()
    return {name: seconds for name, seconds in limits.items() if seconds is not None}
