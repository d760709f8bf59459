"""Derives every read model again from the journal: `python -m audit_projector.rebuild`.

May run while everything else does: projectors continue, and write the same rows.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass

from audit_projector.projection import Projection
from audit_projector.settings import AuditProjectorSettings
from audit_projector.telemetry import ProjectionTelemetry
from azure_storage.installation import connect
from azure_storage.journal import TableJournal
from azure_storage.read_models import TableReadModelWriter
from azure_storage.register import TableRegister
from coordination.clock import SystemClock
from coordination.journal import rows
from coordination.journal.persistence import until_known
from coordination.journal.rows import JobRow
from coordination.ports import JobRegister, Journal, Registration, UnknownOutcomeError
from service_defaults.logging import configure_logging
from service_defaults.settings import read_settings

#: Jobs replayed at the same time.
_AT_ONCE = 16

#: For one job, while the storage does not answer.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did."""

    wiped: Mapping[str, int]
    jobs: int
    events: int


async def rebuild(settings: AuditProjectorSettings) -> Rebuilt:
    """Wipe the read models and project every job again.

    Raises UnknownOutcomeError when the storage stays away; repeating a rebuild is harmless.
    """
    storage = connect(settings)
    try:
        journal, register = TableJournal(storage), TableRegister(storage)
        models = TableReadModelWriter(storage)
        await models.prepare()
        wiped = await models.wipe(lambda job_ids: archived(journal, register, job_ids))
        projection = Projection(
            journal, register, models, ProjectionTelemetry().observe, times=settings.retention_times
        )
        jobs, events = await replay(register.all(), projection)
        return Rebuilt(wiped, jobs, events)
    finally:
        await storage.aclose()


async def archived(journal: Journal, register: JobRegister, job_ids: Collection[str]) -> set[str]:
    """Return which jobs have left the journal, so that their audit trails cannot be derived again.

    Raises UnknownOutcomeError.
    """
    found: set[str] = set()
    left = list(job_ids)
    for start in range(0, len(left), _AT_ONCE):
        some = left[start : start + _AT_ONCE]
        places = await asyncio.gather(*map(register.find, some))
        known = [place for place in places if place is not None]
        stored = await asyncio.gather(
            *(journal.read(place.partition, rows.job_key(place.job_id)) for place in known)
        )
        found |= {
            place.job_id
            for place, row in zip(known, stored, strict=True)
            if row is not None and JobRow.from_row(row).is_removed
        }
    return found


async def replay(registered: AsyncIterator[Registration], projection: Projection) -> tuple[int, int]:
    """Project jobs from their first events, and return how many jobs and events."""
    jobs = events = 0
    under_way: set[asyncio.Task[int]] = set()
    async with asyncio.TaskGroup() as tasks:
        async for job in registered:
            if len(under_way) >= _AT_ONCE:
                await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                done = {task for task in under_way if task.done()}
                under_way -= done
                jobs, events = jobs + _projected(done), events + sum(task.result() for task in done)
            under_way.add(tasks.create_task(_project(projection, job.lock_name, job.job_id)))
    return jobs + _projected(under_way), events + sum(task.result() for task in under_way)


async def _project(projection: Projection, lock_name: str, job_id: str) -> int:
    clock = SystemClock()
    return await until_known(
        clock,
        lambda: projection.project(lock_name, job_id, 0, afresh=True),
        clock.boot() + _PATIENCE_SECONDS,
    )


def _projected(tasks: set[asyncio.Task[int]]) -> int:
    return sum(1 for task in tasks if task.result())


def main() -> int:
    """Rebuild, and print what was done."""
    settings = read_settings(AuditProjectorSettings)
    configure_logging(settings, sys.stderr)
    try:
        done = asyncio.run(rebuild(settings))
    except (UnknownOutcomeError, ExceptionGroup) as error:
        print(f"Not rebuilt, try again: {_cause(error)}", file=sys.stderr)
        return 1
    for table, count in done.wiped.items():
        print(f"{table}: {count} rows wiped")
    print(f"{done.jobs} jobs with {done.events} events projected")
    return 0


def _cause(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
