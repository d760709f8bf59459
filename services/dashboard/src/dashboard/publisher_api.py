"""The publisher's HTTP API as pages use it, in the name of their viewers."""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote, urlencode

import httpx
from pydantic import JsonValue

from contracts.jobs import Accepted, Job, Kind, Lock, Page, Worker
from contracts.quarantine import QuarantinePage
from contracts.schedules import Schedule, ScheduleDetails, ScheduleEvent, ScheduleFiring
from dashboard.publisher_connection import (
    FieldError,
    NotFoundError,
    PublisherAwayError,
    PublisherConnection,
    PublisherError,
    RefusedError,
    problem_of,
)

__all__ = [
    "FieldError",
    "NotFoundError",
    "PublisherApi",
    "PublisherAwayError",
    "PublisherError",
    "RefusedError",
]

_SCHEDULES = "/api/v1/schedules"

#: Events of a schedule in one answer, and most such answers that are read.
_EVENTS_AT_ONCE, _MOST_PAGES = 200, 5


class PublisherApi(PublisherConnection):
    """A connection to a publisher, which any number of threads may use.

    `actor` is the name of the viewer, under which the audit trail records an action.
    """

    def submit(self, submission: Mapping[str, JsonValue], actor: str) -> Accepted:
        """Submit a job, which must have a `job_id`: then to submit it again cannot run it twice.

        When no answer comes it is sent once more. Raises RefusedError or PublisherAwayError.
        """
        try:
            return self._submit(submission, actor)
        except PublisherAwayError as error:
            if not isinstance(error.__cause__, httpx.ReadError | httpx.RemoteProtocolError):
                raise
        return self._submit(submission, actor)

    def cancel(self, job_id: str, actor: str, reason: str = "") -> Job:
        """Cancel a waiting job, or ask a running one to stop; return it as it is now.

        To repeat it is harmless. Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self.post(_action(job_id, "cancel"), {"reason": reason} if reason else None, actor, Job)

    def finalize(self, job_id: str, actor: str, reason: str = "") -> Job:
        """Say that a job that did not complete needs no attention; return it as it is now.

        To repeat it is harmless. Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self.post(_action(job_id, "finalize"), {"reason": reason}, actor, Job)

    def pin(self, job_id: str, actor: str, reason: str = "") -> Job:
        """Keep a job, whatever time is set for it; return it as it is now.

        To repeat it is harmless. Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self.post(_action(job_id, "pin"), {"reason": reason}, actor, Job)

    def unpin(self, job_id: str, actor: str, reason: str = "") -> Job:
        """Let a job go when its time is over; return it as it is now.

        To repeat it is harmless. Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self.post(_action(job_id, "unpin"), {"reason": reason}, actor, Job)

    def retry(self, job_id: str, actor: str, reason: str = "", *, is_fresh: bool = False) -> Accepted:
        """Retry a job that did not complete, and return the new job; a fresh one begins from the beginning.

        To repeat it is harmless. Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self.post(_action(job_id, "retry"), {"reason": reason, "fresh": is_fresh}, actor, Accepted)

    def drain(self, worker: str, actor: str, reason: str = "") -> Worker:
        """Have a worker take no new jobs; return it. To repeat it is harmless.

        Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self._tell(worker, actor, reason, takes_jobs=False)

    def resume(self, worker: str, actor: str, reason: str = "") -> Worker:
        """Have a worker take jobs again; return it. To repeat it is harmless.

        Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self._tell(worker, actor, reason, takes_jobs=True)

    def set_limit(self, lock: str, limit: int, actor: str, reason: str = "") -> Lock:
        """Set how many jobs of a lock may run at the same time; return it. To repeat it is harmless.

        Raises RefusedError or PublisherAwayError.
        """
        path = f"/api/v1/locks/{_segment(lock)}"
        return self.read(self.answer("PUT", path, {"limit": limit, "reason": reason}, actor), Lock)

    def kinds(self) -> list[Kind]:
        """Return the kinds that workers know. Raises PublisherAwayError."""
        return self.get("/api/v1/kinds", Page[Kind]).items

    def quarantine(self, limit: int = 50) -> QuarantinePage:
        """Return the oldest messages in quarantine. RabbitMQ counts each look: only look when asked to.

        Raises PublisherAwayError.
        """
        return self.get(f"/api/v1/quarantine?limit={limit}", QuarantinePage)

    def schedules(self) -> list[Schedule]:
        """Return the schedules by name. Raises PublisherAwayError."""
        found: list[Schedule] = []
        path = _SCHEDULES + "?limit=200"
        while True:
            page = self.get(path, Page[Schedule])
            found += page.items
            if page.next is None:
                return found
            path = f"{_SCHEDULES}?limit=200&cursor={quote(page.next, safe='')}"

    def put_schedule(self, name: str, body: Mapping[str, JsonValue], actor: str) -> ScheduleDetails:
        """Create a schedule, or let it be what the body says. To repeat it is harmless.

        Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self.read(self.answer("PUT", _schedule(name), body, actor), ScheduleDetails)

    def schedule(self, name: str) -> ScheduleDetails:
        """Return a schedule. Raises NotFoundError, RefusedError when it is not a name, PublisherAwayError."""
        return self.get(_schedule(name), ScheduleDetails)

    def schedule_events(self, name: str) -> tuple[list[ScheduleEvent], bool]:
        """Return the first events of a schedule, and whether there are more.

        Raises NotFoundError when there never was one of this name, RefusedError or PublisherAwayError.
        """
        found: list[ScheduleEvent] = []
        query: dict[str, str | int] = {"limit": _EVENTS_AT_ONCE}
        for _ in range(_MOST_PAGES):
            page = self.get(f"{_schedule(name)}/events?{urlencode(query)}", Page[ScheduleEvent])
            found += page.items
            if page.next is None:
                return found, False
            query["cursor"] = page.next
        return found, True

    def pause_schedule(self, name: str, actor: str, reason: str = "") -> None:
        """Let a schedule be due no more until it is resumed. To repeat it is harmless.

        Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        self.post(f"{_schedule(name)}:pause", {"reason": reason}, actor, ScheduleDetails)

    def resume_schedule(self, name: str, actor: str, reason: str = "") -> None:
        """Let a schedule be due again. To repeat it is harmless.

        Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        self.post(f"{_schedule(name)}:resume", {"reason": reason}, actor, ScheduleDetails)

    def run_schedule(self, name: str, actor: str, reason: str, key: str) -> ScheduleFiring:
        """Submit the job of a schedule now; the same key again finds the same job.

        Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        body: dict[str, JsonValue] = {"reason": reason, "idempotency_key": key}
        return self.post(f"{_schedule(name)}:run", body, actor, ScheduleFiring)

    def delete_schedule(self, name: str, actor: str, reason: str = "") -> None:
        """Delete a schedule. Raises RefusedError, NotFoundError or PublisherAwayError."""
        path = f"{_schedule(name)}?{urlencode({'reason': reason})}"
        self.read(self.answer("DELETE", path, None, actor), ScheduleDetails)

    def _submit(self, submission: Mapping[str, JsonValue], actor: str) -> Accepted:
        answer = self.answer("POST", "/api/v1/jobs", submission, actor)
        problem = problem_of(answer)
        if answer.status_code == HTTPStatus.CONFLICT and problem.get("same_request") is True:
            job = self.get(f"/api/v1/jobs/{problem['job_id']}", Job)
            return Accepted(job_id=job.job_id, lock=job.lock, status=job.status)
        return self.read(answer, Accepted)

    def _tell(self, worker: str, actor: str, reason: str, *, takes_jobs: bool) -> Worker:
        path = f"/api/v1/workers/{_segment(worker)}"
        body: dict[str, JsonValue] = {"takes_jobs": takes_jobs, "reason": reason}
        return self.read(self.answer("PUT", path, body, actor), Worker)


def _schedule(name: str) -> str:
    return f"{_SCHEDULES}/{_segment(name)}"


def _segment(name: str) -> str:
    """Return a name as a part of a path. One of dots alone would be taken for a step up."""
    return quote(name, safe="").replace(".", "%2E")


def _action(job_id: str, name: str) -> str:
    """Return the path of what can be done to a job."""
    return f"/api/v1/jobs/{quote(job_id, safe='')}/{name}"
