"""What an earlier job was submitted with, to submit the like again: three requests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from contracts.identifiers import JobIdError, normalise_job_id
from coordination.clients.job_writer import NoSuchJobError, existing_job
from coordination.journal import rows
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
    )
