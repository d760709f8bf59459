"""Use case: recurring jobs."""

import re
from dataclasses import dataclass

from contracts.jobs import Page
from contracts.schedules import (
    SCHEDULE_NAME,
    Schedule,
    ScheduleDetails,
    ScheduleEvent,
    ScheduleFiring,
    ScheduleRequest,
)
from contracts.statuses import JobStatus
from coordination.clients.job_writer import NoSuchJobError
from coordination.ports import JobRegister, Journal
from publisher.telemetry import RequestTelemetry
from publisher.use_cases.jobs import find_job, read_job
from read_models import CursorError
from schedules import (
    Done,
    FiringRow,
    Firings,
    ScheduleRow,
    ScheduleService,
    ScheduleStore,
    event_document,
    schedule_details,
    schedule_document,
)
from submission import Acceptance, SubmissionService


@dataclass(frozen=True)
class Schedules:
    """Creates, changes, runs and shows schedules."""

    service: ScheduleService
    journal: Journal
    register: JobRegister

    async def put(self, name: str, asked: ScheduleRequest, actor: str) -> tuple[ScheduleDetails, Done]:
        """Create a schedule, or let it be what is asked. Raises what `ScheduleService.put` raises."""
        row, done = await self.service.put(name, asked.definition, actor, asked.reason)
        return await self._details(row), done

    async def get(self, name: str) -> ScheduleDetails:
        """Return a schedule. Raises NoSuchScheduleError or UnknownOutcomeError."""
        return await self._details(await self.service.get(name))

    async def all(self, limit: int, after: str | None) -> Page[Schedule]:
        """Return schedules by name. Raises CursorError or UnknownOutcomeError."""
        if after is not None and not re.fullmatch(SCHEDULE_NAME, after):
            raise CursorError
        found = await self.service.all(limit + 1, after or "")
        items = [schedule_document(row) for row in found[:limit]]
        return Page[Schedule](items=items, next=items[-1].name if len(found) > limit else None)

    async def events(self, name: str, limit: int, after: str | None) -> Page[ScheduleEvent]:
        """Return the events of a schedule, from the first. Raises NoSuchScheduleError."""
        found = await self.service.events(name, limit + 1, after or "")
        items = [event_document(row) for row in found[:limit]]
        return Page[ScheduleEvent](items=items, next=items[-1].id if len(found) > limit else None)

    async def pause(self, name: str, actor: str, reason: str) -> ScheduleDetails:
        """Let a schedule be due no more. Raises NoSuchScheduleError or UnknownOutcomeError."""
        return await self._details(await self.service.pause(name, actor, reason))

    async def resume(self, name: str, actor: str, reason: str) -> ScheduleDetails:
        """Let a schedule be due again. Raises NoSuchScheduleError or UnknownOutcomeError."""
        return await self._details(await self.service.resume(name, actor, reason))

    async def run(self, name: str, actor: str, reason: str, key: str | None) -> ScheduleFiring:
        """Submit the job of a schedule now. Raises what `ScheduleService.run` raises."""
        return await self.service.run(name, actor, reason, key)

    async def delete(self, name: str, actor: str, reason: str) -> ScheduleDetails:
        """Delete a schedule; return it as it was. Raises NoSuchScheduleError or UnknownOutcomeError."""
        return await self._details(await self.service.delete(name, actor, reason))

    async def _details(self, row: ScheduleRow) -> ScheduleDetails:
        firings = row.firings
        job_id = firings[0].job_id if firings else None
        return schedule_details(row, None if job_id is None else await self._status(job_id))

    async def _status(self, job_id: str) -> JobStatus | None:
        try:
            return JobStatus((await read_job(self.journal, await find_job(self.register, job_id))).status)
        except NoSuchJobError:
            return None


def make_schedules(
    store: ScheduleStore, submissions: SubmissionService, journal: Journal, telemetry: RequestTelemetry
) -> Schedules:
    """Put the use case together."""

    async def submit(firing: FiringRow) -> Acceptance:
        asked = firing.asked
        with telemetry.submission({}) as submitting:
            submitting.asks(asked)
            accepted = await submissions.accept(asked, firing.actor, submitting.traceparent)
            submitting.ends(accepted)
        return accepted

    service = ScheduleService(store, Firings(store, submit), submissions.kinds)
    return Schedules(service, journal, submissions.submitter.register)
