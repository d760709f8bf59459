"""The audit trail as the audit-projector wrote it, which the demonstration checks against the journal."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from azure_storage.installation import connect
from azure_storage.read_models import TableReadModels
from deploy.stack.settings import PREFIX, StackSettings
from service_defaults.settings import ServiceSettings

#: How long the projection may take to catch up.
_PATIENCE_SECONDS = 20.0


def read_trails(settings: StackSettings, wanted: Mapping[str, int]) -> dict[str, list[dict[str, Any]]]:
    """Read jobs' events from the table JobAuditTrail, waiting a while until it has as many as wanted."""
    return asyncio.run(_read_trails(settings, wanted))


def same_events(trail: Sequence[Mapping[str, Any]], journal: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether two accounts of a job agree on what happened, when, and under which fence."""
    facts = ("seq", "status", "message", "timestamp_utc", "attempt", "fence", "worker")
    return [[event[fact] for fact in facts] for event in trail] == [
        [event[fact] for fact in facts] for event in journal
    ]


async def _read_trails(settings: StackSettings, wanted: Mapping[str, int]) -> dict[str, list[dict[str, Any]]]:
    values = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in settings.for_services().items()
        if name.startswith(PREFIX)
    }
    service = ServiceSettings.model_validate(values)
    connection = connect(service)
    try:
        read_models = TableReadModels(connection)
        return {job_id: await _read(read_models, job_id, count) for job_id, count in wanted.items()}
    finally:
        await connection.aclose()


async def _read(read_models: TableReadModels, job_id: str, wanted: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        events = await read_models.audit_trail(job_id)
        if len(events) >= wanted or time.monotonic() > deadline:
            return [event.model_dump(mode="json") for event in events]
        await asyncio.sleep(0.2)
